"""The hooks and fixtures: options, producer x consumer x case, peers as fixtures.

A test with the fixture ``pair`` runs four times in each world: with each language as producer and
as consumer. A test with ``crossing`` runs for each pair of endpoints in two worlds. Each of these
runs is a line of the report, and counts in the matrix (results.py).
"""

from __future__ import annotations

import functools
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest

from pyshm.testing import build
from pyshm.testing.mismatch import LayoutMismatchError
from pyshm.testing.process import Peer, PeerFailure

from ..cases.catalog import DEFAULT_SEED, all_cases
from ..cases.pictures import PICTURES, make_picture
from ..checkout import CHECKOUT
from ..exchange.agreement import compare_manifests
from ..exchange.place import Place
from ..exchange.record import CONSUMER, PRODUCER, Record
from ..exchange.run import disposing
from ..models import tools
from ..models.catalog import RELACY, SPIN
from ..report import browser
from ..worlds import mono
from ..worlds.world import (
    LANGUAGES,
    NATIVE,
    WINDOWS,
    Endpoint,
    World,
    remove_maps,
    use_asset,
    world_of,
)
from .results import FAULTS, PROPERTY, RECORD, Results
from .selection import crossings, pairs_of, worlds_of


class Pair(NamedTuple):
    """The two peers of a test; also for one language they are two processes."""

    producer: Peer
    consumer: Peer
    worlds: tuple[World, World]
    record: Record

    @property
    def world(self) -> World:
        """The world of both."""
        assert self.worlds[0] is self.worlds[1]
        return self.worlds[0]


# --- options ------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of a run."""
    group = parser.getgroup("interop")
    group.addoption(
        "--world",
        choices=("native", WINDOWS, "all"),
        default="native",
        help="where the peers run: on this system; on Windows (elsewhere under Wine), and between "
        "the two; or all of that (default: %(default)s)",
    )
    group.addoption(
        "--asset",
        choices=build.ASSETS,
        help="run the .NET peer with the C# library as its package has it for this target "
        "(default: for the framework of the SDK)",
    )
    group.addoption(
        "--require-dotnet",
        action="store_true",
        help="fail, instead of skipping cases, if there is no .NET peer",
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
        help="the number of random types to compare (default: %(default)s)",
    )
    group.addoption(
        "--storm",
        type=int,
        default=0,
        metavar="N",
        help="run the storms of the channels, and kill N writers in each",
    )
    group.addoption(
        "--publishes",
        type=int,
        default=3000,
        metavar="N",
        help="how many values wake sleeping readers (default: %(default)s)",
    )
    group.addoption(
        "--keep-wrong-types",
        action="store_true",
        help="add the smallest type with a wrong layout to fixtures/types.jsonl",
    )
    group.addoption(
        "--interop-report",
        metavar="FILE",
        help="write the report to FILE as JSON lines: a header, a line for each case, a footer",
    )
    group.addoption(
        "--interop-html",
        metavar="FILE",
        help="write the report to FILE as one page for a browser",
    )
    group.addoption(
        "--require-browser",
        action="store_true",
        help="fail, instead of skipping tests, if there is no Chromium",
    )
    group.addoption(
        "--require-mono",
        action="store_true",
        help="fail, instead of skipping tests, if Mono is missing or its program is not built",
    )
    group.addoption(
        "--require-models",
        action="store_true",
        help="fail, instead of skipping tests, if spin, relacy or a compiler is missing",
    )
    group.addoption(
        "--nuget",
        action="store_true",
        help="run the tests that restore packages from NuGet, instead of skipping them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the results; refuse a run whose required programs are missing."""
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.addinivalue_line("markers", "mono: needs Mono, and a program that NuGet helps to build")
    config.addinivalue_line("markers", "spin: needs spin and gcc, which check models")
    config.addinivalue_line("markers", "relacy: needs relacy and g++, which check models")
    config.addinivalue_line("markers", "nuget: restores packages from NuGet; needs --nuget")
    use_asset(config.getoption("--asset"))
    config.pluginmanager.register(Results(config), "interop-results")
    if config.getoption("--require-browser"):
        reason = browser.missing()
        if reason is not None:
            raise pytest.UsageError(reason)
    if config.getoption("--require-mono"):
        reason = mono.missing()
        if reason is not None:
            raise pytest.UsageError(reason)
    if config.getoption("--require-models"):
        for tool in (SPIN, RELACY):
            reason = tools.missing(tool)
            if reason is not None:
                raise pytest.UsageError(reason)
    if config.getoption("--require-dotnet"):
        for world in {NATIVE, *worlds_of(config)}:
            reason = world_of(world).missing("dotnet")
            if reason is not None:
                raise pytest.UsageError(reason)


def pytest_report_header(config: pytest.Config) -> str:
    """Return the seed, with which any run can be repeated, and the asset."""
    asset = config.getoption("--asset")
    library = f"; C# library: {asset}" if asset else ""
    return (
        f"random cases: seed {config.getoption('--seed')}, {config.getoption('--types')} types"
        + library
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``case``, ``pair`` and the like their values, in tests of the harness only."""
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
        endpoints = [Endpoint(world, language) for world in worlds for language in LANGUAGES]
        _parametrize(metafunc, "peer", [(endpoint,) for endpoint in endpoints])
    if "world" in metafunc.fixturenames:
        marks = {world: _marks(Endpoint(world, "dotnet")) for world in worlds}
        values = [pytest.param(world, marks=marks[world], id=world) for world in worlds]
        metafunc.parametrize("world", values, indirect=True)


def _parametrize(metafunc: pytest.Metafunc, name: str, groups: list[tuple[Endpoint, ...]]) -> None:
    metafunc.parametrize(
        name,
        [pytest.param(endpoints, marks=_marks(*endpoints)) for endpoints in groups],
        ids=[_id(endpoints) for endpoints in groups],
        indirect=True,
    )


def _id(endpoints: tuple[Endpoint, ...]) -> str:
    return "-to-".join(endpoint.label.replace(" ", "-") for endpoint in endpoints)


def _without_pair(name: str, endpoints: tuple[Endpoint, ...]) -> str:
    """Return a test's name without its pair, which the report has in other fields."""
    function, _, rest = name.partition("[")
    others = rest.removesuffix("]").replace(_id(endpoints), "").strip("-")
    return f"{function}[{others}]" if others else function


def _marks(*endpoints: Endpoint) -> list[pytest.MarkDecorator]:
    marks = []
    if any(endpoint.world == NATIVE and endpoint.language == "dotnet" for endpoint in endpoints):
        marks.append(pytest.mark.dotnet)
    if any(endpoint.world != NATIVE for endpoint in endpoints):
        marks.append(pytest.mark.wine)
    return marks


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Record the cell of the matrix of each test; skip tests whose programs are missing.

    Deselected are tests for which this run has no endpoints, such as those across two worlds. In a
    run for the Windows world, so are tests that use no endpoint.
    """
    other = config.getoption("--world") == WINDOWS != NATIVE
    kept: list[pytest.Item] = []
    dropped: list[pytest.Item] = []
    for item in items:
        about_here = other and not {"pair", "crossing", "peer", "world"} & _params(item).keys()
        (dropped if about_here or _without_endpoints(item) else kept).append(item)
    config.hook.pytest_deselected(items=dropped)
    items[:] = kept
    _skip(items, "wine", lambda: world_of(WINDOWS).missing("dotnet"))
    _skip(items, "dotnet", lambda: world_of(NATIVE).missing("dotnet"))
    _skip(items, "browser", browser.missing)
    _skip(items, "mono", mono.missing)
    for tool in (SPIN, RELACY):
        _skip(items, tool, functools.partial(_no_model, config, tool))
    if not config.getoption("--nuget"):
        _skip(items, "nuget", lambda: "it restores packages from NuGet; `tox -e nuget` runs it")
    for item in items:
        params = _params(item)
        endpoints = params.get("pair") or params.get("crossing")
        if endpoints is None:
            continue
        case = params.get("case")
        group = (
            case.group
            if case is not None
            else getattr(getattr(item, "module", None), "GROUP", "maps")
        )
        name = case.id if case is not None else _without_pair(item.name, endpoints)
        producer, consumer = (endpoint.label for endpoint in endpoints)
        item.user_properties.append((PROPERTY, [producer, consumer, group, name]))


def _no_model(config: pytest.Config, tool: str) -> str | None:
    """Return why the models of a tool are not checked; it takes too long for each run."""
    if config.getoption("--require-models"):
        return None
    return tools.missing(tool) or "it takes long; `tox -e channels` runs it"


def _params(item: pytest.Item) -> dict[str, Any]:
    return getattr(getattr(item, "callspec", None), "params", {})


def _skip(items: list[pytest.Item], marker: str, missing: Callable[[], str | None]) -> None:
    """Skip the tests with that marker if what they need is missing."""
    marked = [item for item in items if item.get_closest_marker(marker)]
    reason = missing() if marked else None
    if reason is not None:
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


def _without_endpoints(item: pytest.Item) -> bool:
    params = _params(item)
    return any(
        key in params and not isinstance(params[key], tuple) for key in ("pair", "crossing", "peer")
    )


# --- fixtures -----------------------------------------------------------------------------


class Peers:
    """The peers of a session, started when first used: one for each endpoint and role."""

    def __init__(self) -> None:
        self.running: dict[tuple[Endpoint, str], Peer] = {}
        self._compared: dict[tuple[Endpoint, Endpoint], LayoutMismatchError | None] = {}

    def get(self, endpoint: Endpoint, role: str) -> Peer:
        """Return the peer, with a running process."""
        peer = self.running.get((endpoint, role))
        if peer is None:
            peer = world_of(endpoint.world).peer(endpoint.language, f"{endpoint.label} ({role})")
            self.running[endpoint, role] = peer
        peer.start()
        if endpoint.language == "dotnet":
            world_of(endpoint.world).check_asset(peer)
        return peer

    def agree(self, one: Endpoint, two: Endpoint) -> None:
        """Raise LayoutMismatchError if the two lay out the same types differently.

        They are compared once, before the first data.
        """
        if (one, two) not in self._compared:
            pair = self.get(one, PRODUCER), self.get(two, CONSUMER)
            self._compared[one, two] = _disagreement(*pair)
        mismatch = self._compared[one, two]
        if mismatch is not None:
            raise mismatch

    def close(self) -> None:
        """End all peers, then their worlds; raise the failure of a peer that did not end well."""
        failures = []
        for peer in self.running.values():
            try:
                peer.close()
            except PeerFailure as failure:
                failures.append(failure)
        for world in {endpoint.world for endpoint, _ in self.running}:
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
    """Return all peers of the session."""
    peers = Peers()
    yield peers
    peers.close()


@pytest.fixture
def pair(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    """Return a producer and a consumer; they release everything when the test ends."""
    yield from _running_pair(request, peers, place)


@pytest.fixture
def crossing(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    """Return a producer in one world and a consumer in another."""
    yield from _running_pair(request, peers, place)


def _running_pair(request: pytest.FixtureRequest, peers: Peers, place: Place) -> Iterator[Pair]:
    one, two = request.param
    record = request.node.stash[RECORD] = Record(place)
    producer, consumer = peers.get(one, PRODUCER), peers.get(two, CONSUMER)
    with (
        record.listening(one.label, PRODUCER, producer),
        record.listening(two.label, CONSUMER, consumer),
        disposing(producer, consumer),
    ):
        peers.agree(one, two)
        yield Pair(producer, consumer, (world_of(one.world), world_of(two.world)), record)
        if record.bytes is None:
            record.read_map_in(place)


@pytest.fixture
def world(request: pytest.FixtureRequest) -> World:
    """Return each world in turn."""
    return world_of(request.param)


@pytest.fixture
def peer(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Peer]:
    """Return one peer of each language, in each world."""
    peer = peers.get(request.param[0], "consumer")
    yield peer
    with disposing(peer):
        pass


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Return unique names and paths for this session; no map may be left at its end."""
    prefix = f"pyshm-interop-{os.getpid()}-{uuid.uuid4().hex[:8]}-"
    place = Place(prefix, str(tmp_path_factory.mktemp("maps")))
    yield place
    left = remove_maps(prefix)
    assert not left, f"these named maps were not removed: {left}"


@pytest.fixture(scope="session")
def picture_folder(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the folder in which pictures are drawn, once for all workers of a run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    folder = folder / "pictures"
    folder.mkdir(exist_ok=True)
    return str(folder)


@pytest.fixture(scope="session")
def faults_caught(request: pytest.FixtureRequest) -> Iterator[dict[str, list[str]]]:
    """Collect which cases found which fault, for the table at the end of the run."""
    caught: dict[str, list[str]] = {}
    yield caught
    request.config.stash[FAULTS] = caught


@pytest.fixture
def picture_file(picture: str, picture_folder: str) -> str:
    """Return the path of the test's picture."""
    return make_picture(picture, picture_folder)
