"""The answers to malformed requests (docs/protocol.md, "serve")."""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

import pytest

from interop.worlds.world import NATIVE, world_of

MALFORMED = [
    "nonsense",
    "[]",
    "[" * 2000,
    "[" * 100_000,
    '{"steps": ' + "[" * 100_000,
    '{"a": ' * 100_000,
    "1" * 100_000,
    "\\ud800",
    '{"id": 7, "nonce": "x"}',
    '{"id": 7, "nonce": "x", "steps": {}}',
    '{"id": 7, "nonce": "x", "steps": [1]}',
    '{"id": 7, "nonce": "x", "steps": [{"as": "a"}]}',
    '{"id": 7, "nonce": "x", "steps": [{"do": "ping"}, {"do": 5}]}',
    '{"id": 7, "nonce": "x", "steps": [{"do": "ping"}], "on_error": "go"}',
    '{"id": 7, "nonce": "x", "steps": [{"do": "ping"}], "on_error": null}',
]
WELL_FORMED = (
    '{"steps": [{"do": "no-such-step"}, {"do": "read"}, {"do": "ping"}], "on_error": "%s"}'
)


@pytest.mark.parametrize("language", ["python", pytest.param("dotnet", marks=pytest.mark.dotnet)])
def test_a_malformed_request_gets_a_fatal_answer_and_the_next_one_is_answered(
    language: str,
) -> None:
    peer = world_of(NATIVE).peer(language, language)
    lines = [*MALFORMED, WELL_FORMED % "stop", WELL_FORMED % "continue"]
    done = subprocess.run(
        peer.command,
        input="".join(line + "\n" for line in lines),
        env={**os.environ, **peer.environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    _hello, *answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(lines)
    for line, answer in zip(MALFORMED, answers, strict=False):
        assert set(answer) == {"id", "nonce", "fatal"}, line
        known = '"id": 7' in line
        assert answer["id"] == (7 if known else None), line
        assert answer["nonce"] == ("x" if known else None), line
        assert isinstance(answer["fatal"], str), line
    stopped, continued = answers[-2:]
    assert (stopped["id"], stopped["nonce"]) == (None, None)
    assert [_kind(outcome) for outcome in stopped["outcomes"]] == ["unexpected"]
    assert [_kind(outcome) for outcome in continued["outcomes"][1:]] != [None, None]
    assert continued["outcomes"][-1] == {"value": "pong"}


def _kind(outcome: dict[str, Any]) -> Any:
    return outcome["error"]["kind"] if "error" in outcome else None
