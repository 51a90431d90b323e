"""The live line: how far the run is, while it runs, where a person looks at it.

It takes the place of pytest's dots and file names, on a terminal and at pytest's usual verbosity
only. Anywhere else (a log, ``-v``, ``-q``, ``-s``, a debugger) everything is as pytest has it.
With pytest-xdist it is the controlling process that draws, from what the workers report.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import pytest

from .results import PROPERTY

__all__ = ["Progress", "wanted"]

_PAUSE = 0.1  # seconds between two drawings
_BAR = 20  # characters


def wanted(config: pytest.Config, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether a live line is of use: somebody looks, and nothing else is written meanwhile."""
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    option = config.option
    return (
        reporter is not None
        and bool(reporter.isatty)
        and environment.get("TERM") != "dumb"
        and not environment.get("CI")
        and option.verbose == 0
        and option.capture != "no"
        and not any(
            getattr(option, name, False)
            for name in ("collectonly", "usepdb", "trace", "setupshow", "setuponly", "setupplan")
        )
        and not config.getini("log_cli")
        and getattr(option, "log_cli_level", None) is None
    )


class Progress:
    """The line; a plugin of its own, registered when ``wanted``."""

    def __init__(self, reporter: Any, clock: Callable[[], float] = time.monotonic) -> None:
        """``reporter`` is pytest's terminal reporter, whose dots and file names this replaces."""
        self.reporter = reporter
        self.clock = clock
        self.total = 0
        self.done = 0
        self.failed = 0
        self.skipped = 0
        self.pair = ""
        self.began = self.drawn = clock()
        self._pairs: dict[str, str] = {}
        self._here = False  # whether the line stands on the terminal
        reporter.showfspath = False
        # There is no public switch for the percentage at the end; without the attribute in some
        # later pytest, one more "[100%]" is all that appears.
        reporter._show_progress_info = False  # noqa: SLF001 - see above

    # --- what pytest tells --------------------------------------------------------------------

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """The tests of this process are known."""
        self.total = len(session.items)
        for item in session.items:
            for key, place in item.user_properties:
                if key == PROPERTY:
                    assert isinstance(place, list)
                    self._pairs[item.nodeid] = _pair(place)
        self.began = self.clock()

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:  # noqa: ARG002 - pytest-xdist's signature
        """A worker has found its tests; all of them find the same ones."""
        self.total = len(ids)
        self.began = self.clock()

    def pytest_runtest_logstart(self, nodeid: str, location: Any) -> None:  # noqa: ARG002 - pytest's signature
        """A test begins: if it hangs, the line says with which pair."""
        self.pair = self._pairs.get(nodeid, self.pair)
        self.draw()

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has got ahead; a failure is told at once, and stays."""
        for key, place in report.user_properties:
            if key == PROPERTY:
                assert isinstance(place, list)
                self.pair = _pair(place)
        if report.failed:
            self.failed += 1
            self.erase()
            self.reporter.write("FAILED", red=True, bold=True)
            self.reporter.write(f" {report.nodeid}\n")
        self.skipped += report.skipped and not hasattr(report, "wasxfail")
        self.done += report.when == "teardown"
        self.draw(now=report.failed)

    @pytest.hookimpl(hookwrapper=True)
    def pytest_report_teststatus(self) -> Generator[None, Any, None]:
        """Count as pytest does, and print no letter."""
        outcome = yield
        found = outcome.get_result()
        if found is not None:
            outcome.force_result((found[0], "", ""))

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self) -> None:
        """The run is over: the line goes, what it said comes in the summary."""
        self.erase()

    # --- drawing ------------------------------------------------------------------------------

    def draw(self, *, now: bool = False) -> None:
        """Draw the line anew, unless that was just done."""
        moment = self.clock()
        if not now and self._here and moment - self.drawn < _PAUSE:
            return
        self.drawn = moment
        self._here = True
        markup = {"red": True} if self.failed else {"green": True}
        # The last column stays free: a full line would make the terminal wrap.
        width = shutil.get_terminal_size().columns - 1
        self.reporter.rewrite(self.text(width), erase=True, **markup)
        self.reporter.flush()

    def erase(self) -> None:
        """Take the line off the terminal; the cursor stands where it began."""
        if self._here:
            self.reporter.rewrite("", erase=True)
            self.reporter.write("\r")
            self._here = False

    def text(self, width: int) -> str:
        """What the line says, in at most ``width`` characters; the most important parts first."""
        seconds = max(self.clock() - self.began, 1e-9)
        done = f"{self.done}/{self.total or '?'}"
        failures = f"{self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else "")
        parts = [done, failures, f"{self.done / seconds:.0f}/s", _minutes(seconds), self.pair]
        text = "interop "
        if self.total:
            filled = min(_BAR, _BAR * self.done // self.total)
            bar = f"[{'#' * filled}{'.' * (_BAR - filled)}] "
            text += bar if len(text + bar + "  ".join(parts)) <= width else ""
        return (text + "  ".join(parts))[:width].rstrip()


def _pair(place: list[str]) -> str:
    producer, consumer, group, _ = place
    return f"{producer} -> {consumer}: {group}"


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
