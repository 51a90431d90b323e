"""The two desktop programs on a display, driven as a person drives them."""
