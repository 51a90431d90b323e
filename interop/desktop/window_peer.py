"""One of the two desktop programs, driven by steps of the peers' protocol.

``python -m interop.desktop.window_peer writer [OPTIONS…]`` starts ``pyshm-writer`` with those
options and answers the protocol inside Tk's own loop. The end of its input closes the window as a
window manager does. A program that then still holds a map ends with status 3.

A widget is named as in the program, or, in a dialog, by its path in Tk. The steps:

* ``invoke`` presses a button, ``type`` fills a field, ``key`` presses a key;
* ``text``, ``focus``, ``box``, ``drawn`` and ``tcl`` return what the window shows;
* ``wait`` repeats the step ``for`` until its value ``is``, or ``contains``, the given one;
* ``hold`` makes the next reading of a picture file wait for ``release``.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
import tkinter as tk
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

from pyshm.apps import reader, writer
from pyshm.formats.image import ImageData

from ..oracle.memory import map_directory
from ..peers.serve import hello, send

_PROGRAMS: dict[str, Callable[[Sequence[str]], int]] = {
    "writer": writer.main,
    "reader": reader.main,
}
_PATIENCE = 20.0  # seconds that a wait may take
_INTERVAL = 5  # milliseconds between two attempts of a wait

_Step = dict[str, Any]


class _Driver:
    """Carries out the steps that arrive on standard input, in the window ``root``."""

    def __init__(self, root: tk.Misc, target: BinaryIO) -> None:
        self.root = root
        self._target = target
        self._input = b""
        self._steps: deque[_Step] = deque()
        self._response: dict[str, Any] | None = None
        self._released = threading.Event()
        send(hello(), target)
        root.tk.createfilehandler(0, tk.READABLE, self._read_requests)

    def _read_requests(self, *_: object) -> None:
        piece = os.read(0, 65536)
        if not piece:
            self.root.tk.deletefilehandler(0)
            self.root.tk.eval(str(self.root.nametowidget(".").protocol("WM_DELETE_WINDOW")))
            return
        self._input += piece
        while b"\n" in self._input:
            line, self._input = self._input.split(b"\n", 1)
            request = json.loads(line)
            self._steps = deque(request["steps"])
            self._response = {"id": request["id"], "nonce": request["nonce"], "outcomes": []}
            # Later: a step may open a dialog, and this function must read on while it is open.
            self.root.after(0, self._next)

    def _next(self, since: float | None = None) -> None:
        """Carry out the first remaining step, which has been waiting since ``since``."""
        if self._response is None:
            return
        if not self._steps:
            response, self._response = self._response, None
            send(response, self._target)
            return
        since = time.monotonic() if since is None else since
        outcome = self._outcome(self._steps[0], since)
        if outcome is None:
            self.root.after(_INTERVAL, self._next, since)
            return
        self._steps.popleft()
        self._response["outcomes"].append(outcome)
        if "error" in outcome:
            self._steps.clear()
        self._next()

    def _outcome(self, step: _Step, since: float) -> dict[str, Any] | None:
        """Return the outcome of a step; None if a wait has to try again."""
        try:
            if step["do"] != "wait":
                return {"value": getattr(self, f"_do_{step['do']}")(**_arguments(step))}
            inner = step["for"]
            value = getattr(self, f"_do_{inner['do']}")(**_arguments(inner))
            if value == step["is"] if "is" in step else step["contains"] in value:
                return {"value": value}
            if time.monotonic() - since < _PATIENCE:
                return None
            return {
                "error": {
                    "kind": "timed-out",
                    "message": f"{step}: the value is still {value!r} after {_PATIENCE:g} seconds",
                }
            }
        except (tk.TclError, KeyError, AttributeError, TypeError) as error:
            return {"error": {"kind": "failed", "message": f"{step}: {error!r}"}}

    def _do_invoke(self, widget: str) -> None:
        # From Tk's loop, as a click: the step then ends even if a dialog opens.
        self.root.after(0, lambda: self.root.tk.call(self._path(widget), "invoke"))

    def _do_type(self, widget: str, text: str) -> None:
        path = self._path(widget)
        self._focus(path)
        self.root.tk.call(path, "delete", 0, "end")
        self.root.tk.call(path, "insert", 0, text)

    def _do_key(self, key: str, widget: str | None = None) -> None:
        if widget is not None:
            self._focus(self._path(widget))
        focus = str(self.root.tk.call("focus"))
        self.root.after(0, lambda: self.root.tk.call("event", "generate", focus, key))

    def _do_text(self, widget: str) -> str:
        path = self._path(widget)
        if str(self.root.tk.call("winfo", "class", path)) == "TEntry":
            return str(self.root.tk.call(path, "get"))
        return str(self.root.tk.call(path, "cget", "-text"))

    def _do_focus(self) -> str:
        """Return the widget that has the keyboard, or has it when the program is active."""
        return str(self.root.tk.call("focus", "-lastfor", ".")).rpartition(".")[2]

    def _do_box(self, widget: str) -> list[int]:
        """Draw the widget; return its left, top, right and bottom on the screen."""
        path = self._path(widget)
        self._draw()
        ask = ("rootx", "rooty", "width", "height")
        left, top, width, height = (int(self.root.tk.call("winfo", it, path)) for it in ask)
        return [left, top, left + width, top + height]

    def _do_drawn(self, widget: str) -> bool:
        """Return whether the view shows its picture at the final size."""
        view: Any = self.root.nametowidget(self._path(widget))
        return bool(view.up_to_date and not view.empty)

    def _do_tcl(self, words: list[str]) -> str:
        value = self.root.tk.call(*words)
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    def _do_hold(self) -> None:
        read = ImageData.from_file

        def wait(path: str | os.PathLike[str]) -> ImageData:
            if not self._released.wait(_PATIENCE):
                raise TimeoutError("no step released it")  # none can if this is Tk's thread
            return read(path)

        ImageData.from_file = wait  # type: ignore[method-assign]

    def _do_release(self) -> None:
        self._released.set()

    def _focus(self, path: str) -> None:
        self.root.tk.call("focus", "-force", path)
        self._draw()
        self.root.update()  # the widget gets an event

    def _draw(self) -> None:
        self.root.update_idletasks()
        self.root.winfo_pointerxy()  # the X server answers after it has drawn everything

    def _path(self, widget: str) -> str:
        """Return the path of the only widget of that name; a path is returned as it is."""
        if widget.startswith("."):
            return widget
        found = [path for path in self._all(".") if path.rpartition(".")[2] == widget]
        if len(found) != 1:
            raise KeyError(f"{len(found)} widgets have the name {widget}")
        return found[0]

    def _all(self, path: str) -> list[str]:
        children = self.root.tk.splitlist(self.root.tk.call("winfo", "children", path))
        return [path, *(each for child in children for each in self._all(str(child)))]


def _arguments(step: _Step) -> _Step:
    return {key: value for key, value in step.items() if key != "do"}


def main(argv: Sequence[str]) -> int:
    """Run the program with a driver in its Tk loop; return the exit status."""
    # Standard output carries the protocol; what else is printed goes to standard error.
    target = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    loop = tk.Misc.mainloop

    def mainloop(root: tk.Misc, threshold: int = 0) -> None:
        _Driver(root, target)
        loop(root, threshold)

    tk.Misc.mainloop = mainloop  # type: ignore[method-assign, assignment]
    status = _PROGRAMS[argv[0]](argv[1:])
    # Check now: the end of the process would release the maps that the program forgot.
    held = _held()
    if held:
        print(f"the window is closed, and the program still holds {held}", file=sys.stderr)
        return 3
    return status


def _held() -> list[str]:
    """Return the maps that this process has open; none where there is no /proc."""
    folder = "/proc/self/fd"
    if not os.path.isdir(folder):
        return []
    found = []
    for number in os.listdir(folder):
        try:
            found.append(os.readlink(os.path.join(folder, number)))
        except OSError:
            pass  # the descriptor of the listing itself
    return [path for path in found if path.startswith(map_directory())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
