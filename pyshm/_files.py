"""Files that are there in whole or not at all."""

from __future__ import annotations

import os
import secrets

__all__ = ["write_whole"]


def write_whole(path: str | os.PathLike[str], data: bytes) -> None:
    """Write ``data`` to the file at ``path``, in place of one that is there.

    It is written beside it under another name first: whoever opens ``path`` finds the old file
    or the new one, and on an error nothing new is left. Raises OSError.
    """
    target = os.path.realpath(path)  # a link stays one
    unfinished = f"{target}.{secrets.token_hex(4)}.tmp"
    try:
        with open(unfinished, "xb") as file:
            file.write(data)
        try:
            os.chmod(unfinished, os.stat(target).st_mode & 0o777)
        except FileNotFoundError:
            pass  # a new file has the rights that the system gives it
        os.replace(unfinished, target)
    except BaseException:
        try:
            os.unlink(unfinished)
        except OSError:
            pass  # it was never made; the error that is raised tells why
        raise
