"""The two desktop programs on a display, driven by their buttons and fields."""
