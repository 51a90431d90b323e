"""MemoryMappedViewStream: a view of a map as a binary stream.

https://learn.microsoft.com/dotnet/api/system.io.memorymappedfiles.memorymappedviewstream
"""

from __future__ import annotations

import io

from .._support.buffers import bytes_of, memory_of
from .._support.integers import int64, integer
from .._support.live import refuse_copy
from ..errors import (
    ArgumentError,
    ClosedError,
    MapIOError,
    UnsupportedError,
)
from .enums import READ_ONLY, MemoryMappedFileAccess

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Buffer, Iterable  # type: ignore[attr-defined,unused-ignore]
    from typing import NoReturn, Self

    from .system import ViewMemory

__all__ = ["MemoryMappedViewStream"]

_INT64_MAX = 2**63 - 1


class MemoryMappedViewStream(io.RawIOBase):
    """A view as a raw binary stream of fixed length. ``create_view_stream`` returns it.

    Reads stop at the end of the view. A write that does not fit raises UnsupportedError and
    writes nothing, as in .NET.
    """

    def __init__(self, memory: ViewMemory, access: MemoryMappedFileAccess, offset: int) -> None:
        """Do not call this; use ``MemoryMappedFile.create_view_stream``."""
        super().__init__()
        self._memory = memory
        self._offset = offset
        self._position = 0
        self._readable = access is not MemoryMappedFileAccess.WRITE
        self._writable = access not in READ_ONLY

    # The methods of io.IOBase raise a plain ValueError for a closed stream.

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __iter__(self) -> Self:
        self._check_open()
        return self

    def isatty(self) -> bool:
        """Return False: a view is not a terminal."""
        self._check_open()
        return False

    def writelines(self, lines: Iterable[Buffer], /) -> None:
        """Write each of several buffers."""
        self._check_open()
        for line in lines:
            self.write(line)

    def __len__(self) -> int:
        self._check_open()
        return self._memory.capacity

    def __bool__(self) -> bool:
        return True  # also with length 0

    @property
    def pointer_offset(self) -> int:
        """Where the view begins, in bytes from the beginning of its first page or allocation unit.

        .NET: PointerOffset.
        """
        return self._memory.pointer_offset

    def readable(self) -> bool:
        """Return whether the stream is open and permits reading. .NET: CanRead."""
        return self._readable and not self.closed

    def writable(self) -> bool:
        """Return whether the stream is open and permits writing. .NET: CanWrite."""
        return self._writable and not self.closed

    def seekable(self) -> bool:
        """Return whether the stream is open. .NET: CanSeek."""
        return not self.closed

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most ``size`` bytes, or all that are left. .NET: Read."""
        buffer = self._memory.buffer
        limit = self._limited(size)
        self._check_open_for(self._readable, "reading")
        self._memory.check_backed(self._offset)
        begin = self._position
        end = self._memory.capacity if limit < 0 else min(begin + limit, self._memory.capacity)
        data = bytes(buffer[begin:end])
        self._position = begin + len(data)
        return data

    def readall(self) -> bytes:
        """Return the bytes that are left."""
        return self.read()

    def readline(self, size: int | None = -1, /) -> bytes:
        """Return the bytes up to the next line feed, at most ``size``."""
        return super().readline(self._limited(size))

    def readlines(self, hint: int | None = -1, /) -> list[bytes]:
        """Return the lines that are left; stop after ``hint`` bytes."""
        return super().readlines(self._limited(hint))

    def _limited(self, size: int | None) -> int:
        """Return a number of bytes that io.RawIOBase can take; -1 means all."""
        self._check_open()
        return -1 if size is None else max(-1, min(integer(size, "size"), self._memory.capacity))

    def readinto(self, target: Buffer, /) -> int:
        """Read into a writable buffer. Return the number of bytes, 0 at the end. .NET: Read."""
        buffer = self._memory.buffer
        self._check_open_for(self._readable, "reading")
        self._memory.check_backed(self._offset)
        destination = memory_of(target, "target")
        begin = self._position
        count = max(min(len(destination), self._memory.capacity - begin), 0)
        destination[:count] = buffer[begin : begin + count]
        self._position = begin + count
        return count

    def write(self, source: Buffer, /) -> int:
        """Write a whole buffer. Return its length in bytes. .NET: Write."""
        buffer = self._memory.buffer
        self._check_open_for(self._writable, "writing")
        self._memory.check_backed(self._offset)
        data = bytes_of(source)
        begin = self._position
        end = begin + len(data)
        if end > self._memory.capacity:
            raise UnsupportedError(
                f"writing {len(data)} bytes at {begin} needs a stream of {end} bytes; "
                f"this one has {self._memory.capacity}, and a view can't grow",
                field="source",
                offset=begin,
                value=end,
                limit=self._memory.capacity,
            )
        buffer[begin:end] = data
        self._position = end
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Set the position and return it. It may be beyond the end. .NET: Seek.

        Raises MapIOError for a position before the beginning or beyond Int64.
        """
        self._check_open()
        offset, whence = integer(offset, "offset"), integer(whence, "whence")
        bases = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._memory.capacity}
        if whence not in bases:
            raise ArgumentError(
                f"whence must be 0, 1 or 2, not {whence}", field="whence", value=whence
            )
        position = bases[whence] + offset
        if not 0 <= position <= _INT64_MAX:
            raise MapIOError(
                f"position {position} is not in the range of a stream, 0 to {_INT64_MAX}",
                field="offset",
                value=position,
                limit=0 if position < 0 else _INT64_MAX,
            )
        self._position = position
        return position

    def tell(self) -> int:
        """Return the position in bytes. .NET: Position."""
        self._check_open()
        return self._position

    def truncate(self, size: int | None = None, /) -> int:
        """Raise UnsupportedError: a view has a fixed length. .NET: SetLength."""
        if size is not None:
            int64(size, "size")
        raise UnsupportedError("the length of a view can't be changed")

    def flush(self) -> None:
        """Write changed pages of a file's map to the file. .NET: Flush."""
        self._check_open()
        self._memory.flush()

    def close(self) -> None:
        """Flush and release the view. Another call does nothing. .NET: Dispose."""
        try:
            super().close()  # this flushes, and does nothing if it has been called before
        except ClosedError:
            pass  # another thread has just closed it
        finally:
            # A thread that reads or writes has taken the buffer, which stays mapped until then.
            self._memory.release()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy(
            "a view", "send its bytes, or let the other process open the map by its name or path"
        )

    def _check_open(self) -> None:
        if self.closed:
            raise ClosedError("the stream is closed")

    def _check_open_for(self, permitted: bool, what: str) -> None:
        self._check_open()
        if not permitted:
            raise UnsupportedError(f"the access of this stream does not permit {what}")
