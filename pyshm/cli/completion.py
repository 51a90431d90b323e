"""``pyshm completion``: a script with which a shell completes the command line."""

from __future__ import annotations

import argparse

from .common import OK, Commands, add_command
from .shells import SHELLS

__all__ = ["add"]

_DESCRIPTION = """\
Prints a script for your shell. With it, the Tab key completes commands, options and their
values, files, and the names of the maps that are alive."""
_EXAMPLES = """\
  source <(pyshm completion bash)                                  in ~/.bashrc
  source <(pyshm completion zsh)                                   in ~/.zshrc, after compinit
  pyshm completion fish > ~/.config/fish/completions/pyshm.fish
  pyshm completion powershell | Out-String | Invoke-Expression     in $PROFILE
"""


def add(commands: Commands) -> None:
    """Add ``completion``."""
    sub = add_command(
        commands,
        "completion",
        _completion,
        "Print a completion script for a shell.",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    sub.add_argument("shell", choices=SHELLS, metavar="SHELL", help=f"one of {', '.join(SHELLS)}")


def _completion(arguments: argparse.Namespace) -> int:
    from .shells import script

    print(script(arguments.shell, arguments.parser), end="")
    return OK
