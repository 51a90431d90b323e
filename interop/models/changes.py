"""Changes of the explorer's programs, as mutations.toml writes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from .explorer import Operation, Program

__all__ = ["ChangeError", "changed"]

_Thread = Sequence[Operation]

_STEP = r"(?P<{}>[\w:]+(?: (?:load|store|wake))?)"
_CHANGE = re.compile(
    rf"(?P<verb>remove|plain|always|move) {_STEP.format('step')}(?: after {_STEP.format('place')})?"
)


class ChangeError(ValueError):
    """A change is not understood, or changes nothing."""


def changed(program: Program, changes: Iterable[str]) -> Program:
    """Return a program with changes, such as "remove W3" or "move W7 after W10 load".

    Raises:
        ChangeError: a change is not understood, or changes nothing.
    """
    for change in changes:
        threads = [_change(thread, change) for thread in program.threads]
        if threads == [list(thread) for thread in program.threads]:
            raise ChangeError(f"it changes nothing: {change!r}")
        program = replace(program, threads=threads)
    return program


def _change(thread: _Thread, change: str) -> list[Operation]:
    match = _CHANGE.fullmatch(change)
    if match is None or (match["verb"] == "move") != (match["place"] is not None):
        raise ChangeError(f"not a change: {change!r}")
    chosen = _selects(match["step"])
    if match["verb"] == "remove":
        return [operation for operation in thread if not chosen(operation)]
    if match["verb"] == "plain":
        return [replace(one, ordered=False) if chosen(one) else one for one in thread]
    if match["verb"] == "always":
        return [replace(one, condition=None) if chosen(one) else one for one in thread]
    return _moved(thread, chosen, _selects(match["place"]))


def _selects(text: str) -> Callable[[Operation], bool]:
    """Return whether an operation is what "W7" or "W7 store" means."""
    step, _, kind = text.partition(" ")
    return lambda operation: operation.step == step and kind in ("", operation.kind.value)


def _moved(
    thread: _Thread, chosen: Callable[[Operation], bool], place: Callable[[Operation], bool]
) -> list[Operation]:
    """Return a thread in which the chosen operations come after the next one at ``place``."""
    result: list[Operation] = []
    moving: list[Operation] = []
    for operation in thread:
        if chosen(operation):
            moving.append(operation)
            continue
        result.append(operation)
        if place(operation):
            result += moving
            moving = []
    if moving:
        raise ChangeError(f"nothing comes later to move it after: {moving[0].step}")
    return result
