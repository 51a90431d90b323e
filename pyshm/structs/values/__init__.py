"""Single values of a struct, converted to bytes and back."""
