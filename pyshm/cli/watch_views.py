"""The three outputs of ``pyshm watch``: a log, JSON lines, or a live dump."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from .._support.closing import Closing
from .._support.text import visible
from ..dump import SHOWN, as_json, as_text, describe
from ..dump.changes import Change, FieldChange, field_changes
from ..dump.regions import Regions
from ..dump.rows import Row, rows, shown_of
from ..dump.text import json_value
from ..dump.watching import Appeared, BeingWritten, Changed, Event, Rewritten, Waiting
from .common import print_json
from .console import Console

if TYPE_CHECKING:
    import rich.console
    from rich.console import RenderableType

__all__ = ["JsonLines", "Live", "Log", "View"]

_BEING_WRITTEN = "being written (or the writer was killed)"
_REWRITTEN = "written again, with the same bytes"
_HEX = 8  # the bytes that a line of the log shows of a change outside of fields


class View(Closing):
    """Shows the events of one map."""

    def __init__(self, title: str) -> None:
        self._title = title

    def show(self, event: Event) -> None:
        """Show an event."""
        raise NotImplementedError

    def close(self) -> None:
        """Restore the terminal."""


class Log(View):
    """Prints a line of plain text for each field that changes."""

    def __init__(self, title: str, console: Console) -> None:
        super().__init__(title)
        self._console = console

    def show(self, event: Event) -> None:
        """Print the lines of the event, each with the time."""
        now = datetime.now().astimezone().strftime("%H:%M:%S.%f")[:-3]
        for line in _lines(event, self._title):
            self._console.line(f"{now}  {line}")


class JsonLines(View):
    """Prints a JSON object for each event, and for each changed run of bytes."""

    def show(self, event: Event) -> None:
        """Print the objects of the event."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        for value in _objects(event, self._title):
            print_json({"time": now, **value})


class Live(View):
    """Draws the dump again after each event, with the bytes of the last change marked."""

    def __init__(self, title: str, console: rich.console.Console) -> None:
        super().__init__(title)
        from rich.live import Live as Screen

        self._console = console
        self._found: Regions | None = None
        self._data = bytearray()
        self._changes: list[Change] = []
        self._state = self._picture = ""
        self._count = 0
        self._screen = Screen(console=console, auto_refresh=False, vertical_overflow="crop")
        self._screen.start()

    def show(self, event: Event) -> None:
        """Draw the present contents of the map."""
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        if isinstance(event, Waiting):
            self._found, self._state = None, f"{now}  waiting: {event.reason}"
        elif isinstance(event, BeingWritten):
            self._state = f"{now}  {_BEING_WRITTEN}"
        elif isinstance(event, Rewritten):
            self._state, self._changes = f"{now}  {_REWRITTEN}", []
        elif isinstance(event, Appeared):
            self._show(event, [])
            self._state = f"{now}  nothing has changed yet"
        else:
            self._show(event, event.changes)
            self._count += 1
            self._state = f"{now}  change {self._count}: {_summary(event)}"
        self._screen.update(self._drawn(), refresh=True)

    def _show(self, event: Appeared | Changed, changes: list[Change]) -> None:
        self._found, self._data, self._changes = event.found, event.data, changes
        region = event.found.content
        view = memoryview(event.data)
        self._picture = str(describe(view[region.offset : region.end])) if region else ""

    def close(self) -> None:
        """Stop drawing; the last dump stays on the terminal."""
        self._screen.stop()

    def _drawn(self) -> RenderableType:
        from rich.console import Group
        from rich.text import Text

        from ..dump.terminal import heading, row_width, table

        state = Text(visible(self._state), "bold")
        if self._found is None:
            return Group(Text(visible(self._title), "bold"), state)
        width = row_width(self._console.width)
        marked = [run for change in self._changes for run in change.runs()]
        limit = shown_of(self._found)
        data = memoryview(self._data)
        shown = list(rows(data, self._found.regions, marked=marked, limit=limit, width=width))
        head = list(heading(self._found, self._title, self._picture))
        room = max(self._console.height - len(head) - 3, 4)
        hidden = len(shown) - room
        if hidden > 0:
            # If not all rows fit, those with changes have priority.
            changed = [row for row in shown if _is_marked(row)][:room]
            others = iter(row for row in shown if not _is_marked(row))
            kept = {id(row) for row in changed}
            kept |= {id(row) for row, _ in zip(others, range(room - len(changed)), strict=False)}
            shown = [row for row in shown if id(row) in kept]
        parts: list[RenderableType] = [*head, state, table(shown, width)]
        if hidden > 0:
            parts.append(Text(f"… {hidden} more rows", "dim italic"))
        return Group(*parts)


def _is_marked(row: object) -> bool:
    return isinstance(row, Row) and any(piece.marked for piece in row.pieces)


def _lines(event: Event, title: str) -> Iterator[str]:
    if isinstance(event, Waiting):
        yield f"waiting: {event.reason}"
    elif isinstance(event, BeingWritten):
        yield _BEING_WRITTEN
    elif isinstance(event, Rewritten):
        yield _REWRITTEN
    elif isinstance(event, Appeared) or event.found.kind != event.before.kind:
        limit = shown_of(event.found)
        yield from as_text(memoryview(event.data), event.found, title, limit=limit)
    else:
        for change in event.changes:
            for item in field_changes(event.before, event.found, change):
                yield f"{_place(change, item):08x}  {_text(change, item)}"


def _place(change: Change, item: FieldChange) -> int:
    return max(change.offset, item.new.offset)


def _text(change: Change, item: FieldChange) -> str:
    name, equals, value = item.new.note.partition(" = ")
    if item.role == "field" and equals:
        if item.old is None:
            return item.new.note
        return f"{name} = {item.old.note.partition(' = ')[2]} -> {value}"
    start = _place(change, item)
    end = min(change.end, item.new.offset + item.new.size)
    part = slice(start - change.offset, end - change.offset)
    old, new = _some(change.old[part]), _some(change.new[part])
    return f"{item.new.name}, {end - start} bytes: {old} -> {new}"


def _some(data: bytes) -> str:
    return data[:_HEX].hex(" ") + (" …" if len(data) > _HEX else "")


def _objects(event: Event, title: str) -> Iterator[dict[str, Any]]:
    if isinstance(event, Waiting):
        yield {"event": "waiting", "map": title, "reason": event.reason}
    elif isinstance(event, BeingWritten):
        yield {"event": "being-written", "map": title}
    elif isinstance(event, Rewritten):
        yield {"event": "rewritten", "map": title}
    elif isinstance(event, Appeared):
        yield {"event": "appeared", **as_json(event.found, title)}
    else:
        for change in event.changes:
            fields = [_field(item) for item in field_changes(event.before, event.found, change)]
            yield {
                "event": "changed",
                "map": title,
                "kind": event.found.kind,
                "offset": change.offset,
                "size": len(change.new),
                # A field has few bytes; of a picture as many are shown as in a dump.
                "old": change.old[:SHOWN].hex(),
                "new": change.new[:SHOWN].hex(),
                "fields": fields,
            }


def _field(item: FieldChange) -> dict[str, Any]:
    old = None if item.old is None else json_value(item.old.value)
    return {"name": item.new.name, "old": old, "value": json_value(item.new.value)}


def _summary(event: Changed) -> str:
    count = sum(end - start for change in event.changes for start, end in change.runs())
    first = field_changes(event.before, event.found, event.changes[0])
    names: Sequence[str] = [_text(event.changes[0], item) for item in first[:3]]
    return f"{count} bytes: {'; '.join(names)}" + (" …" if len(first) > 3 else "")
