"""The parts of both windows: fields, buttons and keys, the picture, the status line."""

from __future__ import annotations

import sys
import tkinter as tk
import traceback
from collections.abc import Callable
from functools import partial
from tkinter import ttk
from types import TracebackType
from typing import TYPE_CHECKING, TypeVar

from PIL import ImageTk

from ..errors import PyshmError
from .background import Background
from .pictures import fitted
from .session import Session
from .style import COLORS, pixels

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["Field", "PictureView", "Window"]

_T = TypeVar("_T")
_CONTROL = "Command" if sys.platform == "darwin" else "Control"
_STATE_COLORS = {"good": "good", "bad": "bad", "busy": "accent", "quiet": "quiet"}


class Field(ttk.Entry):
    """An entry: Enter calls ``enter``, Escape undoes the edit."""

    def __init__(
        self, parent: tk.Misc, name: str, text: str, width: int, enter: Callable[[], object]
    ) -> None:
        super().__init__(parent, name=name, width=width)
        self.put(text)
        self._before = text
        for key in ("<Return>", "<KP_Enter>"):
            self.bind(key, lambda _: enter())
        self.bind("<FocusIn>", lambda _: self._remember())
        self.bind("<Escape>", lambda _: self._undo())
        self.bind("<Key>", lambda _: self.mark(bad=False), add="+")

    def put(self, text: str) -> None:
        """Show this text."""
        state = str(self.cget("state"))
        self.configure(state="normal")
        self.delete(0, "end")
        self.insert(0, text)
        self.xview_moveto(1)  # the end of a path is more important than its beginning
        self.configure(state=state)

    def mark(self, *, bad: bool) -> None:
        """Mark the text as wrong, or remove the mark."""
        self.configure(style="Bad.TEntry" if bad else "TEntry")

    def _undo(self) -> str | None:
        if self.get() == self._before:
            return None  # nothing to undo: the window handles Escape
        self.put(self._before)
        return "break"

    def _remember(self) -> None:
        self._before = self.get()
        self.selection_range(0, "end")


class PictureView(tk.Frame):
    """A picture, scaled to the available space on another thread; or a hint."""

    def __init__(self, parent: tk.Misc, name: str, hint: str) -> None:
        super().__init__(
            parent,
            name=name,
            background=COLORS["picture"],
            highlightthickness=1,
            highlightbackground=COLORS["frame"],
            width=pixels(parent, 330),
            height=pixels(parent, 230),
        )
        self._label = tk.Label(
            self,
            name="label",
            background=COLORS["picture"],
            foreground=COLORS["quiet"],
            borderwidth=0,
            padx=0,
            pady=0,
            text=hint,
            justify="center",
        )
        # Placed, not packed: otherwise the window would take the size of the picture.
        self._label.place(relwidth=1, relheight=1)
        self._background = Background(self.after)
        self._picture: Image | None = None
        self._photo: ImageTk.PhotoImage | None = None
        self._scaled: tuple[int, tuple[int, int]] | None = None
        self.bind("<Configure>", lambda _: self._room_changed())
        self.bind("<Destroy>", lambda _: self._background.stop())

    @property
    def empty(self) -> bool:
        """Whether a hint is shown instead of a picture."""
        return self._picture is None

    @property
    def up_to_date(self) -> bool:
        """Whether the picture is shown at its final size."""
        return self._picture is None or self._scaled == self._wanted()

    def show(self, picture: Image) -> None:
        """Show this picture."""
        self._picture = picture
        self._rescale()

    def hint(self, text: str) -> None:
        """Show this text, unless there is a picture."""
        if self.empty:
            self._label.configure(text=text)

    def _room_changed(self) -> None:
        self._label.configure(wraplength=max(1, self.winfo_width() - pixels(self, 40)))
        self._rescale()

    def _wanted(self) -> tuple[int, tuple[int, int]]:
        edge = 2 * int(self.cget("highlightthickness"))
        room = (self.winfo_width() - edge, self.winfo_height() - edge)
        return id(self._picture), room

    def _rescale(self) -> None:
        """Scale the picture; if a scaling is running, its end starts the next one."""
        picture, wanted = self._picture, self._wanted()
        width, height = wanted[1]
        if picture is None or self._scaled == wanted or self._background.busy or width < 1:
            return

        def done(scaled: Image) -> None:
            # The old photo is kept until the new one is shown, to avoid flicker.
            photo = ImageTk.PhotoImage(scaled, master=self)
            self._label.configure(image=photo, text="")
            self._photo, self._scaled = photo, wanted
            self._rescale()

        self._background.run(partial(fitted, picture, width, max(1, height)), done, _raise)


class Window:
    """A program's window: ``body`` has its widgets, and a status line is below."""

    def __init__(self, root: tk.Tk, session: Session, title: str) -> None:
        self.root = root
        self.session = session
        self.closed = False
        self._background = Background(root.after)
        root.title(title)
        root.protocol("WM_DELETE_WINDOW", self.close)
        root.report_callback_exception = self._unexpected
        root.columnconfigure(0, weight=1)
        root.rowconfigure(0, weight=1)
        gap = pixels(root, 10)
        self.body = ttk.Frame(root, name="body", padding=(gap, gap, gap, 0))
        self.body.grid(sticky="nsew")
        self._status(gap)
        self.on_key("q", self.close)

    def button(
        self,
        parent: tk.Misc,
        text: str,
        command: Callable[[], object],
        *,
        accent: bool = False,
        letter: int = 0,
    ) -> ttk.Button:
        """Return a button for Space, Enter, and Alt with the letter at that index."""
        style = "Accent.TButton" if accent else "TButton"
        name = text.lower().rstrip("…")
        button = ttk.Button(
            parent, name=name, text=text, underline=letter, style=style, command=command
        )
        for key in ("<Return>", "<KP_Enter>"):
            button.bind(key, lambda _: button.invoke())
        self.root.bind(f"<Alt-{name[letter]}>", lambda _: button.invoke())
        return button

    def on_key(self, letter: str, command: Callable[[], object]) -> None:
        """Call ``command`` on Control (on a Mac, Command) and that letter."""

        def pressed(_: object) -> str:
            command()
            return "break"

        for form in (letter, letter.upper()):  # also with Caps Lock on
            self.root.bind(f"<{_CONTROL}-{form}>", pressed)

    def fit(self) -> None:
        """Set the minimum size of the window to that of its widgets; call it after adding them."""
        self.root.update_idletasks()
        self.root.minsize(self.root.winfo_reqwidth(), self.root.winfo_reqheight())

    def say(self, text: str, state: str = "good") -> None:
        """Show a sentence in the status line; ``state`` is good, bad, busy or quiet."""
        self._dot.configure(foreground=COLORS[_STATE_COLORS[state]])
        self.status.configure(text=text)

    def work(
        self,
        job: Callable[[], _T],
        done: Callable[[_T], object],
        failed: Callable[[Exception], object] | None = None,
    ) -> None:
        """Run ``job`` on another thread, then ``done`` or ``failed`` on the window's thread.

        ``job`` must have no reference to a widget; see Background.
        """
        self._background.run(job, done, failed or self.failed)

    def failed(self, error: Exception) -> None:
        """Show the error."""
        self.say(self.session.explain(error), "bad")
        if not isinstance(error, (PyshmError, OSError, MemoryError)):
            traceback.print_exception(error)  # a bug in this program

    def close(self) -> None:
        """Close the window; results of running jobs are dropped."""
        if not self.closed:
            self.closed = True
            self._background.stop()
            self.root.destroy()

    def _status(self, gap: int) -> None:
        line = ttk.Frame(self.root, name="line", padding=(gap, gap // 2, gap, gap // 2))
        line.grid(sticky="ew")
        line.columnconfigure(1, weight=1)
        self._dot = ttk.Label(line, text="●", foreground=COLORS["quiet"])
        self._dot.grid(row=0, column=0, sticky="n", padx=(0, gap // 2))
        # At least two lines, so that a long sentence does not move the other widgets.
        self.status = ttk.Label(line, name="status", anchor="nw", justify="left")
        height = self.root.tk.call("font", "metrics", "TkDefaultFont", "-linespace")
        line.rowconfigure(0, minsize=2 * int(height))
        self.status.grid(row=0, column=1, sticky="new")
        # With a fixed width, as a long sentence would make the window wider.
        self.status.configure(width=1)
        self.status.bind("<Configure>", lambda event: self.status.configure(wraplength=event.width))

    def _unexpected(
        self, kind: type[BaseException], error: BaseException, where: TracebackType | None
    ) -> None:
        """Handle an error in a callback of Tk."""
        if self.closed and isinstance(error, tk.TclError):
            return  # a dialog that was open when the window closed
        traceback.print_exception(kind, error, where)
        self.say(self.session.explain(error), "bad")


def _raise(error: Exception) -> None:
    raise error
