"""Manifests: each side describes every field, and the two are compared before any exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from interop.checkout import FIXTURES
from interop.exchange.agreement import compare_manifests, manifest_of
from interop.peers.start import python_peer
from interop.plugin.hooks import Peers
from interop.worlds.world import NATIVE, Endpoint
from pyshm import Struct
from pyshm.layout.compare import Sides
from pyshm.layout.layouts import refusal
from pyshm.layout.schema import from_json, to_json
from pyshm.testing.manifest import Manifest, manifest_from_json, manifest_json
from pyshm.testing.mismatch import LayoutMismatchError, layout_mismatches
from pyshm.testing.process import Peer
from pyshm.types import Bool, Double, Int32, Single

TYPES = FIXTURES / "types.jsonl"
SIDES = Sides("in .NET", "here")


class Car(Struct):
    """A struct with a bool, and with padding that depends on Pack."""

    Speed: Single
    Gear: Int32
    Wet: Bool
    Distance: Double


@pytest.fixture(scope="module")
def good() -> Iterator[Peer]:
    peer = python_peer("python")
    yield peer
    peer.close()


@pytest.fixture
def faulty(request: pytest.FixtureRequest) -> Iterator[Peer]:
    peer = python_peer("faulty", "interop.peers.faulty", request.param)
    yield peer
    peer.close()


def _described(peer: Peer) -> Manifest:
    return manifest_of(peer, types=to_json(Car.layout.declaration))


@pytest.mark.parametrize(
    ("faulty", "sentences"),
    [
        (
            "layout-bool-of-one-byte",
            ["field Wet at offset 8: bool is 4 bytes in .NET, bool (U1) is 1 byte here"],
        ),
        (
            "layout-pack-4",
            [
                "Pack: not set in .NET, 4 here",
                "field Distance: at offset 16 in .NET, 12 here",
                "size: 24 bytes in .NET, 20 bytes here",
            ],
        ),
        (
            "layout-fields-swapped",
            [
                "order of the fields: Speed, Gear in .NET; Gear, Speed here",
                "field Speed: at offset 0 in .NET, 4 here",
                "field Gear: at offset 4 in .NET, 0 here",
            ],
        ),
    ],
    indirect=["faulty"],
)
def test_the_difference_names_the_field_with_the_wrong_layout(
    good: Peer, faulty: Peer, sentences: list[str]
) -> None:
    found = layout_mismatches(_described(good), _described(faulty), managed=False, sides=SIDES)
    assert found == sentences


@pytest.mark.parametrize(
    ("faulty", "sentence"),
    [
        ("fields-swapped", "order of the fields: Id, Age in python; Age, Id in faulty"),
        ("pack-4", "field content_length: at offset 7 in python, 8 in faulty"),
        (
            "byte-order-mark",
            "field path_length is missing in faulty (in python: int, 4 bytes at offset 0)",
        ),
        (
            "seven-bit-length",
            "field path_length is missing in faulty (in python: int, 4 bytes at offset 0)",
        ),
    ],
    indirect=["faulty"],
)
def test_a_pair_with_different_layouts_fails_before_the_first_exchange(
    good: Peer, faulty: Peer, sentence: str
) -> None:
    with pytest.raises(LayoutMismatchError) as caught:
        compare_manifests(good, faulty)
    assert caught.value.sentences[0] == sentence


def test_two_peers_without_a_fault_have_the_same_layouts(good: Peer) -> None:
    compare_manifests(good, good)


def test_a_pair_with_different_layouts_fails_in_every_case(
    good: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoints = Endpoint(NATIVE, "python"), Endpoint("faulty", "python")
    wrong = python_peer("faulty", "interop.peers.faulty", "fields-swapped")
    peers = Peers()
    monkeypatch.setattr(
        Peers, "get", lambda _self, endpoint, _role: wrong if endpoint == endpoints[1] else good
    )
    try:
        for _ in range(2):
            with pytest.raises(LayoutMismatchError, match="TestData has different layouts"):
                peers.agree(*endpoints)
        assert wrong.starts == 1
    finally:
        wrong.close()


@pytest.fixture
def dotnet(peers: Peers) -> Peer:
    return peers.get(Endpoint(NATIVE, "dotnet"), "consumer")


@pytest.mark.dotnet
def test_every_kept_type_has_the_same_manifest_in_dotnet(dotnet: Peer) -> None:
    lines = map(json.loads, TYPES.read_text(encoding="utf-8").splitlines())
    described = [from_json(line["types"]) for line in lines]
    accepted = [declaration for declaration in described if refusal(declaration) is None]
    assert accepted
    for declaration in accepted:
        theirs = manifest_of(dotnet, types=to_json(declaration))
        assert layout_mismatches(theirs, manifest_from_json(manifest_json(declaration))) == []


@pytest.mark.dotnet
def test_the_manifest_of_dotnet_has_both_sizes_of_each_field(dotnet: Peer) -> None:
    (outcome,) = dotnet.request({"do": "manifest", "types": to_json(Car.layout.declaration)})
    (manifest,) = outcome["value"]
    sizes = [(field["native_size"], field["managed_size"]) for field in manifest["fields"]]
    assert sizes == [(4, 4), (4, 4), (4, 1), (8, 8)]
    offsets = [(field["native_offset"], field["managed_offset"]) for field in manifest["fields"]]
    assert offsets == [(0, 0), (4, 4), (8, 8), (16, 16)]
