"""The same calls on both sides: every outcome, value or error, is the real .NET's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from interop.exchange import Place, letting_go
from interop.peers import Peer
from interop.plugin import Peers
from interop.semantics import DIFFERENCES, SEQUENCES, Sequence


def outcomes(sequence: Sequence, peer: Peer, place: Place) -> list[Any]:
    """What ``peer`` makes of it: values, kinds of error, and what is left of the files."""
    paths = {key: place.path() for key in ("a", *sequence.files)}
    for key, content in sequence.files.items():
        if content is not None:
            Path(paths[key]).write_bytes(content)
    name = place.name()
    steps = [
        {key: _filled(item, paths, name) for key, item in step.items()} for step in sequence.steps
    ]
    with letting_go(peer):
        found: list[Any] = [
            outcome["error"]["kind"] if "error" in outcome else {"value": outcome["value"]}
            for outcome in peer.request(*steps, on_error="continue")
        ]
    for path in paths.values():
        found.append(Path(path).read_bytes() if os.path.exists(path) else None)
    return found


def _filled(item: Any, paths: dict[str, str], name: str) -> Any:
    if not isinstance(item, str):
        return item
    for key, path in paths.items():
        item = item.replace("{" + key + "}", path)
    return item.replace("{name}", name)


@pytest.mark.dotnet
@pytest.mark.parametrize("sequence", SEQUENCES, ids=[sequence.name for sequence in SEQUENCES])
def test_outcomes_are_those_of_dotnet(sequence: Sequence, peers: Peers, place: Place) -> None:
    expected = outcomes(sequence, peers.get("dotnet", "consumer"), place)
    found = outcomes(sequence, peers.get("python", "consumer"), place)
    labels = [*map(_label, sequence.steps), *("file afterwards" for _ in expected)]
    wrong = [
        f"{label}\n    .NET:  {theirs}\n    pyshm: {ours}"
        for label, theirs, ours in zip(labels, expected, found, strict=False)
        if theirs != ours
    ]
    if sequence.name in DIFFERENCES:
        assert wrong, f"no difference any more: {DIFFERENCES[sequence.name]}"
        return
    assert not wrong, f"{sequence.name}:\n" + "\n".join(wrong)
    # A step that the peers do not know would be equal on both sides, and prove nothing.
    assert "unexpected" not in expected


def _label(step: dict[str, Any]) -> str:
    return " ".join(f"{key}={item}" if key != "do" else str(item) for key, item in step.items())


def test_every_sequence_has_its_own_name() -> None:
    names = [sequence.name for sequence in SEQUENCES]
    assert len(set(names)) == len(names)
    assert len(names) >= 150
