"""The same calls in .NET and in pyshm have the same outcomes: values and errors."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from interop.checkout import DOCS
from interop.exchange.place import Place
from interop.peers.start import python_peer
from interop.plugin.hooks import Peers
from interop.semantics.microsoft import demanded, demands
from interop.semantics.named import LIFETIMES
from interop.semantics.run import labels, lifetime, outcomes
from interop.semantics.sequences import DIFFERENCES, SEQUENCES
from interop.semantics.steps import Lifetime, Sequence
from interop.semantics.table import EXPLANATIONS, TABLE, WINE, explain, recorded
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
    if world.name in DIFFERENCES.get(sequence.name, ()):
        assert wrong, f"pyshm does what .NET does in {sequence.name}"
        return
    assert not wrong, f"{sequence.name}:\n" + "\n".join(wrong)
    # A step that no peer knows has the same outcome in both, and proves nothing.
    assert {"error": "unexpected"} not in expected


@pytest.mark.parametrize(
    "sequence", [pytest.param(item, id=item.name) for item in SEQUENCES if item.names_maps]
)
def test_on_windows_namedmap_does_what_dotnet_does(
    sequence: Sequence, world: World, peers: Peers, place: Place
) -> None:
    if world.name != "windows":
        pytest.skip("only on Windows does .NET have named maps of its own")
    peer = peers.get(Endpoint(world.name, "dotnet"), "consumer")
    assert outcomes(sequence.of_named_map(), peer, place, world) == outcomes(
        sequence, peer, place, world
    )


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
    expected = recorded(NATIVE)
    peer = python_peer()
    try:
        found = {item.name: outcomes(item, peer, place, world_of(NATIVE)) for item in SEQUENCES}
    finally:
        peer.kill()
    wrong = [name for name in found if found[name] != expected[name]]
    assert wrong == [name for name in found if NATIVE in DIFFERENCES.get(name, ())]


def test_every_sequence_has_its_own_name() -> None:
    names = [sequence.name for sequence in SEQUENCES]
    assert len(set(names)) == len(names)
    assert len(names) >= 150


def test_a_difference_in_creating_or_opening_a_map_needs_an_explanation_of_its_own() -> None:
    for call in ("create-new as=m name={name} capacity=100", "open-existing as=m name={name}"):
        assert explain("named-life", call) is None


def test_the_page_has_a_heading_for_every_explanation() -> None:
    headings = re.findall(r"^### (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert headings == [item.heading for item in [*EXPLANATIONS, *WINE]]


def _agrees(row: dict[str, Any], world: str) -> bool:
    """Return whether all that made the call in a world have the same result."""
    first, *others = (outcome for key, outcome in row.items() if key.startswith(f"{world} "))
    return all(outcome == first for outcome in others)


def test_every_demand_of_microsoft_is_met_by_a_call_of_the_file() -> None:
    rows = [json.loads(line) for line in TABLE.read_text(encoding="ascii").splitlines()]
    calls = [(row["sequence"], row["call"]) for row in rows]
    unused = [
        demand
        for demand in demands()
        if not any(
            re.fullmatch(demand.sequences, sequence) and re.search(demand.calls, call)
            for sequence, call in calls
        )
    ]
    assert unused == []


@pytest.mark.parametrize("system", ["windows", "linux"])
def test_what_microsoft_demands_is_so_unless_the_page_says_otherwise(system: str) -> None:
    wrong = set()
    for line in TABLE.read_text(encoding="ascii").splitlines():
        row = json.loads(line)
        demand = demanded(row["sequence"], row["call"], system)
        found = [row[key] for key in row if key == "all" or key.startswith(f"{system} ")]
        if demand is not None and any(outcome != demand.outcome for outcome in found):
            wrong.add(row["sequence"])
    beyond_the_creator = {f"create-or-open-{access}" for access in range(5)}
    expected = {
        "linux": beyond_the_creator,
        "windows": {
            *beyond_the_creator,
            "named-rights-16777216",
            *(
                f"{kind}-access-{access}-{capacity}"
                for kind in ("file", "stream")
                for access in (4, 5)
                for capacity in (0, 10, 20)
            ),
        },
    }
    assert wrong == expected[system]


def test_dotnet_itself_makes_every_call_on_windows() -> None:
    rows = [json.loads(line) for line in TABLE.read_text(encoding="ascii").splitlines()]
    assert [row for row in rows if "all" not in row and "windows dotnet" not in row] == []
    named = {row["sequence"] for row in rows if "linux NamedMap" in row}
    assert not named.intersection(row["sequence"] for row in rows if "linux dotnet" in row)
    assert {"namespace-session", "named-name-nul", "map-name-file"} <= named


def test_the_page_has_the_numbers_of_the_file() -> None:
    rows = [json.loads(line) for line in TABLE.read_text(encoding="ascii").splitlines()]
    calls = [row for row in rows if not row["call"].startswith("file ")]
    different = [row for row in rows if "why" in row]
    by_system = [row for row in different if _agrees(row, "windows") and _agrees(row, "linux")]
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    assert f"{len({row['sequence'] for row in rows})} sequences with {len(calls):,} calls" in text
    assert f"{len(different)} results differ. In {len(by_system)} of them" in text
    assert len(by_system) == len(different) - len(DIFFERENCES)
