"""The steps ``define`` and ``reflect``: the real runtime must answer with known facts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from interop.peers.compile import compile_library
from interop.plugin.hooks import Peers
from interop.worlds.world import NATIVE, Endpoint, World, world_of
from pyshm.testing.questions import (
    Definition,
    DotNetStepError,
    DotNetTypes,
    Question,
    ReflectedType,
    reflected_from_json,
)

pytestmark = pytest.mark.slow

AUTO_IS_UNICODE = {"linux": 1, "macos": 1, "windows": 2}  # bytes of a char with CharSet.Auto

# Static constructors, a module initializer, constructors and a finalizer that leave a trace.
TRAP = """
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Trap;

internal static class Trace
{
    public static void Leave(string name) => System.IO.File.AppendAllText(@"TRACE", name + ";");

#pragma warning disable CA2255
    [ModuleInitializer]
    internal static void Initialize() => Leave("module");
#pragma warning restore CA2255
}

internal struct Precise
{
#pragma warning disable CA1810
    static Precise() => Trace.Leave("static struct");
#pragma warning restore CA1810

    public Precise() => Trace.Leave("struct");

    public int A { get; set; } = 1;
}

internal struct Pair<T>
{
    public T First { get; set; }
}

internal unsafe struct Holder
{
    public byte A { get; set; }
    public Precise P { get; set; }
    public Pair<int> Q { get; set; }
    public bool B { get; set; }
#pragma warning disable CS0649
    public fixed bool C[3];
#pragma warning restore CS0649
}

[StructLayout(LayoutKind.Sequential)]
internal sealed class Layout
{
    static Layout() => Trace.Leave("static class");

    public Layout() => Trace.Leave("class");

    ~Layout() => Trace.Leave("finalizer");

    public int A { get; set; }
}
"""


@pytest.fixture
def dotnet(world: World, peers: Peers) -> DotNetTypes:
    """Return the .NET of each world."""
    return DotNetTypes(peers.get(Endpoint(world.name, "dotnet"), "consumer"))


def field(name: str, type_: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type_, **more}


def marshal_as(unmanaged_type: str, **more: Any) -> dict[str, Any]:
    return {"marshal_as": {"unmanaged_type": unmanaged_type, **more}}


def struct(*fields: dict[str, Any], name: str = "Subject", **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": "struct", "fields": list(fields), **more}


def define(dotnet: DotNetTypes, *types: dict[str, Any], **question: Any) -> Definition:
    (answer,) = dotnet.define([Question(types, **question)])
    return answer


def byte_bool_char(**more: Any) -> dict[str, Any]:
    return struct(field("A", "byte"), field("B", "bool"), field("C", "char"), **more)


INTS = [field("A", "byte", offset=0), field("B", "int", offset=1)]
THREE = struct(field("Element", "int"), name="Three", inline_array=3)
BUFFER = struct(
    field("FixedElementField", "char"), name="Buffer", fixed_buffer=True, size=6, charset="ansi"
)

# The marshalled size, alignment and offsets of Subject; None where the runtime refuses it.
SIZES: dict[str, tuple[list[dict[str, Any]], tuple[int, int, list[int]] | None]] = {
    "byte, bool, char": ([byte_bool_char()], (12, 4, [0, 4, 8])),
    "byte, bool, char in Unicode": ([byte_bool_char(charset="unicode")], (12, 4, [0, 4, 8])),
    "byte, bool, char with Pack = 1": ([byte_bool_char(pack=1)], (6, 1, [0, 1, 5])),
    "a bool as U1": ([struct(field("A", "bool", **marshal_as("U1")))], (1, 1, [0])),
    "a bool as I4": ([struct(field("A", "bool", **marshal_as("I4")))], None),
    "an explicit struct": ([struct(*INTS, layout="explicit")], (8, 4, [0, 1])),
    "with Pack = 1": ([struct(*INTS, layout="explicit", pack=1)], (5, 1, [0, 1])),
    "with Size = 7": ([struct(*INTS, layout="explicit", size=7)], (7, 4, [0, 1])),
    "an empty struct": ([struct()], (1, 1, [])),
    "a decimal": ([struct(field("A", "byte"), field("B", "decimal"))], (24, 8, [0, 8])),
    "a Guid": ([struct(field("A", "byte"), field("B", "Guid"))], (20, 4, [0, 4])),
    "an Int128": ([struct(field("A", "byte"), field("B", "Int128"))], (32, 16, [0, 16])),
    "int?": ([struct(field("A", {"nullable": "int"}))], (8, 4, [0])),
    "DateTimeOffset": ([struct(field("A", "DateTimeOffset"))], None),
    "object": ([struct(field("A", "object"))], None),
    "auto layout": ([struct(field("A", "int"), layout="auto")], None),
    "an array": ([struct(field("A", {"array": "int"}))], None),
    "ByValArray": (
        [struct(field("A", {"array": "bool"}, **marshal_as("ByValArray", size_const=3)))],
        (12, 4, [0]),
    ),
    "ByValTStr": (
        [struct(field("A", "string", **marshal_as("ByValTStr", size_const=5)), charset="unicode")],
        (10, 2, [0]),
    ),
    "an enum": (
        [
            {"name": "E", "kind": "enum", "underlying": "short", "members": [["One", 1]]},
            struct(field("A", "byte"), field("B", {"type": "E"})),
        ],
        (4, 2, [0, 2]),
    ),
    "a fixed char[3] in Ansi": (
        [BUFFER, struct(field("A", "byte"), field("B", {"type": "Buffer"}))],
        (7, 1, [0, 1]),
    ),
    "an InlineArray": (
        [THREE, struct(field("A", "byte"), field("B", {"type": "Three"}))],
        (16, 4, [0, 4]),
    ),
    "addresses": (
        [
            {"name": "D", "kind": "delegate"},
            struct(
                field("A", {"pointer": "void"}),
                field("B", {"function_pointer": True}),
                field("C", {"type": "D"}),
                field("D", "string"),
            ),
        ],
        (32, 8, [0, 8, 16, 24]),
    ),
    "a class with a base": (
        [
            {"name": "Base", "kind": "class", "fields": [field("A", "byte")]},
            {"name": "Own", "kind": "class", "base": "Base", "fields": [field("B", "int")]},
        ],
        (8, 4, [0, 4]),
    ),
}
# Windows has COM: an IUnknown*, a SAFEARRAY*.
WINDOWS_SIZES = {"object": (8, 8, [0]), "an array": (8, 8, [0])}


@pytest.mark.parametrize("name", SIZES)
def test_the_marshalled_layout_is_as_expected(name: str, dotnet: DotNetTypes) -> None:
    types, expected = SIZES[name]
    if dotnet.peer.hello["system"] == "windows":
        expected = WINDOWS_SIZES.get(name, expected)
    answer = define(dotnet, *types)
    if expected is None:
        assert answer.native_size is None
        assert answer.native_error is not None
        assert answer.structure_to_ptr_error is not None
    else:
        found = (answer.native_size, answer.native_alignment, answer.native_offsets)
        assert found == expected
        assert (answer.native_error, answer.structure_to_ptr_error) == (None, None)


def test_charset_auto_depends_on_the_system(dotnet: DotNetTypes) -> None:
    answer = define(dotnet, struct(field("A", "char"), charset="auto"))
    assert answer.native_size == AUTO_IS_UNICODE[dotnet.peer.hello["system"]]


def test_the_managed_layout_is_as_expected(dotnet: DotNetTypes) -> None:
    answer = define(dotnet, struct(field("A", "int"), field("B", "bool"), field("C", "short")))
    assert (answer.native_size, answer.managed_size, answer.managed_alignment) == (12, 8, 4)
    assert (answer.native_offsets, answer.managed_offsets) == ([0, 4, 8], [0, 4, 6])


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((field("A", "byte"),), 1),
        ((field("A", "short"),), 2),
        ((field("A", "byte"), field("B", "short")), 4),
        ((field("A", "byte"), field("B", "int")), 8),
        ((field("A", "byte"), field("B", "long")), 12),
        ((field("A", "long"), field("B", "long"), field("C", "byte")), 20),
    ],
)
def test_the_stride_is_that_of_a_real_accessor(
    fields: tuple[dict[str, Any], ...], expected: int, dotnet: DotNetTypes
) -> None:
    answer = define(dotnet, struct(*fields, pack=1), accessor=True)
    assert (answer.stride, answer.accessor_stride) == (expected, expected)


def test_a_struct_with_references_has_no_stride(dotnet: DotNetTypes) -> None:
    answer = define(
        dotnet,
        struct(field("A", "byte"), field("B", "string")),
        values=[{"A": 1, "B": None}],
        accessor=True,
    )
    assert (answer.managed_size, answer.stride, answer.accessor_stride) == (16, None, None)
    assert answer.managed_to_bytes[0].error is not None


def test_a_type_that_does_not_load_is_reported_with_the_reason(dotnet: DotNetTypes) -> None:
    answer = define(dotnet, struct(field("A", "int"), layout="explicit"))
    assert answer.managed_error is not None
    assert answer.managed_error.type == "TypeLoadException"
    assert (answer.native_size, answer.managed_size, answer.native_offsets) == (None, None, None)


def test_a_type_with_a_size_can_be_refused_by_structure_to_ptr(dotnet: DotNetTypes) -> None:
    answer = define(dotnet, struct(field("A", "int"), by_ref_like=True))
    assert (answer.native_size, answer.managed_size) == (4, 4)
    assert answer.structure_to_ptr_error is not None


# A field's type, a value, and its little-endian bytes in both layouts (None: has references).
VALUES: dict[str, tuple[dict[str, Any], Any, str, str | None]] = {
    "bool": (field("A", "bool"), True, "01000000", "01"),
    "bool as U1": (field("A", "bool", **marshal_as("U1")), True, "01", "01"),
    "char": (field("A", "char"), 0x41, "41", "4100"),
    "long": (field("A", "long"), "-9223372036854775808", "0000000000000080", "0000000000000080"),
    "ulong": (field("A", "ulong"), "18446744073709551615", "ff" * 8, "ff" * 8),
    "largest exact": (field("A", "long"), 2**53 - 1, "ffffffffffff1f00", "ffffffffffff1f00"),
    "UInt128": (field("A", "UInt128"), str(2**128 - 2), "fe" + "ff" * 15, "fe" + "ff" * 15),
    "Half": (field("A", "Half"), "0x3c00", "003c", "003c"),
    "float": (field("A", "float"), "0x3f800000", "0000803f", "0000803f"),
    "double": (field("A", "double"), "0xfff8000000000001", "01" + "00" * 5 + "f8ff", None),
    "decimal": (
        field("A", "decimal"),
        [150, 0, 0, 0x80020000],
        "00000280" + "00000000" + "96000000" + "00000000",
        None,
    ),
    "Currency": (
        field("A", "decimal", **marshal_as("Currency")),
        [15, 0, 0, 0x00010000],
        "983a000000000000",
        None,
    ),
    "Guid": (
        field("A", "Guid"),
        "00112233-4455-6677-8899-aabbccddeeff",
        "33221100554477668899aabbccddeeff",
        "33221100554477668899aabbccddeeff",
    ),
    "DateTime": (
        field("A", "DateTime"),
        {"ticks": "599265216000000000", "kind": 0},
        "000000000000f03f",
        None,
    ),
    "TimeSpan": (field("A", "TimeSpan"), -1, "ff" * 8, "ff" * 8),
    "pointer": (field("A", {"pointer": "void"}), 4096, "0010" + "00" * 6, "0010" + "00" * 6),
    "int? 5": (field("A", {"nullable": "int"}), 5, "0100000005000000", "0100000005000000"),
    "int? null": (field("A", {"nullable": "int"}), None, "00" * 8, "00" * 8),
    "ByValArray": (
        field("A", {"array": "short"}, **marshal_as("ByValArray", size_const=2)),
        [1, 2],
        "01000200",
        None,
    ),
    "ByValTStr": (
        field("A", "string", **marshal_as("ByValTStr", size_const=4)),
        {"utf16": "41004200"},
        "41420000",
        None,
    ),
}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_the_expected_bytes_and_survives_the_round_trip(
    name: str, dotnet: DotNetTypes
) -> None:
    member, value, native, managed = VALUES[name]
    answer = define(
        dotnet,
        struct(member),
        values=[{"A": value}],
        data=[bytes.fromhex(native)],
        managed_data=[bytes.fromhex(managed or "")],
    )
    (written,), (read,) = answer.to_bytes, answer.from_bytes
    assert (written.error, written.overrun) == (None, False)
    assert written.data is not None
    assert written.data.hex() == native
    assert read.value == {"A": value}
    if managed is not None:
        assert answer.managed_to_bytes[0].data == bytes.fromhex(managed)
        assert answer.managed_from_bytes[0].value == {"A": value}


def test_all_elements_of_an_inline_array_are_marshalled_and_the_first_of_a_fixed_buffer(
    dotnet: DotNetTypes,
) -> None:
    subject = struct(field("A", {"type": "Three"}), field("B", {"type": "Buffer"}))
    value = {"A": [1, 2, 3], "B": [0x41, 0x42, 0x43]}
    managed = "010000000200000003000000" + "410042004300" + "0000"
    answer = define(
        dotnet, THREE, BUFFER, subject, values=[value], managed_data=[bytes.fromhex(managed)]
    )
    assert answer.to_bytes[0].data == bytes.fromhex("010000000200000003000000" + "41" + "00" * 7)
    assert answer.managed_from_bytes[0].value == value


def test_an_inline_array_with_padding_has_its_elements(dotnet: DotNetTypes) -> None:
    padded = struct(field("X", "long"), name="Padded", size=9)
    array = struct(field("Element", {"type": "Padded"}), name="Array", inline_array=3)
    value = {"A": [{"X": 1}, {"X": 2}, {"X": 3}]}
    data = b"".join(bytes([number, *bytes(8)]) for number in (1, 2, 3)) + bytes(21)
    subject = struct(field("A", {"type": "Array"}))
    answer = define(dotnet, padded, array, subject, values=[value], managed_data=[data])
    assert answer.managed_size == 48
    assert answer.managed_to_bytes[0].data == data
    assert answer.managed_from_bytes[0].value == value


def test_an_inline_array_can_hold_references(dotnet: DotNetTypes) -> None:
    text = struct(field("S", "string", **marshal_as("ByValTStr", size_const=2)), name="Text")
    two = struct(field("Element", {"type": "Text"}), name="Two", inline_array=2)
    value = {"A": [{"S": {"utf16": "4100"}}, {"S": {"utf16": "4200"}}]}
    answer = define(
        dotnet, text, two, struct(field("A", {"type": "Two"})), values=[value], data=[b"A\0B\0"]
    )
    assert answer.to_bytes[0].data == b"A\0B\0"
    assert answer.from_bytes[0].value == value


def test_the_copy_of_a_value_has_the_bytes_that_a_real_accessor_writes(dotnet: DotNetTypes) -> None:
    subject = struct(field("A", "byte"), field("B", "long"), field("C", "bool"))
    values = [{"A": 1, "B": -2, "C": True}]
    data = [bytes(range(24))]
    for accessor in (False, True):
        answer = define(dotnet, subject, values=values, managed_data=data, accessor=accessor)
        assert answer.managed_to_bytes[0].data == bytes.fromhex(
            "0100000000000000" + "feffffffffffffff" + "0100000000000000"
        )
        assert answer.managed_from_bytes[0].value == {
            "A": 0,
            "B": "1084818905618843912",
            "C": True,
        }


def test_a_refused_value_does_not_prevent_the_next_one(
    dotnet: DotNetTypes,
) -> None:
    subject = struct(field("A", {"array": "byte"}, **marshal_as("ByValArray", size_const=2)))
    values = [{"A": [1]}, {"A": None}, {"A": [1, 2, 3]}]
    refused, zeros, cut = define(dotnet, subject, values=values).to_bytes
    assert refused.error is not None
    assert refused.error.type == "ArgumentException"
    assert (zeros.data, cut.data) == (b"\0\0", b"\1\2")


def test_many_items_with_the_same_names_are_answered_in_order(dotnet: DotNetTypes) -> None:
    questions = [
        Question([struct(*(field(f"F{i}", "int") for i in range(1, n)))]) for n in range(2, 50)
    ]
    answers = dotnet.define(questions)
    assert [answer.native_size for answer in answers] == [4 * n for n in range(1, 49)]


@pytest.mark.parametrize(
    "types",
    [
        [],
        [struct(field("A", "no-such-type"))],
        [struct(field("A", {"type": "Missing"}))],
        [struct(field("A", "int", **marshal_as("NoSuch")))],
        [{"name": "Subject", "kind": "union", "fields": []}],
    ],
)
def test_an_invalid_description_is_an_error_of_the_step(
    types: list[dict[str, Any]], dotnet: DotNetTypes
) -> None:
    with pytest.raises(DotNetStepError):
        define(dotnet, *types)


# --- reflect --------------------------------------------------------------------------------


@pytest.fixture
def native(peers: Peers) -> DotNetTypes:
    """Return the .NET of this system."""
    return DotNetTypes(peers.get(Endpoint(NATIVE, "dotnet"), "consumer"))


def _library() -> Path:
    """Return an assembly that always exists: the peer's own library."""
    return Path(world_of(NATIVE).dotnet_command()[-1]).with_name("Pyshm.SharedMemory.dll")


def _by_name(types: list[ReflectedType]) -> dict[str, ReflectedType]:
    return {found.type: found for found in types}


@pytest.mark.dotnet
def test_reflect_reports_the_types_of_a_real_assembly(native: DotNetTypes) -> None:
    data = _by_name(native.reflect(_library()))["SharedMemory.TestData"]
    assert (data.kind, data.layout, data.native_size, data.stride) == (
        "struct",
        "sequential",
        48,
        None,
    )
    assert [(item.name, item.native_offset) for item in data.fields] == [
        ("Id", 0),
        ("Age", 4),
        ("Scores", 8),
    ]


@pytest.mark.dotnet
def test_reflect_writes_the_same_answer_to_a_file(native: DotNetTypes, tmp_path: Path) -> None:
    out = tmp_path / "types.jsonl"
    count = native.reflect_to_file(_library(), out)
    lines = out.read_text(encoding="utf-8").splitlines()
    assert count == len(lines)
    assert [reflected_from_json(json.loads(line)) for line in lines] == native.reflect(_library())
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.dotnet
def test_reflect_reports_the_requested_types_including_missing_ones(native: DotNetTypes) -> None:
    found, missing = native.reflect(_library(), types=["SharedMemory.TestData", "No.Such"])
    assert found.native_size == 48
    assert missing.native_error is not None
    assert missing.native_error.type == "TypeLoadException"


def test_reflect_reports_types_of_the_runtime(dotnet: DotNetTypes) -> None:
    core = "System.Private.CoreLib"
    guid, moment, span = dotnet.reflect(
        core, types=["System.Guid", "System.DateTimeOffset", "System.Span`1"]
    )
    assert (guid.native_size, guid.managed_size, guid.native_alignment) == (16, 16, 4)
    assert (moment.native_size, moment.layout, moment.managed_size) == (None, "auto", 16)
    assert (span.generic, span.by_ref_like, span.native_size) == (True, True, None)
    assert span.native_error is not None


@pytest.mark.dotnet
def test_reflect_runs_no_code_of_the_assembly(tmp_path: Path, peers: Peers) -> None:
    trace = tmp_path / "trace"
    library = compile_library("Trap", TRAP.replace("TRACE", str(trace)), tmp_path)
    # This process must end, because finalizers could run at its end.
    peer = world_of(NATIVE).peer("dotnet", "dotnet (trapped)")
    found = _by_name(DotNetTypes(peer).reflect(library))
    peer.close()
    assert not trace.exists(), trace.read_text()
    assert {
        name: found[f"Trap.{name}"].native_size for name in ("Precise", "Holder", "Layout")
    } == {
        "Precise": 4,
        "Holder": 20,
        "Layout": 4,
    }
    assert found["Trap.Holder"].structure_to_ptr_error is None


@pytest.mark.dotnet
def test_reflect_refuses_a_file_that_is_not_an_assembly(
    native: DotNetTypes, tmp_path: Path
) -> None:
    junk = tmp_path / "junk.dll"
    junk.write_bytes(b"MZ" + bytes(200))
    with pytest.raises(DotNetStepError):
        native.reflect(junk)
    with pytest.raises(DotNetStepError):
        native.reflect(tmp_path / "missing.dll")


@pytest.mark.dotnet
def test_reflect_reports_types_that_do_not_load_and_searches_the_references(
    native: DotNetTypes, tmp_path: Path
) -> None:
    part = "namespace Needed;\n/// <summary>A part.</summary>\npublic struct Part;\n"
    whole = (
        "namespace Needing;\ninternal static class Outer\n{\n"
        "    internal struct Whole { public Needed.Part A { get; set; } }\n"
        "    internal struct Alone { public int A { get; set; } }\n}\n"
    )
    (tmp_path / "elsewhere").mkdir()
    needed = compile_library("Needed", part, tmp_path / "elsewhere")
    needing = compile_library("Needing", whole, tmp_path, [needed])
    needing.with_name("Needed.dll").unlink()
    found = _by_name(native.reflect(needing))
    error = found["Needing.Outer+Whole"].managed_error
    assert error is not None
    assert error.type == "FileNotFoundException"
    assert found["Needing.Outer+Alone"].native_size == 4
    found = _by_name(native.reflect(needing, references=[needed.parent]))
    assert found["Needing.Outer+Whole"].native_size == 1
