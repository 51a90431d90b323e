"""The same calls on both sides: every outcome, value or error, is the real .NET's."""

from __future__ import annotations

import pytest

from interop.exchange.place import Place
from interop.plugin.hooks import Peers
from interop.semantics.run import label, lifetime, outcomes
from interop.semantics.sequences import DIFFERENCES, LIFETIMES, SEQUENCES, Lifetime, Sequence
from interop.semantics.table import explain
from interop.worlds.world import LANGUAGES, Seat, World


@pytest.mark.parametrize("sequence", SEQUENCES, ids=[sequence.name for sequence in SEQUENCES])
def test_outcomes_are_those_of_dotnet(
    sequence: Sequence, world: World, peers: Peers, place: Place
) -> None:
    dotnet, python = (
        peers.get(Seat(world.name, language), "consumer") for language in ("dotnet", "python")
    )
    expected = outcomes(sequence, dotnet, place, world)
    found = outcomes(sequence, python, place, world)
    labels = [*map(label, sequence.steps), *("file afterwards" for _ in expected)]
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


@pytest.mark.parametrize("life", LIFETIMES, ids=[life.name for life in LIFETIMES])
def test_named_maps_live_and_die_as_dotnets(
    life: Lifetime, world: World, peers: Peers, place: Place
) -> None:
    found = {}
    for language in LANGUAGES:
        first, second = (peers.get(Seat(world.name, language), role) for role in "AB")
        found[language] = lifetime(life, first, second, place)
    labels = [f"{who}: {'killed' if step is None else label(step)}" for who, step in life.steps]
    assert list(zip(labels, found["python"], strict=True)) == list(
        zip(labels, found["dotnet"], strict=True)
    )
    assert "unexpected" not in found["dotnet"]


def test_every_sequence_has_its_own_name() -> None:
    names = [sequence.name for sequence in SEQUENCES]
    assert len(set(names)) == len(names)
    assert len(names) >= 150


def test_a_difference_in_making_or_opening_a_map_needs_an_explanation_of_its_own() -> None:
    named = next(sequence for sequence in SEQUENCES if sequence.name == "named-life")
    for call in ("create-new as=m name={name} capacity=100", "open-existing as=m name={name}"):
        assert explain(named, call) is None
