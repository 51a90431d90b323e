"""The cases: how their expectations are compared, and that the documented ones exist."""

from __future__ import annotations

import re

from interop.cases.case import error, matches, value
from interop.cases.catalog import all_cases
from interop.checkout import DOCS


def test_only_the_expected_keys_are_compared() -> None:
    found = {"error": {"kind": "truncated", "field": "x", "message": "any text"}}
    assert matches(error("truncated", field="x"), found)
    assert not matches(error("truncated", field="y"), found)
    assert not matches(value(id=1), found)
    assert not matches(None, found)
    assert matches(None, {"value": None})
    assert not matches({"value": "pong"}, {"value": "ping"})
    assert not matches(value(id=1), {"value": {"age": 1}})
    assert not matches(value(id=1), {"value": None})


def test_every_case_that_the_format_document_names_exists() -> None:
    document = (DOCS / "format.md").read_text("utf-8")
    named = set(re.findall(r"`((?:blob|struct)-[a-z0-9-]+)`", document))
    assert len(named) >= 9
    known = [case.name for case in all_cases()]
    assert [name for name in named if not any(case.startswith(name) for case in known)] == []
