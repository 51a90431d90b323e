"""The proof: drives pyshm and the .NET reference as equal peers and compares the bytes."""
