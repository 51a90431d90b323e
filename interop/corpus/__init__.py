"""Compares every type of real NuGet packages with .NET (docs/corpus.md)."""
