"""The benchmark runs: every statement in it is valid, and every topic gives a table."""

from __future__ import annotations

import json

import pytest

from interop.bench import __main__ as bench
from interop.bench.copies import copies
from interop.bench.measure import Effort


@pytest.mark.slow
def test_every_topic_has_a_baseline_and_a_result_for_each_statement(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench, "QUICK", Effort(2, 1, 1, 1, 1))
    assert bench.main(["--quick", "--json"]) == 0
    topics = json.loads(capsys.readouterr().out)["topics"]
    # Five topics are about channels between Python processes, five more about those with C#.
    assert len(topics) in (16, 21)
    # The copies of .NET have rows where .NET is.
    notes = [topic["notes"][0] for topic in topics if not topic["rows"]]
    measured = [note for note in notes if "values a second" in note]
    assert len(measured) in (4, 8)
    assert {note[:8] for note in notes if note not in measured} <= {"skipped:"}
    for topic in filter(lambda topic: topic["rows"], topics):
        baseline, *others = topic["rows"]
        assert baseline["what"].endswith("(baseline)")
        assert baseline["ratio_of_minima"] == 1
        assert others


@pytest.mark.slow
@pytest.mark.dotnet
def test_the_copies_of_dotnet_have_a_ratio_and_the_allocated_bytes() -> None:
    (topic,) = copies(Effort(1, 1, 3, 1, 1))
    assert [row.what for row in topic.rows][2] == "helper.ReadImage(span)"
    assert topic.rows[2].aim is not None
    assert topic.notes[2] == "helper.ReadImage(span): 0 bytes allocated a frame, aim 0, met: yes"
    assert len(topic.notes) == len(topic.rows)
