"""The pytest plugin: options, producer x consumer x case, peers as fixtures.

A case whose test asks for ``pair`` runs four times in each world, with each language as producer
and as consumer; one that asks for ``crossing`` runs for each pair of seats of two worlds. Every
run is a line of the report and a count in the matrix (results.py).
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from pyshm.testing.mismatch import LayoutMismatchError
from pyshm.testing.process import Peer, PeerFailure

from ..cases.catalog import DEFAULT_SEED, all_cases
from ..cases.pictures import PICTURES, make_picture
from ..checkout import CHECKOUT
from ..exchange.agreement import compare_manifests
from ..exchange.place import Place
from ..exchange.record import CONSUMER, PRODUCER, Record
from ..exchange.run import letting_go
from ..report import browser
from ..worlds.world import LANGUAGES, NATIVE, WINDOWS, Seat, World, remove_left_over, world_of
from .results import FAULTS, PROPERTY, RECORD, Results
from .selection import crossings, pairs_of, worlds_of


class Pair(NamedTuple):
    """The two processes of a run; the same language twice is still two processes."""

    producer: Peer
    consumer: Peer
    worlds: tuple[World, World]
    record: Record

    @property
    def world(self) -> World:
        """The world that both live in."""
        assert self.worlds[0] is self.worlds[1]
        return self.worlds[0]


# --- options ------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of an interop run."""
    group = parser.getgroup("interop")
    group.addoption(
        "--world",
        choices=("native", WINDOWS, "all"),
        default="native",
        help="where the peers live: this system; Windows (under Wine elsewhere) and across the "
        "two; or all of that (default: %(default)s)",
    )
    group.addoption(
        "--require-dotnet",
        action="store_true",
        help="fail, instead of skipping cases, when a peer is not there",
    )
    group.addoption(
        "--seed",
        type=int,
        default=DEFAULT_SEED,
        metavar="N",
        help="the seed of the random cases (default: %(default)s)",
    )
    group.addoption(
        "--types",
        type=int,
        default=300,
        metavar="N",
        help="how many random types are compared (default: %(default)s)",
    )
    group.addoption(
        "--keep-wrong-types",
        action="store_true",
        help="add the smallest type that was wrong to fixtures/types.jsonl",
    )
    group.addoption(
        "--interop-report",
        metavar="FILE",
        help="write the report there: JSON lines, a header, one line a case, a footer",
    )
    group.addoption(
        "--interop-html",
        metavar="FILE",
        help="write the report there as one page for a browser",
    )
    group.addoption(
        "--require-browser",
        action="store_true",
        help="fail, instead of skipping its tests, when Chromium is not there",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the .NET peer, and remember every case that reports."""
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.pluginmanager.register(Results(config), "interop-results")
    if config.getoption("--require-browser"):
        reason = browser.missing()
        if reason is not None:
            raise pytest.UsageError(reason)
    if config.getoption("--require-dotnet"):
        for world in {NATIVE, *worlds_of(config)}:
            reason = world_of(world).missing("dotnet")
            if reason is not None:
                raise pytest.UsageError(reason)


def pytest_report_header(config: pytest.Config) -> str:
    """With what a run can be repeated, also one that passes."""
    return f"random cases: seed {config.getoption('--seed')}, {config.getoption('--types')} types"


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``case``, ``pair`` and the like their values, in the harness's own tests."""
    if CHECKOUT / "interop" not in metafunc.definition.path.parents:
        return
    if "case" in metafunc.fixturenames:
        cases = all_cases(metafunc.config.getoption("--seed"))
        metafunc.parametrize("case", cases, ids=[case.id for case in cases])
    if "picture" in metafunc.fixturenames:
        metafunc.parametrize("picture", list(PICTURES))
    worlds = worlds_of(metafunc.config)
    if metafunc.definition.get_closest_marker("posix"):
        worlds = [world for world in worlds if world != WINDOWS]
    if "pair" in metafunc.fixturenames:
        _parametrize(metafunc, "pair", [pair for world in worlds for pair in pairs_of(world)])
    if "crossing" in metafunc.fixturenames:
        _parametrize(metafunc, "crossing", crossings(metafunc.config))
    if "peer" in metafunc.fixturenames:
        seats = [Seat(world, language) for world in worlds for language in LANGUAGES]
        _parametrize(metafunc, "peer", [(seat,) for seat in seats])
    if "world" in metafunc.fixturenames:
        marks = {world: _marks(Seat(world, "dotnet")) for world in worlds}
        values = [pytest.param(world, marks=marks[world], id=world) for world in worlds]
        metafunc.parametrize("world", values, indirect=True)


def _parametrize(metafunc: pytest.Metafunc, name: str, groups: list[tuple[Seat, ...]]) -> None:
    metafunc.parametrize(
        name,
        [pytest.param(seats, marks=_marks(*seats)) for seats in groups],
        ids=[_id(seats) for seats in groups],
        indirect=True,
    )


def _id(seats: tuple[Seat, ...]) -> str:
    return "-to-".join(seat.label.replace(" ", "-") for seat in seats)


def _without_pair(name: str, seats: tuple[Seat, ...]) -> str:
    """A test's name without its pair, which the report tells by itself."""
    function, _, rest = name.partition("[")
    others = rest.removesuffix("]").replace(_id(seats), "").strip("-")
    return f"{function}[{others}]" if others else function


def _marks(*seats: Seat) -> list[pytest.MarkDecorator]:
    marks = []
    if any(seat.world == NATIVE and seat.language == "dotnet" for seat in seats):
        marks.append(pytest.mark.dotnet)
    if any(seat.world != NATIVE for seat in seats):
        marks.append(pytest.mark.wine)
    return marks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say of each item which cell of the matrix it belongs to; skip what needs .NET without it."""
    # Tests for which the worlds of this run have no seats, such as those across two worlds; and
    # where the run is for the other world, those that are about this one.
    other = config.getoption("--world") == WINDOWS != NATIVE
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        about_here = other and not {"pair", "crossing", "peer", "world"} & _params(item).keys()
        (dropped if about_here or _without_seats(item) else kept).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept
    _skip(items, "wine", lambda: world_of(WINDOWS).missing("dotnet"))
    _skip(items, "dotnet", lambda: world_of(NATIVE).missing("dotnet"))
    _skip(items, "browser", browser.missing)
    for item in items:
        params = _params(item)
        seats = params.get("pair") or params.get("crossing")
        if seats is None:
            continue
        case = params.get("case")
        group = (
            case.group
            if case is not None
            else getattr(getattr(item, "module", None), "GROUP", "maps")
        )
        name = case.id if case is not None else _without_pair(item.name, seats)
        producer, consumer = (seat.label for seat in seats)
        item.user_properties.append((PROPERTY, [producer, consumer, group, name]))


def _params(item: pytest.Item) -> dict[str, Any]:
    return getattr(getattr(item, "callspec", None), "params", {})


def _skip(items: list[pytest.Item], marker: str, missing: Callable[[], str | None]) -> None:
    """Skip the marked ones where what they need is missing; looked for only if there are any."""
    marked = [item for item in items if item.get_closest_marker(marker)]
    reason = missing() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def _without_seats(item: pytest.Item) -> bool:
    params = _params(item)
    return any(
        key in params and not isinstance(params[key], tuple) for key in ("pair", "crossing", "peer")
    )


# --- fixtures -----------------------------------------------------------------------------


class Peers:
    """The processes of a session, started when first needed: one for each seat and role."""

    def __init__(self) -> None:
        self.running: dict[tuple[Seat, str], Peer] = {}
        self._compared: dict[tuple[Seat, Seat], LayoutMismatchError | None] = {}

    def get(self, seat: Seat, role: str) -> Peer:
        """The peer, alive."""
        peer = self.running.get((seat, role))
        if peer is None:
            peer = world_of(seat.world).peer(seat.language, f"{seat.label} ({role})")
            self.running[seat, role] = peer
        return peer.start()

    def agree(self, one: Seat, two: Seat) -> None:
        """Raise LayoutMismatchError, each time, if the two do not mean the same by the same types.

        They are asked once, before the first data.
        """
        if (one, two) not in self._compared:
            pair = self.get(one, PRODUCER), self.get(two, CONSUMER)
            self._compared[one, two] = _disagreement(*pair)
        mismatch = self._compared[one, two]
        if mismatch is not None:
            raise mismatch

    def close(self) -> None:
        """End all of them, in peace if they go, and tell if one did not; then their worlds."""
        failures = []
        for peer in self.running.values():
            try:
                peer.close()
            except PeerFailure as failure:
                failures.append(failure)
        for world in {seat.world for seat, _ in self.running}:
            world_of(world).close()
        if failures:
            raise failures[0]


def _disagreement(producer: Peer, consumer: Peer) -> LayoutMismatchError | None:
    try:
        compare_manifests(producer, consumer)
    except LayoutMismatchError as mismatch:
        return mismatch
    return None


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    """All peers of the session."""
    peers = Peers()
    yield peers
    peers.close()


@pytest.fixture
def pair(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    """A producer and a consumer; what they hold is let go of when the test ends."""
    yield from _seated(request, peers, place)


@pytest.fixture
def crossing(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    """A producer in one world and a consumer in another."""
    yield from _seated(request, peers, place)


def _seated(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    one, two = request.param
    record = request.node.stash[RECORD] = Record(place)
    producer, consumer = peers.get(one, PRODUCER), peers.get(two, CONSUMER)
    with (
        record.listening(one.label, PRODUCER, producer),
        record.listening(two.label, CONSUMER, consumer),
        letting_go(producer, consumer),
    ):
        peers.agree(one, two)
        yield Pair(producer, consumer, (world_of(one.world), world_of(two.world)), record)
        if record.bytes is None:
            record.left_in(place)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Each world in turn."""
    return world_of(request.param)


@pytest.fixture
def peer(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Peer]:
    """One peer of each language, in each world."""
    peer = peers.get(request.param[0], "consumer")
    yield peer
    with letting_go(peer):
        pass


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Names and paths of this session's own; nothing of them may be left at its end."""
    prefix = f"pyshm-interop-{os.getpid()}-{uuid.uuid4().hex[:8]}-"
    place = Place(prefix, str(tmp_path_factory.mktemp("maps")))
    yield place
    left = remove_left_over(prefix)
    assert not left, f"named maps were left behind: {left}"


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where pictures are drawn: once a run, also by several workers."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "pictures"
    folder.mkdir(exist_ok=True)
    return str(folder)


@pytest.fixture(scope="session")
def faults_caught(request: pytest.FixtureRequest) -> Iterator[dict[str, list[str]]]:
    """Which cases caught which deliberate fault, for the table at the end of a verbose run."""
    caught: dict[str, list[str]] = {}
    yield caught
    request.config.stash[FAULTS] = caught


@pytest.fixture
def picture_file(picture: str, picture_folder: str) -> str:
    """The path of the picture that the test is given."""
    return make_picture(picture, picture_folder)
