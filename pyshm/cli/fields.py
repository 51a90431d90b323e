"""The fields of a struct as text: ``--set Field=value``, and what ``read-struct`` prints.

Both walk the parts of the bytes themselves, so that a part that is not a valid value of its type
does not hide the others, and an assignment changes nothing but its own bytes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from functools import reduce
from operator import or_
from typing import TYPE_CHECKING, Any, NamedTuple

from .._support.names import written_name
from .._support.shown import shown
from ..dump.regions import text_of
from ..dump.text import json_value
from ..errors import FormatError
from ..layout.declarations import Array, Nullable, TypeDeclaration
from ..structs.compound import ArrayValue, NestedStruct, NullableValue
from ..structs.leaves import check_can_be_shown
from ..structs.registry import PYTHON_TYPES
from ..structs.values.base import InvalidValue
from .common import UsageError, did_you_mean

if TYPE_CHECKING:
    from ..layout.declarations import TypeReference
    from ..structs.struct import Struct
    from ..structs.values.base import Conversion

__all__ = ["as_json", "as_lines", "assign"]

_STEP = re.compile(r"\.?(?P<name>[^.\[\]]+)|\[(?P<index>\d{1,18})\]")
_LONGEST_INTEGER = 200  # characters; one of 128 bits has 130 in binary
_BELOW_MICROSECONDS = re.compile(r"[.,]\d{6}\d*[1-9]")
_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
# TimeSpan's standard format, [-][d.]hh:mm[:ss[.fffffff]], or Python's: [-d days, ]h:mm:ss[.ffffff]
_DURATION = re.compile(
    r"(?P<sign>-?)(?:(?P<days>\d+)(?:\.| (?P<python>days?), ))?(?P<hours>\d+):(?P<minutes>\d+)"
    r"(?::(?P<seconds>\d+(?:\.\d{1,7})?))?"
)


class _Part(NamedTuple):
    """A part of the struct: its name, its offset in bytes, how it is converted, its .NET type.

    ``optional`` are the nullables around it, the outermost first.
    """

    name: str
    offset: int
    conversion: Conversion
    type: TypeReference
    optional: tuple[_Part, ...] = ()

    @property
    def is_optional(self) -> bool:
        """Whether the part is a nullable whose value has parts itself."""
        return isinstance(self.conversion, NullableValue) and self.conversion.mutable

    def value(self) -> _Part:
        """Return the value of a nullable that has parts; of any other part, the part itself."""
        if not self.is_optional:
            return self
        nullable: Any = self.conversion
        offset, kind = self.offset + nullable.offset, _element_of(self.type)
        return _Part(self.name, offset, nullable.value, kind, (*self.optional, self))

    def is_null(self, data: bytes | bytearray) -> bool:
        """Return whether a nullable that has parts has no value."""
        nullable: Any = self.conversion
        return self.is_optional and not nullable.is_set(_bytes(self, data))

    @property
    def is_array(self) -> bool:
        """Whether the part has elements that can be read and written alone."""
        return isinstance(self.conversion, ArrayValue) and not self.conversion.whole

    def fields(self) -> list[tuple[str, str, _Part]]:
        """Return the fields of a struct: their names in .NET and in Python, and the parts."""
        assert isinstance(self.conversion, NestedStruct)
        start = f"{self.name}." if self.name else ""
        found = []
        for field, conversion, _ in self.conversion.packed.shapes:
            name, offset = written_name(field.dotnet_name), self.offset + field.offset
            part = _Part(start + name, offset, conversion, field.declaration.type, self.optional)
            found.append((name, field.name, part))
        return found

    def is_json(self, text: str) -> bool:
        """Return whether text for this part is JSON: an array or an object where one is meant."""
        if isinstance(self.conversion, NestedStruct):
            return text.startswith("{")
        return isinstance(self.conversion, ArrayValue) and text.startswith("[")

    def elements(self) -> list[_Part]:
        """Return the elements of an array."""
        array = self.conversion
        assert isinstance(array, ArrayValue)
        element = _element_of(self.type)
        return [
            _Part(f"{self.name}[{index}]", self.offset + at, array.element, element, self.optional)
            for index, at in enumerate(range(0, array.count * array.stride, array.stride))
        ]


def _shown(struct: type[Struct]) -> _Part:
    """Return the struct as a part that is shown with all its values. Raises FormatError."""
    check_can_be_shown(struct.__packing__)
    return _whole(struct)


def _whole(struct: type[Struct]) -> _Part:
    return _Part("", 0, NestedStruct(struct.__packing__), struct.layout.declaration)


def _element_of(reference: TypeReference) -> TypeReference:
    """Return the type of the elements of an array, or of the value of a nullable."""
    if isinstance(reference, Array):
        return reference.element
    if isinstance(reference, Nullable):
        return reference.value
    if isinstance(reference, TypeDeclaration) and (
        reference.inline_array or reference.fixed_buffer
    ):
        return _element_of(reference.fields[0].type)
    return reference


# --- to text ------------------------------------------------------------------------------


def as_lines(struct: type[Struct], data: bytes) -> Iterator[str]:
    """Yield ``NAME = VALUE`` for each field, with the names that ``--set`` accepts."""
    return _lines(_shown(struct), data)


def _lines(part: _Part, data: bytes) -> Iterator[str]:
    if part.is_optional and not part.is_null(data):
        yield from _lines(part.value(), data)
    elif isinstance(part.conversion, NestedStruct):
        for _, _, field in part.fields():
            yield from _lines(field, data)
    elif not part.is_array:
        yield f"{part.name} = {_text(part, data)}"
    elif part.conversion.element.mutable:  # type: ignore[attr-defined]
        for element in part.elements():
            yield from _lines(element, data)
    else:
        yield f"{part.name} = {', '.join(_text(element, data) for element in part.elements())}"


def _text(part: _Part, data: bytes) -> str:
    raw = _bytes(part, data)
    try:
        value = part.conversion.decode(raw)
    except FormatError:
        return f"(not a value of its type: {raw.hex(' ')})"
    kind = _element_of(part.type)
    if isinstance(value, list):  # an array whose elements can't be read alone
        if not all(isinstance(item, str) for item in value):
            return ", ".join(map(str, value))
        value = "".join(value).rstrip("\0")
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum" and type(value) is int:
        names = [name for name, number in kind.members if number == value]
        return f"{names[0]} ({value})" if names else str(value)
    return text_of(value)


def as_json(struct: type[Struct], data: bytes) -> Any:
    """Return the fields as an object for JSON; null is a value that is not valid."""
    return _json(_shown(struct), data)


def _json(part: _Part, data: bytes) -> Any:
    if isinstance(part.conversion, NestedStruct):
        return {name: _json(field, data) for name, _, field in part.fields()}
    if part.is_array:
        return [_json(element, data) for element in part.elements()]
    if part.is_optional and not part.is_null(data):
        return _json(part.value(), data)
    try:
        return json_value(part.conversion.decode(_bytes(part, data)))
    except FormatError:
        return None


def _bytes(part: _Part, data: bytes | bytearray) -> bytes:
    return bytes(data[part.offset : part.offset + part.conversion.size])


# --- from text ----------------------------------------------------------------------------


def assign(struct: type[Struct], data: bytearray, text: str) -> None:
    """Carry out ``Field=value``, ``field.x=1``, ``field[2]=1`` or ``field=1,2,3`` in the bytes.

    Raises UsageError for text that is not understood, and StructValueError for a value that the
    field can't hold.
    """
    path, equals, value = text.partition("=")
    if not equals or not path.strip():
        raise UsageError(f"--set {text}: expected FIELD=VALUE")
    part = _find(_whole(struct), path.strip())
    try:
        _put(part, data, _from_json(part, value))
    except InvalidValue as invalid:
        invalid.path = part.name + invalid.path
        raise invalid.as_error() from None


def _find(part: _Part, path: str) -> _Part:
    at = 0
    while at < len(path):
        step = _STEP.match(path, at)
        if step is None:
            raise UsageError(f"--set {path}: expected names and indexes, as in arms[2].joint.x")
        at = step.end()
        part = (
            _field(part, step["name"])
            if step["index"] is None
            else _element(part, int(step["index"]))
        )
    return part


def _field(part: _Part, name: str) -> _Part:
    """Return the field with that name in .NET or in Python; the case matters only if it has to."""
    where = part.name or part.conversion.name  # the whole struct has no name as a part
    part = part.value()
    if not isinstance(part.conversion, NestedStruct):
        raise UsageError(f"--set: {where} is {part.conversion.name}, which has no field {name!r}")
    known = part.fields()
    exact = [field for *names, field in known if name in names]
    alike = [field for *names, field in known if name.lower() in map(str.lower, names)]
    found = exact or alike
    if len({field.name for field in found}) == 1:
        return found[0]
    names = [dotnet_name for dotnet_name, _, _ in known]
    hint = did_you_mean(name, names) or f"its fields: {', '.join(names)}"
    raise UsageError(f"--set: {where} has no field {name!r}; {hint}")


def _element(part: _Part, index: int) -> _Part:
    part = part.value()
    if not part.is_array:
        raise UsageError(f"--set: {part.name} is {part.conversion.name}; set it as a whole")
    elements = part.elements()
    if index >= len(elements):
        raise UsageError(f"--set: {part.name} has {len(elements)} elements, counted from 0")
    return elements[index]


def _from_json(part: _Part, text: str) -> Any:
    """Return the text of a value; for an array or a struct, what it is as JSON."""
    whole = text.strip()
    if part.is_optional and _is_null(whole):
        return None
    part = part.value()
    if part.is_json(whole):
        try:
            # Numbers stay text, so that a decimal or a large integer loses nothing.
            return json.loads(whole, parse_int=str, parse_float=str, parse_constant=str)
        except (ValueError, RecursionError) as error:
            raise UsageError(f"--set {part.name}: invalid JSON: {error}") from None
    if isinstance(part.conversion, NestedStruct):
        names = ", ".join(field.name for _, _, field in part.fields())
        raise UsageError(f"--set {part.name}: set its fields ({names}), or give a JSON object")
    if isinstance(part.conversion, ArrayValue):
        if isinstance(part.conversion.element.zero(), str):
            return list(text.ljust(part.conversion.count, "\0"))
        return [item.strip() for item in text.split(",")] if whole else []
    return text


def _put(part: _Part, data: bytearray, value: Any) -> None:
    if not _is_null(value):
        part = part.value()
    for outer in part.optional:
        _make_value(outer, data)
    conversion = part.conversion
    if isinstance(conversion, NestedStruct) and isinstance(value, dict):
        for name, item in value.items():
            _put(_field(part, name), data, item)
    elif part.is_array and isinstance(value, list):
        elements = part.elements()
        if len(value) != len(elements):
            raise UsageError(f"--set {part.name}: needs {len(elements)} values, not {len(value)}")
        for element, item in zip(elements, value, strict=True):
            _put(element, data, item)
    else:
        raw = conversion.encode(_value(part, value))
        data[part.offset : part.offset + len(raw)] = raw


def _make_value(part: _Part, data: bytearray) -> None:
    """Give a nullable that is null a value, which is zero."""
    nullable = part.conversion
    assert isinstance(nullable, NullableValue)
    if part.is_null(data):
        raw = bytearray(nullable.size)
        raw[: nullable.truth.size] = nullable.truth.encode(True)
        data[part.offset : part.offset + nullable.size] = raw


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value.lower() in ("null", "none"))


def _value(part: _Part, value: Any) -> Any:
    """Return the Python value of a part that is set as a whole."""
    conversion = part.conversion
    if isinstance(conversion, NullableValue):
        if _is_null(value):
            return None
        inner = _Part(part.name, part.offset, conversion.value, _element_of(part.type))
        return _value(inner, value)
    if isinstance(conversion, ArrayValue) and isinstance(value, list):
        element = _element_of(part.type)
        return [
            _value(_Part(f"{part.name}[{index}]", 0, conversion.element, element), item)
            for index, item in enumerate(value)
        ]
    zero = conversion.zero()
    if isinstance(value, bool) and not isinstance(zero, bool):
        value = str(value).lower()
    if isinstance(zero, bool) and not isinstance(value, (bool, str)):
        raise UsageError(f"--set {part.name}: {shown(value)} is not true or false")
    if not isinstance(value, str):
        return value  # the conversion accepts it, or says what it must be
    kind = part.type
    if isinstance(kind, TypeDeclaration) and kind.kind == "enum":
        return _member(part, kind, value)
    parse, example = _parser(zero)
    try:
        return parse(value)
    except (ValueError, ArithmeticError, KeyError):
        raise UsageError(f"--set {part.name}: {shown(value)} is not {example}") from None


def _member(part: _Part, enum: TypeDeclaration, text: str) -> int:
    """Return the number of a member, of several joined by "|", or of a number."""
    known = dict(enum.members)
    in_python: Any = PYTHON_TYPES.get(enum)
    if in_python is not None:
        known |= {name: int(member) for name, member in in_python.__members__.items()}
    folded = {name.lower(): number for name, number in known.items()}
    found = []
    for name in re.split(r"[|,]", text):
        word = name.strip()
        number = known.get(word, folded.get(word.lower()))
        if number is None:
            try:
                number = _integer(word)
            except ValueError:
                hint = did_you_mean(word, known) or f"its members: {', '.join(known)}"
                raise UsageError(
                    f"--set {part.name}: {enum.name} has no member {shown(word)}; {hint}"
                ) from None
        found.append(number)
    return reduce(or_, found)


def _parser(zero: object) -> tuple[Callable[[str], Any], str]:
    """Return what makes a value of the type of ``zero`` from text, and a description of it."""
    from datetime import date, datetime, time, timedelta
    from decimal import Decimal
    from uuid import UUID

    parsers: tuple[tuple[type, Callable[[str], Any], str], ...] = (
        (bool, _truth, "true or false"),
        (int, _integer, "a whole number"),
        (float, _real, "a number that a double can hold, or inf or nan"),
        (str, str, "text"),
        (bytes, bytes.fromhex, "hexadecimal bytes"),
        (Decimal, Decimal, "a number"),
        (UUID, UUID, "a GUID"),
        (datetime, _exact(datetime.fromisoformat), "a date and time such as 2026-12-31T23:59:59"),
        (date, date.fromisoformat, "a date such as 2026-12-31"),
        (time, _exact(time.fromisoformat), "a time such as 23:59:59"),
        (timedelta, _exact(_duration), "a duration such as 1.23:59:59.5"),
    )
    for kind, parse, description in parsers:
        if isinstance(zero, kind):
            exact = " (at most 6 digits of a second)" if kind in (datetime, time, timedelta) else ""
            return parse, description + exact
    return str, "text"


def _integer(text: str) -> int:
    """Return a decimal integer, or one that begins with 0x or 0b."""
    if len(text) > _LONGEST_INTEGER:
        raise ValueError(text)
    try:
        return int(text)
    except ValueError:
        return int(text, 0)


def _real(text: str) -> float:
    """Return a float. A number that is too large is an error, and not infinity."""
    number = float(text)
    if math.isinf(number) and "inf" not in text.lower():
        raise ValueError(text)
    return number


def _truth(text: str) -> bool:
    word = text.strip().lower()
    if word not in _TRUE + _FALSE:
        raise ValueError(text)
    return word in _TRUE


def _exact(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return ``parse`` without its rounding: Python's times have no parts of a microsecond."""

    def parsed(text: str) -> Any:
        if _BELOW_MICROSECONDS.search(text):
            raise ValueError(text)
        return parse(text)

    return parsed


def _duration(text: str) -> Any:
    from datetime import timedelta
    from decimal import Decimal

    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(text)
    days = timedelta(days=int(match["days"] or 0))
    rest = timedelta(
        hours=int(match["hours"]),
        minutes=int(match["minutes"]),
        microseconds=int(Decimal(match["seconds"] or 0) * 1_000_000),
    )
    if match["python"]:  # there, the sign is that of the days alone
        return rest - days if match["sign"] else rest + days
    return -(days + rest) if match["sign"] else days + rest
