"""The Reader's window."""

from __future__ import annotations

import tkinter as tk
from functools import partial
from tkinter import messagebox, ttk

from .reading import MapPicture, Numbers, Reading
from .style import pixels
from .windows import Field, PictureView, Window

__all__ = ["ReaderWindow"]

_HINT = "Blip shows the picture in the map.\nLive shows each new picture automatically."
_LIVE = 100  # milliseconds between two looks into the map


class ReaderWindow(Window):
    """Shows the picture ("Blip") and the struct ("Struct") in a map."""

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
        self.work(partial(self.session.picture, name), self._show)

    def read_struct(self) -> None:
        """Show the struct in the map, in a message box."""
        self.work(partial(self.session.struct, self.map_name.get()), self._read)

    def switched(self) -> None:
        """Begin or end to look for new pictures."""
        if not self.live.get():
            self.say("Live is off. Blip shows the picture in the map.", "quiet")
            return
        self.say("Live is on: each new picture is shown automatically.", "busy")
        if not self._looking:  # the wait after the last look may not be over
            self._look()

    def failed(self, error: Exception) -> None:
        """Show the error; also in the place of the picture as long as there is none."""
        super().failed(error)
        self.view.hint(self.session.explain(error))

    # --- results ---------------------------------------------------------------

    def _look(self) -> None:
        """Look for a new picture; its result starts the wait before the next look."""
        self._looking = self.live.get()
        if self._looking:
            look = partial(self.session.new_picture, self.map_name.get())
            self.work(look, self._looked, self._look_failed)

    def _looked(self, found: MapPicture | None) -> None:
        if found is not None:
            self._show(found)
        self.root.after(_LIVE, self._look)

    def _look_failed(self, error: Exception) -> None:
        if getattr(error, "kind", None) in self.session.waiting:
            self._wait(self.session.explain(error, self.session.waiting))
        else:
            self.failed(error)
        self.root.after(_LIVE, self._look)

    def _wait(self, message: str) -> None:
        if self.live.get():
            self.say(message, "busy")
            self.view.hint(message)

    def _show(self, found: MapPicture) -> None:
        self.view.show(found.picture)
        self.path.put(found.path)
        self.say(str(found))

    def _read(self, numbers: Numbers) -> None:
        self.say(numbers.message)
        messagebox.showinfo("Struct", numbers.text, parent=self.root)

    def _stop(self) -> None:
        if self.live.get():
            self.switch.invoke()
