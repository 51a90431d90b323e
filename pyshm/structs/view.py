"""Views: structs in memory, whose attributes read and write the memory itself.

A view is a ctypes union with the fields as members at their offsets, so that to read a number is
one call of C. ctypes cuts a number that is too large; therefore the assignment is checked here.
"""

from __future__ import annotations

import ctypes
import operator
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from .._support.buffers import bytes_of, memory_of, opened
from .._support.integers import check_offset
from .._support.live import refuse_copy
from .._support.shown import shown
from ..errors import FormatError, StructValueError, UnsupportedError
from .buffers import items_of
from .compound import ArrayValue, FirstElementOnly, NestedStruct, NullableValue
from .leaves import fields_text
from .members import members_of
from .packed import Packed, truncated_error
from .shapes import Shape
from .values.base import Conversion, InvalidValue
from .values.numbers import Boolean, EnumNumber, Number
from .values.text import Char16

if TYPE_CHECKING:
    from collections.abc import Buffer  # type: ignore[attr-defined,unused-ignore]

    _Sequence = Sequence[Any]
else:
    _Sequence = object  # a class of ctypes can't have a class of abc as another base

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
        fields = fields_text(packed, lambda shape: _value_text(self, shape))
        return f"<view of {packed.struct.__name__}: {fields}>"

    def to_bytes(self) -> bytes:
        """Return a copy of the memory: the bytes of the struct."""
        return bytes(_bytes(self))

    def __reduce__(self) -> NoReturn:
        name = type(self)._packed_.struct.__name__
        refuse_copy(f"a view of {name}", f"send a copy: {name}.unpack_from(view)")


def _value_text(view: StructView, shape: Shape) -> str:
    try:
        return repr(getattr(view, shape.field.name))
    except FormatError:
        from .describing import value_text

        start = shape.field.offset
        return value_text(shape.conversion, bytes(_bytes(view)[start : start + shape.field.size]))


def view_of(packed: Packed, buffer: Buffer, offset: int) -> Any:
    """Return a view of the struct at ``offset``. Raises TruncatedError."""
    try:
        memory = memoryview(buffer)
    except TypeError:
        memory = opened(buffer)  # raises the error that names the buffer
    if memory.format != "B" or memory.ndim != 1 or not memory.c_contiguous:
        memory = memory_of(memory)
    if type(offset) is not int or offset < 0:
        offset = check_offset(offset)
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
    namespace: dict[str, Any] = {"__slots__": (), "_packed_": packed, "layout": packed.layout}
    hidden: dict[str, str] = {}
    for index, shape in enumerate(packed.shapes):
        name, c_type = shape.field.name, _c_type(shape.conversion, readonly)
        if c_type is None:
            continue
        if not _is_direct(shape.conversion, readonly):
            hidden[name] = name = f"_raw_{index}_"
        members.append((f"_at_{index}_", _member_at(shape.field.offset, name, c_type)))
    namespace["_anonymous_"] = tuple(name for name, _ in members[1:])
    namespace["_fields_"] = members
    for shape in packed.shapes:
        if not _is_direct(shape.conversion, readonly):
            read = _reader(shape, hidden.get(shape.field.name), readonly)
            namespace[shape.field.name] = property(read)
    # Integers within their bounds are assigned by the attributes that ctypes makes.
    integers: dict[str, tuple[int, int, Callable[[Any, int], None]]] = {}
    # It has to be in the namespace: ctypes' types do not notice a __setattr__ that is set later.
    namespace["__setattr__"] = (
        _read_only_setattr(packed) if readonly else _checked_setattr(packed, integers)
    )
    metaclass: Any = type(StructView)
    bases = (*members_of(packed), StructView)
    view_type = metaclass(packed.struct.__name__, bases, namespace)
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


def _is_direct(conversion: Conversion, readonly: bool) -> bool:
    """Return whether the attribute that ctypes makes has the value itself."""
    if isinstance(conversion, NestedStruct):
        return True
    if _has_numbers(conversion):
        return not readonly
    return type(conversion) is Number and conversion.code in _C_TYPES


def _c_type(conversion: Conversion, readonly: bool) -> Any:
    if isinstance(conversion, NestedStruct):
        return _view_type(conversion.packed, readonly)
    if isinstance(conversion, ArrayValue):
        return _numbers_type(conversion) if _is_direct(conversion, readonly) else None
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
    if conversion.mutable:
        return lambda view: _value_in(conversion, _part(view, start, end, readonly))
    return lambda view: conversion.decode(bytes(_bytes(view)[start:end]))


def _value_in(conversion: Conversion, memory: memoryview) -> Any:
    """Return the value in ``memory``, its bytes: a view, if it can be changed in place."""
    if isinstance(conversion, NestedStruct):
        return _view_in(conversion.packed, memory, 0)
    if isinstance(conversion, ArrayValue):
        return _array_in(conversion, memory)
    if isinstance(conversion, NullableValue) and conversion.mutable:
        raw = bytes(memory)
        if not conversion.is_set(raw):
            return None
        start = conversion.offset
        return _value_in(conversion.value, memory[start : start + conversion.value.size])
    return conversion.decode(bytes(memory))


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
            member = getattr(type(view), name, None)
            if isinstance(member, property):
                member.__set__(view, value)
                return
            raise AttributeError(f"{packed.struct.__name__!r} has no field {name!r}", name=name)
        start = shape.field.offset
        raw = _encoded(shape.conversion, value, shape.error)
        _bytes(view)[start : start + len(raw)] = raw

    return assign


def _encoded(
    conversion: Conversion, value: Any, error: Callable[[InvalidValue], Exception]
) -> bytes | memoryview:
    if isinstance(value, StructView):
        # A copy of the struct; the conversion refuses a struct of another type.
        value = value._packed_.unpack_from(value)
    elif isinstance(value, ArrayView):
        if value._conversion_ is conversion:
            return value.memory
        value = value._items_ or value.tolist()
    try:
        raw = conversion.buffer_of(value) if isinstance(conversion, ArrayValue) else None
        return conversion.encode(value) if raw is None else raw
    except InvalidValue as invalid:
        raise error(invalid) from None


class ArrayView(_Sequence):
    """An array in memory: reads and writes the elements where they are. Its length is fixed.

    An array of numbers is a buffer of them, which ``memoryview`` and ``numpy.asarray`` do not copy.
    To assign a buffer of the same numbers is one copy of memory. On Python 3.11 an array in
    read-only memory is a buffer to NumPy only, and a memoryview's format has a byte order: ``<i``.
    """

    __slots__ = ()

    memory: memoryview
    """The bytes of all elements."""
    _conversion_: ArrayValue
    _items_: memoryview | None

    def __len__(self) -> int:
        return self._conversion_.count

    def __getitem__(self, index: Any) -> Any:
        if self._items_ is not None:
            found = self._items_[index]
            return found.tolist() if isinstance(index, slice) else found
        if self._conversion_.whole:
            return self.tolist()[index if isinstance(index, slice) else self._position(index)]
        if isinstance(index, slice):
            return [self[at] for at in range(*index.indices(len(self)))]
        element = self._conversion_.element
        start = self._start(index)
        return _value_in(element, self.memory[start : start + element.size])

    def __iter__(self) -> Iterator[Any]:
        if self._items_ is not None:
            return iter(self._items_)
        if self._conversion_.whole:
            return iter(self.tolist())
        return (self[at] for at in range(len(self)))

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.memory.readonly:
            raise UnsupportedError("the array can't be changed: it is in read-only memory")
        if self._conversion_.whole:
            self._assign_whole(index, value)
        elif isinstance(index, slice):
            self._assign(index, value)
        else:
            start = self._start(index)
            raw = self._element(index, value)
            self.memory[start : start + len(raw)] = raw

    def _assign(self, index: slice, value: Any) -> None:
        places = range(*index.indices(len(self)))
        if isinstance(value, ArrayView):
            value = value._items_ or value.tolist()
        if self._items_ is not None:
            items = self._converted(places, value)
            if items is not None:
                self._items_[index] = items
                return
        values = _listed(value, places)
        parts = [self._element(at, value) for at, value in zip(places, values, strict=True)]
        for at, raw in zip(places, parts, strict=True):
            start = self._start(at)
            self.memory[start : start + len(raw)] = raw

    def _assign_whole(self, index: Any, value: Any) -> None:
        """Assign elements that have no meaning without the others."""
        count = len(self)
        if isinstance(index, slice):
            places = range(count)[index]
            values = _listed(value, places)
        else:
            at = self._position(index)
            places, values = range(at, at + 1), [value]
        items = [None] * count if len(places) == count else self.tolist()
        for at, item in zip(places, values, strict=True):
            items[at] = item
        self.memory[:] = _encoded(self._conversion_, items, _array_error)

    def _converted(self, places: range, value: Any) -> memoryview | None:
        """Return the numbers of ``value``; None if one of them can't be an element."""
        code: Any = self._conversion_.element.code
        memory = items_of(value, code)
        if memory is not None:
            _check_count(places, memory.nbytes // memory.itemsize)
            return bytes_of(memory).cast(code)
        values = _listed(value, places)
        try:
            return memoryview(struct.pack(f"<{len(values)}{code}", *values)).cast(code)
        except (struct.error, OverflowError, TypeError):
            return None

    def _position(self, index: Any) -> int:
        count = self._conversion_.count
        at = operator.index(index)
        if not -count <= at < count:
            raise IndexError(f"index {shown(at)} of an array of {count}")
        return at % count

    def _start(self, index: Any) -> int:
        return self._position(index) * self._conversion_.stride

    def _element(self, index: int, value: Any) -> bytes | memoryview:
        return _encoded(
            self._conversion_.element,
            value,
            lambda invalid: _array_error(invalid.inside(f"[{index}]", 0)),
        )

    def __reduce__(self) -> NoReturn:
        refuse_copy("an array of a view", "send a copy: array.tolist()")

    def tolist(self) -> list[Any]:
        """Return a copy: the list that the field of the struct itself would be."""
        return self._conversion_.decode(bytes(self.memory))

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """Return the NumPy array of the memory, where it is not a buffer of numbers."""
        import numpy as np

        from .arrays import array_in

        if isinstance(self._conversion_, FirstElementOnly):
            found = np.asarray(self.tolist())  # the memory has only one of the elements
        else:
            found = array_in(self._conversion_, self.memory)
        if copy:
            found = found.copy()
        return found if dtype is None else np.asarray(found, dtype)

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

        return f"<view of {value_text(self._conversion_, bytes(self.memory))}>"


if not TYPE_CHECKING:
    Sequence.register(ArrayView)
    for _name in ("__contains__", "__reversed__", "count", "index"):
        setattr(ArrayView, _name, getattr(Sequence, _name))


class _Array(ArrayView):
    """An array of other values than numbers, or in read-only memory."""

    __slots__ = ("_conversion_", "_items_", "memory")


class _ReadOnlyNumbers(_Array):
    """An array of numbers in read-only memory. It is a buffer from Python 3.12 on (PEP 688)."""

    __slots__ = ()

    def __buffer__(self, flags: int) -> memoryview:
        code: Any = self._conversion_.element.code
        return self.memory.cast(code)


class _Byte(ctypes.Union):
    _fields_ = (("value", ctypes.c_uint8),)


def _numbers_type(conversion: ArrayValue) -> Any:
    """Return the type of an array of numbers in writable memory: a ctypes array is a buffer."""
    if conversion.view_type is None:
        element: Any = conversion.element
        code = element.code
        namespace: dict[str, Any] = {
            "__slots__": (),
            "_type_": _C_TYPES[code],
            "_length_": conversion.count,
            "_conversion_": conversion,
            "memory": property(_bytes),
            "_items_": None,
        }
        if conversion.codec is not None:
            # ctypes reads a number several times as fast as a memoryview. To keep a memoryview of
            # itself would be a cycle, which keeps the memory until it is collected.
            namespace["_items_"] = property(lambda view: view.memory.cast(code))
            namespace["__getitem__"] = ctypes.Array.__getitem__
            namespace["__setitem__"] = _number_setter(element.bounds)
        if sys.version_info >= (3, 12):
            buffer = ctypes.Array.__buffer__
            namespace["__buffer__"] = lambda view, flags: buffer(view, flags).cast("B").cast(code)
        elif code == "B":
            # The format of a ctypes integer has a byte order, that of a union is "B".
            namespace["_type_"] = _Byte
            if conversion.codec is not None:
                namespace["_items_"] = property(memoryview)
                namespace["__getitem__"] = ArrayView.__getitem__
                namespace["__setitem__"] = ArrayView.__setitem__
        metaclass: Any = type(ctypes.Array)
        conversion.view_type = metaclass("ArrayView", (ArrayView, ctypes.Array), namespace)
    return conversion.view_type


def _number_setter(bounds: tuple[int, int] | None) -> Callable[[Any, Any, Any], None]:
    """Return what assigns elements; ctypes itself cuts a number that is too large."""
    low, high = bounds or (1, 0)
    put = ctypes.Array.__setitem__

    def assign(view: Any, index: Any, value: Any) -> None:
        if type(value) is int and low <= value <= high and type(index) is int:
            put(view, index, value)
        else:
            ArrayView.__setitem__(view, index, value)

    return assign


def _has_numbers(conversion: Conversion) -> bool:
    """Return whether the memory of an array is one run of numbers that a buffer can have."""
    return (
        isinstance(conversion, ArrayValue)
        and conversion.element.code in _C_TYPES
        and conversion.is_dense
    )


def _array_in(conversion: ArrayValue, memory: memoryview) -> Any:
    """Return the view of an array in ``memory``, which is its bytes."""
    has_numbers = _has_numbers(conversion)
    if has_numbers and not memory.readonly:
        return _numbers_type(conversion).from_buffer(memory)
    view: Any = _ReadOnlyNumbers() if has_numbers else _Array()
    view._conversion_ = conversion
    view.memory = memory
    is_direct = has_numbers and conversion.codec is not None
    view._items_ = memory.cast(conversion.element.code) if is_direct else None  # type: ignore[call-overload]
    return view


def _listed(value: Any, places: range) -> list[Any]:
    try:
        values = list(value)
    except TypeError:
        raise _array_error(
            InvalidValue(f"needs {len(places)} elements, not {shown(value)}", value)
        ) from None
    _check_count(places, len(values))
    return values


def _check_count(places: range, count: int) -> None:
    if count != len(places):
        raise _array_error(
            InvalidValue(
                f"needs exactly {len(places)} elements, not {count}",
                count,
                len(places),
                kind="wrong-count",
            )
        )


def _array_error(invalid: InvalidValue) -> StructValueError:
    invalid.path = invalid.path or "the array"
    return invalid.as_error()
