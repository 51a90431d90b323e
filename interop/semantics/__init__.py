"""Sequences of API calls, and their outcomes in each language (docs/semantics.md)."""
