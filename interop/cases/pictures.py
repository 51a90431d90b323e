"""Pictures for the cases: Pillow draws them with the size and the noise of photographs."""

from __future__ import annotations

import os

__all__ = ["PICTURES", "make_picture"]

# name: Pillow's format, mode, width, height, how it is saved
PICTURES: dict[str, tuple[str, str, int, int, dict[str, object]]] = {
    "photo-2-megapixels.jpg": ("JPEG", "RGB", 1920, 1080, {"quality": 95}),
    "photo-12-megapixels.jpg": ("JPEG", "RGB", 4000, 3000, {"quality": 85}),
    "photo-grey.jpg": ("JPEG", "L", 640, 480, {"quality": 80}),
    "photo-5-megabytes.png": ("PNG", "RGB", 1600, 1200, {"compress_level": 1}),
    "icon.png": ("PNG", "RGBA", 64, 64, {}),
    "scan.png": ("PNG", "1", 1240, 1754, {}),
    "photo.bmp": ("BMP", "RGB", 640, 480, {}),
    "photo.gif": ("GIF", "P", 640, 480, {}),
    "photo.tiff": ("TIFF", "RGB", 800, 600, {}),
    "photo.ppm": ("PPM", "RGB", 800, 600, {}),
}


def make_picture(name: str, folder: str) -> str:
    """Draw the picture of that name in ``folder``, unless it is there; return its path.

    The noise differs from run to run. That does no harm: peers exchange the file that was drawn.
    """
    from PIL import Image

    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    kind, mode, width, height, options = PICTURES[name]
    # Shapes with soft and hard edges, and a sensor's noise in each channel, as in a photograph.
    shapes = Image.effect_mandelbrot((width, height), (-2.1, -1.2, 0.9, 1.2), 60)
    light = Image.linear_gradient("L").resize((width, height))
    channels = [
        Image.blend(
            Image.blend(shapes, light.rotate(90 * turn).resize((width, height)), 0.3),
            Image.effect_noise((width, height), 40),
            0.25,
        )
        for turn in range(3)
    ]
    image = Image.merge("RGB", channels)
    if mode == "RGBA":
        image.putalpha(light)
    elif mode != "RGB":
        image = image.convert(mode)
    unfinished = f"{path}.{os.getpid()}"
    image.save(unfinished, kind, **options)
    os.replace(unfinished, path)  # several processes of one run may draw it at once
    return path
