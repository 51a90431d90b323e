"""Assemblies, read by pyshm and by .NET's reflection; C# and Python source that pyshm writes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from enum import IntEnum, IntFlag
from pathlib import Path
from typing import Annotated, Any

import pytest

pytest.importorskip("dnfile")

from interop.checkout import CHECKOUT
from interop.peers.compile import compile_library, compile_program
from interop.plugin.hooks import Peers
from interop.worlds.world import NATIVE, Endpoint
from pyshm import Struct
from pyshm import types as t
from pyshm.assemblies import Assembly, Unbindable
from pyshm.assemblies.framework import KNOWN_TYPES, known_type
from pyshm.assemblies.resolver import Place
from pyshm.codegen import bind, csharp_source
from pyshm.errors import AssemblyError
from pyshm.layout.builtins import BUILT_IN_TYPES
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FunctionPointer,
    Nullable,
    Pointer,
    TypeDeclaration,
    TypeReference,
)
from pyshm.layout.layouts import native
from pyshm.layout.schema import to_json
from pyshm.testing import sdk
from pyshm.testing.questions import DotNetTypes, ReflectedType

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

DATA = CHECKOUT / "tests" / "assemblies" / "data"

# A program that prints, for every type with layout, the facts that pyshm.assemblies reads.
DESCRIBE = """
#pragma warning disable
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

var keywords = new Dictionary<Type, string>
{
    [typeof(bool)] = "bool", [typeof(char)] = "char", [typeof(sbyte)] = "sbyte",
    [typeof(byte)] = "byte", [typeof(short)] = "short", [typeof(ushort)] = "ushort",
    [typeof(int)] = "int", [typeof(uint)] = "uint", [typeof(long)] = "long",
    [typeof(ulong)] = "ulong", [typeof(nint)] = "nint", [typeof(nuint)] = "nuint",
    [typeof(float)] = "float", [typeof(double)] = "double", [typeof(decimal)] = "decimal",
    [typeof(string)] = "string", [typeof(object)] = "object",
    [typeof(MulticastDelegate)] = "System.Delegate",
};

string Full(Type type) =>
    (type.IsGenericType ? type.GetGenericTypeDefinition().FullName : type.FullName)!;

string Describe(Type type) =>
    keywords.TryGetValue(type, out var name) ? name
    : type.IsByRef ? "ref"
    : type.IsPointer ? "*"
    : type.IsFunctionPointer ? "delegate*"
    : type.IsArray ? $"[{type.GetArrayRank()}]"
    : Nullable.GetUnderlyingType(type) is { } value ? Describe(value) + "?"
    : Full(type);

var core = typeof(object).Assembly;
foreach (var path in args)
{
    var assembly = Path.GetFileName(path) == "System.Private.CoreLib.dll"
        ? core : Assembly.LoadFrom(path);
    foreach (var type in assembly.GetTypes())
    {
        var layout = type.IsLayoutSequential ? "sequential"
            : type.IsExplicitLayout ? "explicit" : "auto";
        if (type.IsEnum || type.IsInterface || !(type.IsValueType || layout != "auto"))
        {
            continue;
        }
        const BindingFlags All =
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly;
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            name = type.FullName,
            open = type.ContainsGenericParameters,
            layout,
            pack = type.StructLayoutAttribute!.Pack,
            size = type.StructLayoutAttribute.Size,
            charset = type.StructLayoutAttribute.CharSet.ToString().ToLowerInvariant(),
            by_ref_like = type.IsByRefLike,
            inline_array = type.GetCustomAttribute<InlineArrayAttribute>()?.Length,
            fields = type.GetFields(All).OrderBy(field => field.MetadataToken).Select(field =>
            {
                var marshal = field.GetCustomAttribute<MarshalAsAttribute>();
                return new object?[]
                {
                    field.Name, Describe(field.FieldType),
                    field.GetCustomAttribute<FieldOffsetAttribute>()?.Value,
                    marshal?.Value.ToString(), marshal?.SizeConst,
                };
            }),
        }));
    }
}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("binding")


@pytest.fixture(scope="module")
def describe(folder: Path) -> list[str]:
    return compile_program("Describe", DESCRIBE, folder)


@pytest.fixture(scope="module")
def dotnet(peers: Peers) -> DotNetTypes:
    return DotNetTypes(peers.get(Endpoint(NATIVE, "dotnet"), "consumer"))


@pytest.fixture(scope="module")
def framework(dotnet: DotNetTypes, describe: list[str]) -> Path:
    """Return the folder with the assemblies of the .NET that runs the program."""
    listed = subprocess.run(
        [describe[0], "--list-runtimes"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    name, version, place = [line for line in listed if line.startswith("Microsoft.NETCore.App ")][
        -1
    ].split(" ", 2)
    assert name
    return Path(place.strip("[]")) / version


def kind_of(reference: TypeReference) -> str:
    """Return the same text as the function Describe of DESCRIBE."""
    if isinstance(reference, BuiltIn):
        name = BUILT_IN_TYPES[reference.name].dotnet_name
        return name if name.endswith(f".{reference.name}") else reference.name
    if isinstance(reference, Pointer):
        return "*"
    if isinstance(reference, FunctionPointer):
        return "delegate*"
    if isinstance(reference, Array):
        return f"[{reference.rank}]"
    if isinstance(reference, Nullable):
        return kind_of(reference.value) + "?"
    return reference.name.partition("[")[0]


def as_described(declaration: TypeDeclaration) -> dict[str, Any]:
    return {
        "name": declaration.name,
        "open": False,
        "layout": declaration.layout,
        # Reflection has its own default for a Pack that is not set.
        "pack": declaration.pack or (0 if declaration.size else 8),
        "size": declaration.size,
        "charset": declaration.charset,
        "by_ref_like": declaration.by_ref_like,
        "inline_array": declaration.inline_array,
        "fields": [
            [
                field.name,
                kind_of(field.type),
                field.offset,
                field.marshal_as.unmanaged_type if field.marshal_as else None,
                (field.marshal_as.size_const or 0) if field.marshal_as else None,
            ]
            for field in declaration.fields
        ],
    }


def described(describe: list[str], path: Path) -> list[dict[str, Any]]:
    done = subprocess.run([*describe, str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def compare_with_reflection(describe: list[str], path: Path, references: list[str]) -> int:
    """Compare every type of an assembly; return how many types pyshm can declare."""
    real = described(describe, path)
    mine = {item.name: item for item in Assembly.open(path, references).declared_types()}
    assert list(mine) == [item["name"] for item in real]
    count = 0
    for item in real:
        read = mine[item["name"]]
        if isinstance(read, Unbindable):
            assert (read.reason == "open generic") == item["open"], read
            continue
        count += 1
        expected = as_described(read)
        if not read.pack and item["pack"] in (0, 8):
            item["pack"] = expected["pack"]  # the default of reflection, which depends on Size
        assert expected == item
    return count


def test_reflection_agrees_on_the_test_assembly(describe: list[str]) -> None:
    assert compare_with_reflection(describe, DATA / "Shapes.dll", []) > 20


@pytest.mark.parametrize(
    "name",
    [
        "System.Private.CoreLib",
        "System.Net.Sockets",
        "System.Private.Xml",
        "System.Security.Cryptography",
        "System.Reflection.Metadata",
        "Microsoft.VisualBasic.Core",
    ],
)
def test_reflection_agrees_on_assemblies_of_dotnet(
    describe: list[str], framework: Path, name: str
) -> None:
    path = framework / f"{name}.dll"
    assert compare_with_reflection(describe, path, [str(framework)]) > 0


def test_the_stored_assembly_is_compiled_from_its_source(folder: Path) -> None:
    (folder / "again").mkdir()
    common = compile_library(
        "Common", (DATA / "Common.cs").read_text(encoding="utf-8"), folder / "again"
    )
    shapes = compile_library(
        "Shapes", (DATA / "Shapes.cs").read_text(encoding="utf-8"), folder / "again", [common]
    )
    assert bind(Assembly.open(shapes)).source == bind(Assembly.open(DATA / "Shapes.dll")).source
    for suffix in (".xml",):
        stored = (DATA / "Shapes.dll").with_suffix(suffix).read_text(encoding="utf-8-sig").split()
        assert shapes.with_suffix(suffix).read_text(encoding="utf-8-sig").split() == stored


def test_the_known_types_of_dotnet_are_equal_to_the_real_ones(framework: Path) -> None:
    homes = ("System.Private.CoreLib", "System.Drawing.Primitives", "System.Runtime.Numerics")
    assemblies = [Assembly.open(framework / f"{home}.dll") for home in homes]
    for name, known in KNOWN_TYPES.items():
        real = next(filter(None, (_find(assembly, name) for assembly in assemblies)), None)
        assert isinstance(real, TypeDeclaration), name
        if known.layout == "auto" or known.kind == "delegate":
            assert (real.kind, real.layout) == (known.kind, known.layout), name
        else:
            assert to_json(real) == to_json(known)


@pytest.mark.parametrize("element", ["int", "double", "nuint"])
@pytest.mark.parametrize("bits", [64, 128, 256, 512])
def test_the_known_vectors_are_equal_to_the_real_ones(
    framework: Path, bits: int, element: str
) -> None:
    name = f"System.Runtime.Intrinsics.Vector{bits}`1"
    argument = BuiltIn(element)
    known = known_type(name, (argument,))
    core = Assembly.open(framework / "System.Private.CoreLib.dll")
    assert known is not None
    place = Place(core._metadata, core._metadata.rows_by_name[name])
    assert to_json(core._declarer.declaration(place, (argument,))) == to_json(known)


def test_the_programs_that_the_sdk_makes_are_recognized(tmp_path: Path) -> None:
    folder = Path(sdk.find_dotnet().path).resolve().parent / "sdk"
    templates = list(folder.glob("*/AppHostTemplate/apphost"))
    assert templates
    for number, template in enumerate(templates):
        program = tmp_path / f"Program{number}"
        program.write_bytes(template.read_bytes())
        with pytest.raises(AssemblyError, match=r": a program that starts one$"):
            Assembly.open(program)


def _find(assembly: Assembly, name: str) -> TypeDeclaration | Unbindable | None:
    try:
        return assembly.find(name)
    except ValueError:
        return None


# --- C# source --------------------------------------------------------------------------------


class Gear(IntEnum):
    """A gear of a car."""

    REVERSE = -1
    NEUTRAL = 0
    FIRST = 1


class Lamps(IntFlag):
    """Which lamps are on."""

    LEFT = 1
    RIGHT = 2


class Wheel(Struct, pack=2):
    """One wheel & its <temperature>."""

    temperature: t.Single
    pressure: t.UInt16
    serial: t.UInt64


class Union(Struct, layout="explicit", size=24, name="My.Game.Union"):
    """Two fields at one offset."""

    number: Annotated[t.Int32, t.FieldOffset(0)]
    real: Annotated[t.Single, t.FieldOffset(0)]
    far: Annotated[t.Int64, t.FieldOffset(8)]


class Inner(Struct, name="My.Game.Car+Inner"):
    """Nested in Car."""

    x: t.Byte


class Car(Struct, charset="unicode", name="My.Game.Car"):
    """Every kind of field.

    This text has two paragraphs.
    """

    id: t.Int32
    name: Annotated[str, t.ByValTStr(16)]
    letter: t.Char
    on: t.Bool
    small: t.Bool8
    signed: Annotated[t.Bool, t.MarshalAs("I1")]
    wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 4)]
    flags: Annotated[list[bool], t.ByValArray(t.Bool8, 3)]
    numbers: Annotated[list[int], t.FixedBuffer(t.Int16, 5)]
    row: Annotated[list[int], t.InlineArray(t.UInt32, 3)]
    gear: Gear
    lamps: Annotated[Lamps, t.Enum(t.Byte, "My.Game.Lamps")]
    maybe: Annotated[int | None, t.Nullable(t.Int32)]
    union: Union
    inside: Inner
    price: t.Decimal
    guid: t.Guid
    date: t.DateTime
    span: t.TimeSpan
    day: t.DateOnly
    clock: t.TimeOnly
    half: t.Half
    big: t.UInt128
    native: t.NInt
    pointer: t.Pointer
    function: t.FunctionPointer
    callback: t.Delegate
    text: t.String
    ansi: t.LPStr
    wide: t.LPWStr
    klass: Annotated[t.Byte, t.FieldName("class")]
    automatic: Annotated[t.Int32, t.FieldName("<Automatic>k__BackingField")]


class Ancestor(Struct, kind="class", name="My.Game.Ancestor"):
    """A class with layout."""

    first: t.Byte


class Descendant(Ancestor, kind="class", pack=4, name="My.Game.Descendant"):
    """A class that derives from Ancestor."""

    second: t.Double


class StructLayout(Struct, name="My.Game.StructLayout"):
    """It has the name of an attribute."""

    x: Annotated[t.Byte, t.MarshalAs("U1")]


class Guarded(Struct, best_fit=False, throw_on_unmappable=True, name="My.Game.Guarded"):
    """It refuses what its code page does not have."""

    text: Annotated[str, t.ByValTStr(8)]


class Similar(Struct, throw_on_unmappable=True, name="My.Game.Similar"):
    """It takes similar characters."""

    text: Annotated[str, t.ByValTStr(8)]


class Replaced(Struct, best_fit=False, name="My.Game.Replaced"):
    """It takes question marks."""

    text: Annotated[str, t.ByValTStr(8)]


DECLARED: list[type[Struct]] = [Car, Descendant, StructLayout, Guarded, Similar, Replaced]


@pytest.fixture(scope="module")
def compiled(folder: Path) -> Path:
    source = csharp_source(
        [struct.layout.declaration for struct in DECLARED],
        namespace="My.Game",
        comment="Made here.",
    )
    return compile_library("Structs", source, folder)


def plain(declaration: TypeDeclaration) -> list[dict[str, Any]]:
    """Return a declaration in JSON, with the names that it has in C#."""
    text = json.dumps(to_json(declaration))
    for ours, theirs in [
        ("My.Game.Car+<Row>InlineArray", "My.Game.Car+RowInlineArray"),
        # A type without a namespace in Python gets the given one.
        ('"Gear"', '"My.Game.Gear"'),
        ('"Wheel"', '"My.Game.Wheel"'),
    ]:
        text = text.replace(ours, theirs)
    found: list[dict[str, Any]] = json.loads(text)
    return found


@pytest.mark.parametrize("struct", [*DECLARED, Union], ids=lambda struct: struct.__name__)
def test_the_compiled_source_is_read_back_as_the_same_declaration(
    compiled: Path, struct: type[Struct]
) -> None:
    found = Assembly.open(compiled).find(struct.layout.declaration.name)
    assert isinstance(found, TypeDeclaration), found
    assert plain(found) == plain(struct.layout.declaration)
    assert found.documentation.split() == struct.layout.declaration.documentation.split()


@pytest.mark.parametrize("struct", [*DECLARED, Union], ids=lambda struct: struct.__name__)
def test_the_compiled_source_has_the_same_layout_in_dotnet(
    compiled: Path, dotnet: DotNetTypes, struct: type[Struct]
) -> None:
    (real,) = dotnet.reflect(compiled, types=[struct.layout.declaration.name])
    assert real.native_size == struct.layout.size
    assert real.structure_to_ptr_error is None
    assert [(each.name, each.native_offset) for each in real.fields] == [
        (each.dotnet_name, each.offset) for each in struct.layout.fields
    ]


# --- the module that bind writes --------------------------------------------------------------


@pytest.fixture
def bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that binds an assembly and imports the module."""
    monkeypatch.syspath_prepend(tmp_path)
    names: list[str] = []

    def load(path: Path) -> Any:
        name = f"bound_{len(names)}_{path.stem.lower()}"
        names.append(name)
        source = bind(Assembly.open(path)).source
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
        __import__(name)
        return sys.modules[name]

    yield load
    for name in names:
        sys.modules.pop(name, None)


def assert_same_layout(struct: type[Struct], real: ReflectedType) -> None:
    assert real.native_size == struct.layout.size, struct
    mine = [(each.dotnet_name, each.offset) for each in struct.layout.fields]
    assert mine == [(each.name, each.native_offset) for each in real.fields]


def test_bound_structs_have_the_same_layout_in_dotnet(bound: Any, dotnet: DotNetTypes) -> None:
    module = bound(DATA / "Shapes.dll")
    real = {item.type: item for item in dotnet.reflect(DATA / "Shapes.dll")}
    structs = [
        item
        for item in vars(module).values()
        if isinstance(item, type) and issubclass(item, Struct) and item is not Struct
    ]
    compared = 0
    for struct in structs:
        if struct.layout.declaration.name in real:
            assert_same_layout(struct, real[struct.layout.declaration.name])
            compared += 1
    assert compared >= 12


def test_the_types_that_are_not_bound_are_those_that_dotnet_refuses(dotnet: DotNetTypes) -> None:
    binding = bind(Assembly.open(DATA / "Shapes.dll"))
    refused = {
        item.type
        for item in dotnet.reflect(DATA / "Shapes.dll")
        if item.native_size is None or item.structure_to_ptr_error is not None
    }
    missing = {"Shapes.Outside", "Shapes.Recursive"}  # pyshm can't declare them
    assert {item.name for item in binding.not_bound} - missing <= refused
    only_windows = {"Shapes.Packed"} if NATIVE != "windows" else set()
    assert refused - only_windows - {item.name for item in binding.not_bound} == set()


@pytest.mark.parametrize("struct", DECLARED, ids=lambda struct: struct.__name__)
def test_the_mapping_of_characters_is_bound(
    bound: Any, compiled: Path, struct: type[Struct]
) -> None:
    found = getattr(bound(compiled), struct.__name__).layout.declaration
    ours = struct.layout.declaration
    assert found.best_fit == ours.best_fit
    assert found.throw_on_unmappable == ours.throw_on_unmappable


def test_the_mapping_of_characters_can_be_that_of_the_assembly(bound: Any, tmp_path: Path) -> None:
    types = [struct.layout.declaration for struct in (StructLayout, Similar)]
    namespace = "namespace My.Game;"
    attribute = "System.Runtime.InteropServices.BestFitMapping(false, ThrowOnUnmappableChar = true)"
    source = csharp_source(types, namespace="My.Game")
    assert source.count(namespace) == 1
    source = source.replace(namespace, f"[assembly: {attribute}]\n\n{namespace}")
    module = bound(compile_library("Mapped", source, tmp_path))
    of_assembly, own = (each.layout.declaration for each in (module.StructLayout, module.Similar))
    assert (of_assembly.best_fit, of_assembly.throw_on_unmappable) == (False, True)
    assert (own.best_fit, own.throw_on_unmappable) == (True, True)


def test_a_struct_survives_the_round_trip_through_csharp(bound: Any, compiled: Path) -> None:
    module = bound(compiled)
    assert module.Car.layout.size == Car.layout.size
    first, ours = (plain(car.layout.declaration)[-1]["fields"][0] for car in (module.Car, Car))
    assert first == ours
    again = csharp_source([module.Car.layout.declaration])
    assert "public fixed short Numbers[5];" in again
    assert native(module.Car.layout.declaration).size == Car.layout.size
