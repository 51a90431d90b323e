"""The pytest plugin: peers as fixtures, producer x consumer x case, and what is told at the end.

A case whose test asks for ``pair`` runs four times, with each language as producer and as
consumer. Every run is a line of the report and a count in the matrix.
"""

from __future__ import annotations

import json
import os
import platform
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import pyshm

from . import toolchain
from .cases import DEFAULT_SEED, GROUPS, MINIMUM_CASES, all_cases
from .exchange import Place, letting_go
from .peers import Outcome, Peer, PeerFailure, python_peer
from .pictures import PICTURES, make_picture

LANGUAGES = ("python", "dotnet")
PAIRS = [(producer, consumer) for producer in LANGUAGES for consumer in LANGUAGES]
_PROPERTY = "interop"
_FAULTS = pytest.StashKey[dict[str, list[str]]]()


class Pair(NamedTuple):
    """The two processes of a run; the same language twice is still two processes."""

    producer: Peer
    consumer: Peer


# --- options ------------------------------------------------------------------------------


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of an interop run."""
    group = parser.getgroup("interop")
    group.addoption(
        "--require-dotnet",
        action="store_true",
        help="fail, instead of skipping cases, when the .NET peer is not there",
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
        try:
            toolchain.find_dotnet()
        except toolchain.ToolchainError as error:
            raise pytest.UsageError(str(error)) from error
        if toolchain.find_peer() is None:
            raise pytest.UsageError("the .NET peer is not built: python -m interop build")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give ``case``, ``picture``, ``pair`` and ``peer`` their values, in the harness's own tests."""
    if Path(__file__).parent not in metafunc.definition.path.parents:
        return
    if "case" in metafunc.fixturenames:
        cases = all_cases(metafunc.config.getoption("--seed"))
        metafunc.parametrize("case", cases, ids=[case.id for case in cases])
    if "picture" in metafunc.fixturenames:
        metafunc.parametrize("picture", list(PICTURES))
    if "pair" in metafunc.fixturenames:
        metafunc.parametrize(
            "pair",
            [pytest.param(pair, marks=_marks(*pair)) for pair in PAIRS],
            ids=["-to-".join(pair) for pair in PAIRS],
            indirect=True,
        )
    if "peer" in metafunc.fixturenames:
        metafunc.parametrize(
            "peer",
            [pytest.param(language, marks=_marks(language)) for language in LANGUAGES],
            indirect=True,
        )


def _marks(*languages: str) -> list[pytest.MarkDecorator]:
    return [pytest.mark.dotnet] if "dotnet" in languages else []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Say of each item which cell of the matrix it belongs to; skip what needs .NET without it."""
    reason = _missing_dotnet()
    for item in items:
        if reason is not None and item.get_closest_marker("dotnet"):
            item.add_marker(pytest.mark.skip(reason=reason))
        spec = getattr(item, "callspec", None)
        if spec is None or "pair" not in spec.params:
            continue
        case = spec.params.get("case")
        group = case.group if case is not None else getattr(getattr(item, "module", None), "GROUP", "maps")
        name = case.id if case is not None else item.name
        producer, consumer = spec.params["pair"]
        item.user_properties.append((_PROPERTY, [producer, consumer, group, name]))


def _missing_dotnet() -> str | None:
    try:
        if toolchain.find_peer() is not None:
            return None
        toolchain.find_dotnet()
        return "the .NET peer is not built: python -m interop build"
    except toolchain.ToolchainError as error:
        return f"no .NET: {error}"


# --- fixtures -----------------------------------------------------------------------------


class Peers:
    """The processes of a session, started when first needed: one for each language and role."""

    def __init__(self) -> None:
        self.running: dict[tuple[str, str], Peer] = {}

    def get(self, language: str, role: str) -> Peer:
        """The peer, alive."""
        peer = self.running.get((language, role))
        if peer is None:
            name = f"{language} ({role})"
            if language == "python":
                peer = python_peer(name)
            else:
                command = toolchain.find_peer()
                assert command is not None, "cases that need .NET are skipped without it"
                peer = Peer(name, [*command, "serve"])
            self.running[language, role] = peer
        return peer.start()

    def close(self) -> None:
        """End all of them, in peace if they go, and tell if one did not."""
        failures = []
        for peer in self.running.values():
            try:
                peer.close()
            except PeerFailure as failure:
                failures.append(failure)
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
    producer, consumer = request.param
    pair = Pair(peers.get(producer, "producer"), peers.get(consumer, "consumer"))
    yield pair
    with letting_go(*(peer for peer in pair if peer.pid)):
        pass


@pytest.fixture
def peer(request: pytest.FixtureRequest, peers: Peers) -> Iterator[Peer]:
    """One peer of each language."""
    peer = peers.get(request.param, "consumer")
    yield peer
    with letting_go(peer):
        pass


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Names and paths of this session's own; nothing of them may be left at its end."""
    prefix = f"pyshm-interop-{os.getpid()}-{uuid.uuid4().hex[:8]}-"
    place = Place(prefix, str(tmp_path_factory.mktemp("maps")))
    yield place
    left = place.left_over()
    for name in left:
        os.unlink(os.path.join("/dev/shm", name))
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
        self.started = datetime.now(timezone.utc)

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
            Path(argument).resolve() in (folder, *folder.parents)
            for argument in self.config.args
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
        counts: dict[tuple[str, str], int] = {pair: 0 for pair in PAIRS}
        for producer, consumer, _, _ in self.outcomes:
            counts[producer, consumer] += 1
        for (producer, consumer), count in counts.items():
            if count < MINIMUM_CASES:
                return f"{producer} to {consumer}: {count} cases, expected {MINIMUM_CASES} or more"
        return None

    def matrix(self) -> Iterator[str]:
        """Passed of total, by pair and group."""
        cells: dict[tuple[str, str, str], list[Outcome]] = defaultdict(list)
        for (producer, consumer, group, _), (outcome, _, _) in self.outcomes.items():
            cells[producer, consumer, group].append(outcome)
        groups = [group for group in GROUPS if any(cell[2] == group for cell in cells)]
        groups += sorted({cell[2] for cell in cells} - set(groups))
        titles = ["producer -> consumer", *groups, "all"]
        widths = [max(22, len(titles[0])), *(max(9, len(title)) for title in titles[1:])]
        yield "  ".join(title.rjust(width) if i else title.ljust(width)
                        for i, (title, width) in enumerate(zip(titles, widths, strict=True)))
        for producer, consumer in PAIRS:
            row = [f"{producer} -> {consumer}"]
            everything: list[Outcome] = []
            for group in groups:
                outcomes = cells.get((producer, consumer, group), [])
                everything += outcomes
                row.append(_score(outcomes))
            row.append(_score(everything))
            yield "  ".join(text.rjust(width) if i else text.ljust(width)
                            for i, (text, width) in enumerate(zip(row, widths, strict=True)))
        skipped = sum(outcome is Outcome.SKIPPED for outcome, _, _ in self.outcomes.values())
        if skipped:
            yield f"{skipped} cases skipped: {_missing_dotnet()}"

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
                "dotnet": _missing_dotnet() or _dotnet_version(),
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
