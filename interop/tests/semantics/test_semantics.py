"""The same calls in .NET and in pyshm have the same outcomes: values and errors."""

from __future__ import annotations

import json
import re

import pytest

from interop.checkout import DOCS
from interop.exchange.place import Place
from interop.peers.start import python_peer
from interop.plugin.hooks import Peers
from interop.semantics.named import LIFETIMES
from interop.semantics.run import labels, lifetime, outcomes
from interop.semantics.sequences import DIFFERENCES, SEQUENCES
from interop.semantics.steps import Lifetime, Sequence
from interop.semantics.table import EXPLANATIONS, TABLE, explain, recorded
from interop.worlds.world import LANGUAGES, NATIVE, Endpoint, World, world_of

PAGE = DOCS / "semantics.md"


@pytest.mark.parametrize("sequence", SEQUENCES, ids=[sequence.name for sequence in SEQUENCES])
def test_outcomes_are_those_of_dotnet(
    sequence: Sequence, world: World, peers: Peers, place: Place
) -> None:
    dotnet, python = (
        peers.get(Endpoint(world.name, language), "consumer") for language in ("dotnet", "python")
    )
    expected = outcomes(sequence, dotnet, place, world)
    found = outcomes(sequence, python, place, world)
    wrong = [
        f"{call}\n    .NET:  {theirs}\n    pyshm: {ours}"
        for call, theirs, ours in zip(labels(sequence), expected, found, strict=True)
        if theirs != ours
    ]
    if sequence.name in DIFFERENCES:
        assert wrong, f"the difference no longer exists: {DIFFERENCES[sequence.name]}"
        return
    assert not wrong, f"{sequence.name}:\n" + "\n".join(wrong)
    # A step that no peer knows has the same outcome in both, and proves nothing.
    assert {"error": "unexpected"} not in expected


@pytest.mark.parametrize("life", LIFETIMES, ids=[life.name for life in LIFETIMES])
def test_a_named_map_lives_as_long_as_in_dotnet(
    life: Lifetime, world: World, peers: Peers, place: Place
) -> None:
    found = {}
    for language in LANGUAGES:
        first, second = (peers.get(Endpoint(world.name, language), role) for role in "AB")
        found[language] = list(zip(labels(life), lifetime(life, first, second, place), strict=True))
    assert found["python"] == found["dotnet"]
    assert {"error": "unexpected"} not in [outcome for _, outcome in found["dotnet"]]


@pytest.mark.skipif(NATIVE not in ("linux", "windows"), reason="not recorded on this system")
def test_outcomes_are_those_recorded_from_dotnet(place: Place) -> None:
    expected = recorded(f"{NATIVE} dotnet")
    peer = python_peer()
    try:
        found = {item.name: outcomes(item, peer, place, world_of(NATIVE)) for item in SEQUENCES}
    finally:
        peer.kill()
    wrong = [name for name in found if found[name] != expected[name]]
    assert wrong == list(DIFFERENCES)


def test_every_sequence_has_its_own_name() -> None:
    names = [sequence.name for sequence in SEQUENCES]
    assert len(set(names)) == len(names)
    assert len(names) >= 150


def test_a_difference_in_creating_or_opening_a_map_needs_an_explanation_of_its_own() -> None:
    for call in ("create-new as=m name={name} capacity=100", "open-existing as=m name={name}"):
        assert explain("named-life", call) is None


def test_the_page_has_a_heading_for_every_explanation() -> None:
    headings = re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [item.heading for item in EXPLANATIONS]


def test_the_page_has_the_numbers_of_the_file() -> None:
    rows = [json.loads(line) for line in TABLE.read_text(encoding="ascii").splitlines()]
    calls = [row for row in rows if not row["call"].startswith("file ")]
    different = [row for row in rows if "why" in row]
    by_system = [
        row
        for row in different
        if row["windows dotnet"] == row["windows pyshm"]
        and row["linux dotnet"] == row["linux pyshm"]
    ]
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"{len({row['sequence'] for row in rows})} sequences with {len(calls):,} calls" in text
    assert f"{len(different)} results differ. In {len(by_system)} of them" in text
    assert len(by_system) == len(different) - len(DIFFERENCES)
