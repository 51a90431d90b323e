"""Runs a sequence of API calls in one peer, or in two, and returns comparable outcomes.

An outcome is JSON: ``{"value": ...}`` or ``{"error": kind}`` of a call (docs/protocol.md), and
``{"file": hex}`` for what a file contains afterwards, with null for a file that does not exist.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pyshm.testing.process import Peer

from ..exchange.place import Place
from ..exchange.run import disposing
from ..worlds.world import World
from .steps import Lifetime, Sequence, Step

__all__ = ["Outcome", "label", "labels", "lifetime", "outcomes"]

Outcome = dict[str, Any]


def outcomes(sequence: Sequence, peer: Peer, place: Place, world: World) -> list[Outcome]:
    """Run ``sequence`` in ``peer``; return the outcome of each call, then each file."""
    paths = {key: Path(place.path()) for key in sequence.files}
    for key, content in sequence.files.items():
        if content is not None:
            paths[key].write_bytes(content)
    values = {key: world.path(str(path)) for key, path in paths.items()}
    values["name"] = place.name()
    with disposing(peer):
        answers = peer.request(
            *(_filled(step, values) for step in sequence.steps), on_error="continue"
        )
    found = list(map(_outcome, answers))
    for path in paths.values():
        found.append({"file": path.read_bytes().hex() if path.exists() else None})
        path.unlink(missing_ok=True)
    return found


def lifetime(case: Lifetime, first: Peer, second: Peer, place: Place) -> list[Outcome]:
    """Run ``case`` with process A as ``first`` and B as ``second``; return the outcomes."""
    values = {"name": place.name()}
    peers = {"A": first, "B": second}
    found: list[Outcome] = []
    with disposing(first, second):
        for process, step in case.steps:
            if step is None:
                peers[process].kill()
                found.append({"value": None})
            else:
                found.append(_outcome(peers[process].request(_filled(step, values))[0]))
    return found


def label(step: Step) -> str:
    """Return a step as text: its verb, then its arguments."""
    return " ".join(f"{key}={item}" if key != "do" else str(item) for key, item in step.items())


def labels(case: Sequence | Lifetime) -> list[str]:
    """Return a text for each outcome of ``case``."""
    if isinstance(case, Lifetime):
        return [
            f"{process}: {'is killed' if step is None else label(step)}"
            for process, step in case.steps
        ]
    return [*map(label, case.steps), *(f"file {key} afterwards" for key in case.files)]


def _outcome(answer: dict[str, Any]) -> Outcome:
    # The message of an error is each language's own.
    return {"error": answer["error"]["kind"]} if "error" in answer else {"value": answer["value"]}


def _filled(step: Step, values: dict[str, str]) -> Step:
    """Return ``step`` with ``values`` in place of the braces around their names."""

    def value(match: re.Match[str]) -> str:
        return values[match[1]]

    return {
        argument: re.sub(r"\{(\w+)\}", value, item) if isinstance(item, str) else item
        for argument, item in step.items()
    }
