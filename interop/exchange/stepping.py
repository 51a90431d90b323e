"""A peer that stops itself after a store of a channel, and what its process does."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pyshm.testing.process import Peer

__all__ = [
    "go_on",
    "is_asleep",
    "last_places",
    "places",
    "stopping",
    "wait_until_asleep",
    "wait_until_stopped",
]

_PATIENCE = 60.0  # seconds
_FUTEX = {"x86_64": 202, "aarch64": 98}


def places(peer: Peer, step: dict[str, Any]) -> list[str]:
    """Carry out ``step``. Return the step of docs/channels.md of each place that it passed."""
    outcome = peer.request({"do": "channel-step", "step": step})[0]
    found: list[str] = outcome["value"]
    return found


def last_places(done: list[str]) -> list[tuple[int, str]]:
    """Return the last place of each step, counted from 1, and the first place of W5."""
    chosen = [
        (place, label)
        for place, label in enumerate(done, 1)
        if place == len(done) or done[place] != label
    ]
    if "W5" in done:
        chosen.append((done.index("W5") + 1, "W5"))
    return sorted(set(chosen))


@contextmanager
def stopping(peer: Peer, place: int, step: dict[str, Any]) -> Iterator[None]:
    """Let the peer stop after a place of ``step``, and wait until it has stopped."""
    peer.send({"do": "channel-step", "after": place, "step": step})
    try:
        wait_until_stopped(peer)
        yield
    except BaseException:
        peer.kill()
        raise


def go_on(peer: Peer) -> list[dict[str, Any]]:
    """Let a stopped peer finish its request. Return the outcomes."""
    os.kill(peer.pid, signal.SIGCONT)
    return peer.receive()


def wait_until_stopped(peer: Peer) -> None:
    """Wait until the peer has stopped itself."""
    _wait(lambda: _state(peer.pid) == "T", f"{peer.name} does not stop")


def is_asleep(pid: int) -> bool:
    """Return whether the main thread sleeps on a word that processes share."""
    fields = Path(f"/proc/{pid}/syscall").read_text().split()
    # FUTEX_WAIT is 0; the languages themselves use it with FUTEX_PRIVATE_FLAG.
    return fields[0] == str(_FUTEX[platform.machine()]) and int(fields[2], 16) == 0


def wait_until_asleep(peer: Peer) -> None:
    """Wait until the peer sleeps on a word of a channel."""
    _wait(lambda: is_asleep(peer.pid), f"{peer.name} does not sleep")


def _state(pid: int) -> str:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


def _wait(condition: Any, otherwise: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not condition():
        assert time.monotonic() < end, f"in {_PATIENCE:.0f} s, {otherwise}"
        time.sleep(0.001)
