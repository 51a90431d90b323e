"""Enums of a real assembly, bound and exchanged with .NET: each number is the number in .NET."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("dnfile")

from interop.peers.compile import compile_library
from pyshm.assemblies import Assembly
from pyshm.codegen import bind
from pyshm.testing import DotNetPeer, assert_round_trip, assert_same_layout

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

SOURCE = """
#pragma warning disable
using System;
namespace App;

[Flags] public enum Small : sbyte { A = 1, B = 2, Top = -128 }
[Flags] public enum Short : short { A = 1, B = 2, Top = -32768 }
[Flags] public enum Int : int { A = 1, B = 2, Top = 1 << 31 }
[Flags] public enum Long : long { A = 1, B = 2, Top = 1L << 63 }
[Flags] public enum Unsigned : uint { A = 1, B = 2, Top = 1u << 31 }
[Flags] public enum Plain { A = 1, B = 2 }
public enum Gear : byte { Neutral, First }
public enum EntityId : ulong { }

public struct Holder
{
    public Small Small;
    public Short Short;
    public Int Int;
    public Long Long;
    public Unsigned Unsigned;
    public Plain Plain;
    public Gear Gear;
    public EntityId Id;
}

public struct Captured(int speed, byte gear)
{
    public int Sum => speed + gear;
    public int Own { get; set; }
}

public record struct Pair(int First, byte Second);
"""


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library("Enums", SOURCE, tmp_path_factory.mktemp("enums"))


@pytest.fixture(scope="module")
def module(assembly: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Import the bound module and return it."""
    folder = tmp_path_factory.mktemp("bound")
    binding = bind(Assembly.open(assembly))
    assert binding.not_bound == []
    (folder / "bound_enums.py").write_text(binding.source, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patched:
        patched.syspath_prepend(folder)
        import bound_enums  # type: ignore[import-not-found]

    return bound_enums


def test_combined_flags_survive_the_round_trip(
    dotnet_peer: DotNetPeer, assembly: Path, module: Any
) -> None:
    kinds = module.Small, module.Short, module.Int, module.Long, module.Unsigned
    value = module.Holder(*(kind.A | kind.Top for kind in kinds), module.Plain.B, 7, 2**64 - 1)
    expected = (
        "81 00 0180 01000080 0100000000000080 01000080 02000000 07 00000000000000ffffffffffffffff"
    )
    data = bytes.fromhex(expected)
    assert [int(getattr(value, field.name)) for field in value.layout.fields] == [
        *(-127, -32767, -2147483647, -(2**63) + 1, 0x80000001, 2, 7, 2**64 - 1),
    ]
    assert value.to_bytes() == data
    assert_round_trip(value, "App.Holder", assembly)


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF, 0xA5])
def test_any_number_survives_the_round_trip(
    dotnet_peer: DotNetPeer, assembly: Path, module: Any, byte: int
) -> None:
    value = module.Holder.from_bytes(bytes([byte]) * module.Holder.layout.size)
    assert_round_trip(value, "App.Holder", assembly)


def test_fields_that_the_compiler_names_match(
    dotnet_peer: DotNetPeer, assembly: Path, module: Any
) -> None:
    assert_same_layout(module.Captured, "App.Captured", assembly)
    assert_same_layout(module.Pair, "App.Pair", assembly)
    assert module.Captured(speed=1, gear=2, Own=3).speed == 1
    assert_round_trip(module.Captured(speed=1, gear=2, Own=3), "App.Captured", assembly)
