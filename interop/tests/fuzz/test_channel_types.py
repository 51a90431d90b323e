"""Random structs: both languages describe each with the same text, which a channel's header has."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from interop.checkout import FIXTURES
from interop.exchange.place import Place
from interop.oracle.channel import read_channel, type_hash
from interop.plugin.hooks import Peers
from interop.worlds.world import NATIVE, Endpoint
from pyshm.channels.type_text import struct_text
from pyshm.errors import LayoutError
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.layouts import native, refusal
from pyshm.layout.schema import from_json, to_json
from pyshm.testing.process import Peer

pytestmark = [
    pytest.mark.dotnet,
    pytest.mark.limit(0),
    pytest.mark.skipif(sys.platform != "linux", reason="channels need Linux"),
]

_BATCH = 20
_MOST = 1000  # types


def _kept() -> list[TypeDeclaration]:
    lines = (FIXTURES / "types.jsonl").read_text(encoding="utf-8").splitlines()
    return [from_json(json.loads(line)["types"]) for line in lines]


def _python_text(declaration: TypeDeclaration) -> str | None:
    try:
        if refusal(declaration) is not None:
            return None
        return struct_text(native(declaration))
    except LayoutError:
        return None


def _compare(peer: Peer, place: Place, declarations: list[TypeDeclaration]) -> int:
    """Compare the texts of these types. Return how many both languages have."""
    compared = 0
    for declaration in declarations:
        expected = _python_text(declaration)
        # Inline arrays and fixed buffers are parts of structs; nobody sends one by itself.
        is_part = declaration.inline_array or declaration.fixed_buffer
        if expected is None or declaration.kind != "struct" or is_part:
            continue
        step: dict[str, Any] = {
            "do": "channel-create", "as": "c", "name": place.name(), "discipline": "latest",
            "content": "struct", "types": to_json(declaration),
        }  # fmt: skip
        outcome = peer.request(step, {"do": "ping"}, on_error="continue")[0]
        if "error" in outcome:
            assert outcome["error"]["kind"] in ("not-supported", "argument", "unexpected"), outcome
            continue
        found = read_channel(step["name"])
        whole = expected.encode()
        assert whole.startswith(found.text), step["types"]
        assert len(found.text) == len(whole) or len(whole) > 3068, step["types"]
        assert found.type == type_hash(expected)
        compared += 1
    return compared


def test_the_languages_have_the_same_text_of_each_type(
    peers: Peers, place: Place, request: pytest.FixtureRequest
) -> None:
    peer = peers.get(Endpoint(NATIVE, "dotnet"), "consumer")
    compared = _compare(peer, place, _kept())
    pytest.importorskip("hypothesis")
    from hypothesis import HealthCheck, given, seed, settings
    from hypothesis import strategies as st

    from interop.fuzz.random_types import declarations

    total = [compared]

    @settings(
        max_examples=max(min(request.config.getoption("--types"), _MOST) // _BATCH, 1),
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @seed(request.config.getoption("--seed"))
    @given(st.lists(declarations(), min_size=1, max_size=_BATCH))
    def compare(drawn: list[TypeDeclaration]) -> None:
        total[0] += _compare(peer, place, drawn)

    compare()
    peer.request({"do": "reset"})
    print(f"{total[0]} types compared")
    assert total[0] >= 20, "void: .NET or pyshm refused nearly all types"
