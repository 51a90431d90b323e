"""The warning for a name of an earlier version that still works."""

from __future__ import annotations

__all__ = ["warn_deprecated"]


def warn_deprecated(old: str, new: str, *, stacklevel: int = 1) -> None:
    """Warn that ``old`` will be removed, and that ``new`` replaces it.

    With ``stacklevel`` 1 the warning is about the caller of the function that calls this one.
    """
    import warnings

    message = f"{old} is deprecated and will be removed in version 0.3; use {new} instead"
    warnings.warn(message, DeprecationWarning, stacklevel=stacklevel + 2)
