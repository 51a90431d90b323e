"""How fast: pyshm beside the plainest way that Python offers, in one run (docs/speed.md).

Machines differ, and a busy one differs from itself, so what counts are ratios. Every contestant
of a topic is timed in turn in each of many rounds, in a new order each time; its minimum and its
median over the rounds are divided by those of the topic's floor, from the same rounds. An aim
that is missed is told, not failed: the exit status is 0.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import importlib
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from struct import Struct as Codec
from timeit import Timer
from typing import Annotated, Any, Literal

from cffi import FFI

import pyshm
from pyshm import ImageData, MemoryMappedFile, PyshmError, ShareMemoryHelper, Struct, TestData
from pyshm.testing import toolchain
from pyshm.testing.process import Peer, PeerFailure
from pyshm.types import Bool8, Byte, ByValArray, Double, Int16, Int32, Int64, Single

from ..cases.catalog import Case, all_cases
from ..checkout import CHECKOUT
from ..exchange.place import Place
from ..exchange.run import letting_go, run_case

__all__ = ["Aim", "Row", "Topic", "main"]

FLAT = (100, 20, *range(60, 70))
PICTURE = 8_000_000  # bytes, as of a photograph that is not compressed
HEAVY = ("PIL", "PIL.Image", "numpy", "multiprocessing", "cffi")

Unit = Literal["ns", "ms", "GB/s", "cases/s"]
_RATES = ("GB/s", "cases/s")


# --- what is found ------------------------------------------------------------------------


@dataclass(frozen=True)
class Aim:
    """What a number should be: the ratio of minima, or the best value itself, and a limit."""

    text: str
    limit: float
    of: Literal["ratio", "value"] = "ratio"
    at_least: bool = False

    def met(self, ratio: float, value: float) -> bool:
        """Whether the number is on the right side of the limit."""
        number = ratio if self.of == "ratio" else value
        return number >= self.limit if self.at_least else number <= self.limit


@dataclass(frozen=True)
class Row:
    """A contestant's result. Ratios are to the floor's: of times, or, for rates, of rates."""

    what: str
    unit: Unit
    best: float
    median: float
    ratio_of_minima: float
    ratio_of_medians: float
    aim: Aim | None = None

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one."""
        return None if self.aim is None else self.aim.met(self.ratio_of_minima, self.best)


@dataclass(frozen=True)
class Topic:
    """One table; its first row is the floor. ``notes`` stand below it."""

    title: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Effort:
    """How long a run takes its time for."""

    rounds: int  # for what takes nanoseconds
    slice_ns: int  # how long one contestant is timed in one round
    copies: int  # rounds of what copies megabytes
    processes: int  # rounds of what starts an interpreter
    matrix: int  # times that all cases run


QUICK = Effort(rounds=100, slice_ns=100_000, copies=25, processes=8, matrix=3)
FULL = Effort(rounds=1500, slice_ns=200_000, copies=400, processes=80, matrix=10)


# --- timing -------------------------------------------------------------------------------


@dataclass(frozen=True)
class Contestant:
    """One statement of a topic. The names in it are the topic's."""

    what: str
    statement: str
    aim: Aim | None = None


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection meanwhile, and none of its debts from before."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def in_turn(
    measures: Sequence[Callable[[], float]], rounds: int, seed: int = 0
) -> list[list[float]]:
    """Call each measure once a round, in a new order every round; its results, in round order."""
    order = list(range(len(measures)))
    shuffle = random.Random(seed).shuffle
    results: list[list[float]] = [[] for _ in measures]
    with undisturbed():
        for _ in range(rounds):
            # Whoever always came behind the same neighbour would inherit its caches.
            shuffle(order)
            for index in order:
                results[index].append(measures[index]())
    return results


def stopwatch(statement: str, names: Mapping[str, Any], slice_ns: int) -> Callable[[], float]:
    """A measure: nanoseconds for one execution of ``statement``, loop included."""
    # As local variables, which cost the statement least.
    setup = "\n".join(f"{name} = _names[{name!r}]" for name in names)
    timer = Timer(statement, setup, time.perf_counter_ns, {"_names": names})
    number = 1
    while (taken := timer.timeit(number)) < slice_ns / 4:
        number *= 2
    number = max(1, round(number * slice_ns / taken))

    def measure() -> float:
        timer.timeit(1)  # untimed: its memory into the caches that its neighbour took over
        return timer.timeit(number) / number

    return measure


def race(
    contestants: Sequence[Contestant],
    names: Mapping[str, Any],
    rounds: int,
    slice_ns: int,
    *,
    size: int = 0,
) -> list[Row]:
    """Time the contestants, the first of which is the floor; with ``size`` bytes, as bandwidth.

    The empty loop's time, from the same rounds, is taken off all of them.
    """
    statements = ["pass", *(contestant.statement for contestant in contestants)]
    times = in_turn([stopwatch(statement, names, slice_ns) for statement in statements], rounds)
    loop, *minima = map(min, times)
    median_loop, *medians = map(statistics.median, times)
    return [
        _row(
            contestant.what,
            "GB/s" if size else "ns",
            [_rated(best - loop, size) for best in (minima[index], minima[0])],
            [_rated(median - median_loop, size) for median in (medians[index], medians[0])],
            contestant.aim,
        )
        for index, contestant in enumerate(contestants)
    ]


def _rated(nanoseconds: float, size: int) -> float:
    # What is quicker than a loop around nothing can't be told from it.
    nanoseconds = max(nanoseconds, 0.1)
    return size / nanoseconds if size else nanoseconds


def _row(
    what: str, unit: Unit, best: Sequence[float], median: Sequence[float], aim: Aim | None
) -> Row:
    """A row from its own and the floor's best, and its own and the floor's median."""
    ratios = best[0] / best[1], median[0] / median[1]
    return Row(what, unit, best[0], median[0], *ratios, aim)


def _at_most(ratio: float) -> Aim:
    return Aim(f"<= {ratio}x", ratio)


# --- the competition ----------------------------------------------------------------------


class CtypesData(ctypes.Structure):
    """TestData as ctypes has it."""

    _pack_ = 1
    _layout_ = "ms"  # Python 3.14 wants it said
    _fields_ = (("id", ctypes.c_int32), ("age", ctypes.c_int32), ("scores", ctypes.c_int32 * 10))


Named = namedtuple("Named", "id age scores")


# Fifty values, ten each in five structs, as telemetry has them.
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
    """Part as ctypes has it."""

    _fields_ = tuple((name, kind) for name, kind, _ in _TEN)


class CtypesNested50(ctypes.Structure):
    """Nested50 as ctypes has it."""

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
    """A NumPy array of one TestData in ``buffer``, or None without NumPy."""
    numpy = _if_importable("numpy")
    if numpy is None:
        return None
    fields = [("id", "<i4"), ("age", "<i4"), ("scores", "<i4", 10)]
    return numpy.frombuffer(buffer, numpy.dtype(fields), 1)


def _construct_format() -> Any:
    """TestData as construct has it, or None without construct."""
    construct = _if_importable("construct")
    if construct is None:
        return None
    number = construct.Int32sl
    return construct.Struct("id" / number, "age" / number, "scores" / construct.Array(10, number))


def _construct_nested() -> Any:
    """Nested50 as construct has it, or None without construct."""
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
    """Nested50 as dissect.cstruct has it, or None without it."""
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
def opened_helper() -> Iterator[ShareMemoryHelper]:
    """A helper of default capacity: a named map, or a file where there are none."""
    with ExitStack() as stack:
        helper = ShareMemoryHelper(f"pyshm-bench-{os.getpid()}-{uuid.uuid4().hex[:8]}")
        try:
            helper.create_or_open()
        except PyshmError:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            helper.create_from_file(Path(folder, "map.bin"))
        yield stack.enter_context(helper)


@contextmanager
def struct_names() -> Iterator[dict[str, Any]]:
    """What the statements about structs need: one TestData in a map, and every way to it."""
    with (
        MemoryMappedFile.create_new(None, 4096) as opened,
        opened.create_view_accessor() as accessor,
        opened_helper() as helper,
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
            "Snapshot": TestData.snapshot_type(),
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


def _possible(
    contestants: Sequence[Contestant], names: Mapping[str, Any], **needed: str
) -> list[Contestant]:
    """The contestants without those whose module is not there: ``needed`` is prefix=name."""
    missing = tuple(prefix for prefix, name in needed.items() if name not in names)
    return [item for item in contestants if not item.what.startswith(missing)]


# --- the topics ---------------------------------------------------------------------------

READS = (
    Contestant("struct.Struct.unpack_from (the floor)", "codec.unpack_from(buffer)"),
    Contestant("TestData.unpack_flat", "TestData.unpack_flat(buffer)", _at_most(1.2)),
    Contestant("TestData.unpack_from", "TestData.unpack_from(buffer)", _at_most(2.0)),
    Contestant("TestData.snapshot_type() of the bytes", "Snapshot(region)", _at_most(1.5)),
    Contestant("TestData.snapshot", "TestData.snapshot(buffer)"),
    Contestant(
        "TestData.unpack_from, then all fields",
        "item = TestData.unpack_from(buffer); item.id; item.age; item.scores",
    ),
    Contestant("helper.read_struct(TestData)", "helper.read_struct(TestData)"),
    Contestant(
        "helper.read_struct, then all fields",
        "item = helper.read_struct(TestData); item.id; item.age; item.scores",
    ),
    Contestant(
        "TestData.view, then all fields",
        "item = TestData.view(buffer); item.id; item.age; list(item.scores)",
    ),
    Contestant(
        "namedtuple of struct's values",
        "id, age, *rest = codec.unpack_from(buffer); Named(id, age, rest)",
    ),
    Contestant(
        "ctypes from_buffer, then all fields",
        "item = CtypesData.from_buffer(buffer); item.id; item.age; item.scores[:]",
    ),
    Contestant(
        "ctypes from_buffer_copy, then all fields",
        "item = CtypesData.from_buffer_copy(buffer); item.id; item.age; item.scores[:]",
    ),
    Contestant(
        "cffi from_buffer, then all fields",
        "item = ffi.from_buffer('Data *', buffer); item.id; item.age; ffi.unpack(item.scores, 10)",
    ),
    Contestant(
        "numpy record, then all fields",
        "item = record[0]; int(item['id']); int(item['age']); item['scores'].tolist()",
    ),
    Contestant("construct parse", "format.parse(buffer)"),
)

WRITES = (
    Contestant("struct.Struct.pack_into (the floor)", "codec.pack_into(buffer, 0, *flat)"),
    Contestant("value.pack_into", "value.pack_into(buffer)", _at_most(1.5)),
    Contestant("helper.write_struct", "helper.write_struct(value)"),
    Contestant("TestData(...), then pack_into", "TestData(100, 20, scores).pack_into(buffer)"),
    Contestant("struct pack, then one slice assignment", "buffer[0:48] = codec.pack(*flat)"),
    Contestant(
        "ctypes, three assignments in place",
        "ctypes_data.id = 100; ctypes_data.age = 20; ctypes_data.scores[:] = scores",
    ),
    Contestant(
        "ctypes from_buffer, then three assignments",
        "item = CtypesData.from_buffer(buffer); item.id = 100; item.age = 20; "
        "item.scores[:] = scores",
    ),
    Contestant(
        "cffi, three assignments in place",
        "cffi_data.id = 100; cffi_data.age = 20; cffi_data.scores = scores",
    ),
    Contestant("numpy record, one assignment", "record[0] = (100, 20, scores)"),
    Contestant(
        "construct build", "buffer[0:48] = format.build(dict(id=100, age=20, scores=scores))"
    ),
)

FIELD_READS = (
    Contestant("memoryview.cast('i')[1] (the floor)", "numbers[1]"),
    Contestant("TestData.view(...).age", "view.age", _at_most(1.5)),
    Contestant("accessor.read_int32(4)", "accessor.read_int32(4)"),
    Contestant("TestData.unpack_from(...).age", "TestData.unpack_from(buffer).age"),
    Contestant("ctypes attribute", "ctypes_data.age"),
    Contestant("cffi attribute", "cffi_data.age"),
    Contestant("numpy record['age'][0]", "record['age'][0]"),
)

FIELD_WRITES = (
    Contestant("memoryview.cast('i')[1] = 20 (the floor)", "numbers[1] = 20"),
    Contestant("TestData.view(...).age = 20", "view.age = 20", _at_most(1.5)),
    Contestant("accessor.write_int32(4, 20)", "accessor.write_int32(4, 20)"),
    Contestant("ctypes attribute", "ctypes_data.age = 20"),
    Contestant("cffi attribute", "cffi_data.age = 20"),
    Contestant("numpy record['age'] = 20", "record['age'] = 20"),
)


_EVERY = "; ".join(f"item.{part}.{name}" for part in _PARTS for name, _, _ in _TEN)
_LISTS = _EVERY.replace("position", "position[:]").replace("flags", "flags[:]")
# The numbers of TestData.standard() are so small that CPython has them ready made.
LARGE = (
    Contestant("struct.Struct.unpack_from (the floor)", "codec.unpack_from(buffer)"),
    Contestant("TestData.unpack_from", "TestData.unpack_from(buffer)", _at_most(2.0)),
    Contestant(
        "TestData.unpack_from, then all fields",
        "item = TestData.unpack_from(buffer); item.id; item.age; item.scores",
    ),
    Contestant("TestData.snapshot_type() of the bytes", "Snapshot(region)", _at_most(1.5)),
)
NESTED = (
    Contestant("struct.Struct.unpack_from, flat (the floor)", "codec.unpack_from(buffer)"),
    Contestant("Nested50.unpack_from", "Nested50.unpack_from(buffer)"),
    Contestant("ctypes from_buffer_copy", "CtypesNested50.from_buffer_copy(buffer)"),
    Contestant(
        "Nested50.unpack_from, then all fields", f"item = Nested50.unpack_from(buffer); {_EVERY}"
    ),
    Contestant(
        "ctypes from_buffer_copy, then all fields",
        f"item = CtypesNested50.from_buffer_copy(buffer); {_LISTS}",
    ),
    Contestant("Nested50.view, one field", "view.behind.lap"),
    Contestant("ctypes from_buffer, one field", "ctypes_data.behind.lap"),
    Contestant("value.pack_into", "value.pack_into(buffer)"),
    Contestant("construct parse", "format.parse(buffer)"),
    Contestant("dissect.cstruct", "cstruct(buffer)"),
)


def nested(effort: Effort) -> Iterator[Topic]:
    """A struct of fifty values in five nested ones."""
    assert Nested50.layout.size == ctypes.sizeof(CtypesNested50)
    buffer = memoryview(bytearray(range(240)))
    value = Nested50.unpack_from(buffer)
    names: dict[str, Any] = {
        "buffer": buffer,
        "codec": Codec("<" + 5 * _CODE),
        "Nested50": Nested50,
        "CtypesNested50": CtypesNested50,
        "view": Nested50.view(buffer),
        "ctypes_data": CtypesNested50.from_buffer(buffer),
        "value": value,
        "format": _construct_nested(),
        "cstruct": _cstruct_nested(),
    }
    names = {name: item for name, item in names.items() if item is not None}
    possible = [
        item
        for item in _possible(NESTED, names, construct="format")
        if "cstruct" in names or "cstruct" not in item.what
    ]
    rows = race(possible, names, effort.rounds, effort.slice_ns)
    yield Topic("nested struct of 50 values", rows)


def large_numbers(effort: Effort) -> Iterator[Topic]:
    """TestData with numbers of seven digits."""
    with struct_names() as names:
        scores = list(range(2_000_000, 2_000_010))
        TestData(1_000_000, 1_000_001, scores).pack_into(names["buffer"])
        rows = race(LARGE, names, effort.rounds, effort.slice_ns)
        names.clear()
    yield Topic("struct read from a map, numbers of seven digits", rows)


def structs(effort: Effort) -> Iterator[Topic]:
    """Whole structs and single fields, in an anonymous map."""
    for title, contestants in (
        ("struct read from a map", READS),
        ("struct write to a map", WRITES),
        ("one field, read through a long-lived view", FIELD_READS),
        ("one field, written through a long-lived view", FIELD_WRITES),
    ):
        with struct_names() as names:
            possible = _possible(contestants, names, numpy="record", construct="format")
            rows = race(possible, names, effort.rounds, effort.slice_ns)
            names.clear()  # views of the maps; ctypes would keep theirs in a reference cycle
        yield Topic(title, rows)


_LENGTH = Codec("<i")


def original_blob(path: str, content: bytes) -> bytes:
    """The whole blob, put together as the original programs do before they write it."""
    name = path.encode()
    return _LENGTH.pack(len(name)) + name + _LENGTH.pack(len(content)) + content


def original_parts(data: bytes) -> tuple[str, bytes]:
    """Path and content, cut out of what was read as the original programs do."""
    at = 4 + _LENGTH.unpack(data[:4])[0]
    length = _LENGTH.unpack(data[at : at + 4])[0]
    return data[4:at].decode(), data[at + 4 : at + 4 + length]


def unchecked_parts(buffer: memoryview) -> tuple[str, memoryview]:
    """Path and content, without a copy and without a check: the least that a reader can do."""
    at = 4 + _LENGTH.unpack_from(buffer)[0]
    end = at + 4 + _LENGTH.unpack_from(buffer, at)[0]
    return str(buffer[4:at], "utf-8"), buffer[at + 4 : end]


COPIES = (
    Contestant("memcpy, warm memory to warm map (the floor)", "buffer[page:end] = content"),
    Contestant("memcpy to where the content lies", "buffer[at : at + size] = content"),
    Contestant(
        "ImageData.write_into",
        "image.write_into(buffer)",
        Aim(">= 0.95x", 0.95, at_least=True),
    ),
    Contestant("helper.write_image", "helper.write_image(image)"),
    Contestant("the original's way to write", "helper.write_bytes(original_blob(path, content))"),
    Contestant(
        "ImageData.from_bytes, then bytes(content)",
        "bytes(ImageData.from_bytes(buffer).content)",
    ),
    Contestant("the original's way to read", "original_parts(helper.read_bytes())"),
)

_TWO_MICROSECONDS = Aim("<= 2 µs", 2000, of="value")
VIEWS = (
    Contestant("two lengths and two slices, unchecked (the floor)", "unchecked_parts(large)"),
    Contestant("ImageData.from_bytes, 8 MB", "ImageData.from_bytes(large)", _TWO_MICROSECONDS),
    Contestant("ImageData.from_bytes, 1 kB", "ImageData.from_bytes(small)", _TWO_MICROSECONDS),
    Contestant("helper.read_image, 8 MB", "helper.read_image()"),
)


def blobs(effort: Effort) -> Iterator[Topic]:
    """A blob of 8 MB: what is copied, and what is only looked at."""
    with opened_helper() as helper, MemoryMappedFile.create_new(None, 4096) as little:
        content = os.urandom(PICTURE)
        image = ImageData("C:\\pictures\\photograph.bmp", content)
        at = 8 + len(image.path)
        buffer = helper.buffer
        helper.write_image(image)
        names: dict[str, Any] = {
            "ImageData": ImageData,
            "buffer": buffer,
            "helper": helper,
            "image": image,
            "path": image.path,
            "content": content,
            "size": PICTURE,
            "at": at,
            # Behind the blob's head, which has to stay for those who read it.
            "page": 4096,
            "end": 4096 + PICTURE,
            "original_blob": original_blob,
            "original_parts": original_parts,
        }
        yield Topic("blob of 8 MB, copied", race(COPIES, names, effort.copies, 0, size=PICTURE))
        helper.write_image(image)
        small = little.create_view_accessor().buffer
        ImageData(image.path, content[:1000]).write_into(small)
        names = {
            "ImageData": ImageData,
            "helper": helper,
            "large": buffer,
            "small": small,
            "unchecked_parts": unchecked_parts,
        }
        yield Topic(
            "blob as a view, nothing copied", race(VIEWS, names, effort.rounds, effort.slice_ns)
        )


# --- import time --------------------------------------------------------------------------

_CHILD = """\
import sys
sys.path += {paths!r}
from time import perf_counter_ns
before = len(sys.modules)
start = perf_counter_ns()
{statement}
print(perf_counter_ns() - start, len(sys.modules) - before,
      *(name for name in {heavy!r} if name in sys.modules))
"""
IMPORTS = (
    ("import pyshm", Aim("<= 5 ms", 5, of="value")),
    ("from pyshm import MemoryMappedFile", None),
    ("from pyshm import TestData", None),
    ("from pyshm import ImageData", None),
    ("from pyshm import ShareMemoryHelper", None),
)


class Child:
    """An interpreter that carries out one statement, again and again, each time a new one."""

    def __init__(self, statement: str) -> None:
        """``statement`` may be ``pass``, which makes it the empty baseline."""
        home = str(Path(pyshm.__file__).resolve().parent.parent)
        paths = [home, *(path for path in sys.path if path)]
        code = _CHILD.format(paths=paths, statement=statement, heavy=HEAVY)
        self.command = [sys.executable, "-I", "-S", "-c", code]
        self.modules = 0
        self.heavy: list[str] = []

    def run(self) -> tuple[float, float]:
        """Milliseconds of the whole process, and of the statement inside it."""
        start = time.perf_counter_ns()
        printed = subprocess.run(self.command, check=True, capture_output=True).stdout
        whole = time.perf_counter_ns() - start
        inside, modules, *self.heavy = printed.decode("ascii").split()
        self.modules = int(modules)
        return whole / 1e6, int(inside) / 1e6

    def whole(self) -> float:
        """Milliseconds of the whole process."""
        return self.run()[0]

    def inside(self) -> float:
        """Milliseconds of the statement: net of the interpreter's start and end."""
        return self.run()[1]


def imports(effort: Effort) -> Iterator[Topic]:
    """What an import costs, measured inside new interpreters, beside what starting one costs."""
    baseline = Child("pass")
    children = [Child(statement) for statement, _ in IMPORTS]
    for child in children:
        child.run()  # the byte code is written now, if it was not
    measures = [baseline.whole, *(child.inside for child in children)]
    times = in_turn(measures, effort.processes)
    minima, medians = list(map(min, times)), list(map(statistics.median, times))
    named = [("an interpreter that does nothing (the floor)", None), *IMPORTS]
    rows = [
        _row(what, "ms", [minima[i], minima[0]], [medians[i], medians[0]], aim)
        for i, (what, aim) in enumerate(named)
    ]
    notes = [
        f"{statement}: {child.modules} modules; of {', '.join(HEAVY)} it loads "
        f"{', '.join(child.heavy) or 'none'}"
        for (statement, _), child in zip(IMPORTS, children, strict=True)
    ]
    yield Topic("import, net of the interpreter's start", rows, notes)


# --- the matrix ---------------------------------------------------------------------------


def _python_peer(role: str) -> Peer:
    root = str(CHECKOUT)
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    command = [sys.executable, "-m", "interop.peers.python", "serve"]
    return Peer(f"python ({role})", command, environment={"PYTHONPATH": path})


def _peers(role: str) -> dict[str, Peer]:
    """A peer of each language that is there."""
    peers = {"python": _python_peer(role)}
    command = toolchain.find_peer()
    if command is not None:
        peers["dotnet"] = Peer(f"dotnet ({role})", [*command, "serve"])
    return peers


def _missing_dotnet() -> str:
    try:
        toolchain.find_dotnet()
    except toolchain.ToolchainError as error:
        return str(error)
    return "the .NET peer is not built: python -m interop build"


def _run_all(cases: Sequence[Case], producer: Peer, consumer: Peer, place: Place) -> None:
    for case in cases:
        run_case(case, producer, consumer, place)


def _ping_all(count: int, producer: Peer, consumer: Peer) -> None:
    """The requests of ``count`` cases with nothing to do in them."""
    for _ in repeat(None, count):
        with letting_go(producer, consumer):
            producer.request({"do": "ping"})
            consumer.request({"do": "ping"})


def _rate(count: int, work: Callable[..., None], *arguments: object) -> Callable[[], float]:
    """A measure: cases per second of ``work``, which does ``count`` of them."""

    def measure() -> float:
        start = time.perf_counter_ns()
        work(*arguments)
        return count / (time.perf_counter_ns() - start) * 1e9

    return measure


def _clean(place: Place) -> None:
    """Remove what a case that failed may have left."""
    for name in place.left_over():
        with ShareMemoryHelper(name, 1).create_or_open():
            pass  # as its last holder


def matrix(effort: Effort) -> Iterator[Topic]:
    """Cases per second, every language as producer and as consumer, with peers that run."""
    cases = all_cases()
    producers, consumers = _peers("producer"), _peers("consumer")
    pairs = [(one, other) for one in producers for other in consumers]
    notes = [f"{len(cases)} cases a pair, two processes each"]
    if "dotnet" not in producers:
        notes.append(f"without .NET: {_missing_dotnet()}")
    title = "cases of the matrix, peers warm"
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        place = Place(f"pyshm-bench-{os.getpid()}-{uuid.uuid4().hex[:8]}-", folder)
        stack.callback(_clean, place)  # when the peers are gone
        for peer in (*producers.values(), *consumers.values()):
            stack.callback(peer.kill)
        floor = _rate(len(cases), _ping_all, len(cases), producers["python"], consumers["python"])
        measures = [
            _rate(len(cases), _run_all, cases, producers[one], consumers[other], place)
            for one, other in pairs
        ]
        try:
            for measure in (floor, *measures):
                measure()
            rates = in_turn([floor, *measures], effort.matrix)
        except (AssertionError, PeerFailure) as failure:
            story = str(failure).partition("\n")[0]
            yield Topic(title, [], [*notes, f"skipped, for a case fails: {story}"])
            return
    maxima, medians = list(map(max, rates)), list(map(statistics.median, rates))
    aim = Aim(">= 300/s", 300, of="value", at_least=True)
    named = [
        ("python -> python, pings only (the floor)", None),
        *((f"{one} -> {other}", aim) for one, other in pairs),
    ]
    rows = [
        _row(what, "cases/s", [maxima[i], maxima[0]], [medians[i], medians[0]], own_aim)
        for i, (what, own_aim) in enumerate(named)
    ]
    yield Topic(title, rows, notes)


# --- telling ------------------------------------------------------------------------------


def table(topic: Topic) -> Iterator[str]:
    """The topic as a Markdown table whose columns are aligned."""
    yield f"### {topic.title}"
    yield ""
    if topic.rows:
        rate = topic.rows[0].unit in _RATES
        ratio = "rate / floor" if rate else "time / floor"
        cells = [["what", "best", "median", f"{ratio}, best", f"{ratio}, median", "aim", "met"]]
        cells += [_cells(row) for row in topic.rows]
        widths = [max(len(line[column]) for line in cells) for column in range(7)]
        cells.insert(1, ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])])
        for line in cells:
            first, *others = zip(line, widths, strict=True)
            padded = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
            yield f"| {' | '.join(padded)} |"
        yield ""
    for note in topic.notes:
        yield f"- {note}"
    if topic.notes:
        yield ""


def _cells(row: Row) -> list[str]:
    return [
        row.what,
        _shown(row.best, row.unit),
        _shown(row.median, row.unit),
        f"{row.ratio_of_minima:.2f}",
        f"{row.ratio_of_medians:.2f}",
        row.aim.text if row.aim is not None else "",
        {True: "yes", False: "no", None: ""}[row.met],
    ]


def _shown(value: float, unit: Unit) -> str:
    digits = {"ns": 0, "ms": 2, "GB/s": 2, "cases/s": 0}[unit]
    return f"{value:.{digits}f} {unit}"


def _as_json(topic: Topic) -> dict[str, Any]:
    rows = [
        {
            "what": row.what,
            "unit": row.unit,
            "best": row.best,
            "median": row.median,
            "ratio_of_minima": row.ratio_of_minima,
            "ratio_of_medians": row.ratio_of_medians,
            "aim": row.aim.text if row.aim is not None else None,
            "met": row.met,
        }
        for row in topic.rows
    ]
    return {"title": topic.title, "rows": rows, "notes": topic.notes}


def _about() -> dict[str, Any]:
    return {
        "pyshm": pyshm.__version__,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "system": f"{platform.system()} {platform.machine()}",
        "processors": os.cpu_count(),
    }


def _topics(effort: Effort) -> Iterator[Topic]:
    for measure in (structs, large_numbers, nested, blobs, imports, matrix):
        yield from measure(effort)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, and print what was found as it is found. Always 0: speed is no test."""
    parser = argparse.ArgumentParser(prog="python -m interop.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="some seconds instead of a minute")
    parser.add_argument("--json", action="store_true", help="print one JSON document instead")
    options = parser.parse_args(argv)
    effort = QUICK if options.quick else FULL
    about = {**_about(), "quick": options.quick}
    if options.json:
        found = [_as_json(topic) for topic in _topics(effort)]
        print(json.dumps({**about, "topics": found}, indent=2))
        return 0
    print(", ".join(f"{name} {value}" for name, value in about.items()) + "\n", flush=True)
    for topic in _topics(effort):
        print("\n".join(table(topic)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
