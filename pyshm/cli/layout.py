"""``pyshm layout``: where .NET puts the fields of a type, or of all types of an assembly."""

from __future__ import annotations

import argparse
import itertools
from typing import TYPE_CHECKING, Any

from .._support.text import visible
from .common import (
    OK,
    REFUSED,
    Commands,
    UsageError,
    add_command,
    add_json,
    add_references,
    print_json,
)
from .console import BAD, DIM, NAME, WARN, Console, Part
from .types import TypeName, declaration_of, find, type_name, warn_of_foreign

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..assemblies import Unbindable
    from ..layout.declarations import TypeDeclaration
    from ..layout.forms import Layout, Target
    from ..layout.table import Row

__all__ = ["add"]

_DESCRIPTION = """\
TYPE is one of:
  module:Class          a Struct of your Python module
  MyApp.dll:Full.Name   a type of an assembly, by its full name in .NET
                        (nested: Full.Outer+Inner)
  MyApp.dll             all types with layout of an assembly

.NET is not needed, and no code of the assembly runs. To read an assembly, first
run: pip install 'pyshm-dotnet[bind]'

With --diff, the exit status is 0 if both types have the same bytes, and 1 if
not.
"""
_EXAMPLES = """\
  pyshm layout telemetry:Car                       offset, size, name and type of each field
  pyshm layout MyApp.dll:My.Space.Car --managed    the layout for accessor.Read<Car>
  pyshm layout telemetry:Car --diff MyApp.dll:My.Space.Car
  pyshm layout telemetry:Car --svg car.svg         a picture of the layout
  pyshm layout MyApp.dll --json                    a line for each type of the assembly
"""

# The systems whose layouts differ: their pointer size in bytes, and whether they are Windows.
_TARGETS = {
    "linux64": (8, False),
    "linux32": (4, False),
    "windows64": (8, True),
    "windows32": (4, True),
}


def add(commands: Commands) -> None:
    """Add ``layout``."""
    sub = add_command(
        commands,
        "layout",
        _layout,
        "Show where .NET puts each field of a type.",
        examples=_EXAMPLES,
        description=_DESCRIPTION,
    )
    sub.add_argument("subject", metavar="TYPE", help="module:Class, x.dll:Full.Name or x.dll")
    sub.add_argument("--diff", metavar="TYPE", help="show the differences to this type")
    sub.add_argument(
        "--managed",
        action="store_true",
        help="show the managed layout, which accessor.Read<T> and ReadArray<T> use, instead of "
        "the marshalled one",
    )
    sub.add_argument(
        "--target",
        choices=_TARGETS,
        help="the system of the layout (default: this one; for macOS, linux64)",
    )
    add_references(sub)
    sub.add_argument(
        "--type",
        dest="types",
        action="append",
        default=[],
        metavar="NAME",
        help="show only this type of x.dll; can be repeated",
    )
    add_json(sub)
    sub.add_argument("--svg", metavar="FILE", help='save a picture to FILE ("-": standard output)')


def _layout(arguments: argparse.Namespace) -> int:
    subject = type_name(arguments.subject)
    other = type_name(arguments.diff) if arguments.diff is not None else None
    _check(arguments, subject, other)
    if subject.type is None:
        assert subject.file is not None
        return _list(arguments, subject.file)
    layout = _laid_out(arguments, subject)
    if other is not None:
        return _compare(arguments, layout, _laid_out(arguments, other))
    remark = _remark(layout)
    if arguments.svg is not None:
        from ..layout.svg import picture
        from .transfer import put

        put(arguments.svg, picture(layout, remark).encode("utf-8"))
    if arguments.json:
        from ..layout.table import as_json

        print_json({**as_json(layout), "error": remark or None})
    elif arguments.svg is None:
        _print(layout, remark)
    return OK


# --- TYPE and the options ------------------------------------------------------------------------


def _check(arguments: argparse.Namespace, subject: TypeName, other: TypeName | None) -> None:
    """Raise UsageError for options that contradict each other."""
    whole = subject.type is None or (other is not None and other.type is None)
    for option, given in (
        ("--diff", other),
        ("--managed", arguments.managed),
        ("--svg", arguments.svg),
    ):
        if given and whole:
            raise UsageError(f"{option} needs a single type: x.dll:Full.Name")
    if arguments.types and not whole:
        raise UsageError("--type needs a whole assembly: x.dll")
    if arguments.references and subject.file is None and (other is None or other.file is None):
        raise UsageError("--reference needs an assembly: x.dll or x.dll:Full.Name")
    if arguments.svg is not None:
        if other is not None:
            raise UsageError("--svg shows one type and can't be used with --diff")
        from .transfer import STANDARD, check_target

        if arguments.svg == STANDARD and arguments.json:
            raise UsageError("use only one of --svg - and --json for standard output")
        check_target(arguments.svg, {subject.file: "the assembly"} if subject.file else {})


def _target(arguments: argparse.Namespace) -> Target:
    from ..layout.forms import HOST, Target

    return Target(*_TARGETS[arguments.target]) if arguments.target else HOST


def _laid_out(arguments: argparse.Namespace, subject: TypeName) -> Layout:
    """Return the layout that the options ask for. Raises UsageError for a missing type."""
    from ..errors import LayoutError
    from ..layout.layouts import managed, native, refusal
    from ..layout.traits import has_layout

    target = _target(arguments)
    declaration = declaration_of(subject, arguments.references, target)
    if not arguments.managed:
        refused = refusal(declaration, target)
        if refused is not None and refused.by == "size" and declaration.kind == "struct":
            raise LayoutError(
                f"{refused}; --managed shows its layout in .NET's own memory", field=refused.field
            )
        return native(declaration, target, strict=False)
    if declaration.kind != "struct" and not has_layout(declaration):
        # The declarations of such types do not have all their fields.
        raise LayoutError(f"{declaration.name}: {declaration.kind} types have no layout of fields")
    return managed(declaration, target)


def _remark(layout: Layout) -> str:
    """Return why StructureToPtr refuses a type that has a size; "" if it does not."""
    from ..layout.layouts import refusal

    refused = refusal(layout.declaration, layout.target) if layout.marshalled else None
    return str(refused) if refused is not None else ""


# --- one type -----------------------------------------------------------------------------


def _print(layout: Layout, remark: str) -> None:
    from ..layout.table import heading, rows

    console = Console.out()
    table = rows(layout)
    name, colon, facts = heading(layout).rpartition(": ")
    console.line((name, NAME), colon, facts)
    if remark:
        console.line(("Marshal.StructureToPtr refuses it", WARN), f": {visible(remark)}")
    if table:
        console.table(list(_cells(table, colored=console.rich is not None)))


def _cells(table: list[Row], *, colored: bool) -> Iterator[list[Part]]:
    """Yield the rows of the table; with a column of the fields' colors if ``colored``."""
    from .._support.palette import color_of
    from ..layout.table import indented

    first_offset, *offsets = _aligned("offset", [row.offset for row in table])
    first_size, *sizes = _aligned("size", [row.size for row in table])
    yield [first_offset, first_size, *([""] if colored else []), "name", "type"]
    fields = itertools.count()
    depths = [*(row.depth for row in table[1:]), 0]
    for row, offset, size, next_depth in zip(table, offsets, sizes, depths, strict=True):
        is_struct = next_depth > row.depth
        cells: list[Part] = [(offset, DIM), size]
        if colored and row.is_padding:
            cells.append(("░░", DIM))
        elif colored:
            cells.append("" if is_struct else ("  ", f"on {color_of(next(fields))}"))
        style = DIM if row.is_padding else NAME if is_struct else ""
        yield [*cells, (indented(row), style), (visible(row.type), DIM) if row.type else ""]


def _aligned(title: str, numbers: list[int]) -> list[str]:
    texts = [title, *map(str, numbers)]
    width = max(map(len, texts))
    return [text.rjust(width) for text in texts]


# --- two types ----------------------------------------------------------------------------


def _compare(arguments: argparse.Namespace, left: Layout, right: Layout) -> int:
    from ..layout.compare import differences
    from ..layout.table import heading

    found = differences(left, right)
    if arguments.json:
        print_json(
            {
                "a": {"type": left.declaration.name, "size": left.size},
                "b": {"type": right.declaration.name, "size": right.size},
                "alike": not found,
                "differences": [
                    {
                        "name": change.name,
                        "a": _side(change.left),
                        "b": _side(change.right),
                        "text": change.sentence,
                    }
                    for change in found
                    if change.kind == "field"
                ],
            }
        )
    else:
        console = Console.out()
        console.line(("A", NAME), f"  {heading(left)}")
        console.line(("B", NAME), f"  {heading(right)}")
        for change in found:
            console.line((change.sentence, BAD))
        if not found:
            console.line("the same bytes")
    return REFUSED if found else OK


def _side(row: Row | None) -> dict[str, Any] | None:
    return row and {"offset": row.offset, "size": row.size, "type": row.type}


# --- a whole assembly ---------------------------------------------------------------------


def _list(arguments: argparse.Namespace, path: str) -> int:
    from ..assemblies import Assembly
    from ..assemblies.summary import listed

    assembly = Assembly.open(path, arguments.references)
    types: Iterable[TypeDeclaration | Unbindable] = (
        [find(assembly, name) for name in arguments.types]
        if arguments.types
        else assembly.declared_types()
    )
    target = _target(arguments)
    warn_of_foreign(assembly, target)
    if arguments.json:
        for item in types:
            print_json(listed(item, target).as_json())
        return OK
    console = Console.out()
    console.line((f"{'marshalled':>10}  {'managed':>10}  type", NAME))
    total = refused = 0
    for item in types:
        entry = listed(item, target)
        total += 1
        refused += entry.error is not None
        sizes = ("-" if size is None else str(size) for size in entry[1:3])
        line = "  ".join(f"{size:>10}" for size in sizes) + f"  {visible(entry.type)}"
        reason = f": {visible(entry.short_error)}" if entry.error is not None else ""
        console.line(line, (reason, WARN))
    console.line(f"{total} types; .NET marshals {total - refused} of them")
    return OK
