"""The option ``--as``: a kind of :mod:`pyshm.dump`, or a Struct in the user's own module."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING

from .common import UsageError, natural_number, positive_number

if TYPE_CHECKING:
    from ..structs.struct import Struct

__all__ = ["add_kind", "chosen_part", "kind_of", "struct_of"]


def add_kind(sub: argparse.ArgumentParser) -> None:
    """Add ``--as``, ``--array``, ``--offset`` and ``--length``."""
    sub.add_argument(
        "--as",
        dest="kind",
        metavar="KIND",
        help="read the bytes as blob, as TestData, as raw (plain hex), or as module:Class, a "
        "Struct of yours (default: blob if they hold a picture, otherwise raw)",
    )
    sub.add_argument(
        "--array", type=positive_number, default=1, metavar="N", help="N structs in a row"
    )
    sub.add_argument("--offset", type=natural_number, default=0, metavar="N", help="skip N bytes")
    sub.add_argument("--length", type=natural_number, metavar="N", help="read at most N bytes")


def kind_of(arguments: argparse.Namespace) -> str | type[Struct] | None:
    """Return the kind that the options of :func:`add_kind` name. Raises UsageError."""
    from ..dump import KINDS

    kind: str | None = arguments.kind
    if arguments.array > 1 and kind in (None, "blob", "raw"):
        raise UsageError("--array needs --as TestData or --as module:Class")
    if kind is None or kind in KINDS:
        return kind
    if not all(kind.partition(":")):
        raise UsageError(f"--as {kind}: expected blob, TestData, raw or module:Class")
    return struct_of(kind)


def chosen_part(arguments: argparse.Namespace, buffer: memoryview) -> memoryview:
    """Return the bytes of ``buffer`` that ``--offset`` and ``--length`` select."""
    end = None if arguments.length is None else arguments.offset + arguments.length
    return buffer[arguments.offset : end]


def struct_of(text: str) -> type[Struct]:
    """Return the Struct that ``module:Class`` names; the module can be in the current directory.

    Raises UsageError, which says what is wrong with the module or the name.
    """
    from importlib import import_module

    from ..structs.struct import Struct

    name, _, path = text.partition(":")
    here = os.getcwd()
    if here not in sys.path and "" not in sys.path:
        sys.path.insert(0, here)  # as ``python -m`` does
    try:
        module = import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise UsageError(
                f"{text}: there is no module {error.name} in {here} or in the installed packages"
            ) from error
        raise UsageError(f"{text}: importing {name} failed: {error}") from error
    except (Exception, SystemExit) as error:
        # The user's module can raise anything when it is imported.
        raise UsageError(
            f"{text}: importing {name} failed: {type(error).__name__}: {error}"
        ) from error
    found: object = module
    for part in path.split("."):
        found = getattr(found, part, None)
    if isinstance(found, type) and issubclass(found, Struct) and found is not Struct:
        return found
    what = (
        "there is no such class"
        if found is None
        else f"{found!r} is not a subclass of pyshm.Struct"
    )
    there = sorted(
        key for key, value in vars(module).items()
        if isinstance(value, type) and issubclass(value, Struct) and value is not Struct
    )  # fmt: skip
    raise UsageError(f"{text}: {what}; structs in {name}: {', '.join(there) or 'none'}")
