"""Conversions that contain other conversions: arrays, nullables, nested structs.

An array is a list in Python, a nested struct a Struct, a nullable its value or None.
"""

from __future__ import annotations

import codecs
from struct import Struct as Codec
from struct import error as CodecError
from typing import Any

from .._support.buffers import bytes_of
from .._support.shown import shown
from ..layout.builtins import fixed_buffer_element
from ..layout.declarations import Array, Nullable, TypeDeclaration, TypeReference
from ..layout.forms import FieldLayout, Form, Inline, Layout, Scalar, Sequence, Text
from ..layout.traits import is_blittable
from .buffers import items_of
from .packed import Packed
from .registry import PYTHON_TYPES
from .values.ansi import ansi_of
from .values.base import Conversion, InvalidValue
from .values.numbers import Number
from .values.scalars import of_scalar
from .values.text import Char8, FixedText

__all__ = ["ArrayValue", "FirstElementOnly", "NestedStruct", "NullableValue", "of_field"]


class ArrayValue(Conversion):
    """An array: a list of ``count`` elements, which are ``stride`` bytes apart.

    After them there can be padding: ``size`` is then larger than that of the elements.
    """

    mutable = True
    whole = False  # whether one element has no meaning without the others
    view_type: Any = None  # the class of its views (view.py)

    def __init__(
        self, element: Conversion, count: int, stride: int, strict: bool, size: int | None = None
    ) -> None:
        super().__init__(count * stride if size is None else size, f"{element.name}[{count}]")
        self.element = element
        self.count = count
        self.stride = stride
        self._strict = strict
        self.canonical = element.canonical and self.is_dense
        # Numbers without gaps between them are read and written in one call.
        self.codec: Codec | None = None
        if element.code is not None and self.is_dense and type(element) is Number:
            self.codec = Codec(f"<{count}{element.code}")

    @property
    def is_dense(self) -> bool:
        """Whether the elements fill the array without gaps."""
        return self.size == self.count * self.element.size

    def pieces(self, raw: bytes) -> list[bytes]:
        """Return the bytes of each element."""
        size = self.element.size
        return [raw[at : at + size] for at in range(0, self.count * self.stride, self.stride)]

    def zero(self) -> list[Any]:
        """Return a new list."""
        if self.element.mutable:
            return [self.element.zero() for _ in range(self.count)]
        return [self.element.zero()] * self.count

    def buffer_of(self, value: Any) -> memoryview | None:
        """Return the bytes of ``value`` if it is a buffer of such numbers, or else None.

        Raises InvalidValue if they are not ``count``.
        """
        if self.codec is None:
            return None
        assert self.element.code is not None
        memory = items_of(value, self.element.code)
        if memory is None:
            return None
        count = memory.nbytes // self.element.size
        if count != self.count and (self._strict or count < self.count):
            raise self._wrong_count(count)
        return bytes_of(memory)[: self.size]

    def encode(self, value: Any) -> bytes:
        raw = self.buffer_of(value)
        if raw is not None:
            return bytes(raw)
        items = self._items(value)
        if self.codec is not None:
            try:
                return self.codec.pack(*items)
            except (CodecError, OverflowError, TypeError):
                pass  # the loop below finds the element that is wrong
        parts = []
        for index, item in enumerate(items):
            try:
                parts.append(self.element.encode(item).ljust(self.stride, b"\0"))
            except InvalidValue as invalid:
                raise invalid.inside(f"[{index}]", index * self.stride) from None
        return b"".join(parts).ljust(self.size, b"\0")

    def _items(self, value: Any) -> list[Any]:
        if value is None and not self._strict:
            return self.zero()
        try:
            items = [] if value is None else list(value)
        except TypeError:
            raise InvalidValue(f"must be {self.name}, not {shown(value)}", value) from None
        if not self._strict:
            del items[self.count :]
        if len(items) != self.count:
            raise self._wrong_count(len(items))
        return items

    def _wrong_count(self, count: int) -> InvalidValue:
        return InvalidValue(
            f"needs exactly {self.count} elements, not {count}",
            count,
            self.count,
            kind="wrong-count",
        )

    def decode(self, raw: bytes) -> list[Any]:
        if self.codec is not None:
            return list(self.codec.unpack(raw))
        return [self.element.decode(piece) for piece in self.pieces(raw)]


class AnsiArray(ArrayValue):
    """A ByValArray of one-byte characters, which .NET converts as one text, padded with NULs."""

    canonical = False
    whole = True

    def __init__(self, element: Char8, count: int, strict: bool) -> None:
        super().__init__(element, count, 1, strict)
        self.element: Char8 = element

    def encode(self, value: Any) -> bytes:
        items = self._items(value)
        for index, item in enumerate(items):
            if not isinstance(item, str) or len(item) != 1:
                invalid = InvalidValue(f"must be a str of one character, not {shown(item)}", item)
                raise invalid.inside(f"[{index}]", index)
        raw = self.element.encode_text("".join(items))
        if raw[self.count :].strip(b"\0"):
            raise InvalidValue(
                f"has room for {self.count} bytes, not for {len(raw)}",
                value,
                self.count,
                kind="too-long",
            )
        return raw[: self.count].ljust(self.count, b"\0")

    def decode(self, raw: bytes) -> list[str]:
        if self._strict or self.element.encoding == "cp1252":
            text = self.element.decode_text(raw)
        else:
            # .NET ignores a sequence that the end of the array cuts off.
            decoder = codecs.getincrementaldecoder(self.element.encoding)("replace")
            text = decoder.decode(raw)
        units = text.encode("utf-16-le", "surrogatepass").ljust(2 * self.count, b"\0")
        return [chr(units[at] | units[at + 1] << 8) for at in range(0, 2 * self.count, 2)]


class FirstElementOnly(ArrayValue):
    """A fixed buffer whose elements need marshalling: .NET marshals only the first of them."""

    canonical = False
    whole = True

    def __init__(self, element: Conversion, count: int, size: int, strict: bool) -> None:
        super().__init__(element, count, element.size, strict, size)
        self.codec = None

    def encode(self, value: Any) -> bytes:
        items = self._items(value)
        try:
            raw = self.element.encode(items[0])
        except InvalidValue as invalid:
            raise invalid.inside("[0]", 0) from None
        zero = self.element.zero()
        for index, item in enumerate(items[1:], 1):
            if item != zero and self._strict:
                raise InvalidValue(
                    f"must be {zero!r}, not {shown(item)}: .NET marshals only the first element of "
                    f"a fixed buffer of {self.element.name}",
                    item,
                ).inside(f"[{index}]", 0)
        return raw.ljust(self.size, b"\0")

    def decode(self, raw: bytes) -> list[Any]:
        return [self.element.decode(raw[: self.element.size])] + [self.element.zero()] * (
            self.count - 1
        )


class NullableValue(Conversion):
    """Nullable<T>: a truth value, and a value at ``offset``. Both are zero for None."""

    def __init__(self, truth: Conversion, value: Conversion, offset: int, size: int) -> None:
        super().__init__(size, f"{value.name}?")
        self.truth = truth
        self.value = value
        self.offset = offset
        self.mutable = value.mutable

    def zero(self) -> None:
        """Return None."""

    def encode(self, value: Any) -> bytes:
        raw = bytearray(self.size)
        if value is not None:
            raw[: self.truth.size] = self.truth.encode(True)
            raw[self.offset : self.offset + self.value.size] = self.value.encode(value)
        return bytes(raw)

    def decode(self, raw: bytes) -> Any:
        return self.value.decode(self.part(raw)) if self.is_set(raw) else None

    def is_set(self, raw: bytes) -> bool:
        """Return whether there is a value."""
        return bool(self.truth.decode(raw[: self.truth.size]))

    def part(self, raw: bytes) -> bytes:
        """Return the bytes of the value."""
        return raw[self.offset : self.offset + self.value.size]


class NestedStruct(Conversion):
    """A struct in place."""

    mutable = True

    def __init__(self, packed: Packed) -> None:
        super().__init__(packed.size, packed.struct.__name__)
        self.packed = packed
        self.canonical = packed.lossless
        self._is_class = packed.layout.declaration.kind == "class"

    def zero(self) -> Any:
        """Return a new struct with the defaults of its class."""
        return self.packed.struct()

    def encode(self, value: Any) -> bytes:
        if value is None and not self.packed.strict and self._is_class:
            return bytes(self.size)  # .NET writes zeros for a null reference
        if not isinstance(value, self.packed.struct):
            raise InvalidValue(f"must be {self.name}, not {shown(value)}", value)
        return self.packed.encode(value)

    def decode(self, raw: bytes) -> Any:
        return self.packed.unpack_from(raw)


def of_field(field: FieldLayout, layout: Layout, strict: bool) -> Conversion:
    """Return the conversion of a field of ``layout``."""
    return _of_form(field.form, field.declaration.type, layout, strict)


def _of_form(form: Form, reference: TypeReference, layout: Layout, strict: bool) -> Conversion:
    if isinstance(form, Scalar):
        is_enum = isinstance(reference, TypeDeclaration) and reference.kind == "enum"
        enum = PYTHON_TYPES.get(reference) if is_enum else None  # type: ignore[arg-type]
        return of_scalar(form, enum, ansi_of(layout.target, layout.declaration), strict)
    if isinstance(form, Text):
        return FixedText(form, ansi_of(layout.target, layout.declaration), strict)
    if isinstance(form, Sequence):
        # The declaration of an inline array names the element, not an array of it.
        element = reference.element if isinstance(reference, Array) else reference
        inner = _of_form(form.element, element, layout, strict)
        if isinstance(inner, Char8) and isinstance(reference, Array) and form.stride == 1:
            return AnsiArray(inner, form.count, strict)
        return ArrayValue(inner, form.count, form.stride, strict)
    return _of_struct(form, reference, strict)


def _of_struct(form: Inline, reference: TypeReference, strict: bool) -> Conversion:
    inner = form.layout
    if isinstance(reference, Nullable):
        truth, value = (of_field(field, inner, strict) for field in inner.fields)
        return NullableValue(truth, value, inner.fields[1].offset, inner.size)
    declaration = inner.declaration
    if declaration.fixed_buffer:
        return _of_fixed_buffer(inner, strict)
    if declaration.inline_array:
        array = of_field(inner.fields[0], inner, strict)
        assert isinstance(array, ArrayValue)
        # The padding at the end of the inline array is in the field too.
        return ArrayValue(array.element, array.count, array.stride, strict, inner.size)
    struct: Any = PYTHON_TYPES[declaration]
    return NestedStruct(struct.__packings__.of(inner, strict=strict))


def _of_fixed_buffer(layout: Layout, strict: bool) -> Conversion:
    reference, count = fixed_buffer_element(layout.declaration)
    element = _of_form(layout.fields[0].form, reference, layout, strict)
    if not layout.marshalled or is_blittable(layout.declaration, layout.target):
        return ArrayValue(element, count, element.size, strict)
    return FirstElementOnly(element, count, layout.size, strict)
