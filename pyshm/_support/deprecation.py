"""Warnings for names that are replaced in the next version."""

from __future__ import annotations

__all__ = ["warn_deprecated"]


def warn_deprecated(old: str, new: str, stacklevel: int = 3) -> None:
    """Warn that ``old`` is deprecated, and that ``new`` replaces it.

    With the default ``stacklevel`` the warning shows the caller of the function that calls this.
    """
    import warnings

    warnings.warn(f"{old} is deprecated; use {new}", DeprecationWarning, stacklevel=stacklevel)
