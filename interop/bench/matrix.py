"""Speed of the matrix: cases per second between two peers that are running already."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from itertools import repeat

from pyshm import ShareMemoryHelper
from pyshm.testing import build, sdk
from pyshm.testing.process import Peer, PeerFailure

from ..cases.case import Case
from ..cases.catalog import all_cases
from ..exchange.place import Place
from ..exchange.run import disposing, run_case
from ..peers.start import python_peer
from .measure import Aim, Effort, Topic, in_turn, make_row

__all__ = ["matrix"]


def _peers(role: str) -> dict[str, Peer]:
    """Return a peer of each available language."""
    peers = {"python": python_peer(f"python ({role})")}
    command = build.find_peer()
    if command is not None:
        peers["dotnet"] = Peer(f"dotnet ({role})", [*command, "serve"])
    return peers


def _missing_dotnet() -> str:
    try:
        sdk.find_dotnet()
    except sdk.ToolchainError as error:
        return str(error)
    return "the .NET peer is not built: python -m interop build"


def _run_all(cases: Sequence[Case], producer: Peer, consumer: Peer, place: Place) -> None:
    for case in cases:
        run_case(case, producer, consumer, place)


def _ping_all(count: int, producer: Peer, consumer: Peer) -> None:
    """Send the requests of ``count`` empty cases."""
    for _ in repeat(None, count):
        with disposing(producer, consumer):
            producer.request({"do": "ping"})
            consumer.request({"do": "ping"})


def _rate(count: int, work: Callable[..., None], *arguments: object) -> Callable[[], float]:
    """Return a function that measures the cases per second of ``work``, which runs ``count``."""

    def measure() -> float:
        start = time.perf_counter_ns()
        work(*arguments)
        return count / (time.perf_counter_ns() - start) * 1e9

    return measure


def _clean(place: Place) -> None:
    """Remove the named maps that a failed case left."""
    for name in place.existing_maps():
        with ShareMemoryHelper(name, 1).create_or_open():
            pass  # closing the last holder removes the map


def matrix(effort: Effort) -> Iterator[Topic]:
    """Measure cases per second, with every language as producer and as consumer."""
    cases = all_cases()
    producers, consumers = _peers("producer"), _peers("consumer")
    pairs = [(one, other) for one in producers for other in consumers]
    notes = [f"{len(cases)} cases a pair, two processes each"]
    if "dotnet" not in producers:
        notes.append(f"without .NET: {_missing_dotnet()}")
    title = "cases of the matrix, peers warm"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Place(f"pyshm-bench-{os.getpid()}-{uuid.uuid4().hex[:8]}-", folder)
        stack.callback(_clean, place)  # runs after the peers have ended
        for peer in (*producers.values(), *consumers.values()):
            stack.callback(peer.kill)
        baseline = _rate(
            len(cases), _ping_all, len(cases), producers["python"], consumers["python"]
        )
        measures = [
            baseline,
            *(
                _rate(len(cases), _run_all, cases, producers[one], consumers[other], place)
                for one, other in pairs
            ),
        ]
        try:
            for measure in measures:
                measure()
            rates = in_turn(measures, effort.matrix)
        except (AssertionError, PeerFailure) as failure:
            reason = str(failure).partition("\n")[0]
            yield Topic(title, [], [*notes, f"skipped, because a case fails: {reason}"])
            return
    maxima, medians = list(map(max, rates)), list(map(statistics.median, rates))
    aim = Aim(">= 300/s", 300, of="value", at_least=True)
    named = [
        ("python -> python, pings only (baseline)", None),
        *((f"{one} -> {other}", aim) for one, other in pairs),
    ]
    rows = [
        make_row(what, "cases/s", [maxima[i], maxima[0]], [medians[i], medians[0]], own_aim)
        for i, (what, own_aim) in enumerate(named)
    ]
    yield Topic(title, rows, notes)
