"""The Windows world."""
