"""Regions as a PNG, drawn with Pillow and its built-in font."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from .._support.palette import CONTENT, MARK, color_of
from .._support.text import visible
from ..errors import ArgumentError
from .regions import Regions
from .rows import ROW, SHOWN, More, Note, Piece, Row, ascii_of, rows

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw

__all__ = ["HATCH", "MOST_ROWS", "as_png"]

MOST_ROWS = 2000  # rows; a higher picture is of no use

_SIZE = 15  # of the font, in pixels
_MARGIN, _LINE = 24, 24
_CELL, _LETTER = 26, 11
_HEX = _MARGIN + 92
_ASCII = _HEX + ROW * _CELL + 14
_NOTES = _ASCII + ROW * _LETTER + 20
_NOTES_WIDTH, _MOST_NOTES_WIDTH = 240, 900
_PAPER, _INK, _DIM = "#ffffff", "#111111", "#6b7280"
HATCH = "#c3c8d0"


def as_png(
    buffer: memoryview,
    found: Regions,
    title: str,
    *,
    picture: object = "",
    limit: int | None = SHOWN,
) -> bytes:
    """Return the PNG file. Raises ArgumentError if it would have more than MOST_ROWS rows."""
    from PIL import Image, ImageDraw

    shown = list(_at_most(rows(buffer, found.regions, limit=limit)))
    font = _font()
    lines = [line for line in (found.heading(picture), found.remark) if line]
    measure = ImageDraw.Draw(Image.new("RGB", (1, 1)))
    texts = [_notes_text(row.notes) for row in shown if isinstance(row, Row)]
    notes = max((_width(measure, text, font) for text in texts), default=0) + 16
    heads = max(_width(measure, text, font) for text in (title, *lines)) + _MARGIN - _NOTES
    width = _NOTES + min(max(notes, heads, _NOTES_WIDTH), _MOST_NOTES_WIDTH) + _MARGIN
    top = _MARGIN + (len(lines) + 1) * _LINE + _LINE // 2
    image = Image.new("RGB", (int(width), top + len(shown) * _LINE + _MARGIN), _PAPER)
    pen = _Pen(ImageDraw.Draw(image), font)
    pen.text(_MARGIN, _MARGIN, title, bold=True)
    for number, line in enumerate(lines, 1):
        pen.text(_MARGIN, _MARGIN + number * _LINE, line, _INK if number > 1 else _DIM)
    for number, row in enumerate(shown):
        y = top + number * _LINE
        if isinstance(row, More):
            pen.text(_HEX + 4, y, f"... {row.size} more bytes", _DIM)
        else:
            pen.row(y, row)
    target = io.BytesIO()
    image.save(target, "PNG", optimize=True)
    return target.getvalue()


class _Pen:
    """Draws text and rows."""

    def __init__(self, draw: ImageDraw, font: Any) -> None:
        self._draw = draw
        self._font = font

    def text(self, x: float, y: float, text: str, fill: str = _INK, *, bold: bool = False) -> float:
        """Draw ``text``, and return the x coordinate of its end."""
        text = _drawable(text)
        middle = y + _LINE / 2
        box = self._draw.textbbox((0, 0), "0Ag", font=self._font)
        place = (x, middle - (box[1] + box[3]) / 2)
        self._draw.text(place, text, fill, self._font)
        if bold:
            self._draw.text((place[0] + 0.6, place[1]), text, fill, self._font)
        return x + self._draw.textlength(text, self._font)

    def row(self, y: float, row: Row) -> None:
        self.text(_MARGIN, y, f"{row.offset:08x}", _DIM)
        at = 0
        for piece in row.pieces:
            self._chip(_HEX + at * _CELL, y, len(piece.data) * _CELL - 4, piece)
            ink = _ink(piece)
            for byte in piece.data:
                self._centered(_HEX + at * _CELL, _CELL - 4, y, f"{byte:02x}", ink)
                letter = ascii_of(bytes([byte]))
                self._centered(_ASCII + at * _LETTER, _LETTER, y, letter, _DIM)
                at += 1
        x = float(_NOTES)
        for number, note in enumerate(row.notes):
            if number:
                x = self.text(x, y, " | ", _DIM) + 4
            x = self._note(x, y, note)

    def _note(self, x: float, y: float, note: Note) -> float:
        name = visible(note.name)
        if not note.values:
            return self.text(x + 6, y, name, _DIM)
        width = self._draw.textlength(_drawable(name), self._font)
        self._round(x, y, width + 12, color_of(note.color))
        self.text(x + 6, y, name)
        return self.text(x + width + 18, y, "= " + _values(note))

    def _chip(self, x: float, y: float, width: float, piece: Piece) -> None:
        if piece.marked:
            self._round(x, y, width, MARK)
        elif piece.role == "field":
            self._round(x, y, width, color_of(piece.color))
        elif piece.role == "content":
            self._round(x, y, width, CONTENT)
        elif piece.role == "padding":
            for left in range(int(x), int(x + width), 7):
                self._draw.line((left, y + _LINE - 4, left + 6, y + 3), HATCH)

    def _round(self, x: float, y: float, width: float, fill: str) -> None:
        self._draw.rounded_rectangle((x, y + 2, x + width, y + _LINE - 3), 4, fill)

    def _centered(self, x: float, width: float, y: float, text: str, fill: str) -> None:
        self.text(x + (width - self._draw.textlength(text, self._font)) / 2, y, text, fill)


def _at_most(found: Iterator[Row | More]) -> Iterator[Row | More]:
    for number, row in enumerate(found):
        if number == MOST_ROWS:
            raise ArgumentError(
                f"the picture would have more than {MOST_ROWS} rows; write HTML, or select a part "
                "of the map with --offset and --length",
                field="rows",
                limit=MOST_ROWS,
            )
        yield row


def _font() -> Any:
    """Return Pillow's own font: an outline font (10.1 or newer with FreeType) or a bitmap font."""
    from PIL import ImageFont

    try:
        return ImageFont.load_default(size=_SIZE)
    except (TypeError, ImportError):
        return ImageFont.load_default()


def _drawable(text: str) -> str:
    # Pillow's outline font has only the characters of ASCII.
    return text.replace("…", "..").encode("ascii", "backslashreplace").decode("ascii")


def _width(draw: ImageDraw, text: str, font: Any) -> float:
    return draw.textlength(_drawable(text), font)


def _ink(piece: Piece) -> str:
    if piece.marked:
        return "#ffffff"
    return _INK if piece.role in ("field", "content") else _DIM


def _values(note: Note) -> str:
    return ", ".join(visible(text) for text, _ in note.values)


def _notes_text(notes: Sequence[Note]) -> str:
    return " | ".join(f"{note.name}  = {_values(note)}  " for note in notes)
