"""The Writer's window."""

from __future__ import annotations

import os
import tkinter as tk
from functools import partial
from tkinter import filedialog, ttk

from ..errors import PyshmError
from .pictures import patterns
from .style import pixels
from .windows import Field, PictureView, Window
from .writing import STANDARD, Loaded, Opened, Target, Writing, Written

__all__ = ["WriterWindow"]

_HINT = "Browse for a picture, or type its path below and press Enter.\nBlip sends it."


class WriterWindow(Window):
    """Writes a picture ("Blip") or a struct ("Struct") to a map, and holds the map."""

    session: Writing

    def __init__(
        self, root: tk.Tk, map_name: str, capacity: str, picture: str | None = None
    ) -> None:
        super().__init__(root, Writing(), "Writer")
        gap = pixels(root, 8)
        self.body.columnconfigure(0, weight=1)
        self.body.rowconfigure(1, weight=1)
        self._map_fields(map_name, capacity, gap)
        self._picture_part(picture or "", gap)
        self._struct_part(gap)
        self.on_key("o", self.browse)
        self.fit()
        (self.path if picture else self.browse_button).focus_set()
        self.open()
        if picture:
            self.load()

    # --- what the buttons and keys do ---------------------------------------------------

    def open(self) -> None:
        """Open the map that the fields "Map" and "Capacity" name."""
        self.work(partial(self.session.open, self._target()), self._opened)

    def browse(self) -> None:
        """Let the user choose a picture file, and load it."""
        names = " ".join(patterns())
        path = filedialog.askopenfilename(
            parent=self.root,
            title="Select an image",
            initialdir=os.path.dirname(self.path.get()) or None,
            filetypes=[
                ("PNG and JPG", "*.png *.jpg *.jpeg *.PNG *.JPG *.JPEG"),
                ("PNG", "*.png *.PNG"),
                ("JPG", "*.jpg *.jpeg *.JPG *.JPEG"),
                ("All pictures", f"{names} {names.upper()}"),
                ("All files", "*"),
            ],
        )
        if path:  # empty, or an empty tuple, when the dialog was cancelled
            self.path.put(str(path))
            self.load()

    def load(self) -> None:
        """Load and show the picture at the typed path."""
        path = self._begin("Reading")
        self.work(partial(self.session.load, path), self._loaded)

    def blip(self) -> None:
        """Write the picture at the typed path to the map."""
        path, target = self._begin("Sending"), self._target()
        self.work(partial(self.session.send_picture, path, target), self._sent)

    def send_struct(self) -> None:
        """Write the typed numbers to the map."""
        texts, target = [field.get() for field in self.numbers.values()], self._target()
        self.work(partial(self.session.send_struct, texts, target), self._written)

    def failed(self, error: Exception) -> None:
        """Show the error, and mark the field that caused it."""
        super().failed(error)
        field = self._field_of(error)
        if field is not None:
            field.mark(bad=True)
            field.focus_set()

    # --- results ---------------------------------------------------------------

    def _opened(self, opened: Opened) -> None:
        self._unmark(self.map_name, self.capacity)
        self.say(str(opened), "bad" if opened.other_size else "good")

    def _loaded(self, loaded: Loaded) -> None:
        self.view.show(loaded.picture)
        self._unmark(self.path)
        self.say(f"{loaded} Blip sends it.")

    def _sent(self, outcome: tuple[Loaded, Written]) -> None:
        loaded, written = outcome
        self.view.show(loaded.picture)
        self._unmark(self.path)
        self._written(written)

    def _written(self, written: Written) -> None:
        self._unmark(self.map_name, self.capacity, *self.numbers.values())
        self.say(str(written))

    # --- widgets ------------------------------------------------------------------------

    def _map_fields(self, map_name: str, capacity: str, gap: int) -> None:
        row = ttk.Frame(self.body, name="map")
        row.grid(row=0, column=0, columnspan=2, sticky="ew", pady=(0, gap))
        row.columnconfigure(1, weight=1)
        self.map_name = Field(row, "name", map_name, 24, self.open)
        self.capacity = Field(row, "capacity", capacity, 14, self.open)
        for column, widget in enumerate(
            (
                ttk.Label(row, text="Map"),
                self.map_name,
                ttk.Label(row, text="Capacity"),
                self.capacity,
                ttk.Label(row, text="bytes", style="Quiet.TLabel"),
            )
        ):
            left = 0 if column == 0 else gap
            widget.grid(row=0, column=column, sticky="ew", padx=(left, 0))

    def _picture_part(self, picture: str, gap: int) -> None:
        part = ttk.Frame(self.body, name="picture")
        part.grid(row=1, column=0, sticky="nsew")
        part.columnconfigure(0, weight=1)
        part.rowconfigure(0, weight=1)
        self.view = PictureView(part, "view", _HINT)
        self.view.grid(row=0, column=0, columnspan=3, sticky="nsew")
        self.path = Field(part, "path", picture, 30, self.load)
        self.browse_button = self.button(part, "Browse…", self.browse, letter=1)
        self.blip_button = self.button(part, "Blip", self.blip, accent=True)
        self.path.grid(row=1, column=0, sticky="ew", pady=(gap, 0))
        self.browse_button.grid(row=1, column=1, padx=(gap, 0), pady=(gap, 0))
        self.blip_button.grid(row=1, column=2, padx=(gap, 0), pady=(gap, 0))

    def _struct_part(self, gap: int) -> None:
        part = ttk.Frame(self.body, name="numbers", padding=(2 * gap, 0, 0, 0))
        part.grid(row=1, column=1, sticky="ns")
        part.columnconfigure((0, 1), weight=1)
        self.numbers: dict[str, Field] = {}
        values = {"Id": STANDARD.id, "Age": STANDARD.age}
        values |= {f"Scores[{i}]": score for i, score in enumerate(STANDARD.scores)}
        for place, (field, value) in enumerate(values.items()):
            row, column = divmod(place, 2)
            entry = Field(part, _widget_name(field), str(value), 11, self.send_struct)
            self.numbers[field] = entry
            if place < 2:
                label = ttk.Label(part, text=field)
                label.grid(row=0, column=column, sticky="w", padx=(gap if column else 0, 0))
                row = 1
            else:
                row += 2
            entry.grid(
                row=row,
                column=column,
                sticky="ew",
                padx=(gap if column else 0, 0),
                pady=(gap // 3, 0),
            )
        ttk.Label(part, text="Scores").grid(row=2, column=0, sticky="w", pady=(gap, 0))
        part.rowconfigure(8, weight=1)
        self.struct_button = self.button(part, "Struct", self.send_struct, accent=True)
        self.struct_button.grid(row=9, column=0, columnspan=2, sticky="ew", pady=(gap, 0))

    def _target(self) -> Target:
        return Target(self.map_name.get(), self.capacity.get())

    def _begin(self, doing: str) -> str:
        """Return the typed path, without the quotation marks that file managers add."""
        path = self.path.get().strip().strip("\"'")
        if path:
            self.say(f"{doing} {os.path.basename(path)} …", "busy")
        return os.path.expanduser(path)

    def _field_of(self, error: Exception) -> Field | None:
        if isinstance(error, OSError) and not isinstance(error, PyshmError):
            return self.path
        field = getattr(error, "field", None)
        fields = {"map_name": self.map_name, "capacity": self.capacity, "Capacity": self.capacity}
        fields |= {"path": self.path, "content": self.path, "blob": self.capacity}
        return {**fields, **self.numbers}.get(field or "")

    @staticmethod
    def _unmark(*fields: Field) -> None:
        for field in fields:
            field.mark(bad=False)


def _widget_name(field: str) -> str:
    """Return for example ``score3`` for ``Scores[3]``; names in Tk begin in lower case."""
    return field.lower().replace("scores[", "score").rstrip("]")
