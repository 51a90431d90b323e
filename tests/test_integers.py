"""Integer arguments of all public functions: other types, NumPy's integers, and limits."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from decimal import Decimal
from typing import Annotated

import pytest

from pyshm import MemoryMappedFile, PyshmError, ShareMemoryHelper, Struct, structs
from pyshm import types as t
from pyshm.errors import ArgumentNullError, LayoutError
from pyshm.formats import blob_size
from pyshm.maps import elements

SIZE = 600


class Number(Struct):
    value: t.Int32 = 0


class Index:
    """An integer as ``operator.index`` knows it, which is nothing else."""

    def __index__(self):
        return 4


@pytest.fixture(scope="module")
def things():
    """A map, its view, its stream and a buffer, by name."""
    with ExitStack() as stack:
        opened = stack.enter_context(MemoryMappedFile.create_new(None, SIZE))
        yield {
            "map": opened,
            "view": stack.enter_context(opened.create_view_accessor()),
            "stream": stack.enter_context(opened.create_view_stream()),
            "buffer": bytearray(SIZE),
        }


KINDS = [
    "boolean", "byte", "sbyte", "char", "int16", "uint16", "int32", "uint32", "int64", "uint64",
    "single", "double", "decimal",
]  # fmt: skip
VALUES = {"boolean": True, "char": "a", "decimal": Decimal(1)}
CALLS = {
    "create_new": lambda _, number: MemoryMappedFile.create_new(None, number).close(),
    "options": lambda _, number: MemoryMappedFile.create_new(None, 9, options=number).close(),
    "open_existing": lambda _, number: MemoryMappedFile.open_existing("none", number),
    "from_handle": lambda _, number: MemoryMappedFile.from_handle(number),
    "create_from_file": lambda _, number: MemoryMappedFile.create_from_file(
        __file__, capacity=number
    ),
    "offset of a view": lambda have, n: have["map"].create_view_accessor(n).close(),
    "size of a view": lambda have, n: have["map"].create_view_accessor(0, n).close(),
    "offset of a stream": lambda have, n: have["map"].create_view_stream(n).close(),
    "seek": lambda have, n: have["stream"].seek(n),
    "whence": lambda have, n: have["stream"].seek(0, n),
    "truncate": lambda have, n: have["stream"].truncate(n),
    "helper": lambda _, number: ShareMemoryHelper("none", number),
    "read_array": lambda have, n: have["view"].read_array(n, bytearray(2)),
    "read_array offset": lambda have, n: have["view"].read_array(0, bytearray(400), n),
    "read_array count": lambda have, n: have["view"].read_array(0, bytearray(400), 0, n),
    "write_array": lambda have, n: have["view"].write_array(n, bytes(2)),
    "write_array offset": lambda have, n: have["view"].write_array(0, bytes(400), n),
    "write_array count": lambda have, n: have["view"].write_array(0, bytes(400), 0, n),
    "write_array of a list": lambda have, n: have["view"].write_array(
        0, [1] * 400, n, 1, element=elements.INT32
    ),
    "read_structs": lambda have, n: have["view"].read_structs(n, Number, 1),
    "read_structs count": lambda have, n: have["view"].read_structs(0, Number, n),
    "read": lambda have, n: have["view"].read(n, Number),
    "write": lambda have, n: have["view"].write(n, Number()),
    "unpack_from": lambda have, n: Number.unpack_from(have["buffer"], n),
    "pack_into": lambda have, n: Number().pack_into(have["buffer"], n),
    "view": lambda have, n: Number.view(have["buffer"], n),
    "snapshot": lambda have, n: structs.snapshot(Number, have["buffer"], n),
    "unpack_from of a codec": lambda have, n: Number.managed.unpack_from(have["buffer"], n),
    "pack_into of a codec": lambda have, n: Number.managed.pack_into(Number(), have["buffer"], n),
    "view of a codec": lambda have, n: Number.managed.view(have["buffer"], n),
    "array": lambda have, n: structs.array(Number, have["buffer"], n),
    "array count": lambda have, n: structs.array(Number, have["buffer"], 0, n),
    "blob_size": lambda _, number: blob_size(number, 3),
    **{
        f"read_{kind}": lambda have, n, kind=kind: getattr(have["view"], f"read_{kind}")(n)
        for kind in KINDS
    },
    **{
        f"write_{kind}": lambda have, n, kind=kind: getattr(have["view"], f"write_{kind}")(
            n, VALUES.get(kind, 1)
        )
        for kind in KINDS
    },
}
NEEDS_NUMPY = {"array", "array count"}


@pytest.mark.parametrize(
    "number", [1.5, 4.0, float("nan"), "4", b"4", [4], 4j, Decimal(4)], ids=repr
)
@pytest.mark.parametrize("call", CALLS)
def test_what_is_not_an_integer_is_refused(things, call, number):
    if call in NEEDS_NUMPY:
        pytest.importorskip("numpy")
    with pytest.raises(ArgumentNullError, match="must be an integer") as caught:
        CALLS[call](things, number)
    assert caught.value.value is number


@pytest.mark.parametrize(
    "number", [2**63, 2**64, 2**70, -1, -(2**63) - 1, -(2**70), 10**5000, -(10**5000)], ids=hex
)
@pytest.mark.parametrize("call", CALLS)
def test_a_number_of_any_size_is_accepted_or_refused_with_an_error_of_pyshm(things, call, number):
    if call in NEEDS_NUMPY:
        pytest.importorskip("numpy")
    try:
        CALLS[call](things, number)
    except PyshmError as error:
        assert error.message  # noqa: PT017 - most calls refuse the number, but not all


@pytest.mark.parametrize("call", [call for call in CALLS if call not in ("from_handle", "whence")])
@pytest.mark.parametrize("kind", ["Index", "int8", "uint8", "int16", "uint64"])
def test_every_kind_of_integer_does_what_an_int_does(things, call, kind):
    if call in NEEDS_NUMPY:
        pytest.importorskip("numpy")
    if kind == "Index":
        made = {4: Index()}
    else:
        numpy = pytest.importorskip("numpy")
        made = {number: getattr(numpy, kind)(number) for number in (4, 120)}
        if kind == "uint8":
            made[252] = numpy.uint8(252)  # the sum with the size of a value is more than 255
    for number, given in made.items():
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert _outcome(things, call, given) == _outcome(things, call, number)


def test_a_handle_that_no_system_has_is_refused_by_every_system(monkeypatch):
    from pyshm.errors import MapIOError
    from pyshm.maps import mapping

    monkeypatch.setattr(mapping, "_system", None)  # it is not asked
    for number in (2**63, -(2**64)):
        with pytest.raises(MapIOError) as caught:
            MemoryMappedFile.from_handle(number)
        assert (caught.value.field, caught.value.value) == ("handle", number)


def _outcome(things, call, number):
    try:
        found = CALLS[call](things, number)
    except PyshmError as error:
        return type(error), error.message
    return bytes(found) if call == "view" or call.startswith("array") else repr(found)


def test_an_offset_beyond_the_address_space_is_beyond_the_buffer():
    from pyshm.errors import DoesNotFitError, TruncatedError

    for number in (2**63, 2**70):
        with pytest.raises(TruncatedError):
            Number.unpack_from(bytes(8), number)
        with pytest.raises(DoesNotFitError):
            Number(1).pack_into(bytearray(8), number)


def _declared(name, hint, **options):
    body = {"__annotations__": {"value": hint}, "__module__": __name__}
    return type(Struct)(name, (Struct,), body, **options)


DECLARATIONS = {
    "ByValTStr": lambda n: _declared("A", Annotated[str, t.ByValTStr(n)]),
    "ByValArray": lambda n: _declared("A", Annotated[list[int], t.ByValArray(t.Int32, n)]),
    "FixedBuffer": lambda n: _declared("A", Annotated[list[int], t.FixedBuffer(t.Int32, n)]),
    "InlineArray": lambda n: _declared("A", Annotated[list[int], t.InlineArray(t.Int32, n)]),
    "pack of InlineArray": lambda n: _declared(
        "A", Annotated[list[int], t.InlineArray(t.Int32, 3, pack=n)]
    ),
    "FieldOffset": lambda n: _declared(
        "A", Annotated[t.Int32, t.FieldOffset(n)], layout="explicit"
    ),
    "pack": lambda n: _declared("A", t.Int32, pack=n),
    "size": lambda n: _declared("A", t.Int32, size=n),
}


# None is equal to an integer of the next test: typing keeps Annotated[...] by its arguments.
@pytest.mark.parametrize("number", [1.5, 7.0, "4", None, [4]], ids=repr)
@pytest.mark.parametrize("declare", DECLARATIONS)
def test_a_declaration_has_integers(declare, number):
    with pytest.raises(LayoutError, match="must be an integer"):
        DECLARATIONS[declare](number)


@pytest.mark.parametrize("declare", DECLARATIONS)
def test_a_declaration_takes_every_kind_of_integer(declare):
    numpy = pytest.importorskip("numpy")
    for given in (Index(), True, numpy.int8(4), numpy.uint64(4)):
        expected = DECLARATIONS[declare](1 if given is True else 4)
        found = DECLARATIONS[declare](given)
        assert _places(found) == _places(expected)
        assert repr(found.from_bytes(bytes(50))) == repr(expected.from_bytes(bytes(50)))


def _places(declared):
    return declared.layout.size, [(f.offset, f.size) for f in declared.layout.fields]
