"""Each model holds, and each mutation of it has its violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.models.catalog import EXPLORER, RELACY, SPIN, Case, all_cases
from interop.models.run import run_one
from interop.models.tools import Runs

MARKS = {EXPLORER: [], SPIN: [pytest.mark.spin], RELACY: [pytest.mark.relacy]}
CASES = [
    pytest.param(case, marks=MARKS[case.model.tool], id=case.name.replace(" ", "-"))
    for case in all_cases()
]


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Runs:
    return Runs(tmp_path_factory.mktemp("models"))


@pytest.mark.parametrize("model", CASES)
def test_it_is_found_to_hold_or_to_be_violated(runs: Runs, model: Case) -> None:
    result = run_one(runs, model)
    assert result.surprise is None, f"{result.found}: {result.surprise}"


# Which of these exist is the design of the protocol: its tables name each of them.
@pytest.mark.parametrize(
    ("model", "least"),
    [("latest", 9), ("queue", 5), ("orders", 9), ("copied", 4), ("announced", 4)],
)
def test_no_mutation_gets_lost(model: str, least: int) -> None:
    found = [case for case in all_cases() if case.model.name == model and case.mutation]
    assert len({case.mutation.name for case in found if case.mutation}) >= least


def test_each_tool_has_its_models(tmp_path: Path) -> None:
    assert {case.model.tool for case in all_cases()} == {EXPLORER, SPIN, RELACY}
