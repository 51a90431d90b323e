"""Characters and text."""

from __future__ import annotations

from typing import Any

from ...errors import EncodingError
from ...layout.forms import Target, Text
from .base import Conversion, InvalidValue

__all__ = ["Char8", "Char16", "FixedText", "ansi"]


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
            raise InvalidValue(
                f"must be a str of one UTF-16 code unit, not {value!r}", value, "\uffff"
            )
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
            raise InvalidValue(f"must be a str of one character, not {value!r}", value)
        if self._exact:
            return _replaced(value, self.encoding)[:1]
        try:
            raw = value.encode(self.encoding)
        except UnicodeEncodeError:
            raw = b""
        if len(raw) != 1:
            raise InvalidValue(f"must be one byte in {self.encoding}, not {value!r}", value)
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
            raise InvalidValue(
                f"can't be stored in {self.encoding}: {whole[error.start]!r} at {error.start}",
                text,
                kind="encoding",
            ) from None

    def decoded(self, raw: bytes) -> str:
        """Several characters. Raises EncodingError."""
        return _decoded(raw, self.encoding, self._exact)


class FixedText(Conversion):
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
            raise InvalidValue(f"must be a str, not {value!r}", value)
        raw = self._as_dotnet_does(value) if self._exact else self._checked(value)
        return raw.ljust(self.size, b"\0")

    def _checked(self, value: str) -> bytes:
        if "\0" in value:
            raise InvalidValue("must have no NUL, which would end it", value, kind="embedded-nul")
        try:
            # A lone surrogate is a fine code unit in UTF-16, and nothing in any other encoding.
            raw = value.encode(self._encoding, "surrogatepass" if self.unit == 2 else "strict")
        except UnicodeEncodeError as error:
            raise InvalidValue(
                f"can't be stored in {self._encoding}: {value[error.start]!r} at {error.start}",
                value,
                kind="encoding",
            ) from None
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

    def _as_dotnet_does(self, value: str) -> bytes:
        # Its string is a run of UTF-16 code units; the first count - 1 of them are taken.
        units = value.encode("utf-16-le", "surrogatepass")[: 2 * (self.count - 1)]
        if self.unit == 2:
            return units
        raw = _replaced(units.decode("utf-16-le", "surrogatepass"), self._encoding)
        if len(raw) > self.count:
            raise InvalidValue(
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
