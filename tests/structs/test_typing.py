"""A type checker sees plain Python types in a struct declaration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.conftest import ROOT

SAMPLE = Path(__file__).with_name("typed_structs.py")


def expected():
    """Return the comment of each line: the type that is revealed, or the code of the error."""
    found = {}
    for number, line in enumerate(SAMPLE.read_text(encoding="utf-8").splitlines(), 1):
        comment = re.search(r"#\s(?:error: )?(.+)$", line)
        if comment and ("reveal_type" in line or "error: " in line):
            found[number] = comment.group(1)
    return found


def short(revealed):
    """Return a type without modules: ``list[int]`` for ``builtins.list[builtins.int]``."""
    return re.sub(r"\b[\w.]+\.(\w+)", r"\1", revealed).replace("Union[int, None]", "int | None")


def test_a_type_checker_sees_plain_python_types(tmp_path, monkeypatch):
    api = pytest.importorskip("mypy.api")
    monkeypatch.chdir(ROOT)
    options = "--strict --no-pretty --no-error-summary --ignore-missing-imports"
    printed, complaints, _ = api.run(
        [*options.split(), "--follow-imports=silent", f"--cache-dir={tmp_path}", str(SAMPLE)]
    )
    assert complaints == ""
    found = {}
    for line in printed.splitlines():
        number = int(re.search(r":(\d+):", line).group(1))
        revealed = re.search(r'Revealed type is "(.+)"', line)
        code = re.search(r"\[([\w-]+)\]$", line)
        found[number] = short(revealed.group(1)) if revealed else code and code.group(1)
    assert found == expected()
