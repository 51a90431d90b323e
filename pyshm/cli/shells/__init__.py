"""Completion scripts for four shells, made from the parser itself."""

from __future__ import annotations

import argparse

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish", "powershell")


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script that completes ``parser``'s command line in ``shell``, one of SHELLS."""
    from importlib import import_module

    from .grammar import read

    made: str = import_module(f".{shell}", __name__).script(read(parser))
    return made
