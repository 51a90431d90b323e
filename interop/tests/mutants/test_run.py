"""The runner reports which faults are noticed, which survive, and which tests prove nothing."""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from interop.checkout import CHECKOUT
from interop.mutants import copy, run
from interop.mutants.catalog import Mutant
from pyshm.testing import sdk

CODE = """
def double(number):
    return 2 * number
"""
TESTS = """
import subprocess
import time
import pytest
from code_under_test import double

def test_double():
    assert double(3) == 6

def test_zero():
    assert double(0) == 0

@pytest.mark.parametrize("number", [0, 3])
def test_each(number):
    assert double(number) == 2 * number

def test_wrong():
    assert double(3) == 7

def test_skipped():
    if double(3) != 6:
        pytest.skip("no")

def test_waiting():
    if double(3) != 6:
        # As the peers, it has a session of its own.
        subprocess.Popen(["sleep", "2718281828"], start_new_session=True)
    while double(3) != 6:
        time.sleep(0.1)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Replace the checkout by a small one."""
    root = tmp_path / "checkout"
    (root / "interop" / "mutants").mkdir(parents=True)
    for name in (
        "interop/__init__.py",
        "interop/mutants/__init__.py",
        "interop/mutants/outcomes.py",
    ):
        shutil.copy(CHECKOUT / name, root / name)
    (root / "code_under_test.py").write_text(CODE)
    (root / "test_code.py").write_text(TESTS)
    monkeypatch.setattr(copy, "CHECKOUT", root)

    def no_dotnet() -> None:
        raise sdk.ToolchainError("no .NET", "install it")

    monkeypatch.setattr(sdk, "find_dotnet", no_dotnet)
    return root


def running() -> Iterator[bytes]:
    """Yield the command lines of all processes."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it has ended
            yield path.read_bytes()


def fault(name: str, replace: str, *tests: str) -> Mutant:
    nodes = tuple(f"test_code.py::{test}" for test in tests)
    return Mutant(name, "code_under_test.py", "2 * number", replace, nodes, "It is wrong.")


@pytest.mark.slow
@pytest.mark.parametrize("jobs", [1, 3])
def test_each_fault_gets_its_outcome(
    checkout: Path, jobs: int, capsys: pytest.CaptureFixture[str]
) -> None:
    faults = [
        fault("noticed", "3 * number", "test_double"),
        fault("noticed-by-one-of-two", "3 * number", "test_zero", "test_double"),
        fault("noticed-by-one-parameter", "3 * number", "test_each"),
        fault("survives", "3 * number", "test_zero"),
        # The same size as the fault before it, within the same second.
        fault("survives-too", "4 * number", "test_zero"),
        fault("noticed-again", "5 * number", "test_double"),
        fault("fails-anyway", "3 * number", "test_wrong"),
        fault("is-skipped", "3 * number", "test_skipped"),
        fault("hangs", "3 * number", "test_waiting"),
        fault("does-not-start", "3 * (", "test_double"),
        fault("has-no-such-parameter", "3 * number", "test_each[7]"),
    ]
    results = run.Runner(faults, jobs, 20.0).results()
    assert [(result.mutant.name, result.outcome) for result in results] == [
        ("noticed", run.NOTICED),
        ("noticed-by-one-of-two", run.NOTICED),
        ("noticed-by-one-parameter", run.NOTICED),
        ("survives", run.SURVIVED),
        ("survives-too", run.SURVIVED),
        ("noticed-again", run.NOTICED),
        ("fails-anyway", run.ERROR),
        ("is-skipped", run.ERROR),
        ("hangs", run.ERROR),
        ("does-not-start", run.ERROR),
        ("has-no-such-parameter", run.ERROR),
    ]
    details = {result.mutant.name: result.detail for result in results}
    assert "does not pass without the fault: failed" in details["fails-anyway"]
    assert "skipped" in details["is-skipped"]
    assert "hang" in details["hangs"]
    assert "not run" in details["has-no-such-parameter"]
    assert (checkout / "code_under_test.py").read_text() == CODE
    assert b"sleep\0002718281828\0" not in list(running())
    capsys.readouterr()


def options(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return parser.parse_args(arguments)


def listed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert run.main(options("--list", *arguments), print) == 0
    lines = capsys.readouterr().out.splitlines()
    return [line.split()[0] for line in lines if not line.startswith(" ")]


def test_a_sample_has_both_languages_and_depends_on_the_seed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    everything = listed(capsys)
    sample = listed(capsys, "--sample", "8", "--seed", "abc")
    assert len(sample) == len(set(sample)) == 8
    assert set(sample) < set(everything)
    csharp = set(listed(capsys, "--language", "C#"))
    assert len(csharp & set(sample)) == 4
    assert listed(capsys, "--sample", "8", "--seed", "abc") == sample
    assert listed(capsys, "--sample", "8", "--seed", "abd") != sample
    assert sorted(listed(capsys, "--sample", "100000")) == sorted(everything)


def test_one_fault_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    assert listed(capsys, "--only", "python-new-map-is-sparse") == ["python-new-map-is-sparse"]
    messages: list[str] = []
    assert run.main(options("--only", "misspelled"), messages.append) == 2
    assert messages == ["there is no fault misspelled; --list prints their names"]


def test_a_stale_fault_fails_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    stale = Mutant("stale", "tox.ini", "not in there", "", ("tests/x.py::test_x",), "It is.")
    monkeypatch.setattr(run, "all_mutants", lambda: [stale])
    messages: list[str] = []
    assert run.main(options(), messages.append) == 1
    assert any("contains the text 0 times" in message for message in messages)
