"""The benchmark runs: every statement in it is valid, and every topic gives a table."""

from __future__ import annotations

import json

import pytest

from interop.bench import __main__ as bench
from interop.bench.measure import Effort


@pytest.mark.slow
def test_every_topic_has_a_baseline_and_a_result_for_each_statement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "QUICK", Effort(2, 1, 1, 1, 1))
    assert bench.main(["--quick", "--json"]) == 0
    topics = json.loads(capsys.readouterr().out)["topics"]
    assert len(topics) == 10
    for topic in topics:
        baseline, *others = topic["rows"]
        assert baseline["what"].endswith("(baseline)")
        assert baseline["ratio_of_minima"] == 1
        assert others
