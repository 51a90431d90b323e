"""A layout as a table for people and programs: every field, every byte of padding, in order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple, TypeAlias

from .._support.text import visible
from ..errors import LayoutError
from .builtins import fixed_buffer_element
from .declarations import Array, BuiltIn, FieldDeclaration, TypeDeclaration
from .forms import FieldLayout, Form, Inline, Layout, Scalar, Sequence, Text
from .traits import has_layout, is_ansi

__all__ = [
    "MOST_ROWS",
    "PADDING",
    "Change",
    "Row",
    "as_json",
    "bytes_text",
    "differences",
    "heading",
    "indented",
    "rows",
    "system",
    "type_text",
]

PADDING = "(padding)"
MOST_ROWS = 100_000
"""Rows of one table. A type of a few lines can have more fields within than any memory holds."""

# The meanings of what is compared field by field.
_STRUCT = "struct"
_STRUCTS = "array of structs"


class Row(NamedTuple):
    """One field or run of padding: offset and size in bytes, dotted name, C# type, nesting depth.

    ``label`` is the name within the struct that it is in, and ``start`` that struct's offset. Of
    an array of structs (of so many ``elements``) the rows of the first one follow, called
    ``Wheels[0].Radius``. ``shared`` tells that another field of the struct lies on the same
    bytes. ``meaning`` is equal for two fields whose bytes mean the same, whatever their C# types
    are called.
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

    @property
    def is_padding(self) -> bool:
        """Whether nothing lies here."""
        return self.name == PADDING and not self.meaning


class Change(NamedTuple):
    """A field that two layouts do not have alike; None where one has no such field.

    ``name`` is None for the type's own size.
    """

    name: str | None
    left: Row | None
    right: Row | None

    def sentence(self, left: str = "A", right: str = "B") -> str:
        """As in "field Wet: bool is 4 bytes at 8 in A, bool (U1) is 1 byte at 8 in B"."""
        if self.name is None:
            sizes = [bytes_text(row.size) for row in (self.left, self.right) if row is not None]
            return f"size: {sizes[0]} in {left}, {sizes[1]} in {right}"
        parts: list[str] = []
        for row, side in ((self.left, left), (self.right, right)):
            if row is None:
                parts.append(f"not there in {side}")
                continue
            repeated = parts and self.left is not None and self.left.type == row.type
            subject = "" if repeated else f"{visible(row.type)} is "
            parts.append(f"{subject}{bytes_text(row.size)} at {row.offset} in {side}")
        return f"field {visible(self.name)}: {', '.join(parts)}"


def rows(layout: Layout, *, limit: int = MOST_ROWS) -> list[Row]:
    """The rows of ``layout`` by offset; those of structs within follow theirs.

    Raises LayoutError for a type with more than ``limit``.
    """
    found = list(islice(_rows(layout, 0, "", "", 0), limit + 1))
    if len(found) > limit:
        raise LayoutError(
            f"{layout.declaration.name} has more than {limit} fields, with those of structs within",
            limit=limit,
        )
    return found


def _rows(layout: Layout, start: int, prefix: str, element: str, depth: int) -> Iterator[Row]:
    """``prefix`` comes before the fields' names, ``element`` alone before their labels."""
    end = 0
    ordered = sorted(
        zip(layout.fields, _owners(layout.declaration), strict=True),
        key=lambda pair: pair[0].offset,
    )
    shared = _shared([field for field, _ in ordered])
    for (field, owner), is_shared in zip(ordered, shared, strict=True):
        if field.offset > end:
            yield _padding(start, end, field.offset - end, depth)
        array = _as_array(field.form)
        form = array or field.form
        label = element + field.dotnet_name
        name = prefix + label
        at = start + field.offset
        yield Row(
            at,
            field.size,
            name,
            type_text(field.declaration, owner),
            depth,
            label,
            start,
            array.count if array is not None else 1,
            is_shared,
            _meaning(form, field.declaration, is_ansi(owner, layout.target)),
        )
        if isinstance(form, Inline):
            yield from _rows(form.layout, at, f"{name}.", "", depth + 1)
        elif array is not None and isinstance(array.element, Inline):
            yield from _rows(array.element.layout, at, name, "[0].", depth + 1)
        end = max(end, field.offset + field.size)
    if layout.size > end:
        yield _padding(start, end, layout.size - end, depth)


def _padding(start: int, offset: int, size: int, depth: int) -> Row:
    return Row(start + offset, size, PADDING, "", depth, PADDING, start)


def _shared(fields: list[FieldLayout]) -> list[bool]:
    """Which of the fields, sorted by offset, have bytes in common with others."""
    found = [False] * len(fields)
    widest = end = -1
    for index, field in enumerate(fields):
        if field.offset < end:
            found[index] = found[widest] = True
        if field.offset + field.size > end:
            widest, end = index, field.offset + field.size
    return found


def _owners(declaration: TypeDeclaration) -> Iterator[TypeDeclaration]:
    """The type that declares each field of a layout: the type itself, or a base class."""
    if declaration.base is not None and has_layout(declaration.base):
        yield from _owners(declaration.base)
    for _ in declaration.fields:
        yield declaration


def _as_array(form: Form) -> Sequence | None:
    """An array of any sort: ByValArray, [InlineArray], fixed buffer."""
    if isinstance(form, Sequence):
        return form
    if not isinstance(form, Inline) or not form.layout.fields:
        return None
    inner = form.layout.fields[0].form
    if form.layout.declaration.inline_array and isinstance(inner, Sequence):
        return inner
    if form.layout.declaration.fixed_buffer and isinstance(inner, Scalar):
        return Sequence(inner, form.size // inner.size, inner.size)
    return None


# --- types --------------------------------------------------------------------------------


def type_text(field: FieldDeclaration, owner: TypeDeclaration | None = None) -> str:
    """A field's C# type, with what else decides about its bytes in parentheses.

    Types have their reflection full names, and MarshalAs the names of UnmanagedType's members.
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
            # The compiler's own struct, whose name nobody wrote.
            element, count = fixed_buffer_element(kind)
            text = f"fixed {element}[{count}]"
    given = field.marshal_as
    if given is not None:
        words = (given.unmanaged_type, given.size_const, given.array_sub_type)
        notes.append(" ".join(str(word) for word in words if word is not None))
    return f"{text} ({', '.join(notes)})" if notes else text


def _meaning(form: Form, field: FieldDeclaration, ansi: bool) -> str:
    if isinstance(form, Scalar):
        what = f"{form.kind} {form.code or form.size}"
        if form.kind == "address":
            what += f" {_lies_there(field, ansi)}"
        return what
    if isinstance(form, Text):
        return f"{form.count} characters of {form.unit}"
    if isinstance(form, Sequence):
        if isinstance(form.element, Inline):
            return _STRUCTS
        return f"array of {_meaning(form.element, field, ansi)}"
    return _STRUCT


def _lies_there(field: FieldDeclaration, ansi: bool) -> str:
    """What sort of text is at an address; where two differ in this, one reads nonsense."""
    given = field.marshal_as
    if field.type == Array(BuiltIn("string")):
        asked = given.array_sub_type if given else None
    elif field.type == BuiltIn("string"):
        asked = given.unmanaged_type if given else None
    else:
        return ""
    asked = asked or "LPTStr"
    return _BY_CHARSET[asked][not ansi] if asked in _BY_CHARSET else asked


_BY_CHARSET = {"LPTStr": ("LPStr", "LPWStr"), "TBStr": ("AnsiBStr", "BStr")}


# --- as text ------------------------------------------------------------------------------


def indented(row: Row) -> str:
    """The row's name in a table, after two blanks for each struct that it is in.

    A bar is before the name of a field that shares its bytes.
    """
    return f"{'  ' * row.depth}{'| ' if row.shared else ''}{visible(row.label)}"


def heading(layout: Layout) -> str:
    """The type, its size, alignment and Pack, and which layout on which system it is."""
    pack = f", Pack {layout.pack}" if layout.pack else ""
    return (
        f"{visible(layout.declaration.name)}: {bytes_text(layout.size)}, "
        f"alignment {layout.alignment}{pack} ({system(layout)})"
    )


def system(layout: Layout) -> str:
    """Which layout it is and on which system, as in "marshalled, Unix, 64 bit"."""
    target = layout.target
    which = "marshalled" if layout.marshalled else "managed"
    return f"{which}, {'Windows' if target.windows else 'Unix'}, {8 * target.pointer_size} bit"


def bytes_text(size: int) -> str:
    """As in "1 byte" and "2 bytes"."""
    return "1 byte" if size == 1 else f"{size} bytes"


# --- as JSON ------------------------------------------------------------------------------


def as_json(layout: Layout) -> dict[str, Any]:
    """The same, for programs; raises as :func:`rows` does.

    A struct's own fields and padding are in its ``fields`` and ``padding``; those of an array of
    structs are the first one's. All offsets count from the beginning of the type.
    """
    made: dict[str, Any] = {
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
    path = [made]  # the structs that the row is in, the outermost first
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
    return made


# --- two of them --------------------------------------------------------------------------


def differences(left: Layout, right: Layout) -> list[Change]:
    """The fields that lie elsewhere, have another size or meaning, or exist on one side only.

    Fields are matched by their dotted .NET names; what a type is called does not count, nor does
    the order of declaration. A struct that lies elsewhere is one change, not one for each field
    in it. The last change is that of the whole size. An empty list means the same bytes. Raises
    as :func:`rows` does.
    """
    ours, theirs = _by_name(left), _by_name(right)
    found = [
        Change(mine.name, mine, other)
        for mine, other in _paired(ours, theirs)
        if other is None or _place(mine) != _place(other)
    ]
    found += [
        Change(other.name, None, other) for other, mine in _paired(theirs, ours) if mine is None
    ]
    if left.size != right.size:
        found.append(Change(None, Row(0, left.size, "", ""), Row(0, right.size, "", "")))
    return found


_Named: TypeAlias = dict[tuple[str, int], Row]


def _by_name(layout: Layout) -> _Named:
    """The fields' rows by name, and number among those of that name: .NET allows several."""
    found: _Named = {}
    counts: Counter[str] = Counter()
    for row in rows(layout):
        if not row.is_padding:
            found[row.name, counts[row.name]] = row
            counts[row.name] += 1
    return found


def _paired(mine: _Named, others: _Named) -> Iterator[tuple[Row, Row | None]]:
    """Each of ``mine`` with the other of that name; nothing of what can't be compared within."""
    skipped: int | None = None
    for key, row in mine.items():
        if skipped is not None and row.depth > skipped:
            continue
        other = others.get(key)
        alike = other is not None and row.meaning == other.meaning
        skipped = None if alike else row.depth
        yield row, other


def _place(row: Row) -> tuple[object, ...]:
    return row.offset - row.start, row.size, row.elements, row.meaning
