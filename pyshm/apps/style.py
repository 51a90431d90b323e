"""The look of both windows: sharp on every screen, and with a theme of their own on X11."""

from __future__ import annotations

import sys
import tkinter as tk
from tkinter import font, ttk
from typing import Any

from PIL import Image, ImageDraw, ImageTk

__all__ = ["COLORS", "apply", "be_sharp", "pixels"]

# Used where Tk has no native theme, on X11, and for what native themes do not draw.
COLORS = {
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
    """Declare to Windows, before the first window, that this program scales itself."""
    if sys.platform == "win32":
        import ctypes

        try:
            ctypes.windll.shcore.SetProcessDpiAwareness(1)
        except (AttributeError, OSError):
            pass  # before Windows 8.1, or the parent process has set it already


def pixels(widget: tk.Misc, points: float) -> int:
    """Return a length in pixels; lengths are given in points, so that they grow with the fonts."""
    return max(1, round(widget.winfo_fpixels(f"{points}p")))


def apply(root: tk.Tk) -> None:
    """Set the look of every widget of the program."""
    _scale(root)
    icon: Any = ImageTk.PhotoImage(_icon(), master=root)
    root.iconphoto(True, icon)
    style = ttk.Style(root)
    if root.tk.call("tk", "windowingsystem") == "x11":
        _dress(root, style)
    style.configure("Quiet.TLabel", foreground=COLORS["quiet"])
    style.configure("Bad.TEntry", foreground=COLORS["bad"])


def _scale(root: tk.Tk) -> None:
    """Apply the desktop's Xft.dpi, which Tk 8.6 ignores, if it is above the screen's own value."""
    if root.tk.call("tk", "windowingsystem") != "x11":
        return
    # Tk gives an X resource only to the program of that name.
    probe = tk.Tk(className="Xft")
    try:
        dpi = float(probe.tk.call("option", "get", ".", "dpi", "Dpi"))
    except ValueError:
        return  # the desktop has not set it
    finally:
        probe.destroy()
    if dpi / 72 > float(root.tk.call("tk", "scaling")):
        root.tk.call("tk", "scaling", dpi / 72)


def _dress(root: tk.Tk, style: ttk.Style) -> None:
    color = COLORS
    style.theme_use("clam")
    root.configure(background=color["window"])
    font.nametofont("TkDefaultFont", root).configure(size=10)
    font.nametofont("TkTextFont", root).configure(size=10)
    edges = {
        "bordercolor": color["frame"],
        "lightcolor": color["window"],
        "darkcolor": color["window"],
    }
    style.configure(
        ".",
        background=color["window"],
        foreground=color["text"],
        focuscolor=color["accent"],
        troughcolor=color["over"],
        **edges,
    )
    style.map(".", foreground=[("disabled", color["quiet"])])
    style.configure("TLabelframe", **edges)
    style.configure("TLabelframe.Label", foreground=color["quiet"])
    flat = {"lightcolor": color["field"], "darkcolor": color["field"]}
    pad = pixels(root, 3)
    style.configure("TEntry", fieldbackground=color["field"], padding=pad, **flat)
    style.map(
        "TEntry",
        fieldbackground=[("readonly", color["window"])],
        lightcolor=[("focus", color["accent"]), ("readonly", color["window"])],
        darkcolor=[("focus", color["accent"]), ("readonly", color["window"])],
        bordercolor=[("focus", color["accent"])],
    )
    style.configure("Bad.TEntry", fieldbackground=color["bad-field"])
    style.map("Bad.TEntry", bordercolor=[("", color["bad"])])
    _button(style, "TButton", ("field", "over", "down"), "frame", "text")
    _button(style, "Accent.TButton", ("accent", "accent-over", "accent-down"), "accent", "field")
    style.configure("TButton", padding=(pixels(root, 9), pixels(root, 4)))
    style.configure("Accent.TButton", padding=(pixels(root, 12), pixels(root, 4)))
    _switch(root, style)
    # In Tk's message box, use the normal font, and show the text of a struct on one line.
    root.option_add("*Dialog.msg.font", "TkDefaultFont")
    root.option_add("*Dialog.msg.wrapLength", pixels(root, 600))


def _button(style: ttk.Style, name: str, faces: tuple[str, str, str], edge: str, text: str) -> None:
    still, over, down = (COLORS[face] for face in faces)
    for option in ("background", "lightcolor", "darkcolor"):
        style.configure(name, **{option: still})
        faces_of: Any = {option: [("pressed", down), ("active", over)]}
        style.map(name, **faces_of)
    style.configure(name, bordercolor=COLORS[edge], foreground=COLORS[text])
    style.configure(name, focuscolor=COLORS[text], relief="raised")
    style.map(name, foreground=[("disabled", COLORS["quiet"])])
    style.map(name, bordercolor=[("alternate", COLORS["accent"])])  # the default button of a dialog


def _switch(root: tk.Tk, style: ttk.Style) -> None:
    """Define the style of the switch "Live", a check button."""
    height = pixels(root, 13)
    off, on = (
        ImageTk.PhotoImage(_switch_face(height, COLORS[color], side), master=root)
        for color, side in (("quiet", 0), ("accent", 1))
    )
    root.switch_faces = off, on  # type: ignore[attr-defined]  # Tk holds no reference to pictures
    style.element_create("Switch.indicator", "image", str(off), ("selected", str(on)), sticky="")
    label: Any = [("Checkbutton.label", {})]
    inside: Any = [
        ("Switch.indicator", {"side": "left", "sticky": ""}),
        ("Checkbutton.focus", {"side": "left", "children": label}),
    ]
    style.layout("Switch.TCheckbutton", [("Checkbutton.padding", {"children": inside})])
    style.configure("Switch.TCheckbutton", padding=pixels(root, 2))
    style.map("Switch.TCheckbutton", background=[("active", COLORS["window"])])


def _icon() -> Image.Image:
    """Draw the icon: two squares that overlap."""
    icon = Image.new("RGBA", (256, 256))
    draw = ImageDraw.Draw(icon)
    draw.rounded_rectangle((16, 16, 168, 168), 28, COLORS["accent"])
    draw.rounded_rectangle((88, 88, 240, 240), 28, COLORS["good"])
    draw.rectangle((92, 92, 164, 164), COLORS["field"])
    return icon.resize((64, 64), Image.Resampling.LANCZOS)


def _switch_face(height: int, color: str, side: int) -> Image.Image:
    fine = 4  # drawn larger and then reduced, so that the edges are smooth
    width, tall = fine * height * 2, fine * height
    face = Image.new("RGBA", (width + fine * height // 2, tall), COLORS["window"])
    draw = ImageDraw.Draw(face)
    draw.rounded_rectangle((0, 0, width - 1, tall - 1), tall // 2, color)
    gap = tall // 8
    left = side * (width - tall) + gap
    draw.ellipse((left, gap, left + tall - 2 * gap - 1, tall - gap - 1), COLORS["field"])
    return face.resize((face.width // fine, height), Image.Resampling.LANCZOS)
