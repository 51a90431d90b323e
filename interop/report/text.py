"""Text for the page: escaped for HTML, with invisible characters made visible."""

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
    """Return the lines of a pytest failure that describe the error, or all of it."""
    lines = [line[1:] for line in message.splitlines() if line[:2] in ("E ", "E")]
    found = textwrap.dedent("\n".join(lines)).removeprefix("AssertionError: ")
    return found or message[-LONGEST:]


def named(case: str) -> str:
    """Return the name of a case as HTML: a sentence, or code."""
    sentence = spoken(case)
    return text(sentence) if sentence != case else f"<code>{text(case)}</code>"


def spoken(case: str) -> str:
    """Return the name of a test as a sentence, any other name unchanged."""
    function, bracket, rest = case.partition("[")
    if not function.startswith("test_"):
        return case
    return function.removeprefix("test_").replace("_", " ") + (f" [{rest}" if bracket else "")


def counted(number: int, what: str) -> str:
    """Return ``1 case``, ``2 cases``."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def duration(seconds: float) -> str:
    """Return a duration as text: in seconds, or below one second in milliseconds."""
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.1f} ms"


def id_of(name: str) -> str:
    """Return the id of an element. Ids have no blanks."""
    return text(name).replace(" ", "_")


def link_to(name: str) -> str:
    """Return the address of the element whose id is ``id_of(name)``."""
    return "#" + quote(visible(name, keep="\n").replace(" ", "_"))


def text(item: object) -> str:
    """Return text escaped for HTML. Invisible characters and surrogates become escapes."""
    return escape(visible(str(item), keep="\n"))
