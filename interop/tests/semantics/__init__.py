"""The table of .NET's semantics."""
