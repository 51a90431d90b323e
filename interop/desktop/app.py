"""A desktop program as a person has it before him: what he does, and what he sees."""

from __future__ import annotations

from typing import Any

from PIL import Image, ImageGrab

from ..peers.start import python_peer

__all__ = ["App"]

_EDGE = 1  # pixels of frame around a picture


class App:
    """A running program. ``peer`` is its process; closing that closes the window.

    Widgets are named as in window_peer.py.
    """

    def __init__(self, program: str, display: str, *options: str, **environment: str) -> None:
        self.peer = python_peer(program, "interop.desktop.window_peer")
        self.peer.command[-1:] = [program, *options]
        self.peer.environment.update(environment, DISPLAY=display)
        self.display = display
        self.peer.start()

    def do(self, do: str, **step: Any) -> Any:
        """What came of one step."""
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
        """The text in a widget."""
        return self.do("text", widget=widget)

    def says(self, part: str, widget: str = "status") -> Any:
        """The text of a widget, once ``part`` is in it."""
        return self.do("wait", **{"for": {"do": "text", "widget": widget}, "contains": part})

    def asks(self, dialog: str) -> None:
        """Wait until that dialog is there."""
        self.becomes("1", "winfo", "exists", dialog)
        self.becomes("1", "winfo", "viewable", dialog)

    def becomes(self, value: str, *words: str) -> None:
        """Wait until these words of Tcl give that value."""
        self.do("wait", **{"for": {"do": "tcl", "words": words}, "is": value})

    def focus(self, name: str) -> None:
        """Wait until that widget has the keyboard."""
        self.do("wait", **{"for": {"do": "focus"}, "is": name})

    def picture(self) -> Image.Image:
        """What the screen shows where the picture is, once it is there at its final size."""
        self.do("wait", **{"for": {"do": "settled", "widget": "view"}, "is": True})
        left, top, right, bottom = self.do("box", widget="view")
        return self._screen(left + _EDGE, top + _EDGE, right - _EDGE, bottom - _EDGE)

    def look(self, widget: str) -> Image.Image:
        """What the screen shows where that widget is."""
        return self._screen(*self.do("box", widget=widget))

    def _screen(self, *box: int) -> Image.Image:
        left, top, right, bottom = box
        return ImageGrab.grab((left, top, right, bottom), xdisplay=self.display)
