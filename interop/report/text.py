"""Texts for HTML: escaped, always visible, said as people say them."""

from __future__ import annotations

import textwrap
from html import escape
from urllib.parse import quote

from pyshm._support.text import visible

__all__ = [
    "LONGEST",
    "counted",
    "duration",
    "essence",
    "id_of",
    "link_to",
    "named",
    "spoken",
    "text",
]

LONGEST = 12_000  # characters of a message


def essence(message: str) -> str:
    """The lines of a pytest failure that say what was wrong; all of it if it has none."""
    lines = [line[1:] for line in message.splitlines() if line[:2] in ("E ", "E")]
    told = textwrap.dedent("\n".join(lines)).removeprefix("AssertionError: ")
    return told or message[-LONGEST:]


def named(case: str) -> str:
    """A case's name, as code, or as the sentence that it is."""
    sentence = spoken(case)
    return text(sentence) if sentence != case else f"<code>{text(case)}</code>"


def spoken(case: str) -> str:
    """A test's name as the sentence that it is; any other name as it stands."""
    function, bracket, rest = case.partition("[")
    if not function.startswith("test_"):
        return case
    return function.removeprefix("test_").replace("_", " ") + (f" [{rest}" if bracket else "")


def counted(number: int, what: str) -> str:
    """``1 case``, ``2 cases``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """In milliseconds below a second."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def id_of(name: str) -> str:
    """An element's id; ids have no blanks."""
    return text(name).replace(" ", "_")


def link_to(name: str) -> str:
    """What leads to the element that has ``id_of`` this name as its id."""
    return "#" + quote(visible(name, keep="\n").replace(" ", "_"))


def text(item: object) -> str:
    """Text, escaped; what would not be seen, or can't be written in UTF-8, as escapes."""
    return escape(visible(str(item), keep="\n"))
