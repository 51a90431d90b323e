"""Structs in memory itself: attributes that read and write where the struct lies.

A view is a ctypes union whose members are the fields at their offsets, so that reading a number
is one C call. ctypes would cut a number that is too large, so that writing is checked here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..errors import UnsupportedError
from .compound import Elements, FirstOnly, Nested
from .packed import Packed, check_offset, truncated_error
from .shapes import Shape
from .values.base import Conversion, InvalidValue
from .values.numbers import Boolean, EnumNumber, Number
from .values.text import Char16

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

__all__ = ["ArrayView", "StructView", "view_of"]

_C_TYPES: dict[str, Any] = {
    "b": ctypes.c_int8, "B": ctypes.c_uint8, "h": ctypes.c_int16, "H": ctypes.c_uint16,
    "i": ctypes.c_int32, "I": ctypes.c_uint32, "q": ctypes.c_int64, "Q": ctypes.c_uint64,
    "f": ctypes.c_float, "d": ctypes.c_double,
}  # fmt: skip


class StructView(ctypes.Union):
    """Base of all views. A view is a buffer itself: ``Type.unpack_from(view)`` is a copy of it."""

    __slots__ = ("_keeps",)  # whose memory it is, if ctypes does not know

    _packing_: ClassVar[Packed]

    def __repr__(self) -> str:
        packing: Packed = type(self)._packing_
        fields = ", ".join(
            f"{field.name}={getattr(self, field.name)!r}" for field in packing.layout.fields
        )
        return f"<view of {packing.struct.__name__}: {fields}>"


def view_of(packing: Packed, buffer: Buffer, offset: int) -> Any:
    """A view of the struct at ``offset``. Raises TruncatedError."""
    memory = memoryview(buffer)
    if memory.format != "B" or memory.ndim != 1:
        memory = memory.cast("B")
    check_offset(offset)
    if len(memory) - offset < packing.size:
        raise truncated_error(packing, len(memory) - offset)
    return _in_memory(packing, memory, offset)


def _in_memory(packing: Packed, memory: memoryview, offset: int) -> Any:
    view_type = _view_type(packing, memory.readonly)
    if not memory.readonly:
        return view_type.from_buffer(memory, offset)
    # ctypes has no way to memory that it must not write to but by its address.
    from cffi import FFI

    ffi = FFI()
    view = view_type.from_address(int(ffi.cast("uintptr_t", ffi.from_buffer(memory))) + offset)
    object.__setattr__(view, "_keeps", memory)
    return view


def _view_type(packing: Packed, readonly: bool) -> Any:
    key = ("view", readonly)
    if key not in packing.made:
        packing.made[key] = _made_type(packing, readonly)
    return packing.made[key]


def _made_type(packing: Packed, readonly: bool) -> Any:
    members: list[tuple[str, Any]] = [("_memory_", ctypes.c_uint8 * packing.size)]
    namespace: dict[str, Any] = {"__slots__": (), "_packing_": packing}
    hidden: dict[str, str] = {}
    for index, shape in enumerate(packing.shapes):
        name, c_type = shape.field.name, _c_type(shape.conversion, readonly)
        if c_type is None:
            continue
        if not _is_direct(shape.conversion):
            hidden[name] = name = f"_raw_{index}_"
        members.append((f"_at_{index}_", _at(shape.field.offset, name, c_type)))
    namespace["_anonymous_"] = tuple(name for name, _ in members[1:])
    namespace["_fields_"] = members
    for shape in packing.shapes:
        if not _is_direct(shape.conversion):
            namespace[shape.field.name] = property(
                _reader(shape, hidden.get(shape.field.name), readonly)
            )
    # Integers within their bounds go to ctypes at once, by the attributes it makes.
    quick: dict[str, tuple[int, int, Callable[[Any, int], None]]] = {}
    # Later would be too late: ctypes' types don't notice.
    namespace["__setattr__"] = _refuse(packing) if readonly else _checked_setattr(packing, quick)
    metaclass: Any = type(StructView)
    made = metaclass(packing.struct.__name__, (StructView,), namespace)
    for shape in packing.shapes:
        bounds = shape.conversion.bounds if type(shape.conversion) is Number else None
        if bounds is not None:
            quick[shape.field.name] = (*bounds, made.__dict__[shape.field.name].__set__)
    return made


def _at(offset: int, name: str, c_type: Any) -> Any:
    """A C struct of one field at ``offset``."""
    fields = [(name, c_type)]
    if offset:
        fields.insert(0, ("_pad_", ctypes.c_uint8 * offset))
    namespace = {"_pack_": 1, "_layout_": "ms", "_fields_": fields}
    metaclass: Any = type(ctypes.Structure)
    return metaclass("_At", (ctypes.Structure,), namespace)


def _is_direct(conversion: Conversion) -> bool:
    """Whether ctypes' own attribute is the value."""
    return isinstance(conversion, Nested) or (
        type(conversion) is Number and conversion.code in _C_TYPES
    )


def _c_type(conversion: Conversion, readonly: bool) -> Any:
    if isinstance(conversion, Nested):
        return _view_type(conversion.packing, readonly)
    if isinstance(conversion, Number | Boolean | Char16):
        return _C_TYPES.get(conversion.code or "")
    return None


def _bytes(view: Any) -> memoryview:
    return memoryview(view).cast("B")


def _reader(shape: Shape, hidden: str | None, readonly: bool) -> Callable[[Any], Any]:
    """What reads a field that needs more than ctypes."""
    conversion, start = shape.conversion, shape.field.offset
    if hidden is not None:
        scope: dict[str, Any] = {"chr": chr}
        if isinstance(conversion, Boolean):
            value = f"view.{hidden} != 0"
        elif isinstance(conversion, Char16):
            value = f"chr(view.{hidden})"
        else:
            assert isinstance(conversion, EnumNumber)
            scope["make"] = conversion.make
            value = f"make(view.{hidden})"
        exec(f"def read(view): return {value}", scope)  # noqa: S102 - made from names alone
        read: Callable[[Any], Any] = scope["read"]
        return read
    end = start + conversion.size
    if isinstance(conversion, Elements) and not isinstance(conversion, FirstOnly):
        return lambda view: ArrayView(conversion, _part(view, start, end, readonly))
    return lambda view: conversion.decode(bytes(_bytes(view)[start:end]))


def _part(view: Any, start: int, end: int, readonly: bool) -> memoryview:
    part = _bytes(view)[start:end]
    return part.toreadonly() if readonly else part


def _refuse(packing: Packed) -> Callable[[Any, str, Any], NoReturn]:
    def refuse(view: Any, name: str, value: Any) -> NoReturn:  # noqa: ARG001 - __setattr__'s
        raise UnsupportedError(
            f"{packing.struct.__name__}.{name}: the view is of read-only memory", field=name
        )

    return refuse


def _checked_setattr(
    packing: Packed, quick: dict[str, tuple[int, int, Callable[[Any, int], None]]]
) -> Callable[[Any, str, Any], None]:
    """What assigns a field: by ``quick`` within those bounds, or else its conversion's bytes."""
    shapes = {shape.field.name: shape for shape in packing.shapes}

    def assign(view: Any, name: str, value: Any) -> None:
        if type(value) is int and name in quick:
            low, high, put = quick[name]
            if low <= value <= high:
                put(view, value)
                return
        shape = shapes.get(name)
        if shape is None:
            raise AttributeError(f"{packing.struct.__name__!r} has no field {name!r}", name=name)
        start = shape.field.offset
        raw = _encoded(shape.conversion, value, shape.error)
        _bytes(view)[start : start + len(raw)] = raw

    return assign


def _encoded(
    conversion: Conversion, value: Any, error: Callable[[InvalidValue], Exception]
) -> bytes:
    if isinstance(value, StructView):
        # A copy of the struct that it shows, if it is the right one.
        value = value._packing_.unpack_from(value)
    elif isinstance(value, ArrayView):
        value = value.tolist()
    try:
        return conversion.encode(value)
    except InvalidValue as bad:
        raise error(bad) from None


class ArrayView(Sequence[Any]):
    """An array in memory: reads and writes the elements where they lie. Its length is fixed."""

    __slots__ = ("_conversion", "_items", "memory")

    def __init__(self, conversion: Elements, memory: memoryview) -> None:
        """Not for callers; an attribute of a view gives one."""
        self._conversion = conversion
        self.memory = memory
        """The bytes of all elements."""
        element = conversion.element
        self._items: memoryview | None = None
        if conversion.codec is not None and element.code in _C_TYPES:
            self._items = memory.cast(element.code)  # type: ignore[call-overload]

    def __len__(self) -> int:
        return self._conversion.count

    def __getitem__(self, index: Any) -> Any:
        if self._items is not None:
            found = self._items[index]
            return found.tolist() if isinstance(index, slice) else found
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        element = self._conversion.element
        start = self._start(index)
        if isinstance(element, Nested):
            return _in_memory(element.packing, self.memory, start)
        end = start + element.size
        if isinstance(element, Elements):
            return ArrayView(element, self.memory[start:end])
        return element.decode(bytes(self.memory[start:end]))

    def __iter__(self) -> Iterator[Any]:
        if self._items is not None:
            return iter(self._items)
        return (self[at] for at in range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.memory.readonly:
            raise UnsupportedError("the array is in read-only memory")
        if isinstance(index, slice):
            self._assign(range(*index.indices(len(self))), list(value))
        else:
            start = self._start(index)
            raw = self._element(index, value)
            self.memory[start : start + len(raw)] = raw

    def _assign(self, places: range, values: list[Any]) -> None:
        if len(values) != len(places):
            raise _wrong(
                InvalidValue(
                    f"needs exactly {len(places)} elements, not {len(values)}",
                    len(values),
                    len(places),
                    kind="wrong-count",
                )
            )
        parts = [self._element(at, value) for at, value in zip(places, values, strict=True)]
        for at, raw in zip(places, parts, strict=True):
            start = self._start(at)
            self.memory[start : start + len(raw)] = raw

    def _start(self, index: Any) -> int:
        count = self._conversion.count
        at = index.__index__()
        if not -count <= at < count:
            raise IndexError(f"index {at} of an array of {count}")
        return int(at % count * self._conversion.stride)

    def _element(self, index: int, value: Any) -> bytes:
        return _encoded(
            self._conversion.element, value, lambda bad: _wrong(bad.inside(f"[{index}]", 0))
        )

    def tolist(self) -> list[Any]:
        """A copy as the list that the struct's own field would be."""
        return self._conversion.decode(bytes(self.memory))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ArrayView):
            other = other.tolist()
        if isinstance(other, Iterable) and not isinstance(other, str):
            return self.tolist() == list(other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<view of {self.tolist()!r}>"


def _wrong(bad: InvalidValue) -> Exception:
    bad.path = bad.path or "the array"
    return bad.as_error()
