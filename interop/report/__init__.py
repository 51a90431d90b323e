"""The report of a run, as JSON lines, as text and as one HTML page (docs/report.md)."""
