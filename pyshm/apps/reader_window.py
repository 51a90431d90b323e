"""The Reader's window."""

from __future__ import annotations

import tkinter as tk
from functools import partial
from tkinter import messagebox, ttk

from .reading import Numbers, Reading, Seen
from .style import pixels
from .windows import Field, PictureView, Window

__all__ = ["ReaderWindow"]

_HINT = "Blip shows the picture that the Writer has sent.\nLive shows each new one by itself."
_LIVE = 100  # milliseconds between two looks into the map


class ReaderWindow(Window):
    """Shows the picture ("Blip") and the struct ("Struct") that lie in a map."""

    session: Reading

    def __init__(self, root: tk.Tk, map_name: str, *, live: bool = False) -> None:
        super().__init__(root, Reading(), "Reader")
        self._looking = False
        gap = pixels(root, 8)
        self.body.columnconfigure(1, weight=1)
        self.body.rowconfigure(1, weight=1)
        self.live = tk.BooleanVar(root, live)
        self.map_name = Field(self.body, "name", map_name, 24, self.blip)
        self.switch = ttk.Checkbutton(
            self.body,
            name="live",
            text="Live",
            style="Switch.TCheckbutton",
            variable=self.live,
            command=self.switched,
        )
        self.view = PictureView(self.body, "view", _HINT)
        self.path = Field(self.body, "path", "", 40, self.blip)
        self.path.configure(state="readonly")
        buttons = ttk.Frame(self.body, name="buttons")
        self.blip_button = self.button(buttons, "Blip", self.blip, accent=True)
        self.struct_button = self.button(buttons, "Struct", self.read_struct)

        ttk.Label(self.body, text="Map").grid(row=0, column=0, sticky="w", padx=(0, gap))
        self.map_name.grid(row=0, column=1, sticky="ew")
        self.switch.grid(row=0, column=2, sticky="e", padx=(gap, 0))
        self.view.grid(row=1, column=0, columnspan=3, sticky="nsew", pady=gap)
        ttk.Label(self.body, text="Path").grid(row=2, column=0, sticky="w", padx=(0, gap))
        self.path.grid(row=2, column=1, sticky="ew")
        buttons.grid(row=2, column=2, sticky="e", padx=(gap, 0))
        self.blip_button.grid(row=0, column=0)
        self.struct_button.grid(row=0, column=1, padx=(gap, 0))

        self.on_key("o", self.blip)
        root.bind("<Escape>", lambda _: self._stop())
        self.fit()
        self.blip_button.focus_set()
        self.say("Ready.", "quiet")
        self.switched()

    # --- what the buttons and keys do ---------------------------------------------------

    def blip(self) -> None:
        """Show the picture in the map."""
        name = self.map_name.get()
        self.say(f"Reading the map “{name}” …", "busy")
        self.work(partial(self.session.picture, name), self._seen)

    def read_struct(self) -> None:
        """Show the struct in the map, in a message box."""
        self.work(partial(self.session.struct, self.map_name.get()), self._read)

    def switched(self) -> None:
        """Begin to look into the map, or stop."""
        if not self.live.get():
            self.say("Live is off. Blip shows the picture that is there.", "quiet")
            return
        self.say("Live: each new picture is shown by itself.", "busy")
        if not self._looking:  # the last look's wait may not be over
            self._look()

    def failed(self, error: Exception) -> None:
        """Say what went wrong, and as long as there is no picture say it in its place, too."""
        super().failed(error)
        self.view.hint(self.session.explain(error))

    # --- what comes of it ---------------------------------------------------------------

    def _look(self) -> None:
        """Look for a new picture; the answer to one look starts the wait for the next."""
        self._looking = self.live.get()
        if self._looking:
            look = partial(self.session.news, self.map_name.get())
            self.work(look, self._news, self._no_news)

    def _news(self, seen: Seen | None) -> None:
        if seen is not None:
            self._seen(seen)
        self.root.after(_LIVE, self._look)

    def _no_news(self, error: Exception) -> None:
        if getattr(error, "kind", None) in self.session.waiting:
            self._wait(self.session.explain(error, self.session.waiting))
        else:
            self.failed(error)
        self.root.after(_LIVE, self._look)

    def _wait(self, story: str) -> None:
        if self.live.get():
            self.say(story, "busy")
            self.view.hint(story)

    def _seen(self, seen: Seen) -> None:
        self.view.show(seen.picture)
        self.path.put(seen.path)
        self.say(str(seen))

    def _read(self, numbers: Numbers) -> None:
        self.say(numbers.story)
        messagebox.showinfo("Struct", numbers.text, parent=self.root)

    def _stop(self) -> None:
        if self.live.get():
            self.switch.invoke()
