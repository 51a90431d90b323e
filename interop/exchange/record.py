"""The record of one case for the report: its steps, their outcomes, and the bytes in the map.

It is kept small: of long texts and of long content it has the beginning and the end.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

from pyshm.testing.process import Peer, PeerFailure

from ..oracle.memory import read_map
from .memory import Memory, shortened

if TYPE_CHECKING:
    from .place import Place

__all__ = ["CONSUMER", "PRODUCER", "Entry", "Record"]

PRODUCER, CONSUMER = "producer", "consumer"
_MOST_ENTRIES = 60
_MOST_BYTES = 1 << 24  # of a map that is read only for the report
_MOST_ITEMS = 60  # of a list


class Entry(NamedTuple):
    """One step and its outcome."""

    by: str  # "producer" or "consumer"
    step: dict[str, Any]
    outcome: dict[str, Any] | None  # None if the peer failed before it answered
    expected: dict[str, Any] | None = None  # None if any value is right, or it is not known


# Steps of the harness: the comparison before the first case, the cleanup after each. They are
# recorded only if the peer failed during them.
_HARNESS = ("manifest", "reset")


class Record:
    """The record of one case, written while it runs."""

    def __init__(self, place: Place) -> None:
        """Start an empty record.

        The names and paths that ``place`` gives differ in every run. The record has map-1, map-2
        and so on in their place.
        """
        self.entries: list[Entry] = []
        self.left_out = 0
        self.bytes: Memory | None = None
        self.hellos: dict[str, dict[str, Any]] = {}
        self._names: dict[str, str] = {}
        self._expected: dict[str, list[Any]] = {}
        self._unique = re.compile(
            f"{re.escape(place.prefix)}\\d+|{re.escape(place.folder)}.map-\\d+(?=\\.bin)"
        )

    @contextmanager
    def listening(self, label: str, role: str, peer: Peer) -> Iterator[None]:
        """Record the steps of ``peer`` while the context is open."""

        def listen(steps: Sequence[Mapping[str, Any]], outcomes: list[dict[str, Any]]) -> None:
            expected = self._expected.pop(role, [])
            for index, step in enumerate(steps):
                outcome = outcomes[index] if index < len(outcomes) else None
                if step["do"] in _HARNESS and outcome is not None:
                    continue
                self._add(
                    role,
                    step,
                    outcome,
                    expected[index] if index < len(expected) else None,
                )
            self.hellos[label] = peer.hello

        before, peer.listener = peer.listener, listen
        try:
            yield
        finally:
            peer.listener = before

    def expect(self, role: str, outcomes: Sequence[Any]) -> None:
        """Set the expected outcomes of the next request to ``role``."""
        self._expected[role] = list(outcomes)

    def memory(self, found: bytes, wanted: bytes | None = None) -> None:
        """Record the bytes in the map, and the wanted ones if they are known."""
        self.bytes = Memory.of(found, self.kind(), wanted)

    @contextmanager
    def reading_on_failure(self, read: Callable[[], bytes], wanted: bytes) -> Iterator[None]:
        """If the case fails before its bytes were recorded, record them then, if the map exists."""
        try:
            yield
        except (AssertionError, PeerFailure):
            if self.bytes is None:
                try:
                    self.memory(read(), wanted)
                except (OSError, AssertionError, PeerFailure):
                    pass  # there is no map, and the failure says why
            raise

    def read_map_in(self, place: Place) -> None:
        """Record the bytes of the case's named map, if its peers still hold one."""
        for name in place.existing_maps()[:1]:
            try:
                data = read_map(name, _MOST_BYTES + 1)
            except OSError:
                return  # some tests change the permissions of the file, or are about a dead map
            if len(data) <= _MOST_BYTES:
                self.memory(data)

    def kind(self) -> str | None:
        """Return the format in which the bytes were read, else in which they were last written."""
        kinds = {"read-image": "blob", "write-image": "blob"}
        kinds |= {"read-struct": "TestData", "write-struct": "TestData"}
        for role, entries in ((CONSUMER, self.entries), (PRODUCER, self.entries[::-1])):
            for entry in entries:
                succeeded = entry.outcome is not None and "error" not in entry.outcome
                # A reader that fails has read the bytes in its format; a failed writer wrote none.
                if (
                    entry.by == role
                    and entry.step["do"] in kinds
                    and (succeeded or role == CONSUMER)
                ):
                    return kinds[entry.step["do"]]
        return None

    def as_json(self) -> dict[str, Any]:
        """Return the form that a line of the report has (docs/report.md)."""
        return {
            "steps": [
                {key: item for key, item in entry._asdict().items() if item is not None}
                for entry in self.entries
            ],
            "left_out": self.left_out,
            "memory": self.bytes.as_json() if self.bytes else None,
        }

    def as_text(self) -> str:
        """Return the record and the hellos as ASCII, which xdist can pass to another process.

        Some cases have paths with lone surrogates, which no other encoding accepts.
        """
        return json.dumps({"record": self.as_json(), "hellos": self.hellos})

    def _add(self, role: str, step: Mapping[str, Any], outcome: Any, expected: Any) -> None:
        if len(self.entries) >= _MOST_ENTRIES:
            self.left_out += 1
            return
        self.entries.append(
            Entry(role, self._short(step), self._short(outcome), self._short(expected))
        )

    def _short(self, item: Any) -> Any:
        """Return ``item`` with map-1 and the like as names, and with long parts shortened."""
        if isinstance(item, Mapping):
            return {key: self._short(value) for key, value in item.items()}
        if isinstance(item, list | tuple):
            items = [self._short(value) for value in item[:_MOST_ITEMS]]
            more = len(item) - len(items)
            return [*items, f"… {more} more"] if more else items
        if isinstance(item, str):
            return shortened(self._unique.sub(self._rename, item))
        return item

    def _rename(self, found: re.Match[str]) -> str:
        return self._names.setdefault(found[0], f"map-{len(self._names) + 1}")
