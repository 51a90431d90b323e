"""Names of generic instances: ``Game.Pair`1[System.Int32]``, or as in C# ``Game.Pair<int>``.

https://learn.microsoft.com/dotnet/fundamentals/reflection/specifying-fully-qualified-type-names
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["TypeName", "parsed"]

_DEEPEST = 32
# The characters of a name; a backslash escapes one that has a meaning in the grammar.
_NAME = re.compile(r"(?:\\.|[^\\\[\]<>,*?&])+", re.DOTALL)
_ARRAY = re.compile(r"\[(,*)\]")


class TypeName(NamedTuple):
    """A full name, the type arguments, and what follows: ``[]``, ``[,]``, ``*`` and ``?``."""

    name: str
    arguments: tuple[TypeName, ...] = ()
    suffixes: tuple[str, ...] = ()


class _Wrong(Exception):
    """The text is not a name of the grammar."""


def parsed(text: str) -> TypeName | None:
    """Return the parts of a type's name; None if the text is not one."""
    reader = _Reader(text)
    try:
        found = reader.type(0)
        return found if reader.at == len(text) else None
    except _Wrong:
        return None


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0

    def type(self, depth: int) -> TypeName:
        match = _NAME.match(self._text, self.at)
        if match is None or not match[0].strip() or depth > _DEEPEST:
            raise _Wrong
        self.at = match.end()
        name = match[0].strip()
        arguments: tuple[TypeName, ...] = ()
        if self._next() == "[" and not _ARRAY.match(self._text, self.at):
            arguments = self._arguments("]", depth)
        elif self._next() == "<":
            arguments = self._arguments(">", depth)
            name = f"{name}`{len(arguments)}"
        suffixes = []
        while (suffix := self._suffix()) is not None:
            suffixes.append(suffix)
        return TypeName(name, arguments, tuple(suffixes))

    def _next(self) -> str:
        return self._text[self.at : self.at + 1]

    def _arguments(self, end: str, depth: int) -> tuple[TypeName, ...]:
        found: list[TypeName] = []
        while not found or self._next() == ",":
            self.at += 1  # the bracket, or the comma
            found.append(self._qualified(depth + 1))
        if self._next() != end:
            raise _Wrong
        self.at += 1
        return tuple(found)

    def _qualified(self, depth: int) -> TypeName:
        """Read a type, which can be in brackets with the assembly that it is in."""
        while self._next() == " ":
            self.at += 1
        if self._next() != "[":
            return self.type(depth)
        self.at += 1
        found = self.type(depth)
        end = self._text.find("]", self.at)
        if end < 0 or self._next() not in (",", "]"):
            raise _Wrong
        self.at = end + 1
        return found

    def _suffix(self) -> str | None:
        array = _ARRAY.match(self._text, self.at)
        text = array[0] if array else self._next()
        if not array and text not in ("*", "?"):
            return None
        self.at += len(text)
        return text
