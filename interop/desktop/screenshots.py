"""``python -m interop.desktop.screenshots`` makes docs/pictures/writer.png and reader.png.

Both programs run, the Writer sends a picture and the Reader shows it. Then each window is copied
from the screen. The picture is drawn by this program and is always the same.
"""

from __future__ import annotations

import math
import os
import random
import sys
import tempfile

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from ..checkout import DOCS
from . import display
from .app import App

__all__ = ["main"]

_FOLDER = DOCS / "pictures"
_DPI = "144"  # a page shows the pictures at a smaller size, so that they are sharp
_SCALE = 2  # drawn larger than saved by this factor, for smooth edges


def main() -> int:
    """Save pictures of both windows; return the exit status."""
    reason = display.missing()
    if reason is not None:
        print(f"screenshots: {reason}", file=sys.stderr)
        return 1
    _FOLDER.mkdir(exist_ok=True)
    # In separate folders the map and the picture can have their usual names.
    with tempfile.TemporaryDirectory() as maps, tempfile.TemporaryDirectory() as work:
        os.environ["PYSHM_DIRECTORY"] = maps
        os.chdir(work)
        draw_lake(1600, 1000).save("lake at dusk.png")
        with display.virtual_display("-dpi", _DPI) as screen:
            _save_windows(screen)
    for name in ("writer.png", "reader.png"):
        print(_FOLDER / name)
    return 0


def _save_windows(screen: str) -> None:
    reader = App("reader", screen, "--live")
    writer = App("writer", screen)
    try:
        reader.do("tcl", words=["wm", "geometry", ".", "1080x860+0+0"])
        writer.do("tcl", words=["wm", "geometry", ".", "1400x860+0+0"])
        writer.wait_for_text("is open")
        writer.type("path", "lake at dusk.png")
        writer.press("blip")
        writer.wait_for_text("Wrote lake at dusk.png")
        reader.wait_for_text("Read 1600 x 1000")
        for app, name in ((writer, "writer.png"), (reader, "reader.png")):
            app.do("tcl", words=["raise", "."])
            app.picture()  # waits until it is drawn
            window = app.screenshot(".")
            ImageOps.expand(window, 1, "#b9bfca").save(_FOLDER / name, optimize=True)
    finally:
        writer.peer.close()
        reader.peer.close()


def draw_lake(width: int, height: int) -> Image.Image:
    """Return a picture of mountains at dusk that are reflected in a lake."""
    dice = random.Random(10)
    wide, high = width * _SCALE, height * _SCALE
    shore = high * 62 // 100
    land = _sky(wide, shore, dice)
    ranges = [("#8b5f8e", 0.46, 0.30), ("#5c4a80", 0.62, 0.24), ("#352f5e", 0.80, 0.20)]
    for color, level, rough in ranges:
        ImageDraw.Draw(land).polygon(_ridge(wide, shore, level, rough, dice), color)
        haze = Image.new("RGB", land.size, "#f6a57c")
        fade = Image.linear_gradient("L").resize(land.size).point(lambda value: value // 7)
        land.paste(haze, mask=fade)
    _trees(land, dice)
    picture = Image.new("RGB", (wide, high))
    picture.paste(land)
    picture.paste(_water(land, high - shore, dice), (0, shore))
    return picture.resize((width, height), Image.Resampling.LANCZOS)


def _sky(width: int, height: int, dice: random.Random) -> Image.Image:
    stops = ["#1b2350", "#4a3f7d", "#b0608c", "#f08a6c", "#fbc27a"]
    column = Image.new("RGB", (1, len(stops)))
    for row, color in enumerate(stops):
        column.paste(color, (0, row, 1, row + 1))
    sky = column.resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(sky)
    for _ in range(130):
        x, y = dice.random() * width, dice.random() ** 2 * height * 0.4
        size = dice.choice((1, 1, 2, 3))
        draw.ellipse((x, y, x + size, y + size), dice.choice(("#ffffff", "#c9cdf0")))
    center, radius = (width * 64 // 100, height * 58 // 100), height // 11
    glow = Image.new("RGB", sky.size)
    for reach, color in ((3.4, "#3a1c12"), (2.2, "#4a2a18"), (1.5, "#5a3a20")):
        ImageDraw.Draw(glow).ellipse(_disc(center, radius * reach), color)
    sky = ImageChops.add(sky, glow.filter(ImageFilter.GaussianBlur(radius * 0.6)))
    ImageDraw.Draw(sky).ellipse(_disc(center, radius), "#fff0c9")
    return sky


def _disc(center: tuple[int, int], radius: float) -> tuple[float, float, float, float]:
    x, y = center
    return (x - radius, y - radius, x + radius, y + radius)


def _ridge(
    width: int, height: int, level: float, rough: float, dice: random.Random
) -> list[tuple[float, float]]:
    """Return the outline of a range of mountains: a sum of waves with sharp crests."""
    waves = [(2.0**i, dice.random() * math.tau, 0.55**i) for i in range(8)]
    points: list[tuple[float, float]] = [(0, height)]
    for x in range(0, width + 1, 4):
        place = x / width * math.tau * 0.7
        up = sum(size * (1 - 2 * abs(math.sin(place * often + at))) for often, at, size in waves)
        points.append((x, height * (level + rough * 0.45 * -up * 0.6)))
    return [*points, (width, height)]


def _trees(land: Image.Image, dice: random.Random) -> None:
    draw = ImageDraw.Draw(land)
    width, height = land.size
    for _ in range(230):
        inland = dice.random() ** 1.6 * width * 0.5
        x = inland if dice.random() < 0.62 else width - inland
        tall = height * (0.05 + 0.17 * dice.random() * (1 - min(x, width - x) / width * 1.8))
        for step in range(4):
            top = height - tall + step * tall * 0.21
            half = tall * (0.07 + 0.045 * step)
            foot = top + tall * 0.36
            draw.polygon([(x, top), (x - half, foot), (x + half, foot)], "#141632")
    draw.rectangle((0, height - height // 70, width, height), "#141632")


def _water(land: Image.Image, depth: int, dice: random.Random) -> Image.Image:
    """Return the land upside down, darker, and shifted by waves that grow towards the viewer."""
    width, _ = land.size
    mirror = ImageOps.flip(land).resize((width, depth)).filter(ImageFilter.GaussianBlur(3))
    water = Image.new("RGB", mirror.size)
    for line in range(depth):
        near = line / depth
        wave = math.sin(line / (4 + 26 * near)) + 0.5 * math.sin(line / (2 + 9 * near) + 1)
        shift = int(wave * (2 + 26 * near) + dice.uniform(-2, 2))
        row = mirror.crop((0, line, width, line + 1))
        water.paste(ImageChops.offset(row, shift, 0), (0, line))
    dark = Image.new("RGB", water.size, "#17204a")
    return Image.blend(water, dark, 0.3)


if __name__ == "__main__":
    sys.exit(main())
