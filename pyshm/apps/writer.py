"""The Writer: ``pyshm-writer`` and ``python -m pyshm.apps.writer``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..helper import ShareMemoryHelper
from . import options, start

if TYPE_CHECKING:
    import tkinter as tk

    from .writer_window import WriterWindow

__all__ = ["main"]

_PROGRAM = "pyshm-writer"
_KEYS = """\
keys:
  Enter    in the path: show the picture; in "Map" or "Capacity": open the map;
           in a number: send the struct; on a button: press it
  Escape   undo the edit of a field
  Ctrl+O   browse for a picture (also Alt+R)
  Alt+B    Blip: send the picture
  Alt+S    Struct: send the numbers
  Ctrl+Q   quit and release the map
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window until it is closed; return the exit status (1 without a display, else 0)."""
    parser = options.parser(_PROGRAM, "Send pictures and structs to other programs.", _KEYS)
    parser.add_argument(
        "--capacity",
        default=str(ShareMemoryHelper.DEFAULT_CAPACITY),
        metavar="N",
        help="the size of a new map in bytes (default: %(default)s)",
    )
    parser.add_argument("picture", nargs="?", metavar="FILE", help="a picture to load at the start")
    arguments = parser.parse_args(argv)

    def build(root: tk.Tk) -> WriterWindow:
        from .writer_window import WriterWindow

        return WriterWindow(root, arguments.map, arguments.capacity, arguments.picture)

    return start.run(_PROGRAM, build)


if __name__ == "__main__":
    sys.exit(main())
