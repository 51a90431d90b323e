"""A layout as a table, as text or JSON: a row for each field and each run of padding."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from .._support.names import written_name
from .._support.text import visible
from ..errors import LayoutError
from .builtins import fixed_buffer_element
from .declarations import Array, BuiltIn, FieldDeclaration, TypeDeclaration
from .forms import FieldLayout, Form, Inline, Layout, Scalar, Sequence, Text
from .traits import has_layout, is_ansi

__all__ = [
    "MOST_ROWS",
    "PADDING",
    "STRUCTS",
    "Row",
    "as_json",
    "bytes_text",
    "heading",
    "indented",
    "own_rows",
    "rows",
    "system",
    "type_text",
]

PADDING = "(padding)"
MOST_ROWS = 100_000
"""The limit of rows. Nested structs can have more fields than fit in memory."""

# The meanings of fields that are compared by the fields within them.
_STRUCT = "struct"
STRUCTS = "array of structs"


class Row(NamedTuple):
    """One field or run of padding: offset and size in bytes, dotted name, C# type, nesting depth.

    ``label`` is the name within the struct that contains the field, and ``start`` the offset of
    that struct. An array has its number of ``elements``, which are ``stride`` bytes apart; the rows
    of the first struct in an array follow, with names such as ``Wheels[0].Radius``. ``shared`` is
    true if another field of the struct has some of the same bytes. ``meaning`` is equal for two
    fields whose bytes mean the same, whatever their C# types are called; it is "" for padding.
    """

    offset: int
    size: int
    name: str
    type: str
    depth: int = 0
    label: str = ""
    start: int = 0
    elements: int = 1
    shared: bool = False
    meaning: str = ""
    stride: int = 0

    @property
    def is_padding(self) -> bool:
        """Whether no field uses these bytes."""
        return self.name == PADDING and not self.meaning

    @property
    def local_offset(self) -> int:
        """The offset from the beginning of the struct that contains the field, in bytes."""
        return self.offset - self.start


def rows(layout: Layout, *, limit: int = MOST_ROWS) -> list[Row]:
    """Return the rows of ``layout`` by offset; a struct's row comes before those of its fields.

    Raises LayoutError for a type with more than ``limit`` rows.
    """
    found = list(islice(_rows(layout, 0, "", "", 0), limit + 1))
    if len(found) > limit:
        name = layout.declaration.name
        raise LayoutError(
            f"{name} has more than {limit} fields, including those of its structs", limit=limit
        )
    return found


def _rows(layout: Layout, start: int, prefix: str, element: str, depth: int) -> Iterator[Row]:
    """Yield the rows of a struct; see :func:`own_rows` for the arguments."""
    end = start
    for row, within in own_rows(layout, start, prefix, element, depth):
        if row.offset > end:
            yield _padding(start, end, row.offset - end, depth)
        yield row
        if within is not None and row.meaning == STRUCTS:
            yield from _rows(within, row.offset, row.name, "[0].", depth + 1)
        elif within is not None:
            yield from _rows(within, row.offset, f"{row.name}.", "", depth + 1)
        end = max(end, row.offset + row.size)
    if start + layout.size > end:
        yield _padding(start, end, start + layout.size - end, depth)


def own_rows(
    layout: Layout, start: int = 0, prefix: str = "", element: str = "", depth: int = 0
) -> Iterator[tuple[Row, Layout | None]]:
    """Yield a row for each field by offset, without padding and without the fields within.

    With each row comes the layout of the struct that the field is, or that is the element of its
    array; otherwise None. ``start`` is added to the offsets. ``element`` comes before the labels,
    and ``prefix`` before both in the names.
    """
    owners = dict(_owners(layout.declaration))
    fields = sorted(layout.fields, key=lambda field: field.offset)
    for field, is_shared in zip(fields, _shared(fields), strict=True):
        owner = owners[id(field.declaration)]
        array = _as_array(field.form)
        form = array or field.form
        inner = array.element if array is not None else form
        label = element + written_name(field.dotnet_name)
        row = Row(
            start + field.offset,
            field.size,
            prefix + label,
            type_text(field.declaration, owner),
            depth,
            label,
            start,
            array.count if array is not None else 1,
            is_shared,
            _meaning(form, field.declaration, is_ansi(owner, layout.target)),
            array.stride if array is not None else 0,
        )
        yield row, inner.layout if isinstance(inner, Inline) else None


def _padding(start: int, offset: int, size: int, depth: int) -> Row:
    return Row(offset, size, PADDING, "", depth, PADDING, start)


def _shared(fields: list[FieldLayout]) -> list[bool]:
    """Return for each field, sorted by offset, whether it shares bytes with another field."""
    found = [False] * len(fields)
    widest = end = -1
    for index, field in enumerate(fields):
        if field.offset < end:
            found[index] = found[widest] = True
        if field.offset + field.size > end:
            widest, end = index, field.offset + field.size
    return found


def _owners(declaration: TypeDeclaration) -> Iterator[tuple[int, TypeDeclaration]]:
    """Yield the identity of each field of a layout, and the type or base class that declares it."""
    if declaration.base is not None and has_layout(declaration.base):
        yield from _owners(declaration.base)
    for field in declaration.fields:
        yield id(field), declaration


def _as_array(form: Form) -> Sequence | None:
    """Return the form of a ByValArray, an [InlineArray] or a fixed buffer as an array."""
    if isinstance(form, Sequence):
        return form
    if not isinstance(form, Inline) or not form.layout.fields:
        return None
    inner = form.layout.fields[0].form
    if form.layout.declaration.inline_array and isinstance(inner, Sequence):
        return inner
    if form.layout.declaration.fixed_buffer and isinstance(inner, Scalar):
        _, count = fixed_buffer_element(form.layout.declaration)
        return Sequence(inner, count, inner.size)
    return None


# --- types --------------------------------------------------------------------------------


def type_text(field: FieldDeclaration, owner: TypeDeclaration | None = None) -> str:
    """Return a field's C# type, followed in parentheses by what else decides about its bytes.

    Types have their reflection full names. A [MarshalAs] is the name of the UnmanagedType.
    """
    kind = field.type
    text = str(kind)
    notes = []
    if owner is not None and owner.inline_array:
        notes.append(f"InlineArray {owner.inline_array}")
    if isinstance(kind, TypeDeclaration):
        first = kind.fields[0].type if kind.fields else None
        if kind.kind == "enum":
            notes.append(f"enum {kind.underlying}")
        elif kind.kind in ("delegate", "interface", "class"):
            notes.append(kind.kind)
        elif kind.inline_array and first is not None:
            notes.append(f"InlineArray {kind.inline_array} {first}")
        elif kind.fixed_buffer:
            # The name of this struct comes from the compiler, so it means nothing to a reader.
            element, count = fixed_buffer_element(kind)
            text = f"fixed {element}[{count}]"
    given = field.marshal_as
    if given is not None:
        words = (given.unmanaged_type, given.size_const, given.array_sub_type)
        notes.append(" ".join(str(word) for word in words if word is not None))
    return f"{text} ({', '.join(notes)})" if notes else text


def _meaning(form: Form, field: FieldDeclaration, ansi: bool) -> str:
    if isinstance(form, Scalar):
        if form.kind == "address":
            text = _text_at_address(field, ansi)
            return f"address of {text}" if text else "address"
        return f"{form.kind} {form.code or form.size}"
    if isinstance(form, Text):
        return f"{form.count} characters of {form.unit}"
    if isinstance(form, Sequence):
        if isinstance(form.element, Inline):
            return STRUCTS
        return f"array of {_meaning(form.element, field, ansi)}"
    return _STRUCT


def _text_at_address(field: FieldDeclaration, ansi: bool) -> str:
    """Return the kind of text at an address; "" if it is not text."""
    given = field.marshal_as
    if field.type == Array(BuiltIn("string")):
        unmanaged = given.array_sub_type if given else None
    elif field.type == BuiltIn("string"):
        unmanaged = given.unmanaged_type if given else None
    else:
        return ""
    unmanaged = unmanaged or "LPTStr"
    return _BY_CHARSET[unmanaged][not ansi] if unmanaged in _BY_CHARSET else unmanaged


_BY_CHARSET = {"LPTStr": ("LPStr", "LPWStr"), "TBStr": ("AnsiBStr", "BStr")}


# --- as text ------------------------------------------------------------------------------


def indented(row: Row) -> str:
    """Return the name of a row, indented by two blanks for each struct around it.

    A bar precedes the name of a field that shares bytes with another field.
    """
    return f"{'  ' * row.depth}{'| ' if row.shared else ''}{visible(row.label)}"


def heading(layout: Layout) -> str:
    """Return the heading: the type, its size, alignment and Pack, the layout and the system."""
    pack = f", Pack {layout.pack}" if layout.pack else ""
    return (
        f"{visible(layout.declaration.name)}: {bytes_text(layout.size)}, "
        f"alignment {layout.alignment}{pack} ({system(layout)})"
    )


def system(layout: Layout) -> str:
    """Return which layout it is, and for which system: "marshalled, Unix, 64 bit"."""
    target = layout.target
    which = "marshalled" if layout.marshalled else "managed"
    return f"{which}, {'Windows' if target.windows else 'Unix'}, {8 * target.pointer_size} bit"


def bytes_text(size: int) -> str:
    """Return a size as text: "1 byte", "2 bytes"."""
    return "1 byte" if size == 1 else f"{size} bytes"


# --- as JSON ------------------------------------------------------------------------------


def as_json(layout: Layout) -> dict[str, Any]:
    """Return the table as JSON.

    The fields and the padding of a struct are in its ``fields`` and ``padding``; for an array of
    structs they are those of its first element. All offsets count from the beginning of the type.

    Raises LayoutError as :func:`rows` does.
    """
    root: dict[str, Any] = {
        "type": layout.declaration.name,
        "layout": "marshalled" if layout.marshalled else "managed",
        "windows": layout.target.windows,
        "pointer_size": layout.target.pointer_size,
        "size": layout.size,
        "alignment": layout.alignment,
        "pack": layout.pack,
        "fields": [],
        "padding": [],
    }
    path = [root]  # the structs around the row, the outermost first
    for row in rows(layout):
        del path[row.depth + 1 :]
        parent = path[-1]
        if row.is_padding:
            parent.setdefault("padding", []).append({"offset": row.offset, "size": row.size})
            continue
        item: dict[str, Any] = {
            "name": row.label.removeprefix("[0]."),
            "offset": row.offset,
            "size": row.size,
            "type": row.type,
            "elements": row.elements,
            "shared": row.shared,
        }
        parent.setdefault("fields", []).append(item)
        parent.setdefault("padding", [])
        path.append(item)
    return root
