"""Text for terminals: invisible characters as escapes, and the width of characters."""

from __future__ import annotations

__all__ = ["columns", "visible"]


def visible(text: str, *, keep: str = "") -> str:
    """Return ``text`` with escapes in place of characters that are invisible or control a terminal.

    The characters in ``keep`` are not replaced.
    """
    if text.isprintable():
        return text
    return "".join(
        c
        if c.isprintable() or c in keep
        else c.encode("unicode_escape", "surrogatepass").decode("ascii")
        for c in text
    )


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; wide East Asian characters take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
