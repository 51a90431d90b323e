"""The option ``--as``: a kind of :mod:`pyshm.dump`, or a type of the user."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .common import UsageError, add_references, byte_offset, positive_number
from .types import struct_of

if TYPE_CHECKING:
    from ..structs.struct import Struct

__all__ = ["add_kind", "kind_of"]


def add_kind(sub: argparse.ArgumentParser) -> None:
    """Add ``--as``, ``--array``, ``--offset`` and ``--length``."""
    sub.add_argument(
        "--as",
        dest="kind",
        metavar="KIND",
        help="read the bytes as blob, TestData, raw (plain hex), module:Class (your Struct) or "
        "x.dll:Full.Name (default: blob if they hold a picture, otherwise raw)",
    )
    add_references(sub)
    sub.add_argument(
        "--array", type=positive_number, default=1, metavar="N", help="N structs in a row"
    )
    sub.add_argument("--offset", type=byte_offset, default=0, metavar="N", help="skip N bytes")
    sub.add_argument("--length", type=byte_offset, metavar="N", help="read at most N bytes")


def kind_of(arguments: argparse.Namespace) -> str | type[Struct] | None:
    """Return the kind that the options of :func:`add_kind` name. Raises UsageError."""
    from ..dump import KINDS

    kind: str | None = arguments.kind
    if arguments.array > 1 and kind in (None, "blob", "raw"):
        raise UsageError("--array needs --as TestData, module:Class or x.dll:Full.Name")
    if kind is None or kind in KINDS:
        return kind
    return struct_of(kind, arguments.references, KINDS)
