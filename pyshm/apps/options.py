"""The command line that both programs share."""

from __future__ import annotations

import argparse

from .._version import __version__

__all__ = ["parser"]

_MAP = "picture"


def parser(program: str, description: str, epilog: str) -> argparse.ArgumentParser:
    """Return a parser with the options that both programs have."""
    parser = argparse.ArgumentParser(
        prog=program,
        description=description,
        epilog=epilog,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pyshm {__version__}")
    parser.add_argument(
        "--map", default=_MAP, metavar="NAME", help="the name of the map (default: %(default)s)"
    )
    return parser
