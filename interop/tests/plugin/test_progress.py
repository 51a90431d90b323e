"""The live line: there where a person looks, and nowhere else."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from interop.plugin.progress import Progress, wanted
from interop.tests.runs import SELECTION, run, run_on_a_terminal

pytestmark = pytest.mark.slow

terminal = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


class Reporter:
    """As much of pytest's terminal reporter as the line needs."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.showfspath = True

    def rewrite(self, line: str, **markup: bool) -> None:
        self.said.append(line)

    def write(self, text: str, **markup: bool) -> None:
        self.said.append(text)

    def flush(self) -> None:
        pass


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def progress(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Progress:
    monkeypatch.setenv("COLUMNS", "100")
    line = Progress(Reporter(), clock)
    line.pytest_xdist_node_collection_finished(None, ["test"] * 200)
    return line


def finished(outcome: str = "passed", when: str = "teardown") -> Any:
    return pytest.TestReport(
        "t.py::test", ("t.py", 1, "test"), {}, outcome, None, when,  # type: ignore[arg-type]
        user_properties=[("interop", ["python", "dotnet", "blob", "blob-x"])],
    )  # fmt: skip


def test_the_line_tells_how_many_which_pair_and_how_fast(progress: Progress, clock: Clock) -> None:
    for _ in range(50):
        progress.pytest_runtest_logreport(finished())
    clock.now += 65
    assert progress.text(99) == (
        "interop [#####...............] 50/200  0 failed  1/s  1:05  python -> dotnet: blob"
    )


@pytest.mark.parametrize("width", range(1, 120, 7))
def test_the_line_never_is_longer_than_the_terminal_is_wide(progress: Progress, width: int) -> None:
    progress.pytest_runtest_logreport(finished())
    assert len(progress.text(width)) <= width


def test_a_narrow_terminal_gets_the_numbers(progress: Progress) -> None:
    assert progress.text(24) == "interop 0/200  0 failed"


def test_the_line_is_drawn_ten_times_a_second_at_most(progress: Progress, clock: Clock) -> None:
    for _ in range(100):
        clock.now += 0.01
        progress.pytest_runtest_logreport(finished())
    assert len(progress.reporter.said) <= 11


def test_a_failure_is_told_at_once_and_stays(progress: Progress) -> None:
    progress.pytest_runtest_logreport(finished("failed", "call"))
    assert " t.py::test\n" in progress.reporter.said
    assert progress.reporter.said[-1].startswith("interop [")
    assert "1 failed" in progress.reporter.said[-1]


def test_a_log_looks_as_pytest_makes_it() -> None:
    said = run(*SELECTION).stdout
    assert re.search(r"interop.tests.matrix.test_matrix\.py \.{5} +\[100%\]\n", said)
    assert "\r" not in said
    assert "interop [" not in said


@terminal
def test_a_terminal_has_the_line_instead_of_dots() -> None:
    status, said = run_on_a_terminal(*SELECTION)
    assert status == 0
    assert re.search(
        r"\rinterop \[[#.]{20}\] \d/5  0 failed  \d+/s  0:\d\d  python -> python", said
    )
    assert "test_matrix.py" not in said
    assert "\x1b[32m." not in said
    assert "[100%]" not in said
    assert "5 passed" in said


@terminal
def test_a_terminal_has_the_line_with_several_workers() -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    status, said = run_on_a_terminal(*SELECTION, "-n", "2")
    assert status == 0
    assert re.search(r"\rinterop \[[#.]{20}\] \d/5  0 failed", said)
    assert ".py ." not in said


@terminal
def test_failures_appear_above_the_line() -> None:
    status, said = run_on_a_terminal(*SELECTION, fault="big-endian")
    assert status == 1
    assert re.search(
        r"FAILED\x1b\[0m interop.tests.matrix.test_matrix\.py::test_case\[struct-standard", said
    )
    assert "2 failed, 3 passed" in re.sub(r"\x1b\[\d*m", "", said)


@terminal
def test_without_colours_the_line_has_none() -> None:
    _, said = run_on_a_terminal(*SELECTION, environment={"NO_COLOR": "1"})
    assert "\rinterop [" in said
    assert "\x1b" not in said


@terminal
def test_a_person_who_wants_every_test_on_a_line_gets_that() -> None:
    status, said = run_on_a_terminal(*SELECTION, "-v")
    assert status == 0
    assert "interop [" not in said
    assert "test_case[struct-zero-python-to-python]" in said


def config(*, isatty: bool = True, log_cli: bool = False, **option: Any) -> Any:
    usual = {"verbose": 0, "capture": "fd", "collectonly": False, "usepdb": False, "trace": False,
             "setupshow": False, "log_cli_level": None}  # fmt: skip
    return SimpleNamespace(
        option=SimpleNamespace(**{**usual, **option}),
        getini=lambda name: {"log_cli": log_cli}[name],
        pluginmanager=SimpleNamespace(get_plugin=lambda name: SimpleNamespace(isatty=isatty)),
    )


def test_a_terminal_at_the_usual_verbosity_has_a_line() -> None:
    assert wanted(config(), {"TERM": "xterm", "CI": ""})


@pytest.mark.parametrize(
    "option",
    [
        {"isatty": False},
        {"verbose": 1},
        {"verbose": -1},
        {"capture": "no"},
        {"collectonly": True},
        {"usepdb": True},
        {"trace": True},
        {"setupshow": True},
        {"log_cli": True},
        {"log_cli_level": "INFO"},
    ],
    ids=str,
)
def test_where_something_else_is_written_there_is_no_line(option: dict[str, Any]) -> None:
    assert not wanted(config(**option), {"TERM": "xterm"})


@pytest.mark.parametrize("environment", [{"TERM": "dumb"}, {"CI": "true"}], ids=str)
def test_where_nobody_looks_there_is_no_line(environment: dict[str, str]) -> None:
    assert not wanted(config(), environment)
