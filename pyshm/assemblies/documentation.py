"""The summaries of types and fields in the .xml file that the compiler writes for an assembly.

https://learn.microsoft.com/dotnet/csharp/language-reference/xmldoc/
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError, fromstring

from .._support.names import written_name

__all__ = ["Documentation"]

_LARGEST = 1 << 26
_NAMED = ("cref", "name", "langword", "href")
_PARAGRAPHS = frozenset({"para", "item", "list", "code"})


class Documentation:
    """The summaries of one assembly's types and fields; none if there is no such file."""

    def __init__(self, assembly_path: str) -> None:
        self._summaries: dict[str, str] = {}
        path = os.path.splitext(assembly_path)[0] + ".xml"
        if not os.path.isfile(path) or os.path.getsize(path) > _LARGEST:
            return
        with open(path, "rb") as file:
            data = file.read()
        # A compiler writes no document type. Entities can expand a small file to a huge one.
        if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
            return
        try:
            members = fromstring(data).iterfind("members/member")  # noqa: S314 - no entities
        except (ParseError, ValueError):
            return
        for member in members:
            name = member.get("name", "")
            summary = member.find("summary")
            if summary is not None and name[:2] in ("T:", "F:", "P:"):
                self._summaries[name] = _text(summary)

    def of_type(self, name: str) -> str:
        """Return the summary of the type with that reflection full name; "" if there is none."""
        return self._summaries.get("T:" + name.replace("+", "."), "")

    def of_field(self, type_name: str, field: str) -> str:
        """Return the summary of a field; of a backing field, the summary of its property."""
        name = written_name(field)
        kind = "F" if name == field else "P"
        return self._summaries.get(f"{kind}:{type_name.replace('+', '.')}.{name}", "")


def _text(element: Element) -> str:
    """Return the text of an element, with an empty line between paragraphs."""
    paragraphs = "".join(_pieces(element)).split("\f")
    return "\n\n".join(filter(None, (" ".join(part.split()) for part in paragraphs)))


def _pieces(element: Element) -> Iterator[str]:
    yield element.text or ""
    for child in element:
        separator = "\f" if child.tag in _PARAGRAPHS else ""
        yield separator
        if child.tag in ("see", "seealso", "paramref", "typeparamref") and not child.text:
            named = next((child.get(name, "") for name in _NAMED if child.get(name)), "")
            yield named.split(":", 1)[-1] if not named.startswith("http") else named
        else:
            yield from _pieces(child)
        yield separator + (child.tail or "")
