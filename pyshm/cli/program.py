"""Run the program: arguments in, exit status out, every error on one line."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from .._support.text import visible
from ..errors import MapNotFoundError, NameRuleError, PyshmError
from .common import INTERRUPTED, REFUSED, USAGE, UsageError

__all__ = ["run"]


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv``, run its command, and return the exit status; without arguments, print help.

    An error is one line on standard error.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    try:
        arguments = parser.parse_args(_joined(words or ["--help"]))
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else USAGE
        return status if _flushed() else REFUSED  # for example: pyshm --help | head -1
    for stream in (sys.stdout, sys.stderr):
        # A path from shared memory can contain text that the stream can't encode.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status = arguments.run(arguments)
        return status if _flushed() else REFUSED
    except BrokenPipeError:
        _discard_output()
        return REFUSED
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsageError as error:
        try:
            arguments.refuse(str(error))
        except SystemExit:
            pass
        return USAGE
    except (PyshmError, OSError) as error:
        print(f"{parser.prog}: {_one_line(error, arguments)}", file=sys.stderr)
        return REFUSED


def _flushed() -> bool:
    """Flush standard output; return False if its reader has closed the pipe."""
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
        return False
    return True


def _discard_output() -> None:
    """Send the rest of standard output to the null device, as its reader has closed the pipe."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def _joined(argv: Sequence[str]) -> list[str]:
    """Join ``--scores`` and its value: argparse takes a value that begins with "-" as an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] == "--scores":
            joined[-1] = f"--scores={word}"
        else:
            joined.append(word)
    return joined


def _one_line(error: PyshmError | OSError, arguments: argparse.Namespace) -> str:
    text = str(error)
    if not isinstance(error, PyshmError) and isinstance(error.filename, (str, bytes)):
        name = os.fsdecode(error.filename) or repr("")
        text = f"{name}: {error.strerror}"
        folder = os.path.dirname(name)
        if isinstance(error, FileNotFoundError) and folder and not os.path.isdir(folder):
            text = f"{name}: there is no folder {folder}"
    # A name can contain control characters, which must not reach the terminal.
    return visible(" ".join(f"{text}{_advice(error, arguments)}".splitlines()))


def _advice(error: PyshmError | OSError, arguments: argparse.Namespace) -> str:
    """Return the next step for a map's name, in terms of this program; "" for other errors."""
    path = getattr(arguments, "file", None)  # None: the command has no --file
    if isinstance(error, NameRuleError) and path is False and {"/", "\\"} & set(str(error.value)):
        return "; for the path of a mapped file, use --file"
    if isinstance(error, MapNotFoundError) and not path and sys.platform != "win32":
        return "; pyshm list shows the maps"
    return ""
