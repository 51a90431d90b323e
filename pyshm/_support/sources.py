"""Reading a file or a pipe as a whole: with an end, in bounded time and memory."""

from __future__ import annotations

import os
import stat
import time

from ..errors import FormatError, UnsupportedError
from .files import open_without_waiting

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO, Self

__all__ = ["Source"]

_PART = 4 << 20  # bytes that are read at a time
_STREAM_LIMIT = 256 << 20  # bytes of a source whose size is not known
_PATIENCE = 3.0  # seconds in which the writer of a pipe must open it


class Source:
    """A file or a pipe that is open for reading; ``size`` is 0 if it is not known.

    Raises UnsupportedError for a device other than a terminal: reading it may never end.
    """

    def __init__(self, file: BinaryIO, name: str, first: bytes = b"") -> None:
        status = os.fstat(file.fileno())
        _check_kind(status.st_mode, name, is_terminal=file.isatty())
        self.size = status.st_size if stat.S_ISREG(status.st_mode) else 0
        self._file = file
        self._name = name
        self._first = first  # what has been read already

    @classmethod
    def open(cls, path: str) -> Self:
        """Open the file or the pipe at ``path``.

        Raises OSError as ``open`` does, and UnsupportedError for a device, and for a pipe that no
        process opens for writing within three seconds.
        """
        file = open_without_waiting(path)
        try:
            mode = os.fstat(file.fileno()).st_mode
            first = _wait_for_writer(file, path) if stat.S_ISFIFO(mode) else b""
            return cls(file, path, first)
        except BaseException:
            file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self) -> bytes:
        """Return all of it. Raises as :meth:`parts`."""
        if not self.size:
            return b"".join(self.parts())
        content = self._file.read(self.size + 1)  # one allocation
        self._check(len(content))
        return content

    def parts(self) -> Iterator[bytes]:
        """Yield all of it in parts.

        Raises FormatError for a file that grows meanwhile, and for a source of unknown size that
        has more than 256 MiB.
        """
        total = 0
        part = self._first
        while part or (part := self._file.read(_PART)):
            total += len(part)
            self._check(total)
            yield part
            part = b""

    def _check(self, total: int) -> None:
        limit = self.size or _STREAM_LIMIT
        if total <= limit:
            return
        what = (
            f"had {limit:,} bytes when it was opened, and grows; try again when it is complete"
            if self.size
            else f"has more than {limit:,} bytes and may never end; copy what is wanted to a file"
        )
        raise FormatError(
            f"{self._name} {what}",
            kind="too-long",
            field="content",
            value=total,
            limit=limit,
        )


def _check_kind(mode: int, name: str, *, is_terminal: bool) -> None:
    if (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and not is_terminal:
        raise UnsupportedError(
            f"{name} is a device, whose content may never end; copy what is to be sent to a file",
            field="path",
            value=name,
        )


def _wait_for_writer(file: BinaryIO, name: str) -> bytes:
    """Wait until a process has opened the pipe for writing. Return what was read meanwhile."""
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            first = os.read(file.fileno(), 65536)
        except BlockingIOError:  # it is open for writing, but has no bytes yet
            first = b""
            break
        if first:
            break
        if time.monotonic() > deadline:
            raise UnsupportedError(
                f"{name} is a pipe that no process has open for writing; start its writer first",
                field="path",
                value=name,
            )
        time.sleep(0.01)
    os.set_blocking(file.fileno(), True)
    return first
