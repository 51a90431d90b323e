"""The texts of the windows: sentences for errors, sizes and times."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypeVar

from .._support import text as _text
from ..errors import ArgumentError, DoesNotFitError, FormatError, PyshmError, StructValueError

__all__ = ["explain", "in_bytes", "in_time", "printable", "whole_number", "with_context"]

_F = TypeVar("_F", bound=FormatError)

_LONGEST = 400  # characters of a text that is shown; a path in a map can have millions

# What to do about an error, by its kind, if that is the same for both programs.
_ADVICE = {
    "argument": "Choose another map name.",
    "platform-not-supported": "Set the environment variable PYSHM_DIRECTORY to a folder for maps.",
    "unauthorized": "Choose another map name, or run both programs as the same user.",
}


def explain(error: BaseException, advice: Mapping[str, str]) -> str:
    """Return sentences that say what is wrong and what to do; ``advice`` is by the error's kind."""
    if isinstance(error, PyshmError):
        return " ".join(filter(None, [_sentence(_message(error)), _advice(error, advice)]))
    if isinstance(error, OSError):
        return _sentence(_of_file(error))
    if isinstance(error, MemoryError):
        return "There is not enough memory. Close other programs, or choose a smaller file."
    return _sentence(f"unexpected error: {type(error).__name__}: {error}")


def in_bytes(count: int) -> str:
    """Return a size as text, for example ``1,234 bytes``."""
    return f"{count:,} byte{'' if count == 1 else 's'}"


def in_time(seconds: float) -> str:
    """Return a time as text, for example ``1.23 ms`` or ``4.56 s``."""
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.2f} ms"


def printable(text: str) -> str:
    """Return ``text`` on one line and shortened; it can come from another program's memory."""
    if len(text) > _LONGEST:
        text = f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}"
    return _text.printable(text, "\ufffd")


def with_context(error: _F, context: str) -> _F:
    """Return a copy of ``error`` whose message begins with ``context``."""
    return type(error)(
        f"{context}: {error}",
        kind=error.kind,
        field=error.field,
        offset=error.offset,
        value=error.value,
        limit=error.limit,
    )


def whole_number(field: str, text: str) -> int:
    """Return the typed number. Raises ArgumentError, which names the field."""
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(
            f"{field} must be a whole number, not “{printable(text)}”",
            kind="not-a-number",
            field=field,
            value=text,
        ) from None


def _message(error: PyshmError) -> str:
    if isinstance(error, StructValueError) and isinstance(error.value, int):
        low, high = -(2**31), 2**31 - 1
        return f"{error.field} must be a whole number from {low:,} to {high:,}, not {error.value:,}"
    return error.message


def _advice(error: PyshmError, advice: Mapping[str, str]) -> str:
    if isinstance(error, DoesNotFitError) and isinstance(error.value, int):
        return f"Set the capacity to {error.value} or more, or choose a smaller picture."
    if error.kind == "io" and error.field == "capacity":
        return "Set a smaller capacity."
    return {**_ADVICE, **advice}.get(error.kind, "")


def _of_file(error: OSError) -> str:
    name = "the file" if error.filename is None else f"“{os.fsdecode(error.filename)}”"
    if isinstance(error, FileNotFoundError):
        return f"there is no file {name}"
    if isinstance(error, IsADirectoryError):
        return f"{name} is a folder; choose a picture in it"
    if isinstance(error, PermissionError):
        return f"{name} can't be read: you don't have permission"
    return f"{name} can't be read: {error.strerror or error}"


def _sentence(text: str) -> str:
    text = printable(text).strip()
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?")) else f"{text}."
