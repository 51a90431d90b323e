"""Watch a map: yield an event for everything that changes in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import NamedTuple, TypeAlias

from ..errors import ArgumentError, MapIOError, MapNotFoundError
from ..formats.recognize import is_unfinished
from ..structs.struct import Struct
from .changes import Change, Snapshot
from .regions import Regions, annotate_anything

__all__ = ["Appeared", "BeingWritten", "Changed", "Event", "Rewritten", "Waiting", "watch"]


class Waiting(NamedTuple):
    """The map does not exist, or no longer."""

    reason: str


class Appeared(NamedTuple):
    """The map exists; ``data`` is the watcher's copy of its contents."""

    found: Regions
    data: bytearray


class BeingWritten(NamedTuple):
    """A blob is being written, or the writer was killed. The next event comes when it is whole."""


class Rewritten(NamedTuple):
    """The blob is whole again, with the same bytes as before."""


class Changed(NamedTuple):
    """Bytes have changed: the changes, the regions before, the regions and the bytes now."""

    changes: list[Change]
    before: Regions
    found: Regions
    data: bytearray


Event: TypeAlias = Waiting | Appeared | BeingWritten | Rewritten | Changed


def watch(
    look: Callable[[], AbstractContextManager[memoryview]],
    wait: Callable[[], None],
    kind: str | type[Struct] | None = None,
    *,
    count: int = 1,
) -> Iterator[Event]:
    """Look at a map repeatedly, without end, and yield an event for each change.

    ``look`` opens the map and closes it at the end of its block. So the watcher holds the map only
    during a look: it never keeps a map alive that other programs have released, and it finds a new
    map with the same name. ``wait`` returns when it is time for the next look. The bytes are read
    as ``kind`` or as what they seem to be, as in :func:`pyshm.dump.annotate`.

    Raises what ``look`` raises, except for MapNotFoundError, MapIOError and the error of an empty
    file: after these it waits.
    """
    watcher = _Watcher(kind, count)
    reason: str | None = None
    while True:
        event: Event | None
        try:
            with look() as buffer:
                event = watcher.step(buffer)
            reason = None
        except (MapNotFoundError, MapIOError, ArgumentError) as error:
            if isinstance(error, ArgumentError) and error.field != "capacity":
                raise
            event = None if str(error) == reason else Waiting(str(error))
            reason = str(error)
            watcher.forget()
        if event is not None:
            yield event
        wait()


class _Watcher:
    """Compares each look with the previous one."""

    def __init__(self, kind: str | type[Struct] | None, count: int) -> None:
        self._kind = kind
        self._count = count
        self._snapshot: Snapshot | None = None
        self._found: Regions | None = None
        self._writing = False

    def forget(self) -> None:
        self._snapshot = None

    def step(self, buffer: memoryview) -> Event | None:
        snapshot, before = self._snapshot, self._found
        if snapshot is None or before is None or len(snapshot.data) != len(buffer):
            snapshot = self._snapshot = Snapshot(buffer)
            self._writing = False
            return Appeared(self._annotate(snapshot), snapshot.data)
        if self._is_being_written(buffer):
            return self._begin_writing()
        blocks = snapshot.differing(buffer)
        if blocks and self._is_being_written(buffer):
            return self._begin_writing()  # it began during the comparison: old and new bytes
        writing, self._writing = self._writing, False
        if not blocks:
            return Rewritten() if writing else None
        changes = snapshot.update(blocks)
        return Changed(changes, before, self._annotate(snapshot), snapshot.data)

    def _annotate(self, snapshot: Snapshot) -> Regions:
        found = annotate_anything(memoryview(snapshot.data), self._kind, count=self._count)
        self._found = found
        return found

    def _is_being_written(self, buffer: memoryview) -> bool:
        # Without a kind, -1 means this only where a blob has been.
        known = self._found.kind if self._kind is None and self._found else self._kind
        return known == "blob" and is_unfinished(buffer)

    def _begin_writing(self) -> BeingWritten | None:
        writing, self._writing = self._writing, True
        return None if writing else BeingWritten()
