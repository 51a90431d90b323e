"""Text from elsewhere, without characters that do harm in a terminal, source code or JSON."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["columns", "harmless", "json_text", "printable", "visible"]

# What ends a line, drives a terminal or changes the order of the letters around it: the control
# characters, the separators U+2028 and U+2029, the marks of bidirectional text, and surrogates,
# which no encoding has.
_HARMFUL = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


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


def harmless(text: str, *, keep: str = "") -> str:
    """Return ``text`` with escapes in place of the characters that can do harm.

    Those in ``keep`` and all others stay, also invisible ones: a program can use the text as a
    name.
    """
    return _HARMFUL.sub(lambda found: visible(found[0], keep=keep), text)


def json_text(value: Any) -> str:
    """Return ``value`` as JSON on one line, which can be shown by a terminal."""
    import json

    return _HARMFUL.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False)
    )


def printable(text: str, instead: str = " ", *, keep: str = "") -> str:
    """Return ``text`` with ``instead`` for each unprintable character that is not in ``keep``.

    Some of them end a line, and so a comment of source code, for one of the languages.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in keep else instead for char in text)


def columns(text: str) -> int:
    """Return how many columns of a terminal ``text`` takes; wide East Asian characters take two."""
    if text.isascii():
        return len(text)
    import unicodedata

    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )
