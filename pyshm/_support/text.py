"""Characters that would not be seen, and how wide the others are."""

from __future__ import annotations

__all__ = ["columns", "visible"]


def visible(text: str, *, keep: str = "") -> str:
    """Characters that would not be seen, or command a terminal, as their escapes.

    Those in ``keep`` stay.
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
    """How many columns of a terminal ``text`` takes: characters of East Asia take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
