"""The two desktop programs."""
