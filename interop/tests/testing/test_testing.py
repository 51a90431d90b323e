"""pyshm.testing with the real .NET: a user's assembly, and the messages about differences."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import pytest

from interop.oracle.memory import existing_maps
from interop.peers.compile import compile_library
from pyshm import Struct
from pyshm import types as t
from pyshm.errors import ArgumentError
from pyshm.testing import (
    AssemblyNotBuiltError,
    DotNetPeer,
    DotNetStepError,
    LayoutMismatchError,
    RoundTripError,
    TypeNotFoundError,
    assert_round_trip,
    assert_same_layout,
    build,
    sdk,
)
from pyshm.types import (
    Bool,
    Bool8,
    Byte,
    ByValArray,
    ByValTStr,
    Char,
    DateTime,
    Double,
    FieldOffset,
    FixedBuffer,
    Guid,
    Int32,
    Int64,
    LPStr,
    Single,
    UInt32,
)

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

SOURCE = """
#pragma warning disable
using System;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace App;

internal static class Trap
{
    public static int Sprung() =>
        throw new InvalidOperationException("the user's code was run");
}

[StructLayout(LayoutKind.Sequential, Size = 7)]
public struct Cut
{
    public float Value;
}

public struct Wheel
{
    public static readonly int Trapped = Trap.Sprung();
    public float Radius;
    public bool Wet;
}

[StructLayout(LayoutKind.Sequential, Pack = 4)]
public struct Car
{
    public byte Gear;
    public double Speed;
    [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 8)]
    public string Name;
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
    public Wheel[] Wheels;
    public DateTime Started;
}

public enum Color : byte { Red, Green }

internal struct Numbers
{
    public Color Color { get; set; }
    public int _total;
    public Guid Id;
    public decimal Price;
}

public unsafe struct Buffer
{
    public int Count;
    public fixed byte Data[5];
}

[StructLayout(LayoutKind.Explicit)]
public struct Union
{
    [FieldOffset(0)] public uint Bits;
    [FieldOffset(0)] public float Number;
    [FieldOffset(4)] public byte Tag;
}

[StructLayout(LayoutKind.Sequential)]
public class Base
{
    public int Id;
}

[StructLayout(LayoutKind.Sequential)]
public sealed class Derived : Base
{
    public Derived() => throw new InvalidOperationException("the user's code was run");
    public long Length;
}

public struct Text
{
    public string Value;
}

public struct Letters
{
    public char Letter;
    public int Number;
}

public struct Refused
{
    public object[,] Table;
}

public struct Outer
{
    public struct Inner
    {
        public int A;
    }
}
"""


class Wheel(Struct):
    Radius: Single
    Wet: Bool


class WrongWheel(Struct):
    Radius: Single
    Wet: Bool8


class WrongCar(Struct):
    Gear: Byte
    Speed: Single
    Name: Annotated[str, ByValTStr(9)]
    Wheels: Annotated[list[WrongWheel], ByValArray(WrongWheel, 2)]
    Extra: Int32


class Numbers(Struct):
    Color: Byte
    Total: Int32
    Id: Guid
    Price: t.Decimal


class Buffer(Struct):
    Count: Int32
    Data: Annotated[list[int], FixedBuffer(Byte, 5)]


class CarByHand(Struct, pack=8):
    gear: Byte
    speed: Double
    name: Annotated[str, ByValTStr(8)]
    wheels: Annotated[list[Wheel], ByValArray(Wheel, 2)]
    started: DateTime


class Union(Struct, layout="explicit"):
    Bits: Annotated[UInt32, FieldOffset(0)]
    Number: Annotated[Single, FieldOffset(0)]
    Tag: Annotated[Byte, FieldOffset(4)]


def _union() -> Union:
    value = Union.from_bytes(bytes(8))
    value.Number, value.Tag = 1.5, 9
    return value


class Base(Struct, kind="class"):
    Id: Int32


class Derived(Base):
    Length: Int64


class Text(Struct):
    Value: LPStr


@pytest.fixture(scope="module")
def assembly(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library("App", SOURCE, tmp_path_factory.mktemp("app"))


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    yield
    assert existing_maps(f"pyshm-proof-{os.getpid()}-") == []


def mismatch(python_type: type[Struct], name: str, assembly: Path, **options: Any) -> list[str]:
    with pytest.raises(LayoutMismatchError) as caught:
        assert_same_layout(python_type, name, assembly, **options)
    return list(caught.value.sentences)


# --- equal types --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Wheel(1.5, True), "Wheel"),
        (Numbers(1, -7, UUID(int=2**127 + 5), Decimal("-1.50")), "Numbers"),
        (Buffer(5, [1, 2, 3, 4, 255]), "Buffer"),
        (_union(), "Union"),
        (Derived(3, 2**40), "Derived"),
    ],
)
def test_a_value_survives_the_round_trip(
    dotnet_peer: DotNetPeer, assembly: Path, value: Struct, name: str
) -> None:
    assert_round_trip(value, f"App.{name}", assembly)


class Cut(Struct, size=7):
    Value: Single


def test_what_the_accessor_of_dotnet_changes_is_not_a_difference_of_the_types(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    assert_round_trip(Cut(1.2345678), "App.Cut", assembly, managed=False)
    found: tuple[str, ...] = ()
    try:
        assert_round_trip(Cut(1.2345678), "App.Cut", assembly)
    except RoundTripError as error:  # some runtimes have no such fault
        found = error.sentences
    assert all("these methods of .NET are the cause" in each for each in found)


def test_field_names_match_without_case_and_underscores_and_as_properties(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    dotnet_peer.assert_same_layout(Numbers, "App.Numbers", assembly)


def test_a_nested_type_has_a_plus_in_its_name(dotnet_peer: DotNetPeer, assembly: Path) -> None:
    class Inner(Struct):
        a: Int32

    assert_round_trip(Inner(5), "App.Outer+Inner", assembly)


def test_relative_paths_start_at_the_rootdir(
    dotnet_peer: DotNetPeer, assembly: Path, pytestconfig: pytest.Config
) -> None:
    relative = os.path.relpath(assembly, pytestconfig.rootpath)
    assert_same_layout(Wheel, "App.Wheel", relative)


def test_an_assembly_that_was_rebuilt_is_read_again(
    dotnet_peer: DotNetPeer, assembly: Path, tmp_path: Path
) -> None:
    mine = Path(shutil.copy(assembly, tmp_path))
    assert_same_layout(Wheel, "App.Wheel", mine)
    source = SOURCE.replace("public bool Wet;", "public byte Wet;")
    again = tmp_path / "again"
    again.mkdir()
    shutil.copy(compile_library("App", source, again), mine)
    found = mismatch(Wheel, "App.Wheel", mine, managed=False)
    assert found == ["field Wet at offset 4: byte is 1 byte in .NET, bool is 4 bytes here"]


# --- differences --------------------------------------------------------------------------


def test_every_difference_is_reported_in_the_order_of_the_fields(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    named = "field Name: string (ByValTStr 8) is 8 bytes at offset 12 in .NET, {}"
    assert mismatch(WrongCar, "App.Car", assembly) == [
        "field Speed at offset 4: double is 8 bytes in .NET, float is 4 bytes here",
        named.format("string (ByValTStr 9) is 9 bytes at offset 8 here"),
        "field Wheels[0].Wet at offset 4: bool is 4 bytes in .NET, bool (U1) is 1 byte here",
        "field Started is missing here (in .NET: DateTime, 8 bytes at offset 36)",
        "field Extra is missing in .NET (here: int, 4 bytes at offset 36)",
        "size: 44 bytes in .NET, 40 bytes here",
    ]


def test_pack_is_reported_before_its_consequences(dotnet_peer: DotNetPeer, assembly: Path) -> None:
    found = mismatch(CarByHand, "App.Car", assembly)
    assert found[:2] == ["Pack: 4 in .NET, 8 here", "field Speed: at offset 4 in .NET, 8 here"]
    assert found[-1] == "size: 44 bytes in .NET, 48 bytes here"


def test_another_type_of_the_same_size_is_a_difference(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    class Numeric(Struct):
        Radius: Int32
        Wet: Int32

    assert mismatch(Numeric, "App.Wheel", assembly) == [
        "field Radius at offset 0: float in .NET, int here",
        "field Wet at offset 4: bool in .NET, int here",
        "managed layout: field Wet at offset 4: bool is 1 byte in .NET, int is 4 bytes here",
    ]
    found = mismatch(Numeric, "App.Wheel", assembly, marshalled=False)
    assert found[0] == "managed layout: field Radius at offset 0: float in .NET, int here"


def test_the_character_set_is_reported_if_it_matters(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    class Letters(Struct, charset="unicode"):
        Letter: Char
        Number: Int32

    assert mismatch(Letters, "App.Letters", assembly) == [
        "CharSet: ansi in .NET, unicode here",
        "field Letter at offset 0: char is 1 byte in .NET, 2 bytes here",
    ]


def test_an_array_in_place_of_a_fixed_buffer_differs_only_in_the_managed_layout(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    class AsArray(Struct):
        Count: Int32
        Data: Annotated[list[int], ByValArray(Byte, 5)]

    (found,) = mismatch(AsArray, "App.Buffer", assembly)
    assert "here the type holds objects (Data: byte[] (ByValArray 5))" in found
    assert_same_layout(AsArray, "App.Buffer", assembly, managed=False)


def test_a_type_that_dotnet_refuses_is_reported_with_the_reason(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    (found,) = mismatch(Wheel, "App.Refused", assembly)
    assert found.startswith("in .NET the type can't be marshalled: Type 'App.Refused'")


def test_no_value_is_sent_if_the_layouts_differ(dotnet_peer: DotNetPeer, assembly: Path) -> None:
    with pytest.raises(LayoutMismatchError):
        assert_round_trip(Wheel(1.5, True), "App.Letters", assembly)


def test_a_value_with_an_address_is_refused_and_the_field_named(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    assert_round_trip(Text(0), "App.Text", assembly)
    with pytest.raises(ArgumentError, match="field Value holds an address, 0x10"):
        assert_round_trip(Text(16), "App.Text", assembly)


# --- missing things -----------------------------------------------------------------------


def test_the_error_for_a_missing_assembly_asks_whether_it_is_built(
    dotnet_peer: DotNetPeer, tmp_path: Path
) -> None:
    with pytest.raises(AssemblyNotBuiltError, match="build it first") as caught:
        assert_same_layout(Wheel, "App.Wheel", tmp_path / "App.dll")
    assert isinstance(caught.value, FileNotFoundError)


def test_the_error_for_a_missing_type_suggests_similar_names(
    dotnet_peer: DotNetPeer, assembly: Path
) -> None:
    with pytest.raises(TypeNotFoundError, match=r"Did you mean App\.Wheel"):
        assert_same_layout(Wheel, "App.Wheels", assembly)


def test_a_file_that_is_not_an_assembly_is_reported(
    dotnet_peer: DotNetPeer, tmp_path: Path
) -> None:
    (tmp_path / "App.dll").write_text("none")
    with pytest.raises(DotNetStepError, match="BadImageFormatException"):
        assert_same_layout(Wheel, "App.Wheel", tmp_path / "App.dll")


# --- the build of the peer ----------------------------------------------------------------

FOREIGN_RULES = {
    "Directory.Build.props": "<Project><PropertyGroup><LangVersion>1</LangVersion>"
    "</PropertyGroup></Project>",
    "Directory.Build.targets": "<Project><Target Name='Foreign' BeforeTargets='Build'>"
    "<Error Text='a foreign rule' /></Target></Project>",
    "Directory.Packages.props": "<Project><ItemGroup><GlobalPackageReference "
    "Include='No.Such.Package.At.All' Version='1.0.0' /></ItemGroup><PropertyGroup>"
    "<ManagePackageVersionsCentrally>true</ManagePackageVersionsCentrally></PropertyGroup>"
    "</Project>",
    ".editorconfig": "root = true\n[*.cs]\ndotnet_diagnostic.IDE0160.severity = error\n"
    "csharp_style_namespace_declarations = block_scoped:error\n",
    ".globalconfig": "is_global = true\ncsharp_style_expression_bodied_methods = false\n"
    "dotnet_diagnostic.IDE0022.severity = error\n",
}


def test_the_peer_builds_in_a_repository_with_other_build_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in FOREIGN_RULES.items():
        (tmp_path / name).write_text(text)
    sources = tmp_path / "venv" / "csharp"
    shutil.copytree(sdk.SOURCES, sources, ignore=shutil.ignore_patterns("bin", "obj"))
    monkeypatch.setattr(build, "SOURCES", sources)
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    with DotNetPeer() as peer:
        assert peer.process.request({"do": "ping"}) == [{"value": "pong"}]
