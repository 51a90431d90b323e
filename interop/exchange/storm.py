"""A storm: processes that use one channel at full speed, and are killed at random moments."""

from __future__ import annotations

import os
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NamedTuple

from pyshm.testing.process import Peer

from ..oracle.channel import read_channel

__all__ = ["Storm", "Tally", "pin"]

_LONGEST_LIFE = 0.25  # seconds of a writer
_LONGEST_STORM = 86400.0  # seconds; the readers end when the last writer closes


class Tally(NamedTuple):
    """What a storm counted: of the readers that lived to its end, all together."""

    kills: Counter[str]
    """How many of each role were killed."""
    counts: Counter[str]
    by_reader: dict[str, dict[str, int]]
    published: int

    def __str__(self) -> str:
        lines = [
            f"published {self.published}; killed: "
            + ", ".join(f"{count} {role}s" for role, count in sorted(self.kills.items()))
        ]
        for name, counts in self.by_reader.items():
            shown = ", ".join(f"{key} {count:,}" for key, count in counts.items())
            lines.append(f"  {name}: {shown}")
        return "\n".join(lines)


def pin(peer: Peer, processor: int) -> None:
    """Let all threads of a peer run on one processor."""
    for thread in Path(f"/proc/{peer.pid}/task").iterdir():
        with suppress(ProcessLookupError):
            os.sched_setaffinity(int(thread.name), {processor})


class Storm:
    """The processes of a storm. The writers have one processor, the readers another one."""

    def __init__(
        self,
        start: Callable[[str, str], Peer],
        languages: Iterable[str],
        name: str,
        discipline: str,
        size: int,
        seed: int,
    ) -> None:
        """Describe a storm.

        Args:
            start: returns a new peer of a language, with a name; it is not started yet.
            languages: those of the writers, by turns.
            name: of the channel.
            discipline: of the channel.
            size: of each frame, in bytes.
            seed: of the moments of the kills.
        """
        self._start = start
        self._languages = list(languages)
        self._open = {
            "do": "channel-open", "as": "c", "name": name, "discipline": discipline,
            "content": "bytes",
        }  # fmt: skip
        self._name = name
        self._size = size
        self._chance = random.Random(seed)
        self._processors = sorted(os.sched_getaffinity(0))[:2]
        self._peers: list[Peer] = []

    def run(self, kills: int, readers: dict[str, tuple[str, str]], victim: str) -> Tally:
        """Run the storm.

        Args:
            kills: how many writers are killed.
            readers: the role and the language of each reader that lives to the end.
            victim: the role of the readers that are killed too.
        """
        with ExitStack() as stack:
            stack.callback(self._kill_all)
            spares = stack.enter_context(ThreadPoolExecutor(2))
            return self._run(kills, readers, victim, spares)

    def _run(
        self,
        writers: int,
        readers: dict[str, tuple[str, str]],
        victim: str,
        spares: ThreadPoolExecutor,
    ) -> Tally:
        kills: Counter[str] = Counter()
        alive = {
            label: self._reader(label, role, language)
            for label, (role, language) in readers.items()
        }
        turns = 0
        spare = spares.submit(self._ready, self._languages[0], "writer", 0)
        killed: Peer | None = None
        while kills["writer"] < writers:
            turns += 1
            writer = spare.result()
            spare = spares.submit(
                self._ready, self._languages[turns % len(self._languages)], "writer", 0
            )
            if turns % 3 == 1:
                language = self._languages[turns // 3 % len(self._languages)]
                killed = self._reader("killed", victim, language)
            self._ask(writer, {"do": "channel-writer", "as": "w", "channel": "c"})
            run = {"do": "channel-run", "role": "write", "target": "w", "size": self._size}
            writer.send(run)
            # A kill at a random moment is what the storm is about.
            time.sleep(self._chance.uniform(0.0, _LONGEST_LIFE))
            if killed is not None and turns % 3 == 2:
                killed.kill()
                killed = None
                kills[victim] += 1
                time.sleep(self._chance.uniform(0.0, _LONGEST_LIFE))
            writer.kill()
            kills["writer"] += 1
        self._finish(spare.result())
        by_reader = {label: peer.receive()[-1]["value"] for label, peer in alive.items()}
        counts: Counter[str] = Counter()
        for found in by_reader.values():
            counts.update(found)
        return Tally(kills, counts, by_reader, read_channel(self._name).number)

    def _reader(self, label: str, role: str, language: str) -> Peer:
        peer = self._ready(language, label, -1)
        do = "channel-viewer" if role == "hold" else "channel-reader"
        self._ask(peer, {"do": do, "as": "r", "channel": "c"})
        run = {"do": "channel-run", "role": role, "target": "r", "size": self._size}
        peer.send({**run, "seconds": _LONGEST_STORM})
        return peer

    def _ready(self, language: str, label: str, processor: int) -> Peer:
        peer = self._start(language, f"{label} ({language})")
        self._peers.append(peer)
        self._ask(peer, self._open)
        pin(peer, self._processors[processor])
        return peer

    def _finish(self, writer: Peer) -> None:
        """Publish until each reader has surely got a value of the last writer; then close."""
        run = {"do": "channel-run", "role": "write", "target": "w", "size": self._size}
        self._ask(
            writer,
            {"do": "channel-writer", "as": "w", "channel": "c"},
            {**run, "seconds": 0.5},
            {"do": "dispose", "target": "w"},
        )

    def _ask(self, peer: Peer, *steps: dict[str, Any]) -> None:
        for outcome in peer.request(*steps):
            assert "error" not in outcome, f"{peer.name}: {outcome['error']}"

    def _kill_all(self) -> None:
        for peer in self._peers:
            peer.kill()
