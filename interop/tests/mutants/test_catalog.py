"""The planted faults fit the present sources and tests, and the runner judges them correctly."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from interop.mutants.catalog import CatalogError, Mutant, all_mutants, problems

MUTANTS = all_mutants()


@pytest.mark.parametrize("mutant", MUTANTS, ids=[mutant.name for mutant in MUTANTS])
def test_its_text_occurs_once_and_its_tests_exist(mutant: Mutant) -> None:
    assert problems(mutant) == []
    assert mutant.why.endswith(".")


def test_no_name_is_used_twice() -> None:
    counts = Counter(mutant.name for mutant in MUTANTS)
    assert [name for name, count in counts.items() if count > 1] == []


def planted(**changes: object) -> Mutant:
    entry = {
        "name": "x",
        "file": "code.py",
        "find": "a = 1",
        "replace": "a = 2",
        "tests": ("test_code.py::test_a",),
        "why": "It is wrong.",
    }
    return Mutant(**{**entry, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"file": "other.py"}, "other.py does not exist"),
        ({"find": "a = 3"}, "code.py contains the text 0 times, not once: 'a = 3'"),
        ({"find": "= 1"}, "code.py contains the text 2 times, not once: '= 1'"),
        ({"replace": "a = 1"}, "the replacement is the same text"),
        ({"tests": ("test_code.py::test_b",)}, "there is no test test_code.py::test_b"),
        ({"tests": ("test_code.py",)}, "there is no test test_code.py"),
        ({"tests": ("test_other.py::test_a",)}, "there is no test test_other.py::test_a"),
    ],
)
def test_an_entry_that_is_out_of_date_is_reported(
    tmp_path: Path, changes: dict[str, object], problem: str
) -> None:
    (tmp_path / "code.py").write_text("a = 1\nb = 1\n")
    (tmp_path / "test_code.py").write_text("def test_a(): pass\n")
    assert problems(planted(), tmp_path) == []
    assert problems(planted(**changes), tmp_path) == [problem]


@pytest.mark.parametrize(
    "text",
    [
        'mutants = "misspelled"',
        '[[mutant]]\nname = "x"',
        '[[mutant]]\nname = "x"\nfile = "f"\nfind = "a"\nreplace = "b"\ntests = []\nwhy = "w"',
        '[[mutant]]\nname = "x"\nfile = "f"\nfind = "a"\nreplace = 2\ntests = ["t"]\nwhy = "w"',
    ],
)
def test_an_entry_that_is_not_complete_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(CatalogError, match=r"wrong\.toml"):
        all_mutants(tmp_path)
