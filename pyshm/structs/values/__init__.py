"""Single values of a struct: from Python to bytes and back."""
