"""How both windows look: sharp on every screen, and on X11 a theme of their own."""

from __future__ import annotations

import sys
import tkinter as tk
from tkinter import font, ttk
from typing import Any

from PIL import Image, ImageDraw, ImageTk

__all__ = ["COLOURS", "apply", "be_sharp", "pixels"]

#: Where the system has no look of its own that Tk knows.
COLOURS = {
    "window": "#f3f4f7",
    "field": "#ffffff",
    "frame": "#ccd1da",
    "text": "#1d2433",
    "quiet": "#687083",
    "accent": "#2f5fd0",
    "accent-over": "#274fae",
    "accent-down": "#1f408c",
    "over": "#e6e9f0",
    "down": "#d8dde7",
    "good": "#1d7f4e",
    "bad": "#b3261e",
    "bad-field": "#fdeceb",
    "picture": "#e4e7ed",
}


def be_sharp() -> None:
    """Tell Windows, before the first window, that this program scales by itself."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except (AttributeError, OSError):
            pass  # before Windows 8.1, or decided already by whoever started the program


def pixels(widget: tk.Misc, points: float) -> int:
    """A length on the screen; all lengths here are points, so that they grow with the fonts."""
    return max(1, round(widget.winfo_fpixels(f"{points}p")))


def apply(root: tk.Tk) -> None:
    """Give every widget of the program its look."""
    _scale(root)
    icon: Any = ImageTk.PhotoImage(_icon(), master=root)
    root.iconphoto(True, icon)
    style = ttk.Style(root)
    if root.tk.call("tk", "windowingsystem") == "x11":
        _dress(root, style)
    style.configure("Quiet.TLabel", foreground=COLOURS["quiet"])
    style.configure("Bad.TEntry", foreground=COLOURS["bad"])


def _scale(root: tk.Tk) -> None:
    """Follow the desktop's Xft.dpi, which Tk 8.6 leaves out, when it is above the screen's own."""
    if root.tk.call("tk", "windowingsystem") != "x11":
        return
    # Tk hands an X resource only to the program of that name.
    probe = tk.Tk(className="Xft")
    try:
        dpi = float(probe.tk.call("option", "get", ".", "dpi", "Dpi"))
    except ValueError:
        return  # no desktop has set it
    finally:
        probe.destroy()
    if dpi / 72 > float(root.tk.call("tk", "scaling")):
        root.tk.call("tk", "scaling", dpi / 72)


def _dress(root: tk.Tk, style: ttk.Style) -> None:
    colour = COLOURS
    style.theme_use("clam")
    root.configure(background=colour["window"])
    font.nametofont("TkDefaultFont", root).configure(size=10)
    font.nametofont("TkTextFont", root).configure(size=10)
    edges = {
        "bordercolor": colour["frame"],
        "lightcolor": colour["window"],
        "darkcolor": colour["window"],
    }
    style.configure(
        ".",
        background=colour["window"],
        foreground=colour["text"],
        focuscolor=colour["accent"],
        troughcolor=colour["over"],
        **edges,
    )
    style.map(".", foreground=[("disabled", colour["quiet"])])
    style.configure("TLabelframe", **edges)
    style.configure("TLabelframe.Label", foreground=colour["quiet"])
    flat = {"lightcolor": colour["field"], "darkcolor": colour["field"]}
    pad = pixels(root, 3)
    style.configure("TEntry", fieldbackground=colour["field"], padding=pad, **flat)
    style.map(
        "TEntry",
        fieldbackground=[("readonly", colour["window"])],
        lightcolor=[("focus", colour["accent"]), ("readonly", colour["window"])],
        darkcolor=[("focus", colour["accent"]), ("readonly", colour["window"])],
        bordercolor=[("focus", colour["accent"])],
    )
    style.configure("Bad.TEntry", fieldbackground=colour["bad-field"])
    style.map("Bad.TEntry", bordercolor=[("", colour["bad"])])
    _button(style, "TButton", ("field", "over", "down"), "frame", "text")
    _button(style, "Accent.TButton", ("accent", "accent-over", "accent-down"), "accent", "field")
    style.configure("TButton", padding=(pixels(root, 9), pixels(root, 4)))
    style.configure("Accent.TButton", padding=(pixels(root, 12), pixels(root, 4)))
    _switch(root, style)
    # Tk's message box: its text is as large as any other, and the struct's goes into one line.
    root.option_add("*Dialog.msg.font", "TkDefaultFont")
    root.option_add("*Dialog.msg.wrapLength", pixels(root, 600))


def _button(style: ttk.Style, name: str, faces: tuple[str, str, str], edge: str, text: str) -> None:
    still, over, down = (COLOURS[face] for face in faces)
    for option in ("background", "lightcolor", "darkcolor"):
        style.configure(name, **{option: still})
        faces_of: Any = {option: [("pressed", down), ("active", over)]}
        style.map(name, **faces_of)
    style.configure(name, bordercolor=COLOURS[edge], foreground=COLOURS[text])
    style.configure(name, focuscolor=COLOURS[text], relief="raised")
    style.map(name, foreground=[("disabled", COLOURS["quiet"])])
    style.map(name, bordercolor=[("alternate", COLOURS["accent"])])  # a dialog's default one


def _switch(root: tk.Tk, style: ttk.Style) -> None:
    """A check button as the sliding switch that "Live" is."""
    height = pixels(root, 13)
    off, on = (
        ImageTk.PhotoImage(_switch_face(height, COLOURS[colour], side), master=root)
        for colour, side in (("quiet", 0), ("accent", 1))
    )
    root.switch_faces = off, on  # type: ignore[attr-defined]  # Tk keeps names, not pictures
    style.element_create("Switch.indicator", "image", str(off), ("selected", str(on)), sticky="")
    label: Any = [("Checkbutton.label", {})]
    inside: Any = [
        ("Switch.indicator", {"side": "left", "sticky": ""}),
        ("Checkbutton.focus", {"side": "left", "children": label}),
    ]
    style.layout("Switch.TCheckbutton", [("Checkbutton.padding", {"children": inside})])
    style.configure("Switch.TCheckbutton", padding=pixels(root, 2))
    style.map("Switch.TCheckbutton", background=[("active", COLOURS["window"])])


def _icon() -> Image.Image:
    """Two squares that share a part of each other."""
    icon = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(icon)
    draw.rounded_rectangle((16, 16, 168, 168), 28, COLOURS["accent"])
    draw.rounded_rectangle((88, 88, 240, 240), 28, COLOURS["good"])
    draw.rectangle((92, 92, 164, 164), COLOURS["field"])
    return icon.resize((64, 64), Image.Resampling.LANCZOS)


def _switch_face(height: int, colour: str, side: int) -> Image.Image:
    fine = 4  # drawn larger and reduced, which makes the edges smooth
    width, tall = fine * height * 2, fine * height
    face = Image.new("RGBA", (width + fine * height // 2, tall), COLOURS["window"])
    draw = ImageDraw.Draw(face)
    draw.rounded_rectangle((0, 0, width - 1, tall - 1), tall // 2, colour)
    gap = tall // 8
    left = side * (width - tall) + gap
    draw.ellipse((left, gap, left + tall - 2 * gap - 1, tall - gap - 1), COLOURS["field"])
    return face.resize((face.width // fine, height), Image.Resampling.LANCZOS)
