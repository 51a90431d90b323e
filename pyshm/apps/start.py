"""Start a program's window, or print in one sentence why it can't be shown."""

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
_INTERVAL = 100  # milliseconds between two checks for a signal, which does not wake up Tk's loop

_NO_TK = {
    "linux": "apt install python3-tk (or dnf install python3-tkinter)",
    "darwin": "brew install python-tk",
    "win32": 'run the Python installer, choose "Modify", and select "tcl/tk and IDLE"',
}


def missing() -> str | None:
    """Return what is missing for a window, and how to install it; None if nothing is missing."""
    try:
        importlib.import_module("tkinter")
    except ImportError:
        how = _NO_TK.get(sys.platform, _NO_TK["linux"])
        return f"this Python has no tkinter, which draws the windows; to install it: {how}"
    try:
        importlib.import_module("PIL.ImageTk")
    except ImportError:
        return (
            "this Pillow has no ImageTk, which shows the pictures; to install it: "
            "apt install python3-pil.imagetk (or pip install --force-reinstall Pillow)"
        )
    return None


def run(program: str, build: Callable[[tk.Tk], Window]) -> int:
    """Show the window that ``build`` returns until it is closed; return the exit status.

    The signals that end a program close the window, so that its maps are released.
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
            f"{program}: there is no display for the window ({error}); start it from a "
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
            window.root.after(_INTERVAL, look)

    look()
