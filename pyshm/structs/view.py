"""Views: structs in memory, whose attributes read and write the memory itself.

A view is a ctypes union with the fields as members at their offsets, so that to read a number is
one call of C. ctypes cuts a number that is too large; therefore the assignment is checked here.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from ..errors import FormatError, StructValueError, UnsupportedError
from .compound import ArrayValue, FirstElementOnly, NestedStruct
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
    """Base of all views. A view is a buffer: ``Type.unpack_from(view)`` returns a copy of it."""

    __slots__ = ("_keeps",)  # the owner of the memory, if ctypes does not know it

    _packed_: ClassVar[Packed]

    def __repr__(self) -> str:
        packed = type(self)._packed_
        fields = ", ".join(
            f"{shape.field.name}={_value_text(self, shape)}" for shape in packed.shapes
        )
        return f"<view of {packed.struct.__name__}: {fields}>"


def _value_text(view: StructView, shape: Shape) -> str:
    try:
        return repr(getattr(view, shape.field.name))
    except FormatError:
        from .describing import value_text

        start = shape.field.offset
        return value_text(shape.conversion, bytes(_bytes(view)[start : start + shape.field.size]))


def view_of(packed: Packed, buffer: Buffer, offset: int) -> Any:
    """Return a view of the struct at ``offset``. Raises TruncatedError."""
    memory = memoryview(buffer)
    if memory.format != "B" or memory.ndim != 1:
        memory = memory.cast("B")
    if offset:
        check_offset(offset)
    if len(memory) - offset < packed.size:
        raise truncated_error(packed, len(memory) - offset)
    return _view_in(packed, memory, offset)


def _view_in(packed: Packed, memory: memoryview, offset: int) -> Any:
    view_type = _view_type(packed, memory.readonly)
    if not memory.readonly:
        return view_type.from_buffer(memory, offset)
    # ctypes accepts read-only memory only by its address.
    from cffi import FFI

    ffi = FFI()
    view = view_type.from_address(int(ffi.cast("uintptr_t", ffi.from_buffer(memory))) + offset)
    object.__setattr__(view, "_keeps", memory)
    return view


def _view_type(packed: Packed, readonly: bool) -> Any:
    key = ("view", readonly)
    found = packed.cache.get(key)
    return found or packed.cache.setdefault(key, _make_view_type(packed, readonly))


def _make_view_type(packed: Packed, readonly: bool) -> Any:
    members: list[tuple[str, Any]] = [("_memory_", ctypes.c_uint8 * packed.size)]
    namespace: dict[str, Any] = {"__slots__": (), "_packed_": packed}
    hidden: dict[str, str] = {}
    for index, shape in enumerate(packed.shapes):
        name, c_type = shape.field.name, _c_type(shape.conversion, readonly)
        if c_type is None:
            continue
        if not _is_direct(shape.conversion):
            hidden[name] = name = f"_raw_{index}_"
        members.append((f"_at_{index}_", _member_at(shape.field.offset, name, c_type)))
    namespace["_anonymous_"] = tuple(name for name, _ in members[1:])
    namespace["_fields_"] = members
    for shape in packed.shapes:
        if not _is_direct(shape.conversion):
            read = _reader(shape, hidden.get(shape.field.name), readonly)
            namespace[shape.field.name] = property(read)
    # Integers within their bounds are assigned by the attributes that ctypes makes.
    integers: dict[str, tuple[int, int, Callable[[Any, int], None]]] = {}
    # It has to be in the namespace: ctypes' types do not notice a __setattr__ that is set later.
    namespace["__setattr__"] = (
        _read_only_setattr(packed) if readonly else _checked_setattr(packed, integers)
    )
    metaclass: Any = type(StructView)
    view_type = metaclass(packed.struct.__name__, (StructView,), namespace)
    for shape in packed.shapes:
        bounds = shape.conversion.bounds if type(shape.conversion) is Number else None
        if bounds is not None:
            name = shape.field.name
            integers[name] = (*bounds, view_type.__dict__[name].__set__)
    return view_type


def _member_at(offset: int, name: str, c_type: Any) -> Any:
    """Return a C struct with one field, at ``offset``."""
    fields = [(name, c_type)]
    if offset:
        fields.insert(0, ("_pad_", ctypes.c_uint8 * offset))
    namespace = {"_pack_": 1, "_layout_": "ms", "_fields_": fields}
    metaclass: Any = type(ctypes.Structure)
    return metaclass("_At", (ctypes.Structure,), namespace)


def _is_direct(conversion: Conversion) -> bool:
    """Return whether the attribute that ctypes makes has the value itself."""
    return isinstance(conversion, NestedStruct) or (
        type(conversion) is Number and conversion.code in _C_TYPES
    )


def _c_type(conversion: Conversion, readonly: bool) -> Any:
    if isinstance(conversion, NestedStruct):
        return _view_type(conversion.packed, readonly)
    if isinstance(conversion, Number | Boolean | Char16):
        return _C_TYPES.get(conversion.code or "")
    return None


def _bytes(view: Any) -> memoryview:
    return memoryview(view).cast("B")


def _reader(shape: Shape, hidden: str | None, readonly: bool) -> Callable[[Any], Any]:
    """Return what reads a field; ``hidden`` is the attribute of ctypes with its number, if any."""
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
    if isinstance(conversion, ArrayValue) and not isinstance(conversion, FirstElementOnly):
        return lambda view: ArrayView(conversion, _part(view, start, end, readonly))
    return lambda view: conversion.decode(bytes(_bytes(view)[start:end]))


def _part(view: Any, start: int, end: int, readonly: bool) -> memoryview:
    part = _bytes(view)[start:end]
    return part.toreadonly() if readonly else part


def _read_only_setattr(packed: Packed) -> Callable[[Any, str, Any], NoReturn]:
    def refuse(view: Any, name: str, value: Any) -> NoReturn:  # noqa: ARG001 - __setattr__'s
        raise UnsupportedError(
            f"{packed.struct.__name__}.{name} can't be assigned: the view is of read-only memory",
            field=name,
        )

    return refuse


def _checked_setattr(
    packed: Packed, integers: dict[str, tuple[int, int, Callable[[Any, int], None]]]
) -> Callable[[Any, str, Any], None]:
    """Return what assigns a field: through ``integers`` if possible, or else as bytes."""
    shapes = {shape.field.name: shape for shape in packed.shapes}

    def assign(view: Any, name: str, value: Any) -> None:
        if type(value) is int and name in integers:
            low, high, put = integers[name]
            if low <= value <= high:
                put(view, value)
                return
        shape = shapes.get(name)
        if shape is None:
            raise AttributeError(f"{packed.struct.__name__!r} has no field {name!r}", name=name)
        start = shape.field.offset
        raw = _encoded(shape.conversion, value, shape.error)
        _bytes(view)[start : start + len(raw)] = raw

    return assign


def _encoded(
    conversion: Conversion, value: Any, error: Callable[[InvalidValue], Exception]
) -> bytes:
    if isinstance(value, StructView):
        # A copy of the struct; the conversion refuses a struct of another type.
        value = value._packed_.unpack_from(value)
    elif isinstance(value, ArrayView):
        value = value.tolist()
    try:
        return conversion.encode(value)
    except InvalidValue as invalid:
        raise error(invalid) from None


class ArrayView(Sequence[Any]):
    """An array in memory: reads and writes the elements where they are. Its length is fixed."""

    __slots__ = ("_conversion", "_items", "memory")

    def __init__(self, conversion: ArrayValue, memory: memoryview) -> None:
        """Not for callers: an attribute of a view returns one."""
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
        if isinstance(element, NestedStruct):
            return _view_in(element.packed, self.memory, start)
        end = start + element.size
        if isinstance(element, ArrayValue):
            return ArrayView(element, self.memory[start:end])
        return element.decode(bytes(self.memory[start:end]))

    def __iter__(self) -> Iterator[Any]:
        if self._items is not None:
            return iter(self._items)
        return (self[at] for at in range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.memory.readonly:
            raise UnsupportedError("the array can't be changed: it is in read-only memory")
        if isinstance(index, slice):
            self._assign(range(*index.indices(len(self))), list(value))
        else:
            start = self._start(index)
            raw = self._element(index, value)
            self.memory[start : start + len(raw)] = raw

    def _assign(self, places: range, values: list[Any]) -> None:
        if len(values) != len(places):
            raise _array_error(
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
            self._conversion.element,
            value,
            lambda invalid: _array_error(invalid.inside(f"[{index}]", 0)),
        )

    def tolist(self) -> list[Any]:
        """Return a copy: the list that the field of the struct itself would be."""
        return self._conversion.decode(bytes(self.memory))

    def __eq__(self, other: object) -> bool:
        if isinstance(other, ArrayView):
            return self._comparable() == other._comparable()
        if isinstance(other, Iterable) and not isinstance(other, str):
            return self._comparable() == list(other)
        return NotImplemented

    def _comparable(self) -> list[Any] | bytes:
        """Return the elements, or the bytes if one of them is not a value."""
        try:
            return self.tolist()
        except FormatError:
            return bytes(self.memory)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        from .describing import value_text

        return f"<view of {value_text(self._conversion, bytes(self.memory))}>"


def _array_error(invalid: InvalidValue) -> StructValueError:
    invalid.path = invalid.path or "the array"
    return invalid.as_error()
