"""What is exchanged: the cases, their pictures, and the golden files."""
