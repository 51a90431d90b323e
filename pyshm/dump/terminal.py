"""Regions in color on a terminal, drawn by rich."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from .._support.palette import CONTENT, MARK, color_of
from .._support.text import visible
from .regions import Regions
from .rows import ROW, SHOWN, More, Note, Piece, Row, ascii_of, rows

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["draw", "heading", "row_width", "table"]

_WIDE = 100  # columns of a terminal; on a narrower one, a row has 8 bytes, to have room for notes
_BATCH = 500  # rows in one table, so that the first rows of a long dump appear soon
_MARKED = f"bold white on {MARK}"
_STYLES = {"content": f"black on {CONTENT}", "padding": "dim italic", "stale": "dim"}


def draw(
    console: Console,
    buffer: memoryview,
    found: Regions,
    title: str,
    *,
    picture: object = "",
    limit: int | None = SHOWN,
) -> None:
    """Print the heading, with ``picture`` in it, and the rows."""
    for line in heading(found, title, picture):
        console.print(line, soft_wrap=True)
    width = row_width(console.width)
    shown = rows(buffer, found.regions, limit=limit, width=width)
    while batch := list(islice(shown, _BATCH)):
        console.print(table(batch, width))


def heading(found: Regions, title: str, picture: object = "") -> Iterator[Text]:
    """Yield the line with the kind and the size, and the line with the remark if there is one."""
    yield Text.assemble((visible(title), "bold"), f": {visible(found.heading(picture))}")
    if found.remark:
        yield Text(visible(found.remark), "bold")


def row_width(columns: int) -> int:
    """Return the number of bytes in a row on a terminal with that many columns."""
    return ROW if columns >= _WIDE else ROW // 2


def table(shown: Iterable[Row | More], width: int) -> Table:
    """Return rows of up to ``width`` bytes as a table. Consecutive tables look like one."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim", width=8)
    grid.add_column(no_wrap=True, width=3 * width - 1)
    grid.add_column(no_wrap=True, width=width)
    grid.add_column(overflow="fold")
    for row in shown:
        if isinstance(row, More):
            grid.add_row("", Text(f"… {row.size} more bytes", "dim italic"))
        else:
            grid.add_row(f"{row.offset:08x}", *_cells(row))
    return grid


def _cells(row: Row) -> tuple[Text, Text, Text]:
    hexes, texts, notes = Text(), Text(), Text()
    for piece in row.pieces:
        if hexes:
            hexes.append(" ")
        style = _MARKED if piece.marked else _style(piece)
        hexes.append(piece.data.hex(" "), style)
        texts.append(ascii_of(piece.data), style)
    for note in row.notes:
        if notes:
            notes.append(" | ")
        notes.append(visible(note.name), _style(note) if note.values else "dim")
        if note.values:
            notes.append(" = " + ", ".join(visible(text) for text, _ in note.values))
    return hexes, texts, notes


def _style(part: Piece | Note) -> str:
    if part.role == "field":
        return f"black on {color_of(part.color)}"
    return _STYLES[part.role]
