"""A layout as a picture: a box for each field, with fields that share bytes side by side.

The picture is self-contained SVG (https://www.w3.org/TR/SVG2/) without scripts and fonts. It adapts
to a light or dark background. Heights are not to scale, because both a field of 4 bytes and one
of 4,000 bytes must be visible.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

from .._support.palette import FIELD_COLORS
from .._support.text import columns, visible
from .forms import Layout
from .table import Row, bytes_text, rows, system

__all__ = ["MOST_BOXES", "picture"]

MOST_BOXES = 5_000
"""The limit of boxes; a picture with more of them is not readable."""

# Pixels. A box of one line has the height of _LINE and twice _INSET.
_PAGE = 760
_MARGIN = 24
_GUTTER = 64
_LETTER = 7.83  # of a monospace font of 13 pixels: 0.602 em, as nearly all of them have
_LINE = 18
_INSET = 8
_GAP = 4
_NARROWEST = 132
_STEP = 14  # the minimum between two offsets of fields that overlap
_TICKS = 64  # the largest array whose elements have marks

_FONT = 'ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", Menlo, monospace'
_STYLE = (
    f"text {{ font: 13px {_FONT}; }}\n"
    ".page { fill: #ffffff; } .title { font-size: 19px; font-weight: bold; fill: #111827; }\n"
    ".facts, .offset, .gap text, .more text { fill: #6b7280; } .offset { font-size: 12px; }\n"
    ".gap text { paint-order: stroke; stroke: #ffffff; stroke-width: 4px; stroke-opacity: .85; }\n"
    ".struct rect { fill: #f3f4f6; stroke: #d1d5db; } .struct text { fill: #111827; }\n"
    ".struct .kind { fill: #6b7280; } .name { font-weight: bold; }\n"
    ".gap rect { fill: url(#hatch); stroke: #d1d5db; } .gap text, .more text "
    "{ font-style: italic; font-size: 12px; }\n"
    ".more rect { fill: none; stroke: #d1d5db; stroke-dasharray: 3 4; }\n"
    ".line { stroke: #9ca3af; } .field text { fill: #111111; } .field .kind { opacity: .75; }\n"
    ".field path { stroke: #111111; stroke-opacity: .45; }\n"
    + "".join(
        f".f{number} rect {{ fill: {color}; }}\n" for number, color in enumerate(FIELD_COLORS)
    )
    + "@media (prefers-color-scheme: dark) {\n"
    ".page { fill: #111827; } .title, .struct text { fill: #f3f4f6; }\n"
    ".facts, .offset, .gap text, .more text, .struct .kind { fill: #9ca3af; }\n"
    ".struct rect { fill: #1f2937; stroke: #4b5563; } .gap rect, .more rect { stroke: #4b5563; }\n"
    ".line { stroke: #6b7280; } .gap text { stroke: #111827; }\n"
    "}\n"
)
_HATCH = (
    '<defs><pattern id="hatch" width="7" height="7" patternUnits="userSpaceOnUse" '
    'patternTransform="rotate(45)"><rect width="2" height="7" fill="#9ca3af" '
    'fill-opacity=".45"/></pattern></defs>'
)


def picture(layout: Layout, remark: str = "") -> str:
    """Return the SVG document, which must be stored as UTF-8.

    ``remark`` is shown below the title.

    Raises LayoutError for a type with more than :data:`MOST_BOXES` fields, including those of its
    structs.
    """
    boxes = _tree(rows(layout, limit=MOST_BOXES))
    width = max(_PAGE, _least_width(boxes) + 2 * _MARGIN + _GUTTER)
    ends = _arrange(boxes, width - 2 * _MARGIN - _GUTTER)
    pack = f", Pack {layout.pack}" if layout.pack else ""
    facts = f"{bytes_text(layout.size)}, alignment {layout.alignment}{pack} · {system(layout)}"
    remarks = [facts, *([visible(remark)] if remark else [])]
    top = _MARGIN + 26 + 20 * len(remarks) + 20
    bottom = top + (max(ends.values()) if ends else 0)
    lines = [*_page(visible(layout.declaration.name), remarks, width, bottom + _MARGIN + 4)]
    left = _MARGIN + _GUTTER
    for box in boxes:
        lines += _drawn(box, left, top, laned=False)
    lines += _scale(boxes, left, top, layout.size, bottom)
    lines.append("</svg>\n")
    return "\n".join(lines)


def _page(name: str, remarks: list[str], width: float, height: float) -> Iterator[str]:
    """Yield the beginning of the document: frame, style, title and remarks."""
    letters = int((width - 2 * _MARGIN) / _LETTER)
    size = f'width="{_n(width)}" height="{_n(height)}"'
    frame = f'{size} viewBox="0 0 {_n(width)} {_n(height)}" role="img" aria-label="{escape(name)}"'
    yield f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>'
    yield f"<title>{escape(name)}: {escape(remarks[0])}</title>"
    yield f"<style>\n{_STYLE}</style>"
    yield _HATCH
    yield f'<rect class="page" {size} rx="10"/>'
    yield _text("title", _MARGIN, _MARGIN + 16, _cut(name, int(letters * 13 / 19)))
    for index, text in enumerate(remarks):
        yield _text("facts", _MARGIN, _MARGIN + 42 + 20 * index, _cut(text, letters))


def _scale(boxes: list[_Box], left: float, top: float, size: int, bottom: float) -> Iterator[str]:
    """Yield the offsets at the left of the boxes, and a line for each."""
    # A box beside others has no offset there.
    shown: dict[int, float] = {}
    for box in boxes:
        shown.update(_offsets(box, top))
    shown.setdefault(size, bottom)
    for offset, y in shown.items():
        line = f'<path class="line" d="M{_n(left - 12)} {_n(y - _GAP / 2)}h8"/>'
        yield line + _text("offset", left - 18, y + 4 - _GAP / 2, str(offset), end=True)


# --- the boxes ----------------------------------------------------------------------------


@dataclass
class _Box:
    """A row, the boxes within it, and its place relative to the box around it, in pixels."""

    row: Row
    color: int = 0
    more: int = 0
    """The number of further elements of an array of structs, which this box replaces."""
    inner: list[_Box] = field(default_factory=list)
    lanes: int = 1
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0

    @property
    def end(self) -> int:
        return self.row.offset + self.row.size


def _tree(table: list[Row]) -> list[_Box]:
    """Return the boxes of the outermost struct."""
    outermost: list[_Box] = []
    path: list[_Box] = []
    color = 0
    for row, following in zip(table, [*table[1:], None], strict=True):
        del path[row.depth :]
        box = _Box(row)
        (path[-1].inner if path else outermost).append(box)
        path.append(box)
        if following is None or following.depth <= row.depth:
            box.color = color
            color += not row.is_padding
        elif row.elements > 1:
            others = Row(row.offset + row.stride, row.size - row.stride, "", "", row.depth + 1)
            box.inner.append(_Box(others, more=row.elements - 1))
    return outermost


def _arrange(boxes: list[_Box], width: float) -> dict[int, float]:
    """Place the boxes of one struct, and return the height at which each offset is.

    An offset is as far down as the boxes above it need, at the same height in all lanes.
    """
    boxes.sort(key=lambda box: (box.row.offset, -box.end))
    for group in _groups(boxes):
        lanes = _lanes(group)
        each = (width - _GAP * (len(lanes) - 1)) / len(lanes)
        for number, lane in enumerate(lanes):
            for box in lane:
                box.lanes = len(lanes)
                box.x = number * (each + _GAP)
                box.width = each
                box.height = _height(box)
    down: dict[int, float] = {}
    ending: dict[int, list[_Box]] = defaultdict(list)
    for box in boxes:
        ending[box.end].append(box)
    last = 0.0
    crowded = {at for box in boxes if box.lanes > 1 for at in (box.row.offset, box.end)}
    for offset in sorted({at for box in boxes for at in (box.row.offset, box.end)}):
        here = last + (_STEP if down and offset in crowded else 0)
        for box in ending[offset]:
            here = max(here, down.get(box.row.offset, 0) + box.height + _GAP)
        down[offset] = last = here
    for box in boxes:
        box.y = down[box.row.offset]
        box.height = max(down[box.end] - box.y - _GAP, 0)
    return down


def _groups(boxes: list[_Box]) -> Iterator[list[_Box]]:
    """Yield groups of boxes that share bytes; ``boxes`` are sorted by offset."""
    group: list[_Box] = []
    end = 0
    for box in boxes:
        if group and box.row.offset >= end:
            yield group
            group = []
        group.append(box)
        end = max(end, box.end)
    if group:
        yield group


def _lanes(group: list[_Box]) -> list[list[_Box]]:
    """Return the lanes of a group; the boxes of one lane are below each other."""
    lanes: list[list[_Box]] = []
    for box in group:
        free = next((lane for lane in lanes if lane[-1].end <= box.row.offset), None)
        if free is None:
            lanes.append([box])
        else:
            free.append(box)
    return lanes


def _least_width(boxes: list[_Box]) -> float:
    """Return the smallest width at which the boxes of one struct are readable."""
    needed = 0.0
    for group in _groups(sorted(boxes, key=lambda box: (box.row.offset, -box.end))):
        lanes = len(_lanes(group))
        widest = max(
            (_least_width(box.inner) + 2 * _INSET for box in group if box.inner),
            default=0.0,
        )
        needed = max(needed, lanes * (max(widest, _NARROWEST) + _GAP))
    return needed


def _height(box: _Box) -> float:
    """Return the height that a box needs; place the boxes within it."""
    if box.inner:
        ends = _arrange(box.inner, box.width - 2 * _INSET)
        return _head(box) + max(ends.values()) + _INSET - _GAP
    if box.more or box.row.is_padding:
        return 24
    longer = 6 * max(math.log2(box.row.size / 8), 0) if box.row.size else 0
    return _LINE * (1 if _fits(box) else 2) + 2 * _INSET + min(longer, 48)


def _head(box: _Box) -> float:
    """Return how far below the top of a struct its fields begin."""
    return _LINE * (1 if _fits(box) else 2) + 2 * _INSET


def _fits(box: _Box) -> bool:
    """Return whether name, type and size fit in one line."""
    words = (visible(box.row.label), visible(box.row.type), bytes_text(box.row.size))
    return sum(map(columns, words)) + 6 <= _letters(box)


def _letters(box: _Box) -> int:
    return int((box.width - 2 * _INSET - 4) / _LETTER)


# --- drawing ------------------------------------------------------------------------------


def _drawn(box: _Box, x: float, y: float, *, laned: bool) -> Iterator[str]:
    """Yield the SVG of a box; (x, y) is the corner of the box around it.

    ``laned`` is true if the box around it has others beside it.
    """
    left, top = x + box.x, y + box.y
    if box.row.size == 0:
        return
    look = (
        "more" if box.more
        else "gap" if box.row.is_padding
        else "struct" if box.inner
        else f"field f{box.color % len(FIELD_COLORS)}"
    )  # fmt: skip
    yield f'<g class="{look}"><title>{escape(_whole(box))}</title>'
    yield (
        f'<rect x="{_n(left)}" y="{_n(top)}" width="{_n(box.width)}" '
        f'height="{_n(box.height)}" rx="5"/>'
    )
    laned = laned or box.lanes > 1
    yield from _words(box, left + _INSET + 2, top, laned=laned)
    if not box.inner and 1 < box.row.elements <= _TICKS:
        yield _ticks(box, left, top)
    yield "</g>"
    for inner in box.inner:
        yield from _drawn(inner, left + _INSET, top + _head(box), laned=laned)


def _words(box: _Box, left: float, top: float, *, laned: bool) -> Iterator[str]:
    row = box.row
    letters = _letters(box)
    right = left + box.width - 2 * _INSET - 4
    if box.more or row.is_padding:
        text = f"{box.more} more like it, {bytes_text(row.size)}" if box.more else (
            f"{bytes_text(row.size)} of padding"
        )  # fmt: skip
        middle = top + box.height / 2 + 4
        yield _text("", left, middle, _cut(text, int(letters * 13 / 12)))
        return
    place = f"@{row.offset} " if laned else ""
    name, kind, size = place + visible(row.label), visible(row.type), bytes_text(row.size)
    base = top + _INSET + 13
    if _fits(box):
        if not box.inner:
            base = top + box.height / 2 + 4.5
        yield _text("name", left, base, name)
        yield _text("kind", left + (columns(name) + 2) * _LETTER, base, kind)
        yield _text("kind", right, base, size, end=True)
        return
    size = str(row.size) if columns(name) + len(size) + 1 > letters else size
    if not box.inner:
        base = top + box.height / 2 - _LINE / 2 + 4.5
    yield _text("name", left, base, _cut(name, letters - len(size) - 1))
    yield _text("kind", right, base, size, end=True)
    yield _text("kind", left, base + _LINE, _cut(kind, letters))


def _ticks(box: _Box, left: float, top: float) -> str:
    """Return marks at the lower edge, between the elements of an array."""
    each = box.width / box.row.elements
    marks = "".join(
        f"M{_n(left + index * each)} {_n(top + box.height)}v-5"
        for index in range(1, box.row.elements)
    )  # fmt: skip
    return f'<path d="{marks}"/>'


def _offsets(box: _Box, y: float) -> Iterator[tuple[int, float]]:
    """Yield the offsets of a box and of the boxes within it, and the heights at which they are.

    An offset within boxes that are side by side can be at several heights; it is left out.
    """
    yield box.row.offset, y + box.y
    if box.lanes > 1:
        yield box.end, y + box.y + box.height + _GAP
    else:
        for inner in box.inner:
            for offset, down in _offsets(inner, y + box.y + _head(box)):
                if offset != box.row.offset:
                    yield offset, down


def _whole(box: _Box) -> str:
    """Return the text that is shown while the mouse is over a box; it is never cut."""
    row = box.row
    last = row.offset + max(row.size, 1) - 1
    place = f"byte {row.offset}" if row.size == 1 else f"bytes {row.offset} to {last}"
    if row.is_padding or box.more:
        return place
    return f"{visible(row.name)}: {visible(row.type)}, {place}"


def _text(look: str, x: float, y: float, text: str, *, end: bool = False) -> str:
    attribute = f' class="{look}"' if look else ""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text{attribute} x="{_n(x)}" y="{_n(y)}"{anchor}>{escape(text)}</text>'


def _cut(text: str, letters: int) -> str:
    """Return ``text``, cut to a width of ``letters`` and with an ellipsis if it is longer."""
    if columns(text) <= letters:
        return text
    taken = 0
    for index, character in enumerate(text):
        taken += columns(character)
        if taken > letters - 1:
            return text[:index] + "…"
    return text


def _n(number: float) -> str:
    """Return a coordinate as text, to a tenth of a pixel."""
    return f"{number:.1f}".removesuffix(".0")
