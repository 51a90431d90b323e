"""The encoding of CharSet.Ansi: UTF-8 on Unix, and the code page of the process on Windows.

.NET's marshaller does what Windows' own functions do: a byte that the code page does not define is
the control character of that number, and a character that it lacks becomes a similar one or "?".
"""

from __future__ import annotations

import os

from ...errors import EncodingError
from ...layout.forms import Target

__all__ = ["ansi_encoding", "decode", "encode", "encode_as_dotnet"]

_UNDEFINED = "\x81\x8d\x8f\x90\x9d"  # the bytes that Python's cp1252 refuses


def ansi_encoding(target: Target) -> str:
    """Return Python's name of the encoding on ``target``.

    Another system can't ask Windows for its code page, and takes cp1252.
    """
    if not target.windows:
        return "utf-8"
    return "mbcs" if os.name == "nt" else "cp1252"


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


def encode_as_dotnet(text: str, encoding: str) -> bytes:
    """Return the bytes that .NET writes, also for a character without a code."""
    if encoding == "utf-8":
        # Python's own "replace" writes "?", and .NET U+FFFD.
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        return whole.encode()
    try:
        return encode(text, encoding)
    except UnicodeEncodeError:
        return b"".join(_similar(letter, encoding) for letter in text)


def _similar(letter: str, encoding: str) -> bytes:
    try:
        return encode(letter, encoding)
    except UnicodeEncodeError:
        pass
    if letter > "\uffff":
        return b"??"  # one for each of its two code units
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
