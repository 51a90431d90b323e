"""Random types and values: all ways to read and write the bytes agree."""

# ruff: noqa: DTZ001 - .NET's dates have no time zone after they were marshalled

from __future__ import annotations

import os
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from pyshm.errors import ArgumentError, LayoutError
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
)
from pyshm.layout.forms import HOST, Target
from pyshm.structs import array, dtype, for_target, snapshot, struct_from

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

INTEGERS = {
    "sbyte": (-(2**7), 2**7 - 1),
    "byte": (0, 2**8 - 1),
    "short": (-(2**15), 2**15 - 1),
    "ushort": (0, 2**16 - 1),
    "int": (-(2**31), 2**31 - 1),
    "uint": (0, 2**32 - 1),
    "long": (-(2**63), 2**63 - 1),
    "ulong": (0, 2**64 - 1),
    "Int128": (-(2**127), 2**127 - 1),
    "UInt128": (0, 2**128 - 1),
}
ADDRESSES = (0, 2**32 - 1)
FIRST = datetime(100, 1, 1)
MILLISECONDS = int((datetime(9999, 12, 31) - FIRST) / timedelta(milliseconds=1))


def letters(ansi):
    if ansi:
        return st.characters(max_codepoint=127)
    # Without surrogates. (Versions of Hypothesis have different arguments to exclude a category.)
    return st.characters(max_codepoint=0xD7FF) | st.characters(
        min_codepoint=0xE000, max_codepoint=0xFFFF
    )


def floats(width):
    return st.floats(width=width, allow_nan=False)


def single(name, ansi):
    """Return a strategy for values of a built-in type."""
    if name in INTEGERS:
        return st.integers(*INTEGERS[name])
    return {
        "float": floats(32),
        "double": floats(64),
        "Half": floats(16),
        "bool": st.booleans(),
        "char": letters(ansi),
        "decimal": st.builds(
            lambda number, scale, sign: Decimal((sign, tuple(map(int, str(number))), -scale)),
            st.integers(0, 2**96 - 1),
            st.integers(0, 28),
            st.integers(0, 1),
        ),
        "Guid": st.builds(lambda data: UUID(bytes=data), st.binary(min_size=16, max_size=16)),
        "DateTime": st.builds(
            lambda millis: FIRST + timedelta(milliseconds=millis), st.integers(0, MILLISECONDS)
        ),
        "TimeSpan": st.timedeltas(timedelta(days=-10675199), timedelta(days=10675199)),
        "DateOnly": st.dates(),
        "TimeOnly": st.times(),
        "string": st.integers(*ADDRESSES),
    }[name]


NAMES = [*INTEGERS, "float", "double", "Half", "bool", "char", "decimal", "Guid", "DateTime"]
NAMES += ["TimeSpan", "DateOnly", "TimeOnly"]


@st.composite
def fields(draw, depth, ansi):
    """Draw the type of a field, its MarshalAs, and a strategy for its values."""
    kinds = ["single", "single", "text", "array", "fixed", "pointer", "nullable", "enum"]
    if depth:
        kinds += ["struct", "struct", "structs"]
    kind = draw(st.sampled_from(kinds))
    if kind == "text":
        count = draw(st.integers(1, 9))
        text = st.text(letters(ansi).filter(lambda c: c != "\0"), max_size=count - 1)
        return BuiltIn("string"), MarshalAs("ByValTStr", count), text
    if kind == "pointer":
        return Pointer(), None, st.integers(*ADDRESSES)
    if kind == "enum":
        name = draw(st.sampled_from(["byte", "short", "int", "ulong"]))
        enum = TypeDeclaration("E", kind="enum", underlying=name)
        return enum, None, st.integers(*INTEGERS[name])
    if kind in ("struct", "structs"):
        declaration, values = draw(structs(depth - 1))
        if kind == "struct":
            return declaration, None, values
        count = draw(st.integers(1, 3))
        return (
            Array(declaration),
            MarshalAs("ByValArray", count),
            st.lists(values, min_size=count, max_size=count),
        )
    name = draw(st.sampled_from(NAMES))
    if kind == "single":
        return BuiltIn(name), None, single(name, ansi)
    if kind == "nullable":
        name = draw(st.sampled_from([n for n in NAMES if n not in ("char", "DateTime", "bool")]))
        return Nullable(BuiltIn(name)), None, st.none() | single(name, True)
    count = draw(st.integers(1, 4))
    if kind == "array":
        values = st.lists(single(name, ansi), min_size=count, max_size=count)
        return Array(BuiltIn(name)), MarshalAs("ByValArray", count), values
    size = {"byte": 1, "short": 2, "int": 4, "long": 8, "float": 4, "double": 8}
    name = draw(st.sampled_from(list(size)))
    buffer = TypeDeclaration(
        "Buffer",
        size=count * size[name],
        fields=(FieldDeclaration("FixedElementField", BuiltIn(name)),),
        fixed_buffer=True,
    )
    return buffer, None, st.lists(single(name, ansi), min_size=count, max_size=count)


@st.composite
def structs(draw, depth=2):
    """Draw a declaration, and a strategy for values of its class, which are made later."""
    ansi = draw(st.booleans())
    made = []
    values = []
    for index in range(draw(st.integers(1, 6))):
        kind, marshal_as, value = draw(fields(depth, ansi))
        made.append(FieldDeclaration(f"F{index}", kind, None, marshal_as))
        values.append(value)
    declaration = TypeDeclaration(
        f"T{depth}",
        pack=draw(st.sampled_from([0, 0, 1, 2, 4, 8])),
        size=draw(st.sampled_from([0, 0, 0, 5, 200])),
        charset="ansi" if ansi else "unicode",
        fields=tuple(made),
    )
    return declaration, st.tuples(*values).map(lambda items: Built(declaration, items))


class Built:
    """A value that is made of ``items`` when its class exists."""

    def __init__(self, declaration, items):
        self.declaration = declaration
        self.items = items

    def __repr__(self):
        return f"{self.declaration.name}{self.items}"

    def make(self):
        return struct_from(self.declaration)(*map(made, self.items))


def made(item):
    if isinstance(item, Built):
        return item.make()
    return [made(part) for part in item] if isinstance(item, list) else item


@st.composite
def typed_values(draw):
    """Draw a struct class and one of its values."""
    declaration, values = draw(structs())
    try:
        struct = struct_from(declaration)
    except LayoutError:
        hypothesis.reject()
    return struct, draw(values).make()


def check(function):
    """Run ``function`` with random types, as many as PYSHM_EXAMPLES says."""
    settings = hypothesis.settings(
        max_examples=int(os.environ.get("PYSHM_EXAMPLES", "25")),
        deadline=None,
        derandomize="PYSHM_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    return settings(hypothesis.given(typed_values())(function))


def seen(value):
    """Return a field of a view or snapshot as the struct itself has it."""
    packed = getattr(type(value), "_packed_", None)
    if packed is not None:
        return packed.unpack_from(value)
    return value.tolist() if hasattr(value, "tolist") else value


@check
def test_a_value_is_read_as_it_was_written(case):
    struct, value = case
    data = value.to_bytes()
    assert len(data) == struct.layout.size
    again = struct.from_bytes(data)
    assert again == value
    assert again.to_bytes() == data
    assert value.to_bytes(strict=False) == data
    assert struct.from_bytes(data, strict=False) == value


@check
def test_bytes_that_were_written_once_are_written_the_same_again(case):
    struct, _ = case
    noise = bytes(range(1, 256)) * (struct.layout.size // 255 + 1)
    once = struct.from_bytes(noise).to_bytes()
    assert struct.from_bytes(once).to_bytes() == once


@check
def test_a_view_reads_and_writes_the_values_of_the_struct(case):
    struct, value = case
    data = value.to_bytes()
    for wrap in (bytearray, bytes):
        view = struct.view(wrap(data))
        for name in struct.__match_args__:
            assert seen(getattr(view, name)) == getattr(value, name)
    target = bytearray(struct.layout.size)
    view = struct.view(target)
    for name in struct.__match_args__:
        setattr(view, name, getattr(value, name))
    assert struct.from_bytes(target) == value


@check
def test_a_snapshot_reads_the_values_of_the_struct(case):
    struct, value = case
    taken = snapshot(struct, value.to_bytes())
    for name in struct.__match_args__:
        expected = getattr(value, name)
        if isinstance(expected, (str, int, float, Decimal, UUID, datetime)) or expected is None:
            assert getattr(taken, name) == expected


@check
def test_a_value_survives_the_round_trip_in_another_targets_layout(case):
    struct, value = case
    for target in (Target(4, windows=True), Target(8, windows=not HOST.windows)):
        codec = for_target(struct, target)
        data = codec.to_bytes(value)
        assert len(data) == codec.size
        assert codec.from_bytes(data) == value


@check
def test_a_value_survives_the_round_trip_in_the_managed_layout(case):
    struct, value = case
    try:
        managed = struct.managed
    except ArgumentError:
        hypothesis.reject()
    data = managed.to_bytes(value)
    assert len(data) == managed.size
    assert managed.from_bytes(data) == value


@check
def test_numpy_reads_the_values_of_the_struct(case):
    pytest.importorskip("numpy")
    struct, value = case
    record_type = dtype(struct)
    record = array(struct, value.to_bytes())[0]
    assert record_type.itemsize == struct.layout.size
    for field in struct.layout.fields:
        assert record_type.fields[field.name][1] == field.offset
        expected = getattr(value, field.name)
        # Types that the struct module does not have are bytes in NumPy.
        if (
            isinstance(expected, int | float)
            and field.size <= 8
            and not record_type[field.name].fields
        ):
            assert record[field.name] == expected
