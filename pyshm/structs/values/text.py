"""Characters, and text in the struct itself."""

from __future__ import annotations

from typing import Any

from ..._support.shown import shown
from ...layout.forms import Text
from .ansi import Ansi, decode, encode, encode_as_dotnet
from .base import Conversion, InvalidValue, wrong_type

__all__ = ["Char8", "Char16", "FixedText"]


class Char16(Conversion):
    """One UTF-16 code unit."""

    code = "H"
    canonical = True

    def __init__(self) -> None:
        super().__init__(2, "char")

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) != 1 or ord(value) > 0xFFFF:
            raise InvalidValue(
                f"must be a str of one UTF-16 code unit, not {shown(value)}", value, "\uffff"
            )
        return ord(value).to_bytes(2, "little")

    def decode(self, raw: bytes) -> str:
        return chr(raw[0] | raw[1] << 8)


class Char8(Conversion):
    """One character of one byte, in the ANSI encoding."""

    def __init__(self, ansi: Ansi, strict: bool) -> None:
        super().__init__(1, "char")
        self.encoding = ansi.encoding
        self._ansi = ansi
        self._strict = strict

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) != 1:
            raise InvalidValue(f"must be a str of one character, not {shown(value)}", value)
        if not self._strict:
            return _encode_as_dotnet(value, self._ansi)[:1]
        try:
            raw = encode(value, self.encoding)
        except UnicodeEncodeError:
            raw = b""
        if len(raw) != 1:
            raise InvalidValue(f"must be one byte in {self.encoding}, not {shown(value)}", value)
        return raw

    def decode(self, raw: bytes) -> str:
        if not self._strict:  # .NET reads one byte as UTF-8, also where it writes a code page
            return chr(raw[0]) if raw[0] < 0x80 else "\ufffd"
        return self.decode_text(raw)[0]

    def encode_text(self, text: str) -> bytes:
        """Return the bytes of several characters. Raises InvalidValue."""
        # Two elements that are a surrogate pair are one character to .NET.
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if not self._strict:
            return _encode_as_dotnet(whole, self._ansi)
        try:
            return encode(whole, self.encoding)
        except UnicodeEncodeError as error:
            raise _no_code(error, self.encoding) from None

    def decode_text(self, raw: bytes) -> str:
        """Return the text of several bytes. Raises EncodingError."""
        return decode(raw, self.encoding, self._strict)


class _FullText(str):
    """Text that fills its field, without a NUL; .NET reads it, but writes no such text.

    A program that stores it in such a field stores the same bytes. ``kept`` has the encoding and
    size of the field that it was read from, and its bytes.
    """

    __slots__ = ("kept",)

    kept: tuple[tuple[str, int], bytes]


class FixedText(Conversion):
    """ByValTStr: text in the struct itself, followed by at least one NUL."""

    def __init__(self, form: Text, ansi: Ansi, strict: bool) -> None:
        super().__init__(form.size, "text")
        self.count = form.count
        self.unit = form.unit
        self._strict = strict
        self._ansi = ansi
        self._encoding = "utf-16-le" if form.unit == 2 else ansi.encoding
        self._key = self._encoding, form.size

    def encode(self, value: Any) -> bytes:
        if value is None and not self._strict:
            return bytes(self.size)
        if not isinstance(value, str):
            raise wrong_type(str, value)
        raw = self._checked(value) if self._strict else self._cut(value)
        return raw.ljust(self.size, b"\0")

    def _checked(self, value: str) -> bytes:
        if isinstance(value, _FullText) and value.kept[0] == self._key:
            return value.kept[1]
        if "\0" in value:
            raise InvalidValue(
                "must not have a NUL, which would end the text", value, kind="embedded-nul"
            )
        try:
            if self.unit == 1:
                raw = encode(value, self._encoding)
            else:  # where a lone surrogate is a code unit like any other
                raw = value.encode(self._encoding, "surrogatepass")
        except UnicodeEncodeError as error:
            raise _no_code(error, self._encoding) from None
        limit = self.count - 1
        if len(raw) // self.unit > limit:
            units = "bytes" if self.unit == 1 else "UTF-16 code units"
            raise InvalidValue(
                f"has room for {limit} {units} and a NUL, not for {len(raw) // self.unit}",
                value,
                limit,
                kind="too-long",
            )
        return raw

    def _cut(self, value: str) -> bytes:
        # .NET takes the first count - 1 UTF-16 code units of the string.
        units = value.encode("utf-16-le", "surrogatepass")[: 2 * (self.count - 1)]
        if self.unit == 2:
            return units
        raw = _encode_as_dotnet(units.decode("utf-16-le", "surrogatepass"), self._ansi)
        if len(raw) > self.count:
            raise InvalidValue(
                f"takes {len(raw)} bytes in {self._encoding}, but the field has {self.count}",
                value,
                self.count,
                kind="too-long",
            )
        return raw[: self.count - 1]

    def decode(self, raw: bytes) -> str:
        if self.unit == 1:
            letters, end, _ = raw.partition(b"\0")
            text = decode(letters, self._encoding, self._strict)
            is_full = not end
        else:
            units = raw.decode("utf-16-le", "surrogatepass")
            text = units.partition("\0")[0]
            is_full = len(text) == len(units)
        if not is_full or not self._strict:
            return text
        full = _FullText(text)
        full.kept = (self._key, raw)
        return full


def _no_code(error: UnicodeEncodeError, encoding: str) -> InvalidValue:
    """Return the error for a character that the encoding does not have."""
    text, position = error.object, error.start
    if encoding == "mbcs":  # Windows does not report the position
        position = next((at for at in range(len(text)) if not _has_code(text[at], encoding)), 0)
    return InvalidValue(
        f"can't be stored in {encoding}: {text[position]!r} at {position}",
        text,
        kind="encoding",
    )


def _has_code(character: str, encoding: str) -> bool:
    try:
        encode(character, encoding)
    except UnicodeEncodeError:
        return False
    return True


def _encode_as_dotnet(text: str, ansi: Ansi) -> bytes:
    try:
        return encode_as_dotnet(text, ansi)
    except UnicodeEncodeError as error:
        raise _no_code(error, ansi.encoding) from None
