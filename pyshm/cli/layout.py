"""``pyshm layout``: where .NET puts each field of a type, or of every type of an assembly."""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, NamedTuple

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
from .console import BAD, DIM, NAME, WARN, Console

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ..assemblies import Assembly, Unbindable
    from ..layout.declarations import TypeDeclaration
    from ..layout.forms import Layout, Target
    from ..layout.table import Row

__all__ = ["add"]

_DESCRIPTION = """\
TYPE is module:Class, a Struct of yours, to be imported; or MyApp.dll:Full.Name, a
type of an assembly, by its full name in .NET (a nested one: Full.Outer+Inner).
MyApp.dll alone stands for all its types with layout. .NET is not needed, and
nothing of the assembly is run; that takes pip install 'pyshm-dotnet[bind]'.

With --diff, the exit status is 0 if both have the same bytes, and 1 if not.
"""
_EXAMPLES = """\
  pyshm layout telemetry:Car                       offset, size, name and type of each field
  pyshm layout MyApp.dll:My.Space.Car --managed    as accessor.Read<Car> has it
  pyshm layout telemetry:Car --diff MyApp.dll:My.Space.Car
  pyshm layout telemetry:Car --svg car.svg         a picture of it
  pyshm layout MyApp.dll --json                    a line for each type of the assembly
"""

# (pointer size, Windows) of each system whose layouts differ.
_TARGETS = {
    "linux64": (8, False),
    "linux32": (4, False),
    "windows64": (8, True),
    "windows32": (4, True),
}
# A path may have a colon, and a type's name as good as never a dot with one of these and another.
_ASSEMBLY = re.compile(r"(?is)(?P<file>.+?\.(?:dll|exe|winmd|netmodule))(?::(?P<type>.*))?")


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
    sub.add_argument("--diff", metavar="TYPE", help="show where this other type differs")
    sub.add_argument(
        "--managed",
        action="store_true",
        help="the layout in .NET's own memory, which accessor.Read<T> and ReadArray<T> use, "
        "not the marshalled one",
    )
    sub.add_argument(
        "--target",
        choices=_TARGETS,
        help="the system that it is for (default: this one; macOS is as linux64)",
    )
    add_references(sub)
    sub.add_argument(
        "--type",
        dest="types",
        action="append",
        default=[],
        metavar="NAME",
        help="of x.dll, only this type; may be given several times",
    )
    add_json(sub)
    sub.add_argument("--svg", metavar="FILE", help='write a picture of it; "-" is standard output')


class _Subject(NamedTuple):
    """What TYPE names: a type, or with ``type`` None the whole assembly ``file``."""

    text: str
    file: str | None
    type: str | None


def _layout(arguments: argparse.Namespace) -> int:
    subject = _subject(arguments.subject)
    other = _subject(arguments.diff) if arguments.diff is not None else None
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


# --- what is meant ------------------------------------------------------------------------


def _subject(text: str) -> _Subject:
    match = _ASSEMBLY.fullmatch(text)
    if match is not None:
        if match["type"] == "":
            raise UsageError(f"{text}: no type behind the colon")
        return _Subject(text, match["file"], match["type"])
    if not all(text.partition(":")):
        raise UsageError(f"{text}: neither module:Class nor x.dll:Full.Name")
    return _Subject(text, None, text)


def _check(arguments: argparse.Namespace, subject: _Subject, other: _Subject | None) -> None:
    """Raise UsageError for options that contradict each other."""
    whole = subject.type is None or (other is not None and other.type is None)
    for option, given in (
        ("--diff", other),
        ("--managed", arguments.managed),
        ("--svg", arguments.svg),
    ):
        if given and whole:
            raise UsageError(f"{option} goes with single types: x.dll:Full.Name")
    if arguments.types and not whole:
        raise UsageError("--type goes with a whole assembly, x.dll")
    if arguments.references and subject.file is None and (other is None or other.file is None):
        raise UsageError("--reference goes with an assembly, x.dll or x.dll:Full.Name")
    if arguments.svg is not None:
        if other is not None:
            raise UsageError("--svg shows one type: it does not go with --diff")
        from .transfer import STANDARD, check_target

        if arguments.svg == STANDARD and arguments.json:
            raise UsageError("standard output takes one of --svg - and --json")
        check_target(arguments.svg, subject.file, "the assembly")


def _target(arguments: argparse.Namespace) -> Target:
    from ..layout.forms import HOST, Target

    return Target(*_TARGETS[arguments.target]) if arguments.target else HOST


def _laid_out(arguments: argparse.Namespace, subject: _Subject) -> Layout:
    """The layout that is asked for. Raises UsageError for a type that is not there."""
    from ..errors import LayoutError
    from ..layout.layouts import managed, native, refusal
    from ..layout.traits import has_layout

    declaration = _declaration(arguments, subject)
    target = _target(arguments)
    if not arguments.managed:
        refused = refusal(declaration, target)
        if refused is not None and refused.by == "size" and declaration.kind == "struct":
            raise LayoutError(
                f"{refused}; --managed shows how it lies in .NET's own memory", field=refused.field
            )
        return native(declaration, target, strict=False)
    if declaration.kind != "struct" and not has_layout(declaration):
        # What a declaration has of those are not all their fields.
        raise LayoutError(f"{declaration.name}: {declaration.kind} types have no layout of fields")
    return managed(declaration, target)


def _declaration(arguments: argparse.Namespace, subject: _Subject) -> TypeDeclaration:
    assert subject.type is not None
    if subject.file is None:
        from .kinds import struct_of

        return struct_of(subject.type).layout.declaration
    from ..assemblies import Assembly
    from ..errors import LayoutError
    from ..layout.declarations import TypeDeclaration

    found = _find(Assembly.open(subject.file, arguments.references), subject.type)
    if not isinstance(found, TypeDeclaration):
        raise LayoutError(f"{found.name}: {found.reason}")
    return found


def _find(assembly: Assembly, name: str) -> TypeDeclaration | Unbindable:
    from ..errors import ArgumentError

    try:
        return assembly.find(name)
    except ArgumentError as error:
        from difflib import get_close_matches

        known = [item.name for item in assembly.declared_types()]
        # Whoever leaves out the namespace, or writes Outer.Inner as in C#, is told.
        plain = re.split(r"[.+]", name)[-1]
        near = [each for each in known if re.split(r"[.+]", each)[-1] == plain]
        near = near or get_close_matches(name, known)
        hint = f"; there is {', '.join(near[:5])}" if near else ""
        raise UsageError(f"{error}{hint}") from error


def _remark(layout: Layout) -> str:
    """Why StructureToPtr refuses a type that has a size; mostly ""."""
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
        console.table(list(_cells(table, coloured=console.rich is not None)))


def _cells(table: list[Row], *, coloured: bool) -> Iterator[list[str | tuple[str, str]]]:
    """The rows of the table; a column with the fields' colours if they are ``coloured``."""
    from .._support.palette import colour_of
    from ..layout.table import indented

    widths = [
        max(len(title), *(len(str(number)) for number in column))
        for title, column in (
            ("offset", [row.offset for row in table]),
            ("size", [row.size for row in table]),
        )
    ]
    numbers = [text.rjust(width) for text, width in zip(("offset", "size"), widths, strict=True)]
    yield [*numbers, *([""] if coloured else []), "name", "type"]
    number = 0
    for row, following in zip(table, [*table[1:], None], strict=True):
        is_struct = following is not None and following.depth > row.depth
        cells: list[str | tuple[str, str]] = [
            (str(row.offset).rjust(widths[0]), DIM),
            str(row.size).rjust(widths[1]),
        ]
        if coloured and row.is_padding:
            cells.append(("░░", DIM))
        elif coloured and is_struct:
            cells.append("")
        elif coloured:
            cells.append(("  ", f"on {colour_of(number)}"))
            number += 1
        style = DIM if row.is_padding else NAME if is_struct else ""
        yield [*cells, (indented(row), style), (visible(row.type), DIM) if row.type else ""]


# --- two types ----------------------------------------------------------------------------


def _compare(arguments: argparse.Namespace, left: Layout, right: Layout) -> int:
    from ..layout.table import differences, heading

    found = differences(left, right)
    if arguments.json:

        def side(row: Row | None) -> dict[str, Any] | None:
            if row is None:
                return None
            return {"offset": row.offset, "size": row.size, "type": row.type}

        print_json(
            {
                "a": {"type": left.declaration.name, "size": left.size},
                "b": {"type": right.declaration.name, "size": right.size},
                "alike": not found,
                "differences": [
                    {
                        "name": change.name,
                        "a": side(change.left),
                        "b": side(change.right),
                        "text": change.sentence(),
                    }
                    for change in found
                    if change.name is not None
                ],
            }
        )
        return REFUSED if found else OK
    console = Console.out()
    console.line(("A", NAME), f"  {heading(left)}")
    console.line(("B", NAME), f"  {heading(right)}")
    for change in found:
        console.line((change.sentence(), BAD))
    if not found:
        console.line("the same bytes")
    return REFUSED if found else OK


# --- a whole assembly ---------------------------------------------------------------------


def _list(arguments: argparse.Namespace, path: str) -> int:
    from ..assemblies import Assembly
    from ..assemblies.summary import listed

    assembly = Assembly.open(path, arguments.references)
    types: Iterable[TypeDeclaration | Unbindable] = (
        [_find(assembly, name) for name in arguments.types]
        if arguments.types
        else assembly.declared_types()
    )
    target = _target(arguments)
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
    console.line(f"{total} types, {total - refused} of which .NET marshals")
    return OK
