"""Regions as HTML: a fragment for a larger page, or a page that needs no other file."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterator, Sequence
from html import escape
from typing import TYPE_CHECKING

from .._support.palette import FIELD_COLORS, MARK
from .._support.text import visible
from .pictures import Picture
from .regions import Region, Regions
from .rows import SHOWN, More, Note, Piece, ascii_of, rows, spans

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["EMBEDDED", "SCRIPT", "STYLE", "as_html", "fragment"]

EMBEDDED = 1 << 20  # the size up to which a picture is part of the page, in bytes

STYLE = (
    """\
.pyshm-dump { --dim: #4b5563; --line: #e5e7eb; --hatch: #9ca3af66;
  font: 13px/1.7 ui-monospace, "Cascadia Mono", Consolas, "DejaVu Sans Mono", Menlo, monospace;
  border-collapse: collapse; color: inherit; }
@media (prefers-color-scheme: dark) {
  .pyshm-dump { --dim: #9ca3af; --line: #374151; --hatch: #9ca3af55; } }
.pyshm-dump th, .pyshm-dump td { padding: 1px 0 1px 18px; text-align: left; vertical-align: top;
  font-weight: normal; white-space: pre; border: 0; background: none; }
.pyshm-dump th { padding-left: 4px; color: var(--dim); user-select: none; }
.pyshm-dump td.note { white-space: pre-wrap; overflow-wrap: anywhere; padding-right: 4px;
  min-width: 12em; }
.pyshm-dump tbody:hover tr { background: color-mix(in srgb, currentColor 6%, transparent); }
.pyshm-dump td.ascii { color: var(--dim); }
.pyshm-dump td.more { color: var(--dim); font-style: italic; }
.pyshm-dump span { border-radius: 3px; padding: 1px 2px; margin: 0 -2px; }
.pyshm-dump .ascii span { padding: 0; margin: 0; border-radius: 0; }
.pyshm-dump .content { background: color-mix(in srgb, currentColor 12%, transparent); }
.pyshm-dump .stale { color: var(--dim); }
.pyshm-dump .padding { color: var(--dim); background: repeating-linear-gradient(-45deg,
  var(--hatch) 0 2px, transparent 2px 6px); }
.pyshm-dump .on { outline: 2px solid currentColor; outline-offset: 0; }
"""
    + "".join(
        f".pyshm-dump .f{number} {{ background: {color}; color: #111; }}\n"
        for number, color in enumerate(FIELD_COLORS)
    )
    + f".pyshm-dump .mark {{ background: {MARK}; color: #fff; font-weight: bold; }}\n"
)
"""The style sheet for :func:`fragment`; a page needs it once."""

SCRIPT = """\
for (const [event, on] of [["mouseover", true], ["mouseout", false]])
  document.addEventListener(event, ({ target }) => {
    const part = target.closest?.(".pyshm-dump [data-r]");
    if (part) for (const one of part.closest(".pyshm-dump").querySelectorAll(
        `[data-r="${part.dataset.r}"]`)) one.classList.toggle("on", on);
  });
"""
"""Highlights a field's bytes and its name together; optional, once in a page."""

_PAGE_STYLE = """\
:root { color-scheme: light dark; }
body { margin: 2rem; font: 15px/1.5 system-ui, sans-serif; background: #fff; color: #111827; }
h1 { font-size: 1.3rem; margin: 0; overflow-wrap: anywhere; }
p { margin: .2rem 0 1rem; opacity: .8; }
p.remark { opacity: 1; font-weight: 600; }
figure { margin: 0 0 1.2rem; }
figure img { max-width: min(100%, 480px); max-height: 320px; border-radius: 6px;
  border: 1px solid #8884; }
@media (prefers-color-scheme: dark) { body { background: #111827; color: #e5e7eb; } }
"""


def fragment(
    buffer: Buffer,
    regions: Sequence[Region],
    *,
    base: int = 0,
    marked: Collection[int] = (),
    expected: Buffer | None = None,
    limit: int | None = SHOWN,
) -> str:
    """Return a ``<table class="pyshm-dump">`` that shows ``regions`` of ``buffer``.

    The page needs :data:`STYLE`; :data:`SCRIPT` is optional.

    Args:
        buffer: the bytes.
        regions: what the bytes mean.
        base: is added to the offsets that are shown.
        marked: positions in ``buffer`` to mark.
        expected: the bytes that should be in ``buffer``. Bytes that differ are marked, their
            tooltip shows the expected byte, and a last row shows bytes that are missing.
        limit: how many content, padding and stale bytes to show (None: all). After these, rows
            with marked bytes are shown, up to ``limit`` bytes again.
    """
    data = memoryview(buffer).cast("B")
    wanted = None if expected is None else memoryview(expected).cast("B")
    positions = set(marked)
    if wanted is not None:
        positions.update(i for i, pair in enumerate(zip(data, wanted, strict=False))
                         if pair[0] != pair[1])  # fmt: skip
        positions.update(range(len(wanted), len(data)))
    lines = [
        '<table class="pyshm-dump">',
        *_bodies(data, regions, base, spans(positions), wanted, limit),
    ]
    if wanted is not None and len(wanted) > len(data):
        missing = bytes(wanted[len(data) :][: limit or None]).hex(" ")
        text = f"{len(wanted) - len(data)} bytes are missing: {missing}"
        lines.append(_whole_row(f'<span class="mark">{escape(text)}</span>'))
    lines.append("</table>")
    return "\n".join(lines)


def as_html(
    buffer: memoryview,
    found: Regions,
    title: str,
    *,
    picture: Picture | str = "",
    limit: int | None = SHOWN,
) -> str:
    """Return a complete page, which needs no other file and follows the reader's color scheme.

    ``picture`` is the picture in ``buffer``, as :func:`pyshm.dump.describe` finds it. It is in the
    page if browsers can show its format and it has at most :data:`EMBEDDED` bytes.
    """
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f"<title>{escape(visible(title))}: {escape(visible(found.kind))}</title>",
        f"<style>\n{_PAGE_STYLE}{STYLE}</style>",
        f"<h1>{escape(visible(title))}</h1>",
        f"<p>{escape(visible(found.heading(picture)))}</p>",
    ]
    if found.remark:
        parts.append(f'<p class="remark">{escape(visible(found.remark))}</p>')
    region = found.content
    if (
        region
        and isinstance(picture, Picture)
        and picture.shown_by_browsers
        and region.size <= EMBEDDED
    ):
        coded = base64.b64encode(buffer[region.offset : region.end]).decode("ascii")
        source = f"data:{picture.mime};base64,{coded}"
        parts.append(f'<figure><img alt="{escape(str(picture))}" src="{source}"></figure>')
    parts.append(fragment(buffer, found.regions, limit=limit))
    parts.append(f"<script>\n{SCRIPT}</script>\n</html>\n")
    return "\n".join(parts)


def _bodies(
    data: memoryview,
    regions: Sequence[Region],
    base: int,
    marked: Sequence[tuple[int, int]],
    expected: memoryview | None,
    limit: int | None,
) -> Iterator[str]:
    """Yield the rows; those of a field or an array are in a tbody of their own."""
    opened = False
    for row in rows(data, regions, marked=marked, limit=limit):
        if isinstance(row, More):
            yield _whole_row(f"… {row.size} more bytes")
            continue
        if row.notes:
            yield "</tbody><tbody>" if opened else "<tbody>"
            opened = True
        offset, hexes, texts = row.offset, [], []
        for piece in row.pieces:
            hexes.append(_bytes(piece, offset, expected))
            texts.append(_span(piece, ascii_of(piece.data)))
            offset += len(piece.data)
        notes = " | ".join(map(_note, row.notes))
        yield (
            f"<tr><th>{base + row.offset:08x}</th><td>{' '.join(hexes)}</td>"
            f'<td class="ascii">{"".join(texts)}</td><td class="note">{notes}</td></tr>'
        )
    if opened:
        yield "</tbody>"


def _whole_row(text: str) -> str:
    return f'<tr><th></th><td class="more" colspan="3">{text}</td></tr>'


def _bytes(piece: Piece, offset: int, expected: memoryview | None) -> str:
    if not piece.marked or expected is None:
        return _span(piece, piece.data.hex(" "))
    return " ".join(
        _span(piece, f"{byte:02x}", f"expected {expected[at]:02x}" if at < len(expected)
              else "nothing expected")
        for at, byte in enumerate(piece.data, offset)
    )  # fmt: skip


def _span(piece: Piece, text: str, title: str = "") -> str:
    style = "mark" if piece.marked else _style(piece)
    hint = f' title="{title}"' if title else ""
    return f'<span class="{style}" data-r="{piece.region}"{hint}>{escape(text)}</span>'


def _note(note: Note) -> str:
    label = escape(visible(note.name))
    name = f'<span class="{_style(note)}" data-r="{note.region}">{label}</span>'
    if not note.values:
        return name
    values = ", ".join(
        f'<span data-r="{region}">{escape(visible(text))}</span>' for text, region in note.values
    )
    return f"{name} = {values}"


def _style(part: Piece | Note) -> str:
    """Return the CSS class."""
    return f"f{part.color % len(FIELD_COLORS)}" if part.role == "field" else part.role
