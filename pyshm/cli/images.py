"""``pyshm write-image`` and ``pyshm read-image``: pictures in and out of a map."""

from __future__ import annotations

import argparse
import os
import sys
from errno import EEXIST
from typing import TYPE_CHECKING

from .common import (
    OK,
    Commands,
    UsageError,
    add_command,
    add_map,
    opened_to_read,
    print_json,
    report_ready,
)
from .console import Console
from .holding import HELD, add_hold, hold, interruptible, time_is_left
from .writing import add_capacity, opened_to_write, room_of

if TYPE_CHECKING:
    from ..formats.image import ImageData
    from ..helper import ShareMemoryHelper
    from . import file_watch

__all__ = ["add"]

_WRITE = f"""\
The bytes of FILE are stored unchanged, and FILE can be any file. With --watch it must be a
picture: it is sent when all of it can be decoded, so a file that is half written is never sent.

If FILE is "-", the picture comes from standard input. The map is then held until Ctrl-C, and the
stored path is "-" unless --path gives another. For a file named "-", write "./-".

{HELD}"""
_WRITE_EXAMPLES = """\
  pyshm write-image picture photo.jpg            write it, then hold the map until Ctrl-C
  pyshm write-image picture photo.jpg --watch    write it again after each change of the file
  import -window root png:- | pyshm write-image picture - --path screen.png
"""
_READ = """\
With "--out -" the picture goes to standard output, and the report to standard error."""
_READ_EXAMPLES = """\
  pyshm read-image picture                       show the stored path, the size and the SHA-256
  pyshm read-image picture --out copy.jpg        save the picture
  pyshm read-image picture --show                open it in the system's viewer
  pyshm read-image picture --out - | convert - small.png
"""


def add(commands: Commands) -> None:
    """Add ``write-image`` and ``read-image``."""
    sub = add_command(
        commands,
        "write-image",
        _write_image,
        "Write a picture to a map, and hold the map.",
        description=_WRITE,
        examples=_WRITE_EXAMPLES,
    )
    add_map(sub)
    add_capacity(sub)
    add_hold(sub)
    sub.add_argument("image", metavar="FILE", help='the picture file; "-" is standard input')
    sub.add_argument("--path", metavar="TEXT", help="the path to store (default: FILE)")
    sub.add_argument("--watch", action="store_true", help="write it again when FILE changes")
    sub.add_argument("--show", action="store_true", help="also open the picture in a viewer")
    sub = add_command(
        commands,
        "read-image",
        _read_image,
        "Read the picture in a map, and save or show it.",
        description=_READ,
        examples=_READ_EXAMPLES,
    )
    add_map(sub)
    sub.add_argument("--out", metavar="FILE", help='save it to FILE ("-": standard output)')
    sub.add_argument("--force", action="store_true", help="replace FILE if it exists")
    sub.add_argument(
        "--replace",
        action="store_true",
        help="read invalid UTF-8 in the path as U+FFFD",
    )
    sub.add_argument("--show", action="store_true", help="open the picture in a viewer")


# --- write-image --------------------------------------------------------------------------


def _write_image(arguments: argparse.Namespace) -> int:
    from ..formats.image import ImageData
    from . import file_watch
    from .transfer import STANDARD, check_not_read, read_picture

    piped = arguments.image == STANDARD
    if piped and arguments.watch:
        raise UsageError("--watch needs a file; standard input can't be watched")
    if arguments.file and not piped:
        check_not_read(arguments.map, {arguments.image: "the picture"})
    known = file_watch.signature(arguments.image) if arguments.watch else None
    path = arguments.image if arguments.path is None else arguments.path
    room = room_of(arguments, _size_of(ImageData(path, b"")))
    image = ImageData(path, read_picture(arguments.image, room).content)
    if arguments.watch:
        image.check_picture()
    with opened_to_write(arguments, _size_of(image)) as memory:
        size = memory.write_image(image)
        with interruptible():
            report_ready(arguments, memory, size)
            if arguments.show:
                _try_to_show(image)
            if arguments.watch:
                _send_changes(arguments, memory, known)
            else:
                hold(arguments, input_ends=not piped)
    return OK


def _size_of(image: ImageData) -> int:
    """Return the size of the blob in bytes."""
    from ..formats.blob import blob_size

    path = image.path.encode("utf-8", "surrogatepass")
    return blob_size(len(path), memoryview(image.content).nbytes)


def _with_path(arguments: argparse.Namespace, image: ImageData) -> ImageData:
    if arguments.path is not None:
        image.path = arguments.path
    return image


def _send_changes(
    arguments: argparse.Namespace, memory: ShareMemoryHelper, known: file_watch.Signature | None
) -> None:
    from ..errors import DoesNotFitError, PyshmError
    from . import file_watch
    from .transfer import read_picture

    wait = time_is_left(arguments, file_watch.PAUSE)
    for found in file_watch.changes(arguments.image, known, read_picture, wait):
        try:
            if isinstance(found, Exception):
                raise found
            size = memory.write_image(_with_path(arguments, found))
        except (PyshmError, OSError) as error:
            # The map keeps the last picture; the next version of the file may be valid.
            hint = ""
            if isinstance(error, DoesNotFitError):
                hint = "; to have room for it, start again with a larger --capacity"
            Console.err().line(f"pyshm: {arguments.image} was not sent: {error}{hint}")
        else:
            report_ready(arguments, memory, size, again=True)


# --- read-image ---------------------------------------------------------------------------


def _read_image(arguments: argparse.Namespace) -> int:
    from hashlib import sha256

    from .transfer import STANDARD, check_target, file_of_map, for_each_part, target

    out, piped = arguments.out, arguments.out == STANDARD
    if out is not None:
        check_target(out, file_of_map(arguments))
        if os.path.isfile(out) and not arguments.force:
            raise FileExistsError(EEXIST, "the file exists already; --force replaces it", out)
    with opened_to_read(arguments) as memory:
        image = memory.read_image(strict=not arguments.replace)
        content = memoryview(image.content)
        hashed = sha256()
        if out is None:
            for_each_part(content, "reading", hashed.update)
        else:
            with target(out) as file:
                for_each_part(content, f"writing {out}", hashed.update, file.write)
        if arguments.show:
            _show(image)
        result = {
            "map": arguments.map,
            "path": image.path,
            "length": len(content),
            "sha256": hashed.hexdigest(),
            "out": out,
        }
    if arguments.json:
        print_json(result, sys.stderr if piped else sys.stdout)
    else:
        console = Console.err() if piped else Console.out()
        for key in ("path", "length", "sha256"):
            console.line(f"{key}: {result[key]}")
    return OK


# --- both ---------------------------------------------------------------------------------


def _show(image: ImageData) -> None:
    """Open the picture in the system's viewer. Raises PictureError or PlatformError."""
    from PIL import ImageShow

    from ..errors import PlatformError

    picture = image.check_picture()
    # Without the path as the title: ImageMagick's display would read a title "@FILE" from FILE. A
    # copy has only the first frame, while an animation could have any number of large ones.
    # Pillow 9.4 can't save such a copy of a picture with a palette as the PNG that viewers get.
    if not ImageShow.show(picture.convert("RGBA") if picture.mode == "P" else picture.copy()):
        raise PlatformError(
            "no picture viewer was found; install one (on Debian: apt-get install xdg-utils), or "
            "save the picture with read-image --out FILE"
        )


def _try_to_show(image: ImageData) -> None:
    from ..errors import PyshmError

    try:
        _show(image)
    except PyshmError as error:
        Console.err().line(f"pyshm: {error}")
