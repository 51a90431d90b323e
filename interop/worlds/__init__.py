"""Where a pair of peers runs: natively, or on Windows under Wine."""
