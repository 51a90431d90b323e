"""Files that are there in whole or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

__all__ = ["whole_file"]


@contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """What writes the file at ``path``, in place of one that is there.

    It is written beside it under another name first, and put in place when the block ends: whoever
    opens ``path`` finds the old file or the new one, and on an error nothing new is left. What is
    there and no file (a pipe, /dev/null) is written into. Raises OSError that names ``path``.
    """
    if not os.fspath(path) or (os.path.exists(path) and not os.path.isfile(path)):
        with open(path, "wb") as file:
            yield file
        return
    target = os.path.realpath(path)  # a link stays one
    unfinished = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with open(unfinished, "xb") as file:
            yield file
        try:
            os.chmod(unfinished, os.stat(target).st_mode & 0o777)
        except FileNotFoundError:
            pass  # a new file has the rights that the system gives it
        os.replace(unfinished, target)
    except BaseException as error:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never made; the error that is raised tells why
        if isinstance(error, OSError) and error.filename == unfinished:
            # Nobody knows of that name.
            raise OSError(error.errno, error.strerror, os.fspath(path)) from error
        raise
