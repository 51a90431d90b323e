"""The summaries of types and fields in the .xml file that the compiler writes for an assembly.

https://learn.microsoft.com/dotnet/csharp/language-reference/xmldoc/
"""

from __future__ import annotations

import os
from xml.parsers import expat

from .._support.files import open_regular, read_at_most
from .._support.names import written_name

__all__ = ["Documentation"]

_LARGEST = 1 << 25  # bytes
_DEEPEST = 200  # elements around a text
_NAMED = ("cref", "name", "langword", "href")
_REFERENCES = frozenset({"see", "seealso", "paramref", "typeparamref"})
_PARAGRAPHS = frozenset({"para", "item", "list", "code"})
_MEMBER = ["doc", "members", "member"]


class Documentation:
    """The summaries of one assembly's types and fields; none if there is no such file.

    ``ignored`` says why the file is not used, or is empty. The file is not trusted.
    """

    def __init__(self, assembly_path: str) -> None:
        self._summaries: dict[str, str] = {}
        self.ignored = ""
        path = os.path.splitext(assembly_path)[0] + ".xml"
        try:
            self._summaries = _summaries(_content(path))
        except FileNotFoundError:
            pass
        except OSError as error:
            self.ignored = f"{path}: {error.strerror}"
        except (expat.ExpatError, LookupError, ValueError) as error:
            # Python's decoder of an unknown encoding can raise LookupError and ValueError.
            self.ignored = f"{path}: {error}"

    def of_type(self, name: str) -> str:
        """Return the summary of the type with that reflection full name; "" if there is none."""
        return self._summaries.get("T:" + name.replace("+", "."), "")

    def of_field(self, type_name: str, field: str) -> str:
        """Return the summary of a field; of a backing field, the summary of its property."""
        name = written_name(field)
        kind = "F" if name == field else "P"
        return self._summaries.get(f"{kind}:{type_name.replace('+', '.')}.{name}", "")


def _content(path: str) -> bytes:
    with open_regular(path) as file:
        data = read_at_most(file, _LARGEST)
    if len(data) > _LARGEST:
        raise ValueError(f"it has more than {_LARGEST} bytes")
    return data


def _summaries(data: bytes) -> dict[str, str]:
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = reader.doctype
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.Parse(data, True)
    return reader.found


class _Reader:
    """Collects the summaries while the file is parsed; no tree is built."""

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        self._path: list[str] = []
        self._member = ""
        self._pieces: list[str] | None = None  # of the summary that is being read
        self._references: list[tuple[int, str]] = []

    def doctype(self, *_: object) -> None:
        # A compiler writes none. Its entities could expand a small file to a huge text.
        raise ValueError("it has a document type, which no compiler writes")

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._path) == _DEEPEST:
            raise ValueError(f"its elements are nested more than {_DEEPEST} deep")
        if self._pieces is not None:
            if tag in _PARAGRAPHS:
                self._pieces.append("\f")
            elif tag in _REFERENCES:
                self._references.append((len(self._pieces), _named(attributes)))
        elif self._path == _MEMBER[:2] and tag == _MEMBER[2]:
            self._member = attributes.get("name", "")
        elif self._path == _MEMBER and tag == "summary" and self._is_wanted():
            self._pieces = []
        self._path.append(tag)

    def end(self, tag: str) -> None:
        self._path.pop()
        if self._pieces is None:
            return
        if len(self._path) == len(_MEMBER):
            self.found[self._member] = _paragraphs("".join(self._pieces))
            self._pieces = None
        elif tag in _PARAGRAPHS:
            self._pieces.append("\f")
        elif tag in _REFERENCES:
            begin, name = self._references.pop()
            if len(self._pieces) == begin:  # the element has no text of its own
                self._pieces.append(name)

    def text(self, data: str) -> None:
        if self._pieces is not None:
            self._pieces.append(data)

    def _is_wanted(self) -> bool:
        return self._member[:2] in ("T:", "F:", "P:") and self._member not in self.found


def _named(attributes: dict[str, str]) -> str:
    name = next((attributes[name] for name in _NAMED if attributes.get(name)), "")
    return name if name.startswith("http") else name.split(":", 1)[-1]


def _paragraphs(text: str) -> str:
    """Return the text of a summary, with an empty line between paragraphs."""
    return "\n\n".join(filter(None, (" ".join(part.split()) for part in text.split("\f"))))
