"""Sequences of API calls, and their outcomes in .NET and in pyshm (docs/semantics.md)."""
