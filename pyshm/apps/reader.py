"""The Reader: ``pyshm-reader`` and ``python -m pyshm.apps.reader``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from . import options, start

if TYPE_CHECKING:
    import tkinter as tk

    from .reader_window import ReaderWindow

__all__ = ["main"]

_PROGRAM = "pyshm-reader"
_KEYS = """\
keys:
  Enter    in the field "Map": show the picture; on a button: press it
  Escape   switch Live off; in the field "Map": undo the edit
  Ctrl+O   Blip: show the picture (also Alt+B)
  Alt+S    Struct: show the numbers
  Ctrl+Q   quit
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Show the window until it is closed; return the exit status (1 without a display, else 0)."""
    parser = options.parser(_PROGRAM, "Show pictures and structs that other programs send.", _KEYS)
    parser.add_argument("--live", action="store_true", help="show each new picture automatically")
    arguments = parser.parse_args(argv)

    def build(root: tk.Tk) -> ReaderWindow:
        from .reader_window import ReaderWindow

        return ReaderWindow(root, arguments.map, live=arguments.live)

    return start.run(_PROGRAM, build)


if __name__ == "__main__":
    sys.exit(main())
