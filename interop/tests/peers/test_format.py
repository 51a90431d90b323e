"""Both languages agree with docs/format.md: offsets and bytes, written by hand."""

from __future__ import annotations

from typing import Any

import pytest

import pyshm
from pyshm.testing.process import Peer

STRUCT = bytes.fromhex(
    "64000000"  # Id = 100
    "14000000"  # Age = 20
    "3c0000003d0000003e0000003f0000004000000041000000420000004300000044000000"
    "ff ff ff ff"  # Scores[9] = -1
)
BLOB = bytes.fromhex(
    "04000000"  # path_length
    "c3a92e70"  # "é.p"
    "03000000"  # content_length
    "010203"  # content
)
VALUES: dict[str, Any] = {"id": 100, "age": 20, "scores": [*range(60, 69), -1]}


def test_each_field_of_test_data_has_the_documented_offset(peer: Peer) -> None:
    assert peer.request({"do": "layout", "type": "TestData"}) == [
        {
            "value": {
                "size": 48,
                "fields": [
                    {"name": "Id", "offset": 0, "size": 4},
                    {"name": "Age", "offset": 4, "size": 4},
                    {"name": "Scores", "offset": 8, "size": 40},
                ],
            }
        }
    ]


def test_a_struct_is_written_as_documented(peer: Peer) -> None:
    assert peer.request({"do": "encode-struct", **VALUES}) == [{"value": {"bytes": STRUCT.hex()}}]


def test_a_struct_is_read_as_documented(peer: Peer) -> None:
    text = "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,-1"
    outcomes = peer.request({"do": "decode-struct", "bytes": STRUCT.hex()})
    assert outcomes == [{"value": {**VALUES, "text": text}}]


def test_a_blob_is_written_as_documented(peer: Peer) -> None:
    outcomes = peer.request({"do": "encode-image", "path": "é.p", "bytes": "010203"})
    assert outcomes == [{"value": {"bytes": BLOB.hex()}}]


def test_a_blob_is_read_as_documented(peer: Peer) -> None:
    outcomes = peer.request({"do": "decode-image", "bytes": BLOB.hex()})
    assert outcomes[0]["value"]["path"] == "é.p"
    assert outcomes[0]["value"]["length"] == 3


def test_bytes_after_a_blob_are_neither_written_nor_read(peer: Peer) -> None:
    outcomes = peer.request(
        {"do": "encode-image", "path": "é.p", "bytes": "010203", "length": len(BLOB) + 5},
        {"do": "decode-image", "bytes": (BLOB + b"stale").hex()},
    )
    assert outcomes[0]["value"]["bytes"] == (BLOB + bytes(5)).hex()
    assert outcomes[1]["value"]["length"] == 3


@pytest.mark.parametrize("length", [0, 1, 47])
def test_a_struct_does_not_fit_a_shorter_buffer(peer: Peer, length: int) -> None:
    outcome = peer.request({"do": "encode-struct", **VALUES, "length": length})[0]
    assert outcome["error"]["kind"] == "does-not-fit"
    assert (outcome["error"]["value"], outcome["error"]["limit"]) == (48, length)


@pytest.mark.parametrize("length", [0, 3, 4, 7, 8, 14])
def test_a_blob_does_not_fit_a_shorter_buffer(peer: Peer, length: int) -> None:
    step = {"do": "encode-image", "path": "é.p", "bytes": "010203", "length": length}
    outcome = peer.request(step)[0]
    assert outcome["error"]["kind"] == "does-not-fit"
    assert (outcome["error"]["value"], outcome["error"]["limit"]) == (15, length)


def test_a_peer_introduces_itself(peer: Peer) -> None:
    assert peer.hello["protocol"] == 1
    assert peer.hello["language"] in peer.name
    assert peer.hello["version"] == pyshm.__version__
    if "WINEPREFIX" not in peer.environment:  # Wine has its own process ids
        assert peer.hello["pid"] == peer.pid


def test_an_unknown_step_is_an_error_and_the_next_request_is_answered(peer: Peer) -> None:
    outcomes = peer.request({"do": "no-such-step"}, {"do": "ping"}, on_error="continue")
    assert outcomes[0]["error"]["kind"] == "unexpected"
    assert outcomes[1] == {"value": "pong"}
    outcomes = peer.request({"do": "get", "target": "missing", "property": "capacity"})
    assert outcomes[0]["error"]["kind"] == "no-object"
