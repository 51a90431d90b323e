"""Completion scripts for four shells, generated from the parser."""

from __future__ import annotations

import argparse

__all__ = ["SHELLS", "script"]

SHELLS = ("bash", "zsh", "fish", "powershell")


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """Return the script with which ``shell``, one of SHELLS, completes ``parser``'s commands."""
    from importlib import import_module

    from .grammar import read

    text: str = import_module(f".{shell}", __name__).script(read(parser))
    return text
