"""What happened in one case: what its peers were asked and answered, which bytes lay in the map.

Kept for the report, and small: long texts and bytes are shown by their beginning and end.
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
_MOST_BYTES = 1 << 24  # of a map that is looked at only for the report
_MOST_ITEMS = 60  # of a list


class Entry(NamedTuple):
    """One step and what came of it."""

    by: str  # "producer" or "consumer"
    step: dict[str, Any]
    outcome: dict[str, Any] | None  # None: the peer failed before it answered
    expected: dict[str, Any] | None = None  # None: whatever is no error, or nobody said


# Steps that are no case's: the comparison before the first one, the tidying after each. They are
# told of only where the peer did not survive them.
_HARNESS = ("manifest", "reset")


class Record:
    """One case's story, written down while it happens."""

    def __init__(self, place: Place) -> None:
        """``place`` has given the names that differ from run to run, and are called map-1 here."""
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
        """Write down what ``peer`` is asked meanwhile."""

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
        """What the next request to ``role`` should give, step by step."""
        self._expected[role] = list(outcomes)

    def memory(self, found: bytes, wanted: bytes | None = None) -> None:
        """The bytes in the map, and those that should be there."""
        self.bytes = Memory.of(found, self.kind(), wanted)

    @contextmanager
    def looking(self, look: Callable[[], bytes], wanted: bytes) -> Iterator[None]:
        """Should the case fail before its bytes are looked at, look at them then, if they exist."""
        try:
            yield
        except (AssertionError, PeerFailure):
            if self.bytes is None:
                try:
                    self.memory(look(), wanted)
                except (OSError, AssertionError, PeerFailure):
                    pass  # there is no map: that is what the failure is about
            raise

    def left_in(self, place: Place) -> None:
        """The bytes of the case's named map, where it is about one and its peers still hold it."""
        for name in place.existing_maps()[:1]:
            try:
                data = read_map(name, _MOST_BYTES + 1)
            except OSError:
                return  # a test may have taken away its permissions, or is about a dead one
            if len(data) <= _MOST_BYTES:
                self.memory(data)

    def kind(self) -> str | None:
        """What the bytes are taken for by who reads them; else by who wrote them last."""
        kinds = {"read-image": "blob", "write-image": "blob"}
        kinds |= {"read-struct": "TestData", "write-struct": "TestData"}
        for role, entries in ((CONSUMER, self.entries), (PRODUCER, self.entries[::-1])):
            for entry in entries:
                succeeded = entry.outcome is not None and "error" not in entry.outcome
                # A reader that refuses took the bytes for something; a refused writer did not.
                if (
                    entry.by == role
                    and entry.step["do"] in kinds
                    and (succeeded or role == CONSUMER)
                ):
                    return kinds[entry.step["do"]]
        return None

    def as_json(self) -> dict[str, Any]:
        """As a line of the report carries it (docs/report.md)."""
        return {
            "steps": [
                {key: item for key, item in entry._asdict().items() if item is not None}
                for entry in self.entries
            ],
            "left_out": self.left_out,
            "memory": self.bytes.as_json() if self.bytes else None,
        }

    def as_text(self) -> str:
        """The record and the hellos as ASCII, to cross a process border in a test's report.

        Paths with lone surrogates are among the cases; those no encoding would take.
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
        """The same with run-wide names in place of unique ones, and without the middle of much."""
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
