"""Every type of real NuGet packages, compared with .NET (docs/corpus.md)."""
