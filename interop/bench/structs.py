"""Speed of structs: pack, unpack and single fields, beside struct, ctypes, cffi and others."""

from __future__ import annotations

import ctypes
import importlib
from collections import namedtuple
from collections.abc import Iterator
from contextlib import contextmanager
from struct import Struct as Codec
from typing import Annotated, Any

from cffi import FFI

from pyshm import MemoryMappedFile, Struct, TestData
from pyshm.structs import for_target, snapshot, snapshot_type
from pyshm.types import Bool8, Byte, ByValArray, Double, Int16, Int32, Int64, Single

from .measure import Effort, Statement, Topic, at_most, open_helper, race

__all__ = ["large_numbers", "nested", "structs"]

FLAT = (100, 20, *range(60, 70))


class CtypesData(ctypes.Structure):
    """TestData for ctypes."""

    _pack_ = 1
    _layout_ = "ms"  # required since Python 3.14
    _fields_ = (("id", ctypes.c_int32), ("age", ctypes.c_int32), ("scores", ctypes.c_int32 * 10))


Named = namedtuple("Named", "id age scores")


# Fifty values of telemetry: five structs of ten values.
_TEN = (
    ("position", ctypes.c_double * 3, Annotated[list[float], ByValArray(Double, 3)]),
    ("time", ctypes.c_int64, Int64),
    ("speed", ctypes.c_float, Single),
    ("gear", ctypes.c_int16, Int16),
    ("lap", ctypes.c_int32, Int32),
    ("flags", ctypes.c_uint8 * 2, Annotated[list[int], ByValArray(Byte, 2)]),
    ("valid", ctypes.c_bool, Bool8),
)
_PARTS = ("driver", "leader", "behind", "ahead", "best")
_CODE = "3dqfhxxi2B?x"  # 48 bytes, aligned as C does


class Part(Struct):
    """Ten values."""

    __annotations__ = {name: hint for name, _, hint in _TEN}


class Nested50(Struct):
    """Five structs of ten values."""

    __annotations__ = dict.fromkeys(_PARTS, Part)


class CtypesPart(ctypes.Structure):
    """Part for ctypes."""

    _fields_ = tuple((name, kind) for name, kind, _ in _TEN)


class CtypesNested50(ctypes.Structure):
    """Nested50 for ctypes."""

    _fields_ = tuple((name, CtypesPart) for name in _PARTS)


def _cffi() -> FFI:
    ffi = FFI()
    ffi.cdef("typedef struct { int32_t id; int32_t age; int32_t scores[10]; } Data;", pack=1)
    return ffi


def _if_importable(module: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        return None


def _numpy_record(buffer: memoryview) -> Any:
    """Return a NumPy array of the TestData in ``buffer``, or None without NumPy."""
    numpy = _if_importable("numpy")
    if numpy is None:
        return None
    fields = [("id", "<i4"), ("age", "<i4"), ("scores", "<i4", 10)]
    return numpy.frombuffer(buffer, numpy.dtype(fields), 1)


def _construct_format() -> Any:
    """Return TestData for construct, or None without construct."""
    construct = _if_importable("construct")
    if construct is None:
        return None
    number = construct.Int32sl
    return construct.Struct("id" / number, "age" / number, "scores" / construct.Array(10, number))


def _construct_nested() -> Any:
    """Return Nested50 for construct, or None without construct."""
    construct = _if_importable("construct")
    if construct is None:
        return None
    part = construct.Struct(
        "position" / construct.Array(3, construct.Float64l),
        "time" / construct.Int64sl,
        "speed" / construct.Float32l,
        "gear" / construct.Int16sl,
        construct.Padding(2),
        "lap" / construct.Int32sl,
        "flags" / construct.Array(2, construct.Int8ul),
        "valid" / construct.Flag,
        construct.Padding(1),
    )
    return construct.Struct(*(name / part for name in _PARTS))


def _cstruct_nested() -> Any:
    """Return Nested50 for dissect.cstruct, or None without dissect.cstruct."""
    cstruct = _if_importable("dissect.cstruct")
    if cstruct is None:
        return None
    fields = (
        "double position[3]; int64 time; float speed; int16 gear; char pad[2]; int32 lap; "
        "uint8 flags[2]; uint8 valid; char end[1];"
    )
    parts = " ".join(f"Part {name};" for name in _PARTS)
    known = cstruct.cstruct()
    known.load(f"typedef struct {{ {fields} }} Part; typedef struct {{ {parts} }} Nested50;")
    return known.Nested50


@contextmanager
def struct_names() -> Iterator[dict[str, Any]]:
    """Give the names in the statements: one TestData in a map, and everything that accesses it.

    A name whose module can't be imported is missing.
    """
    with (
        MemoryMappedFile.create_new(None, 4096) as opened,
        opened.create_view_accessor() as accessor,
        open_helper() as helper,
    ):
        buffer = accessor.buffer
        value = TestData.standard()
        value.pack_into(buffer)
        helper.write_struct(value)
        ffi = _cffi()
        names = {
            "TestData": TestData,
            "accessor": accessor,
            "buffer": buffer,
            "region": buffer[:48],
            "snapshot": snapshot,
            "Snapshot": snapshot_type(TestData),
            "unpack_flat": for_target(TestData).flat.unpack_from,
            "value": value,
            "helper": helper,
            "view": TestData.view(buffer),
            "codec": Codec("<12i"),
            "numbers": buffer[:48].cast("i"),
            "flat": FLAT,
            "scores": value.scores,
            "CtypesData": CtypesData,
            "ctypes_data": CtypesData.from_buffer(buffer),
            "ffi": ffi,
            "cffi_data": ffi.from_buffer("Data *", buffer[:48]),
            "Named": Named,
            "numpy": _if_importable("numpy"),
            "record": _numpy_record(buffer),
            "format": _construct_format(),
        }
        yield {name: item for name, item in names.items() if item is not None}


READS = (
    Statement("struct.Struct.unpack_from (baseline)", "codec.unpack_from(buffer)"),
    Statement("for_target(TestData).flat.unpack_from", "unpack_flat(buffer)", at_most(1.2)),
    Statement("TestData.unpack_from", "TestData.unpack_from(buffer)", at_most(2.0)),
    Statement("snapshot_type(TestData) of the bytes", "Snapshot(region)", at_most(1.5)),
    Statement("snapshot(TestData, buffer)", "snapshot(TestData, buffer)"),
    Statement(
        "TestData.unpack_from, then all fields",
        "item = TestData.unpack_from(buffer); item.id; item.age; item.scores",
    ),
    Statement("helper.read_struct(TestData)", "helper.read_struct(TestData)"),
    Statement(
        "helper.read_struct, then all fields",
        "item = helper.read_struct(TestData); item.id; item.age; item.scores",
    ),
    Statement(
        "TestData.view, then all fields",
        "item = TestData.view(buffer); item.id; item.age; list(item.scores)",
    ),
    Statement(
        "namedtuple of struct's values",
        "id, age, *rest = codec.unpack_from(buffer); Named(id, age, rest)",
    ),
    Statement(
        "ctypes from_buffer, then all fields",
        "item = CtypesData.from_buffer(buffer); item.id; item.age; item.scores[:]",
    ),
    Statement(
        "ctypes from_buffer_copy, then all fields",
        "item = CtypesData.from_buffer_copy(buffer); item.id; item.age; item.scores[:]",
    ),
    Statement(
        "cffi from_buffer, then all fields",
        "item = ffi.from_buffer('Data *', buffer); item.id; item.age; ffi.unpack(item.scores, 10)",
    ),
    Statement(
        "numpy record, then all fields",
        "item = record[0]; int(item['id']); int(item['age']); item['scores'].tolist()",
        needs="record",
    ),
    Statement("construct parse", "format.parse(buffer)", needs="format"),
)

WRITES = (
    Statement("struct.Struct.pack_into (baseline)", "codec.pack_into(buffer, 0, *flat)"),
    Statement("value.pack_into", "value.pack_into(buffer)", at_most(1.5)),
    Statement("helper.write_struct", "helper.write_struct(value)"),
    Statement("TestData(...), then pack_into", "TestData(100, 20, scores).pack_into(buffer)"),
    Statement("struct pack, then one slice assignment", "buffer[0:48] = codec.pack(*flat)"),
    Statement(
        "ctypes, three assignments in place",
        "ctypes_data.id = 100; ctypes_data.age = 20; ctypes_data.scores[:] = scores",
    ),
    Statement(
        "ctypes from_buffer, then three assignments",
        "item = CtypesData.from_buffer(buffer); item.id = 100; item.age = 20; "
        "item.scores[:] = scores",
    ),
    Statement(
        "cffi, three assignments in place",
        "cffi_data.id = 100; cffi_data.age = 20; cffi_data.scores = scores",
    ),
    Statement("numpy record, one assignment", "record[0] = (100, 20, scores)", needs="record"),
    Statement(
        "construct build",
        "buffer[0:48] = format.build(dict(id=100, age=20, scores=scores))",
        needs="format",
    ),
)

FIELD_READS = (
    Statement("memoryview.cast('i')[1] (baseline)", "numbers[1]"),
    Statement("TestData.view(...).age", "view.age", at_most(1.5)),
    Statement("accessor.read_int32(4)", "accessor.read_int32(4)"),
    Statement("TestData.unpack_from(...).age", "TestData.unpack_from(buffer).age"),
    Statement("ctypes attribute", "ctypes_data.age"),
    Statement("cffi attribute", "cffi_data.age"),
    Statement("numpy record['age'][0]", "record['age'][0]", needs="record"),
)

FIELD_WRITES = (
    Statement("memoryview.cast('i')[1] = 20 (baseline)", "numbers[1] = 20"),
    Statement("TestData.view(...).age = 20", "view.age = 20", at_most(1.5)),
    Statement("accessor.write_int32(4, 20)", "accessor.write_int32(4, 20)"),
    Statement("ctypes attribute", "ctypes_data.age = 20"),
    Statement("cffi attribute", "cffi_data.age = 20"),
    Statement("numpy record['age'] = 20", "record['age'] = 20", needs="record"),
)


_EVERY = "; ".join(f"item.{part}.{name}" for part in _PARTS for name, _, _ in _TEN)
_LISTS = _EVERY.replace("position", "position[:]").replace("flags", "flags[:]")
# CPython caches the small numbers of TestData.standard(); these it has to create.
LARGE = (
    Statement("struct.Struct.unpack_from (baseline)", "codec.unpack_from(buffer)"),
    Statement("TestData.unpack_from", "TestData.unpack_from(buffer)", at_most(2.0)),
    Statement(
        "TestData.unpack_from, then all fields",
        "item = TestData.unpack_from(buffer); item.id; item.age; item.scores",
    ),
    Statement("snapshot_type(TestData) of the bytes", "Snapshot(region)", at_most(1.5)),
)
NESTED = (
    Statement("struct.Struct.unpack_from, flat (baseline)", "codec.unpack_from(buffer)"),
    Statement("Nested50.unpack_from", "Nested50.unpack_from(buffer)"),
    Statement("ctypes from_buffer_copy", "CtypesNested50.from_buffer_copy(buffer)"),
    Statement(
        "Nested50.unpack_from, then all fields", f"item = Nested50.unpack_from(buffer); {_EVERY}"
    ),
    Statement(
        "ctypes from_buffer_copy, then all fields",
        f"item = CtypesNested50.from_buffer_copy(buffer); {_LISTS}",
    ),
    Statement("Nested50.view, one field", "view.behind.lap"),
    Statement("ctypes from_buffer, one field", "ctypes_data.behind.lap"),
    Statement("value.pack_into", "value.pack_into(buffer)"),
    Statement("construct parse", "format.parse(buffer)", needs="format"),
    Statement("dissect.cstruct", "cstruct(buffer)", needs="cstruct"),
)


def structs(effort: Effort) -> Iterator[Topic]:
    """Measure whole structs and single fields, in an anonymous map."""
    for title, statements in (
        ("struct read from a map", READS),
        ("struct write to a map", WRITES),
        ("one field, read through a long-lived view", FIELD_READS),
        ("one field, written through a long-lived view", FIELD_WRITES),
    ):
        with struct_names() as names:
            rows = race(statements, names, effort.rounds, effort.slice_ns)
            names.clear()  # views of the maps; ctypes would keep theirs in a reference cycle
        yield Topic(title, rows)


def large_numbers(effort: Effort) -> Iterator[Topic]:
    """Measure TestData with numbers of seven digits."""
    with struct_names() as names:
        scores = list(range(2_000_000, 2_000_010))
        TestData(1_000_000, 1_000_001, scores).pack_into(names["buffer"])
        rows = race(LARGE, names, effort.rounds, effort.slice_ns)
        names.clear()
    yield Topic("struct read from a map, numbers of seven digits", rows)


def nested(effort: Effort) -> Iterator[Topic]:
    """Measure a struct of fifty values in five nested structs."""
    assert Nested50.layout.size == ctypes.sizeof(CtypesNested50)
    buffer = memoryview(bytearray(range(240)))
    names = {
        "buffer": buffer,
        "codec": Codec("<" + 5 * _CODE),
        "Nested50": Nested50,
        "CtypesNested50": CtypesNested50,
        "view": Nested50.view(buffer),
        "ctypes_data": CtypesNested50.from_buffer(buffer),
        "value": Nested50.unpack_from(buffer),
        "format": _construct_nested(),
        "cstruct": _cstruct_nested(),
    }
    names = {name: item for name, item in names.items() if item is not None}
    yield Topic("nested struct of 50 values", race(NESTED, names, effort.rounds, effort.slice_ns))
