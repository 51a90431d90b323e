"""The command line: ``pyshm`` and ``python -m pyshm`` (docs/protocol.md, "The command line")."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return the exit status (docs/protocol.md, "Exit status")."""
    from . import parser, program

    return program.run(parser.build_parser(), argv)
