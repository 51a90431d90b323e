"""The report of a run: JSON lines, text and one HTML page (docs/report.md)."""
