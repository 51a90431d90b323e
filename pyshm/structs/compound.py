"""The conversion of any form: values.py's for single ones, and here those made of others.

An array is a list, a nested struct a Struct, a nullable one of its values or None.
"""

from __future__ import annotations

import codecs
from struct import Struct as Codec
from struct import error as CodecError
from typing import Any

from ..layout.builtins import fixed_buffer_element
from ..layout.declarations import Array, Nullable, TypeDeclaration, TypeReference
from ..layout.forms import FieldLayout, Form, Inline, Layout, Scalar, Sequence, Text
from ..layout.traits import is_blittable
from .packed import Packed
from .registry import PYTHON_TYPES
from .values.base import Conversion, InvalidValue
from .values.numbers import Number
from .values.scalars import of_scalar
from .values.text import Char8, FixedText

__all__ = ["Elements", "Nested", "of_field"]


class Elements(Conversion):
    """An array: a list of ``count`` elements, ``stride`` bytes apart."""

    mutable = True

    def __init__(self, element: Conversion, count: int, stride: int, exact: bool) -> None:
        super().__init__(count * stride, f"{element.name}[{count}]")
        self.element = element
        self.count = count
        self.stride = stride
        self._exact = exact
        self.canonical = element.canonical and stride == element.size
        # Numbers that lie side by side are packed all at once.
        self.codec: Codec | None = None
        if element.code is not None and stride == element.size and type(element) is Number:
            self.codec = Codec(f"<{count}{element.code}")

    def zero(self) -> list[Any]:
        """A list of one's own."""
        if self.element.mutable:
            return [self.element.zero() for _ in range(self.count)]
        return [self.element.zero()] * self.count

    def encode(self, value: Any) -> bytes:
        items = self._items(value)
        if self.codec is not None:
            try:
                return self.codec.pack(*items)
            except (CodecError, OverflowError, TypeError):
                pass  # which one it is, is found below
        parts = []
        for index, item in enumerate(items):
            try:
                parts.append(self.element.encode(item).ljust(self.stride, b"\0"))
            except InvalidValue as bad:
                raise bad.inside(f"[{index}]", index * self.stride) from None
        return b"".join(parts)

    def _items(self, value: Any) -> list[Any]:
        if value is None and self._exact:
            return self.zero()
        try:
            items = [] if value is None else list(value)
        except TypeError:
            raise InvalidValue(f"must be {self.name}, not {value!r}", value) from None
        if self._exact:
            del items[self.count :]
        if len(items) != self.count:
            raise InvalidValue(
                f"needs exactly {self.count} elements, not {len(items)}",
                len(items),
                self.count,
                kind="wrong-count",
            )
        return items

    def decode(self, raw: bytes) -> list[Any]:
        if self.codec is not None:
            return list(self.codec.unpack(raw))
        decode, stride, size = self.element.decode, self.stride, self.element.size
        return [decode(raw[at : at + size]) for at in range(0, self.size, stride)]


class AnsiCharacters(Elements):
    """A ByValArray of one-byte characters: .NET converts it as one text, filled up with NULs."""

    canonical = False

    def __init__(self, element: Char8, count: int, exact: bool) -> None:
        super().__init__(element, count, 1, exact)
        self.element: Char8 = element

    def encode(self, value: Any) -> bytes:
        items = self._items(value)
        for index, item in enumerate(items):
            if not isinstance(item, str) or len(item) != 1:
                bad = InvalidValue(f"must be a str of one character, not {item!r}", item)
                raise bad.inside(f"[{index}]", index)
        raw = self.element.encoded("".join(items))
        if raw[self.count :].strip(b"\0"):
            raise InvalidValue(
                f"has room for {self.count} bytes, not for {len(raw)}",
                value,
                self.count,
                kind="too-long",
            )
        return raw[: self.count].ljust(self.count, b"\0")

    def decode(self, raw: bytes) -> list[str]:
        if self._exact:
            # A sequence that the array's end cuts off is no character and no error to .NET.
            decoder = codecs.getincrementaldecoder(self.element.encoding)("replace")
            text = decoder.decode(raw)
        else:
            text = self.element.decoded(raw)
        units = text.encode("utf-16-le", "surrogatepass").ljust(2 * self.count, b"\0")
        return [chr(units[at] | units[at + 1] << 8) for at in range(0, 2 * self.count, 2)]


class FirstOnly(Elements):
    """A fixed buffer whose elements need marshalling: .NET marshals the first of them alone."""

    canonical = False

    def __init__(self, element: Conversion, count: int, size: int, exact: bool) -> None:
        super().__init__(element, count, element.size, exact)
        self.size = size
        self.codec = None

    def encode(self, value: Any) -> bytes:
        items = self._items(value)
        try:
            raw = self.element.encode(items[0])
        except InvalidValue as bad:
            raise bad.inside("[0]", 0) from None
        zero = self.element.zero()
        for index, item in enumerate(items[1:], 1):
            if item != zero and not self._exact:
                raise InvalidValue(
                    f"must be {zero!r}, not {item!r}: .NET marshals only the first element of "
                    f"a fixed buffer of {self.element.name}",
                    item,
                ).inside(f"[{index}]", 0)
        return raw.ljust(self.size, b"\0")

    def decode(self, raw: bytes) -> list[Any]:
        return [self.element.decode(raw[: self.element.size])] + [self.element.zero()] * (
            self.count - 1
        )


class Optional(Conversion):
    """Nullable<T>: a truth value and a value; None is both of them zero."""

    def __init__(self, truth: Conversion, value: Conversion, offset: int, size: int) -> None:
        super().__init__(size, f"{value.name}?")
        self.truth = truth
        self.value = value
        self.offset = offset
        self.mutable = value.mutable

    def zero(self) -> None:
        """None."""

    def encode(self, value: Any) -> bytes:
        raw = bytearray(self.size)
        if value is not None:
            raw[: self.truth.size] = self.truth.encode(True)
            raw[self.offset : self.offset + self.value.size] = self.value.encode(value)
        return bytes(raw)

    def decode(self, raw: bytes) -> Any:
        if not self.truth.decode(raw[: self.truth.size]):
            return None
        return self.value.decode(raw[self.offset : self.offset + self.value.size])


class Nested(Conversion):
    """A struct in place."""

    mutable = True

    def __init__(self, packing: Packed) -> None:
        super().__init__(packing.size, packing.struct.__name__)
        self.packing = packing
        self.canonical = packing.faithful

    def zero(self) -> Any:
        """A struct with its type's defaults."""
        return self.packing.struct()

    def encode(self, value: Any) -> bytes:
        if value is None and self.packing.exact:
            declaration = self.packing.layout.declaration
            if declaration.kind == "class":
                return bytes(self.size)  # an object that is not there
        if not isinstance(value, self.packing.struct):
            raise InvalidValue(f"must be {self.name}, not {value!r}", value)
        return self.packing.encode(value)

    def decode(self, raw: bytes) -> Any:
        return self.packing.unpack_from(raw)


def of_field(field: FieldLayout, layout: Layout, exact: bool) -> Conversion:
    """The conversion of a field of ``layout``."""
    return _of_form(field.form, field.declaration.type, layout, exact)


def _of_form(form: Form, reference: TypeReference, layout: Layout, exact: bool) -> Conversion:
    if isinstance(form, Scalar):
        enum = PYTHON_TYPES.get(reference) if isinstance(reference, TypeDeclaration) else None
        is_enum = isinstance(reference, TypeDeclaration) and reference.kind == "enum"
        return of_scalar(form, enum if is_enum else None, layout.target, exact)
    if isinstance(form, Text):
        return FixedText(form, layout.target, exact)
    if isinstance(form, Sequence):
        # Of an inline array the declaration names the element itself.
        element = reference.element if isinstance(reference, Array) else reference
        inner = _of_form(form.element, element, layout, exact)
        if isinstance(inner, Char8) and isinstance(reference, Array) and form.stride == 1:
            return AnsiCharacters(inner, form.count, exact)
        return Elements(inner, form.count, form.stride, exact)
    return _of_struct(form, reference, exact)


def _of_struct(form: Inline, reference: TypeReference, exact: bool) -> Conversion:
    inner = form.layout
    if isinstance(reference, Nullable):
        truth, value = inner.fields
        return Optional(
            of_field(truth, inner, exact), of_field(value, inner, exact), value.offset, inner.size
        )
    declaration = inner.declaration
    if declaration.fixed_buffer:
        return _of_fixed_buffer(inner, exact)
    if declaration.inline_array:
        return of_field(inner.fields[0], inner, exact)
    struct: Any = PYTHON_TYPES[declaration]
    return Nested(struct.__packings__.of(inner, exact=exact))


def _of_fixed_buffer(layout: Layout, exact: bool) -> Conversion:
    reference, count = fixed_buffer_element(layout.declaration)
    element = _of_form(layout.fields[0].form, reference, layout, exact)
    if not layout.marshalled or is_blittable(layout.declaration, layout.target):
        return Elements(element, count, element.size, exact)
    return FirstOnly(element, count, layout.size, exact)
