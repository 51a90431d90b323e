"""Starts a program's window, or says in one sentence why that can't be done here."""

from __future__ import annotations

import importlib
import signal
import sys
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable

    from .windows import Window

__all__ = ["missing", "run"]

_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
_LOOK = 100  # milliseconds between two looks for a signal: Tk's loop does not wake up for one

_NO_TK = {
    "linux": "apt install python3-tk (or dnf install python3-tkinter)",
    "darwin": "brew install python-tk",
    "win32": 'the Python installer, "Modify", with "tcl/tk and IDLE" ticked',
}


def missing() -> str | None:
    """Why there can be no window: what is missing, and the line that mends it; None if nothing."""
    try:
        importlib.import_module("tkinter")
    except ImportError:
        how = _NO_TK.get(sys.platform, _NO_TK["linux"])
        return f"this Python has no tkinter, which draws the windows; to get it: {how}"
    try:
        importlib.import_module("PIL.ImageTk")
    except ImportError:
        return (
            "this Pillow comes without ImageTk, which shows the pictures; to get it: "
            "apt install python3-pil.imagetk (or pip install --force-reinstall Pillow)"
        )
    return None


def run(program: str, build: Callable[[tk.Tk], Window]) -> int:
    """Show the window that ``build`` makes until it is closed; the exit status.

    The signals that end a program close the window, so that its maps are let go of.
    """
    reason = missing()
    if reason is not None:
        print(f"{program}: {reason}", file=sys.stderr)
        return 1
    import tkinter as tk

    from . import style

    style.be_sharp()
    try:
        root = tk.Tk(className=program)
    except tk.TclError as error:
        print(
            f"{program}: there is no display to show a window on ({error}); start it from a "
            f"desktop, or without one: xvfb-run {program}",
            file=sys.stderr,
        )
        return 1
    style.apply(root)
    window = build(root)
    try:
        _close_on_signals(window)
        root.mainloop()
    finally:
        window.session.close()
    return 0


def _close_on_signals(window: Window) -> None:
    arrived: list[int] = []

    def note(number: int, _: FrameType | None) -> None:
        arrived.append(number)

    for name in _SIGNALS:
        if hasattr(signal, name):  # Windows has no SIGHUP
            signal.signal(getattr(signal, name), note)

    def look() -> None:
        if arrived:
            window.close()
        else:
            window.root.after(_LOOK, look)

    look()
