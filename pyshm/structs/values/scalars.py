"""Single values between their Python form and their bytes: text, decimals, dates, GUIDs, numbers.

A Conversion turns one field's value into its bytes and back. What .NET would cut or change
without a word is refused, unless the conversion is made ``exact``: then it does as .NET does.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct as Codec
from struct import error as CodecError
from typing import TYPE_CHECKING, Any

from ..._support.decimals import decimal_from_parts, parts_from_decimal
from ...errors import EncodingError, FormatError, PyshmError, StructValueError
from ...layout.forms import Scalar, Target, Text

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

__all__ = ["BadValue", "Conversion", "of_scalar", "of_text"]


class BadValue(Exception):
    """A value that its field can't hold. ``story`` goes on from the field's name.

    ``path`` and ``offset`` lead from the field to the part of it that is wrong.
    """

    def __init__(
        self, story: str, value: object, limit: object = None, kind: str = "out-of-range"
    ) -> None:
        super().__init__(story)
        self.story = story
        self.value = value
        self.limit = limit
        self.kind = kind
        self.path = ""
        self.offset = 0

    def inside(self, path: str, offset: int) -> BadValue:
        """The same, seen from one level further out."""
        self.path = path + self.path
        self.offset += offset
        return self

    def as_error(self) -> StructValueError:
        """Return the error that a caller sees."""
        name = self.path.lstrip(".")
        return StructValueError(
            f"{name} {self.story}",
            kind=self.kind,
            field=name,
            offset=self.offset,
            value=self.value,
            limit=self.limit,
        )


class Conversion:
    """One form's way between value and bytes; ``size`` is in bytes.

    ``code`` is a struct-module code if the struct module's own value needs at most ``wrap``
    around it when read and ``unwrap`` when written: the name of a function, or "" for none.
    ``mutable`` tells that a value can be changed in place; ``canonical`` that equal values have
    equal bytes, so that bytes can stand for the value that they were read as.
    """

    code: str | None = None
    mutable = False
    canonical = False

    def __init__(self, size: int, name: str) -> None:
        self.size = size
        self.name = name

    def zero(self) -> Any:
        """The value of memory that is all zeros."""
        return self.decode(bytes(self.size))

    def encode(self, value: Any) -> bytes:
        """Raises BadValue."""
        raise NotImplementedError

    def decode(self, raw: bytes) -> Any:
        """Raises what FormatError covers for bytes that mean nothing."""
        raise NotImplementedError


# --- numbers ------------------------------------------------------------------------------

_NAMES = {
    "b": "sbyte", "B": "byte", "h": "short", "H": "ushort", "i": "int", "I": "uint",
    "q": "long", "Q": "ulong", "e": "Half", "f": "float", "d": "double",
}  # fmt: skip


class Number(Conversion):
    """An integer or a float that the struct module knows."""

    canonical = True

    def __init__(self, code: str, name: str = "") -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, name or _NAMES[code])
        self.code = code
        self._pack = codec.pack
        self._unpack = codec.unpack

    @property
    def bounds(self) -> tuple[int, int] | None:
        """The smallest and largest integer; None for floats."""
        assert self.code is not None
        if self.code in "efd":
            return None
        bits = 8 * self.size
        if self.code.islower():
            return -(1 << bits - 1), (1 << bits - 1) - 1
        return 0, (1 << bits) - 1

    def encode(self, value: Any) -> bytes:
        try:
            return self._pack(value)
        except (CodecError, OverflowError, TypeError):
            raise _no_number(self.name, self.bounds, value) from None

    def decode(self, raw: bytes) -> Any:
        return self._unpack(raw)[0]


def _no_number(name: str, bounds: tuple[int, int] | None, value: object) -> BadValue:
    limit = None
    expected = f"{'an' if name[0] in 'iI' else 'a'} {name}"
    if bounds is not None:
        expected += f" ({bounds[0]} to {bounds[1]})"
        if isinstance(value, int):
            limit = bounds[0] if value < bounds[0] else bounds[1]
    return BadValue(f"must be {expected}, not {value!r}", value, limit)


class Wide(Conversion):
    """Int128 and UInt128."""

    canonical = True

    def __init__(self, signed: bool) -> None:
        super().__init__(16, "Int128" if signed else "UInt128")
        self._signed = signed

    def encode(self, value: Any) -> bytes:
        try:
            return int(value.__index__()).to_bytes(16, "little", signed=self._signed)
        except (OverflowError, AttributeError):
            low = -(1 << 127) if self._signed else 0
            high = (1 << 127 if self._signed else 1 << 128) - 1
            raise _no_number(self.name, (low, high), value) from None

    def decode(self, raw: bytes) -> int:
        return int.from_bytes(raw, "little", signed=self._signed)


class Truth(Conversion):
    """A bool: any bytes but zeros are True, True is stored as 1 or, in a VARIANT_BOOL, as -1."""

    def __init__(self, code: str) -> None:
        codec = Codec("<" + code)
        super().__init__(codec.size, "bool")
        self.code = code
        self.true = -1 if code == "h" else 1
        self._true = codec.pack(self.true)

    def encode(self, value: Any) -> bytes:
        return self._true if value else bytes(self.size)

    def decode(self, raw: bytes) -> bool:
        return any(raw)


class Member(Number):
    """An enum's number; one that the Python enum has no name for stays a number."""

    def __init__(self, code: str, enum: type) -> None:
        super().__init__(code)
        self._known: dict[int, Any] = getattr(enum, "_value2member_map_")  # noqa: B009 - typed
        self.make: Callable[[int], Any] = self._flags if hasattr(enum, "__or__") else self._get
        self._enum = enum

    def _get(self, number: int) -> Any:
        return self._known.get(number, number)

    def _flags(self, number: int) -> Any:
        try:
            return self._enum(number)
        except ValueError:  # bits that a strict IntFlag does not know
            return number

    def decode(self, raw: bytes) -> Any:
        return self.make(self._unpack(raw)[0])


# --- characters ---------------------------------------------------------------------------


def ansi(target: Target) -> str:
    """Python's name for what CharSet.Ansi means on ``target``.

    UTF-8 on Unix. On Windows it is the process's code page; from elsewhere, where that can't be
    asked for, cp1252.
    """
    if not target.windows:
        return "utf-8"
    import os

    return "mbcs" if os.name == "nt" else "cp1252"


class Char16(Conversion):
    """One UTF-16 code unit."""

    code = "H"
    canonical = True

    def __init__(self) -> None:
        super().__init__(2, "char")

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) != 1 or ord(value) > 0xFFFF:
            raise BadValue(f"must be a str of one UTF-16 code unit, not {value!r}", value, "\uffff")
        return ord(value).to_bytes(2, "little")

    def decode(self, raw: bytes) -> str:
        return chr(raw[0] | raw[1] << 8)


class Char8(Conversion):
    """One character of one byte in the ANSI code page."""

    def __init__(self, target: Target, exact: bool) -> None:
        super().__init__(1, "char")
        self.encoding = ansi(target)
        self._exact = exact

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) != 1:
            raise BadValue(f"must be a str of one character, not {value!r}", value)
        if self._exact:
            return _replaced(value, self.encoding)[:1]
        try:
            raw = value.encode(self.encoding)
        except UnicodeEncodeError:
            raw = b""
        if len(raw) != 1:
            raise BadValue(f"must be one byte in {self.encoding}, not {value!r}", value)
        return raw

    def decode(self, raw: bytes) -> str:
        return self.decoded(raw)[0]

    def encoded(self, text: str) -> bytes:
        """Several characters; raises BadValue for what the code page lacks."""
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if self._exact:
            return _replaced(whole, self.encoding)
        try:
            return whole.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise BadValue(
                f"can't be stored in {self.encoding}: {whole[error.start]!r} at {error.start}",
                text,
                kind="encoding",
            ) from None

    def decoded(self, raw: bytes) -> str:
        """Several characters. Raises EncodingError."""
        return _decoded(raw, self.encoding, self._exact)


class Characters(Conversion):
    """ByValTStr: text in place, closed by a NUL and filled up with them."""

    def __init__(self, form: Text, target: Target, exact: bool) -> None:
        super().__init__(form.size, "text")
        self.count = form.count
        self.unit = form.unit
        self._exact = exact
        self._encoding = "utf-16-le" if form.unit == 2 else ansi(target)

    def encode(self, value: Any) -> bytes:
        if value is None and self._exact:
            return bytes(self.size)
        if not isinstance(value, str):
            raise BadValue(f"must be a str, not {value!r}", value)
        raw = self._as_dotnet_does(value) if self._exact else self._checked(value)
        return raw.ljust(self.size, b"\0")

    def _checked(self, value: str) -> bytes:
        if "\0" in value:
            raise BadValue("must have no NUL, which would end it", value, kind="embedded-nul")
        try:
            # A lone surrogate is a fine code unit in UTF-16, and nothing in any other encoding.
            raw = value.encode(self._encoding, "surrogatepass" if self.unit == 2 else "strict")
        except UnicodeEncodeError as error:
            raise BadValue(
                f"can't be stored in {self._encoding}: {value[error.start]!r} at {error.start}",
                value,
                kind="encoding",
            ) from None
        limit = self.count - 1
        if len(raw) // self.unit > limit:
            units = "bytes" if self.unit == 1 else "UTF-16 code units"
            raise BadValue(
                f"has room for {limit} {units} and a NUL, not for {len(raw) // self.unit}",
                value,
                limit,
                kind="too-long",
            )
        return raw

    def _as_dotnet_does(self, value: str) -> bytes:
        # Its string is a run of UTF-16 code units; the first count - 1 of them are taken.
        units = value.encode("utf-16-le", "surrogatepass")[: 2 * (self.count - 1)]
        if self.unit == 2:
            return units
        raw = _replaced(units.decode("utf-16-le", "surrogatepass"), self._encoding)
        if len(raw) > self.count:
            raise BadValue(
                f"takes {len(raw)} bytes in {self._encoding}, of {self.count}",
                value,
                self.count,
                kind="too-long",
            )
        return raw[: self.count - 1]

    def decode(self, raw: bytes) -> str:
        if self.unit == 1:
            return _decoded(raw.partition(b"\0")[0], self._encoding, self._exact)
        return raw.decode("utf-16-le", "surrogatepass").partition("\0")[0]


def _replaced(text: str, encoding: str) -> bytes:
    """``text`` as .NET encodes it: U+FFFD or a question mark for what there is no code for."""
    if encoding == "utf-8":
        # Python's own "replace" writes "?".
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()
    return text.encode(encoding, "replace")


def _decoded(raw: bytes, encoding: str, exact: bool) -> str:
    try:
        return raw.decode(encoding, "replace" if exact else "strict")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"{raw!r} is no text in {encoding}: byte {raw[error.start]:#04x} at {error.start} "
            "(exact=True reads U+FFFD there, as .NET does)",
            offset=error.start,
            value=raw[error.start],
        ) from None


# --- decimals -----------------------------------------------------------------------------

_DECIMAL = Codec("<IIQ")
_CURRENCY = Codec("<q")


class Decimals(Conversion):
    """System.Decimal, flags first: 96 bits and up to 28 decimal places."""

    def __init__(self) -> None:
        super().__init__(16, "decimal")

    def encode(self, value: Any) -> bytes:
        low, middle, high, flags = _meant(lambda: parts_from_decimal(value), value)
        return _DECIMAL.pack(flags, high, low | middle << 32)

    def decode(self, raw: bytes) -> Decimal:
        flags, high, low64 = _DECIMAL.unpack(raw)
        return decimal_from_parts(low64 & 0xFFFFFFFF, low64 >> 32, high, flags)


class Currency(Conversion):
    """CURRENCY: an int64 of ten-thousandths."""

    def __init__(self, exact: bool) -> None:
        super().__init__(8, "Currency")
        self._exact = exact

    def encode(self, value: Any) -> bytes:
        from decimal import Context, Decimal

        if not isinstance(value, Decimal) or not value.is_finite():
            raise BadValue(f"must be a finite Decimal, not {value!r}", value)
        scaled = rounded = value.scaleb(4, Context(prec=200))
        if scaled.adjusted() < 99:
            rounded = scaled.quantize(Decimal(1), "ROUND_HALF_EVEN", Context(prec=200))
        if rounded != scaled and not self._exact:
            raise BadValue(f"must have at most four decimal places, not {value}", value)
        try:
            return _CURRENCY.pack(int(rounded))
        except CodecError:
            limit = "922337203685477.5807"
            raise BadValue(
                f"must be at most {limit} either way, not {value}", value, limit
            ) from None

    def decode(self, raw: bytes) -> Decimal:
        from decimal import Decimal

        units = _CURRENCY.unpack(raw)[0]
        places = 4
        # .NET drops zeros at the end of all but zero itself.
        while places and units and units % 10 == 0:
            units //= 10
            places -= 1
        return Decimal(units).scaleb(-places)


def _meant(make: Callable[[], Any], value: object) -> Any:
    """What ``make`` gives; its refusal as a BadValue."""
    try:
        return make()
    except PyshmError as error:
        raise BadValue(f"can't be stored: {error.message}", value, error.limit) from None


# --- dates --------------------------------------------------------------------------------

_DOUBLE = Codec("<d")
_ULONG = Codec("<Q")
_TICKS_A_DAY = 864_000_000_000
_MILLIS_A_DAY = 86_400_000
_TO_1899 = 693_593  # days from 0001-01-01 to 1899-12-30
_MAX_MILLIS = 3_652_059 * _MILLIS_A_DAY
_FIRST = (36_524 - 365) * _TICKS_A_DAY  # 0100-01-01
_KIND = 62  # the bits of a DateTime above its ticks


def _ticks(value: datetime) -> int:
    """100 ns since 0001-01-01 as the clock shows them."""
    seconds = value.hour * 3600 + value.minute * 60 + value.second
    days = value.toordinal() - 1
    return days * _TICKS_A_DAY + seconds * 10_000_000 + value.microsecond * 10


def _from_ticks(ticks: int) -> datetime:
    from datetime import datetime, timedelta

    return datetime(1, 1, 1) + timedelta(microseconds=ticks // 10)  # noqa: DTZ001 - a naive one is meant


def _check_datetime(value: Any) -> None:
    from datetime import datetime

    if not isinstance(value, datetime):
        raise BadValue(f"must be a datetime, not {value!r}", value)


class OleDate(Conversion):
    """DateTime as it is marshalled: days since 1899-12-30 in a double, whole milliseconds.

    .NET's DateTime.ToOADate and FromOADate, step by step. The smallest datetime stands for
    "none" and is stored as 0.
    https://learn.microsoft.com/dotnet/api/system.datetime.tooadate
    """

    def __init__(self, exact: bool) -> None:
        super().__init__(8, "DateTime")
        self._exact = exact

    def zero(self) -> datetime:
        """.NET's default(DateTime), which is stored as zeros."""
        from datetime import datetime

        return datetime(1, 1, 1)  # noqa: DTZ001 - a naive one is meant

    def encode(self, value: Any) -> bytes:
        _check_datetime(value)
        if not self._exact:
            if value.tzinfo is not None:
                raise BadValue(f"must be naive: it is stored without a time zone; {value}", value)
            if value.microsecond % 1000:
                raise BadValue(f"must be whole milliseconds, not {value}", value)
        ticks = _ticks(value)
        if ticks == 0:
            return bytes(8)
        if ticks < _TICKS_A_DAY and self._exact:
            ticks += _TO_1899 * _TICKS_A_DAY  # a time alone is one of 1899-12-30
        if ticks < _FIRST:
            raise BadValue(f"must not be before the year 100, but is {value}", value, "0100-01-01")
        # C#'s division rounds towards zero.
        millis = abs(ticks - _TO_1899 * _TICKS_A_DAY) // 10_000
        if ticks < _TO_1899 * _TICKS_A_DAY:
            within = millis % _MILLIS_A_DAY
            millis = -millis
            if within:
                # Before 1899-12-30 the days count down, and the time of day still up.
                millis -= (_MILLIS_A_DAY - within) * 2
        return _DOUBLE.pack(millis / _MILLIS_A_DAY)

    def decode(self, raw: bytes) -> datetime:
        days = _DOUBLE.unpack(raw)[0]
        if not -657_435.0 < days < 2_958_466.0:
            raise _no_date(f"{days} is no OLE automation date")
        millis = int(days * _MILLIS_A_DAY + (0.5 if days >= 0 else -0.5))
        if millis < 0:
            millis += (-millis % _MILLIS_A_DAY) * 2
        millis += _TO_1899 * _MILLIS_A_DAY
        if not 0 <= millis < _MAX_MILLIS:
            raise _no_date(f"{days} is no OLE automation date")
        return _from_ticks(millis * 10_000)


class Ticks(Conversion):
    """DateTime in .NET's own memory: 62 bits of ticks, two of kind.

    Kind Unspecified is a naive datetime, Utc one in UTC, Local one in the zone of
    local_zone.LOCAL. A tick is 100 ns: the last digit is not in the datetime, but stays in the
    memory as long as the field is not assigned to.
    """

    def __init__(self) -> None:
        super().__init__(8, "DateTime")

    def encode(self, value: Any) -> bytes:
        _check_datetime(value)
        kind = 0
        if value.tzinfo is not None:
            from datetime import UTC

            from .local_zone import LOCAL

            if value.tzinfo is LOCAL:
                kind = 3 if LOCAL.is_ambiguous(value) and not value.fold else 2
            else:
                value = value.astimezone(UTC)
                kind = 1
        return _ULONG.pack(_ticks(value) | kind << _KIND)

    def decode(self, raw: bytes) -> datetime:
        number = _ULONG.unpack(raw)[0]
        kind, ticks = number >> _KIND, number & (1 << _KIND) - 1
        if ticks >= _MAX_MILLIS * 10_000:
            raise _no_date(f"{ticks} ticks are behind the year 9999")
        value = _from_ticks(ticks)
        if kind == 0:
            return value
        from datetime import UTC

        from .local_zone import LOCAL

        if kind == 1:
            return value.replace(tzinfo=UTC)
        # 3 is the earlier one, in summer time, of two times that the clock shows alike.
        return value.replace(tzinfo=LOCAL, fold=int(kind == 2 and LOCAL.is_ambiguous(value)))


def _no_date(story: str) -> FormatError:
    return FormatError(story, kind="no-date")


# --- the rest -----------------------------------------------------------------------------


class Guid(Conversion):
    """A uuid.UUID, its first three parts little-endian."""

    canonical = True

    def __init__(self) -> None:
        super().__init__(16, "Guid")

    def encode(self, value: Any) -> bytes:
        from uuid import UUID

        if not isinstance(value, UUID):
            raise BadValue(f"must be a UUID, not {value!r}", value)
        return value.bytes_le

    def decode(self, raw: bytes) -> Any:
        from uuid import UUID

        return UUID(bytes_le=raw)


class Opaque(Conversion):
    """Bytes that have no Python form: COM's VARIANT."""

    canonical = True

    def __init__(self, size: int) -> None:
        super().__init__(size, f"VARIANT of {size} bytes")
        self.code = f"{size}s"

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, bytes) or len(value) != self.size:
            raise BadValue(f"must be {self.size} bytes, not {value!r}", value, self.size)
        return value

    def decode(self, raw: bytes) -> bytes:
        return raw


def of_text(form: Text, target: Target, exact: bool) -> Conversion:
    """The conversion of a ByValTStr."""
    return Characters(form, target, exact)


def of_scalar(form: Scalar, enum: type | None, target: Target, exact: bool) -> Conversion:
    """The conversion of one value; ``enum`` is the Python enum that it is a member of."""
    kind = form.kind
    if kind in ("int", "float", "address"):
        assert form.code is not None
        if enum is not None:
            return Member(form.code, enum)
        return Number(form.code, "address" if kind == "address" else "")
    if kind == "bool":
        assert form.code is not None
        return Truth(form.code)
    if kind in ("int128", "uint128"):
        return Wide(kind == "int128")
    if kind == "char8":
        return Char8(target, exact)
    if kind == "currency":
        return Currency(exact)
    if kind == "date":
        return OleDate(exact)
    if kind == "variant":
        return Opaque(form.size)
    return {"char16": Char16, "decimal": Decimals, "datetime": Ticks, "guid": Guid}[kind]()
