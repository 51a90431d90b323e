"""Entries of mutations.toml that are not complete, or do not fit their model, are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from interop.models.catalog import CatalogError, all_models

MODEL = """
[[model]]
name = "latest"
tool = "spin"
source = "latest.pml"
shows = "It holds."
minimum = 1
large = {}
"""
MUTATION = """
[[mutation]]
model = "latest"
name = "one"
steps = ["P1"]
why = "It breaks."
find = "pinners = true;"
replace = "skip;"
violation = "held_value_changed"
"""


def test_a_complete_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text(MODEL + MUTATION)
    (model,) = all_models(tmp_path / "models.toml")
    assert [mutation.name for mutation in model.mutations] == ["one"]
    assert model.mutations[0].violation == {"": "held_value_changed"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (MODEL, "has no mutation"),
        (MODEL + MUTATION + MUTATION, "two of the same name"),
        (MODEL.replace("spin", "spine") + MUTATION, "tool is one of"),
        (MODEL.replace("minimum = 1\n", "") + MUTATION, "missing or unknown keys: minimum"),
        (MODEL + MUTATION.replace('"latest"', '"queue"'), "there is no model queue"),
        (MODEL + MUTATION.replace("pinners = true;", "pinners = 3;"), "0 times, not once"),
        (MODEL + MUTATION.replace("pinners = true;", "pin"), "times, not once"),
        (MODEL + MUTATION.replace("replace", "change"), "unknown keys: change, replace"),
        (MODEL + MUTATION.replace("find", "steps2"), "unknown keys"),
        (MODEL + MUTATION.replace('"held_value_changed"', "{ ARMv8 = 'x' }"), "violation needs"),
    ],
)
def test_an_entry_that_is_wrong_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "models.toml").write_text(text)
    with pytest.raises(CatalogError, match=reason):
        all_models(tmp_path / "models.toml")
