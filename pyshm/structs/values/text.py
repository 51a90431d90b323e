"""Characters, and text in the struct itself."""

from __future__ import annotations

from typing import Any

from ...errors import EncodingError
from ...layout.forms import Target, Text
from .base import Conversion, InvalidValue

__all__ = ["Char8", "Char16", "FixedText"]


def _ansi_encoding(target: Target) -> str:
    """Return Python's name of the encoding that CharSet.Ansi means on ``target``.

    It is UTF-8 on Unix. On Windows it is the code page of the process, which another system can't
    ask for and takes for cp1252.
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
            raise InvalidValue(
                f"must be a str of one UTF-16 code unit, not {value!r}", value, "\uffff"
            )
        return ord(value).to_bytes(2, "little")

    def decode(self, raw: bytes) -> str:
        return chr(raw[0] | raw[1] << 8)


class Char8(Conversion):
    """One character of one byte, in the ANSI encoding."""

    def __init__(self, target: Target, strict: bool) -> None:
        super().__init__(1, "char")
        self.encoding = _ansi_encoding(target)
        self._strict = strict

    def encode(self, value: Any) -> bytes:
        if not isinstance(value, str) or len(value) != 1:
            raise InvalidValue(f"must be a str of one character, not {value!r}", value)
        if not self._strict:
            return _encode_as_dotnet(value, self.encoding)[:1]
        try:
            raw = value.encode(self.encoding)
        except UnicodeEncodeError:
            raw = b""
        if len(raw) != 1:
            raise InvalidValue(f"must be one byte in {self.encoding}, not {value!r}", value)
        return raw

    def decode(self, raw: bytes) -> str:
        return self.decode_text(raw)[0]

    def encode_text(self, text: str) -> bytes:
        """Return the bytes of several characters. Raises InvalidValue."""
        # Two elements that are a surrogate pair are one character to .NET.
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if not self._strict:
            return _encode_as_dotnet(whole, self.encoding)
        try:
            return whole.encode(self.encoding)
        except UnicodeEncodeError as error:
            raise _no_code(error, self.encoding) from None

    def decode_text(self, raw: bytes) -> str:
        """Return the text of several bytes. Raises EncodingError."""
        return _decode(raw, self.encoding, self._strict)


class FixedText(Conversion):
    """ByValTStr: text in the struct itself, followed by at least one NUL."""

    def __init__(self, form: Text, target: Target, strict: bool) -> None:
        super().__init__(form.size, "text")
        self.count = form.count
        self.unit = form.unit
        self._strict = strict
        self._encoding = "utf-16-le" if form.unit == 2 else _ansi_encoding(target)
        # In UTF-16 a lone surrogate is a code unit like any other; no other encoding has it.
        self._errors = "surrogatepass" if form.unit == 2 else "strict"

    def encode(self, value: Any) -> bytes:
        if value is None and not self._strict:
            return bytes(self.size)
        if not isinstance(value, str):
            raise InvalidValue(f"must be a str, not {value!r}", value)
        raw = self._checked(value) if self._strict else self._cut(value)
        return raw.ljust(self.size, b"\0")

    def _checked(self, value: str) -> bytes:
        if "\0" in value:
            raise InvalidValue(
                "must not have a NUL, which would end the text", value, kind="embedded-nul"
            )
        try:
            raw = value.encode(self._encoding, self._errors)
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
        raw = _encode_as_dotnet(units.decode("utf-16-le", "surrogatepass"), self._encoding)
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
            return _decode(raw.partition(b"\0")[0], self._encoding, self._strict)
        return raw.decode("utf-16-le", "surrogatepass").partition("\0")[0]


def _no_code(error: UnicodeEncodeError, encoding: str) -> InvalidValue:
    """Return the error for a character that the encoding does not have."""
    character = error.object[error.start]
    return InvalidValue(
        f"can't be stored in {encoding}: {character!r} at {error.start}",
        error.object,
        kind="encoding",
    )


def _encode_as_dotnet(text: str, encoding: str) -> bytes:
    """Return the bytes that .NET writes: U+FFFD or "?" for a character without a code."""
    if encoding == "utf-8":
        # Python's own "replace" writes "?".
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()
    return text.encode(encoding, "replace")


def _decode(raw: bytes, encoding: str, strict: bool) -> str:
    try:
        return raw.decode(encoding, "strict" if strict else "replace")
    except UnicodeDecodeError as error:
        raise EncodingError(
            f"{raw!r} is not text in {encoding}: byte {raw[error.start]:#04x} at {error.start} "
            "(strict=False reads U+FFFD there, as .NET does)",
            offset=error.start,
            value=raw[error.start],
        ) from None
