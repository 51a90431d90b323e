"""What Microsoft's own tests and documentation demand of calls: microsoft.toml, which says more."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .run import Outcome

__all__ = ["Demand", "demanded", "demands"]


class Demand(NamedTuple):
    """An outcome that some calls must have on some systems, and who says so."""

    sequences: str
    calls: str
    outcome: Outcome
    systems: tuple[str, ...]
    source: str


@cache
def demands() -> list[Demand]:
    """Return all demands."""
    text = Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")
    return [
        Demand(
            sequences,
            calls,
            {"error": kind} if kind else {"value": None},
            tuple(entry["systems"]),
            entry["source"],
        )
        for entry in tomllib.loads(text)["demand"]
        for sequences, calls, kind in entry["calls"]
    ]


def demanded(sequence: str, call: str, system: str) -> Demand | None:
    """Return the demand for a call on a system; None if there is none."""
    for demand in demands():
        if (
            system in demand.systems
            and re.fullmatch(demand.sequences, sequence)
            and re.search(demand.calls, call)
        ):
            return demand
    return None
