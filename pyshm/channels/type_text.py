"""The text that identifies what a channel carries (docs/channels.md, "The type text").

Both languages make the same text of the same bytes. A channel has its hash, so that a program
which opens it with another type gets an error, and the text itself, so that the error names both.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from ..layout.forms import Form, Inline, Scalar, Sequence, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ..layout.forms import Layout

__all__ = ["array_text", "hash_of", "struct_text"]

_LETTERS = {"float": "f", "bool": "b", "char8": "c", "char16": "c", "address": "p",
            "int128": "i", "uint128": "u"}  # fmt: skip
_BACKING_FIELD = re.compile(r"<(.+)>k__BackingField")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz", "_")


def struct_text(layout: Layout) -> str:
    """Return the text of a struct: its size, and a line for each field that is not a struct."""
    # sorted() keeps the order of declaration where fields share an offset.
    lines = sorted(_lines(layout, 0, ""), key=lambda line: line[0])
    return f"struct {layout.size}\n" + "".join(
        f"{offset} {kind} {name}\n" for offset, kind, name in lines
    )


def array_text(dtype: str) -> str:
    """Return the text of an array; ``dtype`` is ``numpy.dtype.str``."""
    return f"array {dtype}\n"


def hash_of(text: str) -> int:
    """Return the first eight bytes of the text's SHA-256 as a number; 0 for an empty text."""
    return int.from_bytes(sha256(text.encode()).digest()[:8], "little") if text else 0


def _lines(layout: Layout, at: int, prefix: str) -> Iterator[tuple[int, str, str]]:
    for field in layout.fields:
        name = prefix + _plain(field.dotnet_name)
        yield from _of_form(field.form, at + field.offset, name)


def _of_form(form: Form, at: int, name: str) -> Iterator[tuple[int, str, str]]:
    if isinstance(form, Inline):
        declaration = form.layout.declaration
        if declaration.fixed_buffer:
            yield at, _buffer(form.layout), name
        elif declaration.inline_array is not None:
            yield from _of_form(form.layout.fields[0].form, at, name)
        else:
            yield from _lines(form.layout, at, f"{name}.")
    elif isinstance(form, Sequence) and isinstance(form.element, Scalar):
        yield at, f"{_kind(form.element)}[{form.count}]", name
    elif isinstance(form, Sequence):
        for index in range(form.count):
            yield from _of_form(form.element, at + index * form.stride, f"{name}[{index}]")
    elif isinstance(form, Text):
        yield at, f"t{form.unit}[{form.count}]", name
    else:
        yield at, _kind(form), name


def _buffer(layout: Layout) -> str:
    """Return the kind and the count of a fixed buffer, whose layout has one element only."""
    element = layout.fields[0].form
    assert isinstance(element, Scalar)  # C# has fixed buffers of numbers, chars and bools
    # The marshaller copies the managed bytes: a char has two, a bool has one. Their number is in
    # the declaration; the marshalled layout has at least one BOOL of four bytes.
    kind = {"char8": "c2", "char16": "c2", "bool": "b1"}.get(element.kind, _kind(element))
    return f"{kind}[{layout.declaration.size // int(kind[1:])}]"


def _kind(scalar: Scalar) -> str:
    letter = _LETTERS.get(scalar.kind, "x")
    if scalar.kind == "int":
        letter = "u" if (scalar.code or "").isupper() else "i"
    return f"{letter}{scalar.size}"


def _plain(name: str) -> str:
    """Return a field's name as the text has it: both languages spell it in their own way."""
    found = _BACKING_FIELD.fullmatch(name)
    return (found[1] if found else name).translate(_LOWER)
