"""The types of a .NET assembly, read from its metadata without .NET and without running it."""

from .assembly import Assembly, Unbindable

__all__ = ["Assembly", "Unbindable"]
