"""What the commands that generate source share: ``-o FILE`` and ``--check``."""

from __future__ import annotations

import argparse
import sys

from .common import OK, REFUSED, UsageError
from .transfer import STANDARD, put

__all__ = ["add_output", "deliver"]


def add_output(sub: argparse.ArgumentParser) -> None:
    """``-o FILE`` and ``--check``, for :func:`deliver`."""
    sub.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help='write the source there (default: "-", standard output)',
    )
    sub.add_argument(
        "--check",
        action="store_true",
        help="write nothing; exit with 1 if FILE does not hold this source",
    )


def deliver(arguments: argparse.Namespace, source: str) -> int:
    """Write ``source`` where it belongs, or compare it with what is there; the exit status.

    A file is replaced in whole or not at all, and not touched if it holds the source already.
    """
    if arguments.output in (None, STANDARD):
        if arguments.check:
            raise UsageError("--check needs -o FILE, the file to compare with")
        sys.stdout.write(source)
        sys.stdout.flush()
        return OK
    data = source.encode("utf-8")
    found = _content(arguments.output)
    # A checkout on Windows may have its own line ends.
    same = found is not None and found.replace(b"\r\n", b"\n") == data
    if arguments.check:
        if same:
            return OK
        what = "does not exist" if found is None else "is out of date"
        print(
            f"{arguments.output} {what}; the same command without --check writes it",
            file=sys.stderr,
        )
        return REFUSED
    if not same:
        put(arguments.output, data)
    return OK


def _content(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
