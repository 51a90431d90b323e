"""What happens to a map, as events. Looking and waiting are the caller's."""

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
    """There is no such map, or there is none any more."""

    reason: str


class Appeared(NamedTuple):
    """The map is there; ``data`` is a copy of what it holds, the watcher's own."""

    found: Regions
    data: bytearray


class BeingWritten(NamedTuple):
    """A blob is being written, or its writer died in that. Nothing is told until it is whole."""


class Rewritten(NamedTuple):
    """The blob is whole again, and has the bytes that it had."""


class Changed(NamedTuple):
    """Bytes have changed: where, and what lay and lies in the map."""

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
    """Look at a map again and again, for ever, and tell what is new.

    ``look`` opens the map and closes it at the end of its block: it is held for the moment of
    looking only, so that a watcher never keeps a map alive that its programs have let go of,
    and finds the new one of that name. ``wait`` passes the time between two looks. The bytes are
    taken for ``kind``, or for what they seem to be, as by :func:`pyshm.dump.annotate`.

    Raises what ``look`` raises, but for MapNotFoundError, MapIOError and an empty file: these
    are waited out.
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
    """Compares each look with the one before."""

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
            return self._begin_writing()  # the write began while we looked: old and new mixed
        writing, self._writing = self._writing, False
        if not blocks:
            return Rewritten() if writing else None
        changes = snapshot.take(blocks)
        return Changed(changes, before, self._annotate(snapshot), snapshot.data)

    def _annotate(self, snapshot: Snapshot) -> Regions:
        found = annotate_anything(memoryview(snapshot.data), self._kind, count=self._count)
        self._found = found
        return found

    def _is_being_written(self, buffer: memoryview) -> bool:
        return self._kind in (None, "blob") and is_unfinished(buffer)

    def _begin_writing(self) -> BeingWritten | None:
        writing, self._writing = self._writing, True
        return None if writing else BeingWritten()
