"""The pytest plugin: peers as fixtures, producer x consumer x case, and what is told at the end.

A case whose test asks for ``pair`` runs four times in each world, with each language as producer
and as consumer; one that asks for ``crossing`` runs for each pair of seats of two worlds. Every
run is a line of the report and a count in the matrix.
"""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pyshm

from . import toolchain
from .cases import DEFAULT_SEED, GROUPS, MINIMUM_CASES, all_cases
from .exchange import Place, letting_go
from .peers import Outcome, Peer, PeerFailure
from .pictures import PICTURES, make_picture
from .worlds import LANGUAGES, NATIVE, WINDOWS, Seat, World, remove_left_over, world_of

_PROPERTY = "interop"
_FAULTS = pytest.StashKey[dict[str, list[str]]]()


class Pair(NamedTuple):
    """The two processes of a run; the same language twice is still two processes."""

    producer: Peer
    consumer: Peer
    worlds: tuple[World, World]

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
        "--interop-report",
        metavar="FILE",
        help="write the report there: JSON lines, a header, one line a case, a footer",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Find the .NET peer, and remember every case that reports."""
    config.pluginmanager.register(Results(config), "interop-results")
    if config.getoption("--require-dotnet"):
        for world in {NATIVE, *_worlds(config)}:
            reason = world_of(world).missing("dotnet")
            if reason is not None:
                raise pytest.UsageError(reason)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``case``, ``pair`` and the like their values, in the harness's own tests."""
    if Path(__file__).parent not in metafunc.definition.path.parents:
        return
    if "case" in metafunc.fixturenames:
        cases = all_cases(metafunc.config.getoption("--seed"))
        metafunc.parametrize("case", cases, ids=[case.id for case in cases])
    if "picture" in metafunc.fixturenames:
        metafunc.parametrize("picture", list(PICTURES))
    worlds = _worlds(metafunc.config)
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


def _worlds(config: pytest.Config) -> list[str]:
    """The names of the worlds that this run is for."""
    asked = config.getoption("--world")
    if asked == "native" or NATIVE == WINDOWS:
        return [NATIVE]
    return [WINDOWS] if asked == WINDOWS else [NATIVE, WINDOWS]


def pairs_of(world: str) -> list[tuple[Seat, ...]]:
    """Each language of a world with each."""
    return [(Seat(world, one), Seat(world, two)) for one in LANGUAGES for two in LANGUAGES]


def crossings(config: pytest.Config) -> list[tuple[Seat, ...]]:
    """Every pair of seats of two worlds, unless the run is for the native one alone."""
    if config.getoption("--world") == "native" or NATIVE == WINDOWS:
        return []
    seats = [Seat(world, language) for world in (NATIVE, WINDOWS) for language in LANGUAGES]
    return [(one, two) for one in seats for two in seats if one.world != two.world]


def _parametrize(metafunc: pytest.Metafunc, name: str, groups: list[tuple[Seat, ...]]) -> None:
    metafunc.parametrize(
        name,
        [pytest.param(seats, marks=_marks(*seats)) for seats in groups],
        ids=["-to-".join(seat.label.replace(" ", "-") for seat in seats) for seats in groups],
        indirect=True,
    )


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
    _skip(items, "wine", WINDOWS)
    _skip(items, "dotnet", NATIVE)
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
        name = case.id if case is not None else item.name
        producer, consumer = (seat.label for seat in seats)
        item.user_properties.append((_PROPERTY, [producer, consumer, group, name]))


def _params(item: pytest.Item) -> dict[str, Any]:
    return getattr(getattr(item, "callspec", None), "params", {})


def _skip(items: list[pytest.Item], marker: str, world: str) -> None:
    """Skip the marked ones where that world has no .NET; it is looked at only if there are any."""
    marked = [item for item in items if item.get_closest_marker(marker)]
    reason = world_of(world).missing("dotnet") if marked else None
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

    def get(self, seat: Seat, role: str) -> Peer:
        """The peer, alive."""
        peer = self.running.get((seat, role))
        if peer is None:
            peer = world_of(seat.world).peer(seat.language, f"{seat.label} ({role})")
            self.running[seat, role] = peer
        return peer.start()

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


@pytest.fixture(scope="session")
def peers() -> Iterator[Peers]:
    """All peers of the session."""
    peers = Peers()
    yield peers
    peers.close()


@pytest.fixture
def pair(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Pair]:
    """A producer and a consumer; what they hold is let go of when the test ends."""
    yield from _seated(request.param, peers)


@pytest.fixture
def crossing(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Pair]:
    """A producer in one world and a consumer in another."""
    yield from _seated(request.param, peers)


def _seated(seats: tuple[Seat, Seat], peers: Peers) -> Iterator[Pair]:
    producer, consumer = peers.get(seats[0], "producer"), peers.get(seats[1], "consumer")
    yield Pair(producer, consumer, (world_of(seats[0].world), world_of(seats[1].world)))
    with letting_go(producer, consumer):
        pass


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
    request.config.stash[_FAULTS] = caught


@pytest.fixture
def picture_file(picture: str, picture_folder: str) -> str:
    """The path of the picture that the test is given."""
    return make_picture(picture, picture_folder)


# --- results ------------------------------------------------------------------------------


class Results:
    """Counts the outcomes, prints the matrix, writes the report, and guards against an empty run.

    With pytest-xdist only the controlling process does, from the workers' reports.
    """

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.active = not hasattr(config, "workerinput")
        self.outcomes: dict[tuple[str, str, str, str], tuple[Outcome, float, str]] = {}
        self.started = datetime.now(UTC)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a case from its reports: the worst of set-up, call and tear-down."""
        for key, item in report.user_properties:
            if key != _PROPERTY or not self.active:
                continue
            assert isinstance(item, list)
            cell = (item[0], item[1], item[2], item[3])
            if report.when == "call" or report.outcome != "passed":
                known = self.outcomes.get(cell)
                if known is None or known[0] is Outcome.PASSED:
                    story = "" if report.passed else report.longreprtext
                    self.outcomes[cell] = (_outcome(report), report.duration, story)

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """A run that should be whole and is not has failed."""
        if self.active and exitstatus == 0 and self.shortened() is not None:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.active and self.outcomes:
            self._write_report(session)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix."""
        if not self.active:
            return
        caught = self.config.stash.get(_FAULTS, {})
        if caught:
            terminalreporter.section("deliberate faults, and what catches them")
            for fault, catchers in caught.items():
                first = catchers[0] if catchers else "NOTHING"
                more = f" and {len(catchers) - 1} more" if len(catchers) > 1 else ""
                terminalreporter.write_line(f"{fault:26} {first}{more}")
        shortened = self.shortened()
        if not self.outcomes and shortened is None:
            return
        terminalreporter.section("interop")
        terminalreporter.write_line(f"seed {self.config.getoption('--seed')}")
        for line in self.matrix():
            terminalreporter.write_line(line)
        if shortened is not None:
            terminalreporter.write_line(f"SHORTENED RUN: {shortened}", red=True)

    def selected(self) -> bool:
        """Whether the person asked for a part of the cases only."""
        option = self.config.option
        chosen = option.keyword or option.markexpr or getattr(option, "lf", False)
        parts = any("::" in argument or ".py" in argument for argument in self.config.args)
        folder = Path(__file__).resolve().parent
        here = any(
            Path(argument).resolve() in (folder, *folder.parents) for argument in self.config.args
        )
        return bool(
            chosen
            or parts
            or not here
            or option.collectonly
            or option.maxfail
            or getattr(option, "deselect", None)
            or getattr(option, "ignore", None)
        )

    def shortened(self) -> str | None:
        """Why the run is no whole run, if it should be one and is not."""
        if self.selected():
            return None
        worlds = _worlds(self.config)
        wanted = {
            (one.label, two.label): MINIMUM_CASES[world if world == WINDOWS else "elsewhere"]
            for world in worlds
            for one, two in pairs_of(world)
        }
        for one, two in crossings(self.config):
            wanted[one.label, two.label] = MINIMUM_CASES["across"]
        for (producer, consumer), least in wanted.items():
            count = sum(cell[:2] == (producer, consumer) for cell in self.outcomes)
            if count < least:
                return f"{producer} to {consumer}: {count} cases, expected {least} or more"
        return None

    def matrix(self) -> Iterator[str]:
        """Passed of total, by pair and group."""
        cells: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
        for (producer, consumer, group, _), (outcome, _, _) in self.outcomes.items():
            cells[producer, consumer, group].append(outcome)
        groups = [group for group in GROUPS if any(cell[2] == group for cell in cells)]
        groups += sorted({cell[2] for cell in cells} - set(groups))
        titles = ["producer -> consumer", *groups, "all"]
        rows = sorted({cell[:2] for cell in cells}, key=_reading_order)
        widths = [
            max(len(titles[0]), *(len(f"{one} -> {two}") for one, two in rows)),
            *(max(9, len(title)) for title in titles[1:]),
        ]
        yield "  ".join(
            title.rjust(width) if i else title.ljust(width)
            for i, (title, width) in enumerate(zip(titles, widths, strict=True))
        )
        for producer, consumer in rows:
            row = [f"{producer} -> {consumer}"]
            everything: list[Outcome] = []
            for group in groups:
                outcomes = cells.get((producer, consumer, group), [])
                everything += outcomes
                row.append(_score(outcomes))
            row.append(_score(everything))
            yield "  ".join(
                text.rjust(width) if i else text.ljust(width)
                for i, (text, width) in enumerate(zip(row, widths, strict=True))
            )
        skipped = sum(outcome is Outcome.SKIPPED for outcome, _, _ in self.outcomes.values())
        if skipped:
            worlds = (world_of(world) for world in _worlds(self.config))
            reasons = {world.missing("dotnet") for world in worlds} - {None}
            yield f"{skipped} cases skipped: {'; '.join(map(str, reasons))}"

    def _write_report(self, session: pytest.Session) -> None:
        path = self.config.getoption("--interop-report")
        if not path:
            return
        counts: dict[str, int] = defaultdict(int)
        header = {
            "header": {
                "pyshm": pyshm.__version__,
                "python": platform.python_version(),
                "system": platform.platform(),
                "dotnet": world_of(NATIVE).missing("dotnet") or _dotnet_version(),
                "worlds": _worlds(self.config),
                "seed": self.config.getoption("--seed"),
                "started": self.started.isoformat(timespec="seconds"),
            }
        }
        lines = [json.dumps(header)]
        for (producer, consumer, group, name), (outcome, seconds, story) in self.outcomes.items():
            counts[outcome.value] += 1
            lines.append(
                json.dumps(
                    {
                        "case": name,
                        "group": group,
                        "producer": producer,
                        "consumer": consumer,
                        "outcome": outcome.value,
                        "seconds": round(seconds, 6),
                        "story": story,
                    }
                )
            )
        footer = {
            "cases": len(self.outcomes),
            "outcomes": counts,
            "whole": not self.selected() and self.shortened() is None,
            "status": int(session.exitstatus),
        }
        lines.append(json.dumps({"footer": footer}))
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _dotnet_version() -> str:
    return f"SDK {toolchain.find_dotnet().sdk}"


def _reading_order(row: tuple[str, str]) -> tuple[bool, bool, list[bool]]:
    """Native pairs first, then the other world's, then across; Python before .NET."""
    one, two = (" " in label for label in row)
    return one != two, one, ["dotnet" in label for label in row]


def _score(outcomes: list[Outcome]) -> str:
    if not outcomes:
        return "-"
    passed = sum(outcome is Outcome.PASSED for outcome in outcomes)
    if all(outcome is Outcome.SKIPPED for outcome in outcomes):
        return f"skip {len(outcomes)}"
    return f"{passed}/{len(outcomes)}"


def _outcome(report: pytest.TestReport) -> Outcome:
    if report.passed:
        return Outcome.PASSED
    if report.skipped:
        return Outcome.SKIPPED
    # The failure crosses a process border as text; its first words are PeerFailure's own.
    for outcome in Outcome:
        if f"): {outcome.value}: " in report.longreprtext:
            return outcome
    return Outcome.FAILED
