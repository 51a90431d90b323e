"""``python -m interop models``: every surprise is a failure."""

from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from interop.models import run
from interop.models.catalog import Case, all_cases
from interop.models.run import judge
from interop.models.tools import ModelError, Runs, Verdict

CASES = {case.name: case for case in all_cases()}
LATEST = CASES["latest"]
TORN = CASES["latest no-second-look"]
HARMLESS = CASES["latest finished-value-is-not-delivered"]


@pytest.mark.parametrize(
    ("one", "verdict", "surprise"),
    [
        (LATEST, Verdict("holds", 5_739_180), None),
        (LATEST, Verdict("copy_is_torn", 5_739_180), "expected: holds"),
        (LATEST, Verdict("holds", 4_999_999), "only 4,999,999 states; at least 5,000,000"),
        (LATEST, Verdict("holds", 5_739_180, ("line 9: x",)), "never or seldom:\nline 9: x"),
        (TORN, Verdict("copy_is_torn", 12), None),
        (TORN, Verdict("copy_is_torn", 12, ("line 9: x",)), None),
        (TORN, Verdict("holds", 5_739_180), "expected: copy_is_torn"),
        (TORN, Verdict("held_value_changed", 12), "expected: copy_is_torn"),
        (HARMLESS, Verdict("holds", 12), None),
        (HARMLESS, Verdict("copy_is_torn", 12), "expected: holds"),
    ],
)  # fmt: skip
def test_a_verdict_other_than_the_expected_one_is_a_surprise(
    one: Case, verdict: Verdict, surprise: str | None
) -> None:
    assert judge(one, verdict) == surprise


def test_only_a_model_without_a_mutation_gets_larger_bounds(tmp_path: Path) -> None:
    two_slots = CASES["latest two-slots-and-a-pin"]
    for large, bounds in [(True, dict(LATEST.model.large)), (False, {})]:
        runs = Runs(tmp_path, large=large)
        assert runs._bounds(LATEST) == bounds
        assert runs._bounds(TORN) == {}
        assert runs._bounds(two_slots) == {"SLOTS": 2}


def command(*arguments: str) -> int:
    parser = argparse.ArgumentParser()
    run.add_arguments(parser)
    return run.main(parser.parse_args(arguments), print)


def test_each_model_and_mutation_has_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--tool", "explorer", "--only", "handed-back", "--jobs", "1") == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].startswith("ok    explorer")
    assert lines[1].endswith("handed-back ARMv8: holds")
    assert lines[3].endswith("plain-store-of-the-cursor ARMv8: read after it was handed back")
    assert lines[-1].split() == ["explorer", "2", "4", "0"]


def test_a_surprise_and_an_error_make_the_status_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Runs, "run", lambda self, case: Verdict("holds", 1000))
    assert command("--tool", "explorer", "--only", "plain-store-of-the-cursor") == 1
    lines = capsys.readouterr().out.splitlines()
    wrong = "handed-back plain-store-of-the-cursor ARMv8"
    assert lines[-1] == f"WRONG: {wrong}"
    assert "    expected: read after it was handed back" in lines

    def fail(self: Runs, case: Case) -> Verdict:
        raise ModelError("it does not compile")

    monkeypatch.setattr(Runs, "run", fail)
    assert command("--tool", "explorer", "--only", "handed-back ARMv8") == 1
    assert "    it does not compile" in capsys.readouterr().out.splitlines()


def test_a_missing_program_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "missing", lambda tool: f"{tool} is missing: get-{tool}")
    assert command("--tool", "spin") == 1
    assert capsys.readouterr().out == "spin is missing: get-spin\n"


def test_the_list_has_every_run(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--list") == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if not line.startswith(" ")]) == len(CASES)
    assert command("--list", "--only", "misspelled") == 2
