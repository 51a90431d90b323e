"""Every error that pyshm raises.

All are a :class:`PyshmError`. Each is also the built-in error that a Python program would catch,
and its docstring names the .NET exception that it corresponds to. ``kind`` is the word that both
languages use for it (docs/protocol.md, docs/format.md). ``field``, ``offset``, ``value`` and
``limit`` say what is wrong and where; each is None if it does not apply.
"""

from __future__ import annotations

import errno
import io

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "ArgumentError",
    "ArgumentNullError",
    "ArgumentOutOfRangeError",
    "AssemblyError",
    "ChannelEndedError",
    "ChannelFormatError",
    "ChannelFullError",
    "ChannelTimeoutError",
    "ChannelTypeError",
    "ClosedError",
    "DoesNotFitError",
    "EncodingError",
    "FormatError",
    "FrameInUseError",
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
    "WriterAliveError",
    "WriterDiedError",
]


class PyshmError(Exception):
    """The base of all errors of this package."""

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
        # By default, an exception is copied and pickled as a call of its class with ``args``.
        return _rebuilt, (type(self), self.message, self.__dict__ | {"value": _sent(self.value)})


def _sent(value: object) -> object:
    """Return ``value``, or the name of its type if it can't be pickled, such as a memoryview.

    Otherwise the process that waits for the error would get another one, about pickling.
    """
    if value is None or type(value) in (int, str, float, bytes):
        return value
    import pickle

    try:
        pickle.dumps(value)
    except Exception:  # noqa: BLE001 - which one depends on the type
        return f"<{type(value).__name__}>"
    return value


def _rebuilt(kind: type[PyshmError], message: str, state: dict[str, Any]) -> PyshmError:
    error = kind(message)
    error.__dict__.update(state)
    for name in ("errno", "filename", "winerror"):
        if f"_{name}" in state:
            setattr(error, name, state[f"_{name}"])
    return error


_made_again = _rebuilt  # pickles of version 0.1.0 call it by this name


class _SystemError(PyshmError, OSError):
    """The base of the errors that are an OSError: ``errno`` is never None.

    It is ``default_errno`` if the error does not come from a system call.
    """

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
        # OSError sets these only from two positional arguments, and then it also chooses the
        # class.
        self.errno = self.default_errno if errno is None else errno
        self.strerror = message
        self.filename = filename
        # OSError keeps these outside of __dict__, from which copies are made.
        self._errno, self._filename = self.errno, filename
        if winerror is not None:
            self.winerror = self._winerror = winerror


class ArgumentError(PyshmError, ValueError):
    """An invalid argument. .NET: ArgumentException."""

    kind = "argument"


class ArgumentOutOfRangeError(ArgumentError):
    """A number or an enum value outside its range. .NET: ArgumentOutOfRangeException."""

    kind = "argument-out-of-range"


class ArgumentNullError(PyshmError, TypeError):
    """None where a value is needed. .NET: ArgumentNullException."""

    kind = "argument-null"


class NameRuleError(ArgumentError):
    """A map name that breaks a rule of docs/named-maps.md; ``limit`` is the rule."""


class ClosedError(PyshmError, ValueError):
    """The use of an object after its ``close``. .NET: ObjectDisposedException."""

    kind = "disposed"


class UnsupportedError(PyshmError, io.UnsupportedOperation):
    """An operation that this object does not support. .NET: NotSupportedException."""

    kind = "not-supported"


class PlatformError(PyshmError, NotImplementedError):
    """An operation that this system does not support. .NET: PlatformNotSupportedException."""

    kind = "platform-not-supported"


class MapExistsError(_SystemError, FileExistsError):
    """A map of that name exists already. .NET: IOException (ERROR_ALREADY_EXISTS)."""

    kind = "already-exists"
    default_errno = errno.EEXIST


class MapNotFoundError(_SystemError, FileNotFoundError):
    """No map or file of that name exists. .NET: FileNotFoundException."""

    kind = "not-found"
    default_errno = errno.ENOENT


class MapAccessError(_SystemError, PermissionError):
    """Access that the system, or the access of the map, refuses.

    .NET: UnauthorizedAccessException.
    """

    kind = "unauthorized"
    default_errno = errno.EACCES


class MapIOError(_SystemError):
    """Any other failure of a system call: no space, file in use, file truncated.

    .NET: IOException.
    """

    kind = "io"


class FormatError(PyshmError, ValueError):
    """Bytes or values that docs/format.md does not allow; ``kind`` is one of that page's."""


class TruncatedError(FormatError):
    """A buffer that ends before the field ends."""

    kind = "truncated"


class LengthError(FormatError):
    """A length field that is negative, or larger than the rest of the buffer."""

    kind = "length-exceeds-buffer"


class EncodingError(FormatError, UnicodeError):
    """A path that is not valid UTF-8, or text that can't be encoded as UTF-8."""

    kind = "invalid-utf8"


class DoesNotFitError(FormatError):
    """A value that is larger than its buffer. Nothing was written."""

    kind = "does-not-fit"


class PictureError(FormatError):
    """Content that is not a picture, or a picture that is too large to decode."""

    kind = "not-a-picture"


class StructValueError(FormatError):
    """A value that its field can't hold: out of range, or a wrong number of elements."""

    kind = "out-of-range"


class LayoutError(PyshmError, TypeError):
    """A struct declaration that has no valid layout. .NET: TypeLoadException, ArgumentException."""

    kind = "layout"


class AssemblyError(PyshmError, ValueError):
    """A file that is not a .NET assembly, or a damaged one. .NET: BadImageFormatException."""

    kind = "assembly"


class ChannelFormatError(FormatError):
    """A map that is not a channel, or a damaged one (docs/channels.md). .NET: MapFormatException.

    ``kind`` is "not-a-channel", "channel-version" or "channel-header".
    """

    kind = "channel-header"


class ChannelTypeError(FormatError):
    """A channel that carries something else than the program expects. .NET: MapFormatException."""

    kind = "channel-type"


class WriterAliveError(_SystemError, BlockingIOError):
    """Another writer has the channel. .NET: WriterAliveException."""

    kind = "writer-alive"
    default_errno = errno.EAGAIN


class WriterDiedError(_SystemError, ConnectionError):
    """The writer of a channel ended without closing it. .NET: WriterDiedException.

    It is raised once. The next wait goes on until another writer comes.
    """

    kind = "writer-died"
    default_errno = errno.EPIPE


class ChannelFullError(_SystemError):
    """A channel without a free entry for another reader. .NET: ChannelFullException."""

    kind = "channel-full"
    default_errno = errno.EBUSY


class ChannelTimeoutError(_SystemError, TimeoutError):
    """No value, or no room for one, came in time. .NET: TimeoutException."""

    kind = "timeout"
    default_errno = errno.ETIMEDOUT


class ChannelEndedError(PyshmError, EOFError):
    """The writer closed the channel, and there are no more values. .NET: ChannelClosedException."""

    kind = "channel-ended"


class FrameInUseError(PyshmError, BufferError):
    """The memory of a frame that an array or another view still uses."""

    kind = "frame-in-use"
