"""Where peers run: on this system, or on Windows under Wine."""
