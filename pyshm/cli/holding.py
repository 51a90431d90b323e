"""How long a writer holds its map: until a signal, the end of its input, or for some seconds."""

from __future__ import annotations

import argparse
import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["add_hold", "catch_signals", "hold", "interruptible", "time_is_left"]

HELD = """\
READY is printed when the map is written. The map is then held until Ctrl-C or another signal. If
standard input is a pipe or a terminal, its end (Ctrl-D) also ends the command, unless --hold or
--for is given. So a command that is started with "&" or as a service holds the map until it is
ended: kill PID, or systemctl stop."""

# Seconds. A signal that arrives directly before the system begins to wait does not end the wait.
_LONGEST_WAIT = 0.5
_BACKGROUND_PAUSE = 0.5  # seconds between two looks whether a job is in the foreground again
# The signals, besides SIGINT, with which users and systems end a program.
_ENDING = ("SIGTERM", "SIGHUP", "SIGBREAK")


def add_hold(sub: argparse.ArgumentParser) -> None:
    """Add ``--hold`` and ``--for``, for :func:`hold`."""
    how = sub.add_mutually_exclusive_group()
    how.add_argument(
        "--hold", action="store_true", help="hold the map until a signal, whatever the input is"
    )
    how.add_argument(
        "--for",
        dest="seconds",
        type=_seconds,
        metavar="SECONDS",
        help="hold the map for that time, or until a signal",
    )


def catch_signals() -> None:
    """Let the signals that end a program raise KeyboardInterrupt, so that it releases its maps."""
    for name in _ENDING:
        number = getattr(signal, name, None)
        # A program that is started with nohup keeps ignoring SIGHUP.
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def interruptible() -> Iterator[None]:
    """End the block without an error on Ctrl-C or another signal, with which users end it."""
    catch_signals()
    try:
        yield
    except KeyboardInterrupt:
        pass


def hold(arguments: argparse.Namespace, *, input_ends: bool = True) -> None:
    """Return when the map is to be released; with ``--hold``, only a signal ends the wait.

    Without ``--for`` and with ``input_ends``, the end of a standard input that can end is waited
    for: that of a pipe, a socket or a terminal. /dev/null, a file and a closed input can't end.
    """
    if arguments.seconds is None and input_ends and not arguments.hold and _can_end():
        _wait_for_end()
        return
    left = time_is_left(arguments)
    while left():
        pass


def time_is_left(arguments: argparse.Namespace, pause: float = math.inf) -> Callable[[], bool]:
    """Return a function that waits up to ``pause`` seconds and returns whether the time is not up.

    The time is that of ``--for``, or without end.
    """
    end = math.inf if arguments.seconds is None else time.monotonic() + arguments.seconds

    def wait() -> bool:
        left = end - time.monotonic()
        if left > 0:
            time.sleep(min(left, pause, _LONGEST_WAIT))  # unlike a lock, interruptible on Windows
        return end > time.monotonic()

    return wait


def _can_end() -> bool:
    import stat

    if sys.stdin is None:
        return False
    try:
        descriptor = sys.stdin.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):
        return False
    if sys.platform == "win32" and stat.S_ISCHR(mode):
        # isatty is also true for NUL. Python reads only a console through this class.
        return type(getattr(sys.stdin.buffer, "raw", None)).__name__ == "_WindowsConsoleIO"
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(descriptor)


def _wait_for_end() -> None:
    import select

    descriptor = sys.stdin.fileno()
    if sys.platform != "win32":
        # A job in the background that reads from the terminal would be stopped.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
    while True:
        try:
            if sys.platform != "win32":
                while not select.select([descriptor], [], [], _LONGEST_WAIT)[0]:
                    pass
            if not os.read(descriptor, 65536):
                return
        except OSError:
            if not _is_in_background(descriptor):
                return  # the terminal was closed
            time.sleep(_BACKGROUND_PAUSE)


def _is_in_background(descriptor: int) -> bool:
    if sys.platform == "win32":
        return False
    try:
        return os.tcgetpgrp(descriptor) != os.getpgrp()
    except OSError:
        return False


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < math.inf:  # not NaN either
        raise argparse.ArgumentTypeError(f"at least 0 seconds, not {text}")
    return number
