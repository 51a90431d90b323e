"""The encoding of CharSet.Ansi: UTF-8 on Unix, and the code page of the process on Windows.

.NET's marshaller does what Windows' own functions do: a byte that the code page does not define is
the control character of that number, and a character that it lacks becomes a similar one or "?".
"""

from __future__ import annotations

import os
from typing import NamedTuple

from ...errors import EncodingError
from ...layout.declarations import TypeDeclaration
from ...layout.forms import Target

__all__ = ["Ansi", "ansi_of", "decode", "encode", "encode_as_dotnet"]

_UNDEFINED = "\x81\x8d\x8f\x90\x9d"  # the bytes that Python's cp1252 refuses


class Ansi(NamedTuple):
    """Python's name of the encoding, and [BestFitMapping]: what .NET does on Windows without it."""

    encoding: str
    best_fit: bool = True
    throws: bool = False


def ansi_of(target: Target, declaration: TypeDeclaration | None = None) -> Ansi:
    """Return the encoding of the fields of a type on ``target``.

    Another system can't ask Windows for its code page, and takes cp1252.
    """
    if not target.windows:
        return Ansi("utf-8")
    encoding = "mbcs" if os.name == "nt" else "cp1252"
    if declaration is None:
        return Ansi(encoding)
    return Ansi(encoding, declaration.best_fit, declaration.throw_on_unmappable)


def encode(text: str, encoding: str) -> bytes:
    """Return the bytes of ``text``. Raises UnicodeEncodeError."""
    if encoding != "cp1252" or not any(each in text for each in _UNDEFINED):
        return text.encode(encoding)
    parts = []
    for index, letter in enumerate(text):
        try:
            parts.append(letter.encode("latin-1" if letter in _UNDEFINED else encoding))
        except UnicodeEncodeError as error:
            raise UnicodeEncodeError(encoding, text, index, index + 1, error.reason) from None
    return b"".join(parts)


def encode_as_dotnet(text: str, ansi: Ansi) -> bytes:
    """Return the bytes that .NET writes, also for a character without a code.

    Raises UnicodeEncodeError where .NET throws an exception.
    """
    if ansi.encoding == "utf-8":
        # Python's own "replace" writes "?", and .NET U+FFFD.
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()
    try:
        return encode(text, ansi.encoding)
    except UnicodeEncodeError:
        return b"".join(_similar(text, index, ansi) for index in range(len(text)))


def _similar(text: str, index: int, ansi: Ansi) -> bytes:
    letter = text[index]
    try:
        return encode(letter, ansi.encoding)
    except UnicodeEncodeError as error:
        found = _best_fit(letter, ansi.encoding) if ansi.best_fit else b"?"
        if found == b"?" and ansi.throws:
            raise UnicodeEncodeError(ansi.encoding, text, index, index + 1, error.reason) from None
    return b"??" if letter > "\uffff" else found  # one for each of the two code units


def _best_fit(letter: str, encoding: str) -> bytes:
    if encoding == "mbcs":
        return letter.encode(encoding, "replace")
    from .best_fit import BEST_FIT

    return bytes((BEST_FIT.get(letter, 0x3F),))


def decode(raw: bytes, encoding: str, strict: bool) -> str:
    """Return the text of ``raw``. Raises EncodingError."""
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        if encoding == "cp1252":
            return "".join(
                each if (each := chr(byte)) in _UNDEFINED else bytes((byte,)).decode(encoding)
                for byte in raw
            )
        if not strict:
            return raw.decode(encoding, "replace")
        raise EncodingError(
            f"{raw!r} is not text in {encoding}: byte {raw[error.start]:#04x} at {error.start} "
            "(strict=False reads U+FFFD there, as .NET does)",
            offset=error.start,
            value=raw[error.start],
        ) from None
