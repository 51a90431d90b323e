"""A running desktop program, as a test uses it: its buttons, its texts, its part of the screen."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageGrab

from ..peers.start import python_peer

__all__ = ["App"]

_EDGE = 1  # pixels of frame around a picture


class App:
    """A running program. ``peer`` is its process; closing that closes the window.

    window_peer.py says how widgets are named. Each wait ends after 20 seconds with an error.
    """

    def __init__(self, program: str, display: str, *options: str, **environment: str) -> None:
        self.peer = python_peer(program, "interop.desktop.window_peer")
        self.peer.command[-1:] = [program, *options]
        self.peer.environment.update(environment, DISPLAY=display)
        self.display = display
        self.peer.start()

    def do(self, do: str, **step: Any) -> Any:
        """Carry out one step; return its value."""
        (outcome,) = self.peer.request({"do": do, **step})
        assert "value" in outcome, outcome
        return outcome["value"]

    def press(self, button: str) -> None:
        """Press a button."""
        self.do("invoke", widget=button)

    def type(self, field: str, text: str, key: str | None = None) -> None:
        """Fill a field; then press ``key`` in it."""
        self.do("type", widget=field, text=text)
        if key is not None:
            self.do("key", key=key, widget=field)

    def text(self, widget: str) -> Any:
        """Return the text in a widget."""
        return self.do("text", widget=widget)

    def wait_for_text(self, part: str, widget: str = "status") -> Any:
        """Wait until ``part`` is in the text of a widget; return the text."""
        return self.do("wait", **{"for": {"do": "text", "widget": widget}, "contains": part})

    def wait_for_dialog(self, dialog: str) -> None:
        """Wait until that dialog is shown."""
        self.wait_for("1", "winfo", "exists", dialog)
        self.wait_for("1", "winfo", "viewable", dialog)

    def wait_for(self, value: str, *words: str) -> None:
        """Wait until the Tcl command of these words returns that value."""
        self.do("wait", **{"for": {"do": "tcl", "words": words}, "is": value})

    def wait_for_focus(self, name: str) -> None:
        """Wait until that widget has the keyboard."""
        self.do("wait", **{"for": {"do": "focus"}, "is": name})

    def picture(self) -> Image.Image:
        """Return the part of the screen with the picture, when that has its final size."""
        self.do("wait", **{"for": {"do": "drawn", "widget": "view"}, "is": True})
        left, top, right, bottom = self.do("box", widget="view")
        return self._screen(left + _EDGE, top + _EDGE, right - _EDGE, bottom - _EDGE)

    def screenshot(self, widget: str) -> Image.Image:
        """Return the part of the screen with that widget."""
        return self._screen(*self.do("box", widget=widget))

    def _screen(self, *box: int) -> Image.Image:
        left, top, right, bottom = box
        return ImageGrab.grab((left, top, right, bottom), xdisplay=self.display)
