"""The two desktop programs on a display."""
