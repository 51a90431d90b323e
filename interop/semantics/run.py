"""Carries out a sequence of API calls and gathers what came of it, comparably."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from pyshm.testing.process import Peer

from ..exchange.place import Place
from ..exchange.run import letting_go
from ..worlds.world import World
from .sequences import Lifetime, Sequence

__all__ = ["label", "lifetime", "outcomes"]


def outcomes(sequence: Sequence, peer: Peer, place: Place, world: World) -> list[Any]:
    """What ``peer`` makes of it: values, kinds of error, and what is left of the files."""
    paths = {key: place.path() for key in {"a": None, **sequence.files}}
    for key, content in sequence.files.items():
        if content is not None:
            Path(paths[key]).write_bytes(content)
    seen = {key: world.path(path) for key, path in paths.items()}
    name = place.name()
    steps = [
        {key: _filled(item, seen, name) for key, item in step.items()} for step in sequence.steps
    ]
    with letting_go(peer):
        found: list[Any] = [
            outcome["error"]["kind"] if "error" in outcome else {"value": outcome["value"]}
            for outcome in peer.request(*steps, on_error="continue")
        ]
    for path in paths.values():
        found.append(Path(path).read_bytes() if os.path.exists(path) else None)
        if found[-1] is not None:
            os.unlink(path)
    return found


def lifetime(case: Lifetime, first: Peer, second: Peer, place: Place) -> list[Any]:
    """What the two processes make of it, step by step."""
    name = place.name()
    peers = {"A": first, "B": second}
    found: list[Any] = []
    with letting_go(first, second):
        for who, step in case.steps:
            if step is None:
                peers[who].kill()
                found.append({"value": None})
                continue
            filled = {key: _filled(item, {}, name) for key, item in step.items()}
            outcome = peers[who].request(filled)[0]
            found.append(outcome["error"]["kind"] if "error" in outcome else outcome)
    return found


def label(step: dict[str, Any]) -> str:
    """A step as one reads it: its verb, then its arguments."""
    return " ".join(f"{key}={item}" if key != "do" else str(item) for key, item in step.items())


def _filled(item: Any, paths: dict[str, str], name: str) -> Any:
    if not isinstance(item, str):
        return item
    for key, path in paths.items():
        item = item.replace("{" + key + "}", path)
    return item.replace("{name}", name)
