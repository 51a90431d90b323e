"""Every error that pyshm raises.

One root, :class:`PyshmError`; each leaf is also the built-in error that a Python programmer
would catch, and names the .NET exception that it stands for. ``kind`` is the word that both
languages use for it (docs/protocol.md, docs/format.md); ``field``, ``offset``, ``value`` and
``limit`` say what was wrong where, as far as that applies.
"""

from __future__ import annotations

import errno
import io
from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentNullError",
    "ArgumentOutOfRangeError",
    "AssemblyError",
    "ClosedError",
    "DoesNotFitError",
    "EncodingError",
    "FormatError",
    "LayoutError",
    "LengthError",
    "MapAccessError",
    "MapExistsError",
    "MapIOError",
    "MapNotFoundError",
    "NameRuleError",
    "PictureError",
    "PlatformError",
    "PyshmError",
    "StructValueError",
    "TruncatedError",
    "UnsupportedError",
]


class PyshmError(Exception):
    """The root of all errors of this package."""

    kind: str = "error"

    def __init__(
        self,
        message: str,
        *,
        kind: str | None = None,
        field: str | None = None,
        offset: int | None = None,
        value: object = None,
        limit: object = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        if kind is not None:
            self.kind = kind
        self.field = field
        self.offset = offset
        self.value = value
        self.limit = limit

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are copied and pickled by calling their class with ``args`` alone.
        return _made_again, (type(self), self.message, self.__dict__)


def _made_again(kind: type[PyshmError], message: str, state: dict[str, Any]) -> PyshmError:
    error = kind(message)
    error.__dict__.update(state)
    for name in ("errno", "filename", "winerror"):
        if f"_{name}" in state:
            setattr(error, name, state[f"_{name}"])
    return error


class _SystemError(PyshmError, OSError):
    """Gives an OSError leaf its errno (``default_errno`` where the system named none)."""

    default_errno: int = errno.EIO

    def __init__(
        self,
        message: str,
        *,
        errno: int | None = None,
        winerror: int | None = None,
        filename: str | None = None,
        kind: str | None = None,
        field: str | None = None,
        offset: int | None = None,
        value: object = None,
        limit: object = None,
    ) -> None:
        super().__init__(message, kind=kind, field=field, offset=offset, value=value, limit=limit)
        # OSError fills these from two positional arguments only, which would also let it
        # choose the class.
        self.errno = self.default_errno if errno is None else errno
        self.strerror = message
        self.filename = filename
        # OSError keeps these outside of __dict__, which is what copies are made from.
        self._errno, self._filename = self.errno, filename
        if winerror is not None:
            self.winerror = self._winerror = winerror


class ArgumentError(PyshmError, ValueError):
    """An argument that can't be meant. .NET: ArgumentException."""

    kind = "argument"


class ArgumentOutOfRangeError(ArgumentError):
    """A number or enum value outside its range. .NET: ArgumentOutOfRangeException."""

    kind = "argument-out-of-range"


class ArgumentNullError(PyshmError, TypeError):
    """None where a value is needed. .NET: ArgumentNullException."""

    kind = "argument-null"


class NameRuleError(ArgumentError):
    """A map name that breaks a rule of docs/named-maps.md; ``limit`` is the rule."""


class ClosedError(PyshmError, ValueError):
    """Use after close. .NET: ObjectDisposedException."""

    kind = "disposed"


class UnsupportedError(PyshmError, io.UnsupportedOperation):
    """An operation that this object does not offer. .NET: NotSupportedException."""

    kind = "not-supported"


class PlatformError(PyshmError, NotImplementedError):
    """What this system does not have. .NET: PlatformNotSupportedException."""

    kind = "platform-not-supported"


class MapExistsError(_SystemError, FileExistsError):
    """``create_new`` of a name in use. .NET: IOException (ERROR_ALREADY_EXISTS)."""

    kind = "already-exists"
    default_errno = errno.EEXIST


class MapNotFoundError(_SystemError, FileNotFoundError):
    """No map (or file) of that name. .NET: FileNotFoundException."""

    kind = "not-found"
    default_errno = errno.ENOENT


class MapAccessError(_SystemError, PermissionError):
    """Access that the system or the map's own access refuses. .NET: UnauthorizedAccessException."""

    kind = "unauthorized"
    default_errno = errno.EACCES


class MapIOError(_SystemError):
    """Any other failure of the system: no space, in use elsewhere, truncated. .NET: IOException."""

    kind = "io"


class FormatError(PyshmError, ValueError):
    """Bytes or values that docs/format.md refuses; ``kind`` is one of that page's."""


class TruncatedError(FormatError):
    """The buffer ends before the field does."""

    kind = "truncated"


class LengthError(FormatError):
    """A length field that is negative or larger than what is there."""

    kind = "length-exceeds-buffer"


class EncodingError(FormatError, UnicodeError):
    """A path that is no valid UTF-8, or text that can't be encoded as such."""

    kind = "invalid-utf8"


class DoesNotFitError(FormatError):
    """A value larger than the buffer it is to be written into. Nothing was written."""

    kind = "does-not-fit"


class PictureError(FormatError):
    """Content that is no picture, or one too large to decode."""

    kind = "not-a-picture"


class StructValueError(FormatError):
    """A field's value that its type can't hold (range, or number of elements)."""

    kind = "out-of-range"


class LayoutError(PyshmError, TypeError):
    """A struct declaration that has no layout. .NET: TypeLoadException, ArgumentException."""

    kind = "layout"


class AssemblyError(PyshmError, ValueError):
    """A file that is no .NET assembly, or a damaged one. .NET: BadImageFormatException."""

    kind = "assembly"
