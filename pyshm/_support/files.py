"""Atomic replacement of files."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Yield a binary file that replaces the one at ``path`` when the block ends.

    It is written under another name in the same folder first. So a process that opens ``path``
    finds the old file or the complete new one; after an error the old file is unchanged. If
    ``path`` is not a regular file (a pipe, /dev/null), it is opened for writing instead. Raises
    OSError whose filename is ``path``.
    """
    if not os.fspath(path) or (os.path.exists(path) and not os.path.isfile(path)):
        with open(path, "wb") as file:
            yield file
        return
    target = os.path.realpath(path)  # so that a link stays a link
    unfinished = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with open(unfinished, "xb") as file:
            yield file
        try:
            os.chmod(unfinished, os.stat(target).st_mode & 0o777)
        except FileNotFoundError:
            pass  # a new file keeps the mode that the system gave it
        os.replace(unfinished, target)
    except BaseException as error:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never created; the error that is raised says why
        if isinstance(error, OSError) and error.filename == unfinished:
            # The caller does not know the other name.
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise
