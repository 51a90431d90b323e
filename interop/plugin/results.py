"""The results of a run: outcomes, report, the matrix at the end, and a check that no case is lost.

With pytest-xdist the controlling process collects them from the workers' reports.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Generator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import pyshm
from pyshm.testing import sdk
from pyshm.testing.process import Outcome

from ..cases.catalog import MINIMUM_CASES
from ..exchange.record import Record
from ..report import page
from ..report.lines import ReportWriter, Run
from ..report.matrix import MARKUP, Matrix
from ..worlds.world import NATIVE, WINDOWS, world_of
from .selection import crossings, pairs_of, selected, worlds_of

__all__ = ["FAULTS", "PROPERTY", "RECORD", "Results"]

PROPERTY = "interop"  # of a test: its producer, consumer, group and case
RECORD = pytest.StashKey[Record]()
FAULTS = pytest.StashKey[dict[str, list[str]]]()
_Place = tuple[str, str, str, str]  # producer, consumer, group, case
_ATTRIBUTE = "interop_record"  # of a test's last report: Record.as_text()


class Results:
    """Counts outcomes, prints the matrix, writes report and page, fails a run that lost cases."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.active = not hasattr(config, "workerinput") and not config.option.collectonly
        self.outcomes: dict[_Place, tuple[Outcome, float, str]] = {}
        self.peers: dict[str, Mapping[str, Any]] = {}
        self.writer: ReportWriter | None = None
        self._started = datetime.now(UTC)
        self._written: set[_Place] = set()

    # --- collecting ---------------------------------------------------------------------------

    def pytest_sessionstart(self) -> None:
        """Begin the report; delete the page of an earlier run."""
        if not self.active:
            return
        target, path = self._page(), self.config.getoption("--interop-report")
        if target is not None:
            target.unlink(missing_ok=True)
        if path or target is not None:
            self.writer = ReportWriter(Path(path) if path else None, self._header())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: pytest.Item) -> Generator[None, Any, None]:
        """Add the record of the case to the test's last report, which xdist sends on as text."""
        outcome = yield
        report = outcome.get_result()
        record = item.stash.get(RECORD, None)
        if report.when == "teardown" and record is not None:
            setattr(report, _ATTRIBUTE, record.as_text())

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the outcome of a case from its reports: the worst of setup, call and teardown."""
        for key, item in report.user_properties:
            if key != PROPERTY or not self.active:
                continue
            assert isinstance(item, list)
            cell = (item[0], item[1], item[2], item[3])
            if report.when == "call" or report.outcome != "passed":
                known = self.outcomes.get(cell)
                if known is None or known[0] is Outcome.PASSED:
                    seconds = round(report.duration, 6)
                    self.outcomes[cell] = (_outcome(report), seconds, _message(report))
            if report.when == "teardown":
                self._write(cell, report.nodeid, getattr(report, _ATTRIBUTE, ""))

    def _write(self, cell: _Place, test: str = "", recorded: str = "") -> None:
        """Write the line of a case that has ended."""
        if self.writer is None or cell in self._written:
            return
        self._written.add(cell)
        found = json.loads(recorded) if recorded else {"record": {}, "hellos": {}}
        self.peers.update(found["hellos"])
        producer, consumer, group, case = cell
        outcome, seconds, message = self.outcomes[cell]
        self.writer.add(
            Run(case, group, producer, consumer, outcome, seconds, message, test, found["record"])
        )

    # --- the end ------------------------------------------------------------------------------

    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Fail a run that lacks cases, or that has no case to report; write the report's end."""
        if not self.active:
            return
        if exitstatus == 0 and (self.shortened() is not None or self._nothing_to_report()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED
        if self.writer is None:
            return
        for cell in self.outcomes:  # cases whose worker crashed before their last report
            self._write(cell)
        report = self.writer.finish(
            whole=not selected(self.config) and self.shortened() is None,
            status=int(session.exitstatus),
            seconds=(datetime.now(UTC) - self._started).total_seconds(),
            peers=self.peers,
        )
        target = self._page()
        if target is not None and report.runs:
            page.write(report, target)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Print the matrix."""
        if not self.active:
            return
        caught = self.config.stash.get(FAULTS, {})
        if caught:
            terminalreporter.section("faults of the faulty peers, and the cases that find them")
            for fault, catchers in caught.items():
                first = catchers[0] if catchers else "NOTHING"
                more = f" and {len(catchers) - 1} more" if len(catchers) > 1 else ""
                terminalreporter.write_line(f"{fault:26} {first}{more}")
        shortened = self.shortened()
        if not self.outcomes and shortened is None and not self._nothing_to_report():
            return
        terminalreporter.section("interop")
        terminalreporter.write_line(f"seed {self.config.getoption('--seed')}")
        self._print_matrix(terminalreporter)
        if shortened is not None:
            terminalreporter.write_line(f"SHORTENED RUN: {shortened}", red=True)
        if self._nothing_to_report():
            terminalreporter.write_line("NOTHING TO REPORT: no case ran", red=True)

    def _print_matrix(self, terminalreporter: Any) -> None:
        matrix = Matrix(
            (producer, consumer, group, outcome)
            for (producer, consumer, group, _), (outcome, _, _) in self.outcomes.items()
        )
        for line in matrix.lines():
            for cell in line:
                markup = {"bold": True} if cell.state is None else MARKUP[cell.state]
                terminalreporter.write(cell.text, **markup)
            terminalreporter.write("\n")
        skipped = matrix.total.counts[Outcome.SKIPPED]
        if skipped:
            worlds = (world_of(world) for world in worlds_of(self.config))
            reasons = {world.missing("dotnet") for world in worlds} - {None}
            terminalreporter.write_line(
                f"{skipped} cases skipped: {'; '.join(map(str, reasons))}", yellow=True
            )

    # --- the checks ---------------------------------------------------------------------------

    def shortened(self) -> str | None:
        """Return why the run lacks cases; None if it has all, or was not asked for all."""
        if selected(self.config):
            return None
        wanted = {
            (one.label, two.label): MINIMUM_CASES[world if world == WINDOWS else "elsewhere"]
            for world in worlds_of(self.config)
            for one, two in pairs_of(world)
        }
        for one, two in crossings(self.config):
            wanted[one.label, two.label] = MINIMUM_CASES["across"]
        for (producer, consumer), least in wanted.items():
            count = sum(cell[:2] == (producer, consumer) for cell in self.outcomes)
            if count < least:
                return f"{producer} to {consumer}: {count} cases, expected {least} or more"
        return None

    def _nothing_to_report(self) -> bool:
        return self.writer is not None and not self.outcomes

    # --- the report's header --------------------------------------------------------------------

    def _page(self) -> Path | None:
        path = self.config.getoption("--interop-html")
        return Path(path) if path else None

    def _header(self) -> dict[str, Any]:
        return {
            "pyshm": pyshm.__version__,
            "python": platform.python_version(),
            "system": platform.platform(),
            "os": _os_name(),
            "dotnet": world_of(NATIVE).missing("dotnet") or _dotnet_version(),
            "worlds": worlds_of(self.config),
            "world": self.config.getoption("--world"),
            "asset": self.config.getoption("--asset"),
            "seed": self.config.getoption("--seed"),
            "started": self._started.isoformat(timespec="seconds"),
        }


def _os_name() -> str:
    """Return the name of the operating system; platform.platform() names only the kernel."""
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        name = f"{platform.system()} {platform.release()}"
    return f"{name}, {platform.machine()}"


def _dotnet_version() -> str:
    return f"SDK {sdk.find_dotnet().sdk}"


def _message(report: pytest.TestReport) -> str:
    if report.passed:
        return ""
    if report.skipped and isinstance(report.longrepr, tuple):
        return report.longrepr[2].removeprefix("Skipped: ")
    return report.longreprtext


def _outcome(report: pytest.TestReport) -> Outcome:
    if report.passed:
        return Outcome.PASSED
    if report.skipped:
        return Outcome.SKIPPED
    # xdist passes a failure on as text. The message of a PeerFailure contains its outcome.
    for outcome in Outcome:
        if f"): {outcome.value}: " in report.longreprtext:
            return outcome
    return Outcome.FAILED
