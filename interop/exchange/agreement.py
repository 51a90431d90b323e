"""A check before the first exchange: both peers use the same layout for the exchanged types.

If they do not, every case of the pair fails with the field that differs, and not with the wrong
values that would follow from it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pyshm.layout.compare import Sides
from pyshm.testing.manifest import Manifest, manifest_from_json
from pyshm.testing.mismatch import LayoutMismatchError, layout_mismatches
from pyshm.testing.process import Peer

__all__ = ["EXCHANGED", "compare_manifests", "manifest_of"]

EXCHANGED = ("TestData", "ImageData")


def manifest_of(peer: Peer, **asked: str | Sequence[Mapping[str, Any]]) -> Manifest:
    """Return what ``peer`` answers to the step ``manifest``."""
    (outcome,) = peer.request({"do": "manifest", **asked})
    assert "value" in outcome, f"{peer.name} has no manifest of {asked}: {outcome}"
    return manifest_from_json(outcome["value"])


def compare_manifests(producer: Peer, consumer: Peer) -> None:
    """Raise LayoutMismatchError if the two lay out a type of :data:`EXCHANGED` differently."""
    sides = Sides(f"in {producer.name}", f"in {consumer.name}")
    for name in EXCHANGED:
        one, two = (manifest_of(peer, type=name) for peer in (producer, consumer))
        # Only .NET has a managed layout of TestData, because it holds an array.
        found = layout_mismatches(one, two, managed=False, sides=sides)
        if found:
            raise LayoutMismatchError(f"{name} has different layouts:", found)
