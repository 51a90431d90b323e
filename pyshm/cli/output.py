"""The options ``-o FILE`` and ``--check`` of the commands that generate source code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping

from .common import OK, REFUSED, UsageError
from .console import Console
from .transfer import STANDARD, check_target, put

__all__ = ["add_output", "deliver"]


def add_output(sub: argparse.ArgumentParser) -> None:
    """Add ``-o FILE`` and ``--check``, for :func:`deliver`."""
    sub.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help='write the source to FILE (default: "-", standard output)',
    )
    sub.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with status 1 if FILE does not have this source",
    )


def deliver(arguments: argparse.Namespace, source: str, read: Mapping[str, str]) -> int:
    """Write ``source`` as the options say, or compare it, and return the exit status.

    A file is replaced as a whole or not at all. A file that has the source already is not written.
    ``read`` has the files that the command has read (:func:`check_target`).
    """
    if arguments.output in (None, STANDARD):
        if arguments.check:
            raise UsageError("--check needs -o FILE: the file to compare with")
        sys.stdout.write(source)
        sys.stdout.flush()
        return OK
    check_target(arguments.output, read)
    data = source.encode("utf-8")
    found = _content(arguments.output)
    # A checkout on Windows may have other line endings.
    same = found is not None and found.replace(b"\r\n", b"\n") == data
    if arguments.check:
        if same:
            return OK
        what = "does not exist" if found is None else "is out of date"
        Console.err().line(
            f"{arguments.output} {what}; to write it, run this command without --check"
        )
        return REFUSED
    if not same:
        put(arguments.output, data)
    return OK


def _content(path: str) -> bytes | None:
    if not os.path.isfile(path):
        return None  # also for a pipe or a device, from which nothing may be read
    with open(path, "rb") as file:
        return file.read()
