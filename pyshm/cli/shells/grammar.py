"""The commands, options and arguments of a parser, for a completion script."""

from __future__ import annotations

import argparse
from typing import Literal, NamedTuple, TypeAlias

__all__ = ["Argument", "Command", "Grammar", "Kind", "Option", "read"]

Kind: TypeAlias = Literal["map", "file", "choice", "text"]
"""What a value is: the name of a map (with --file, a file), a file, one of some words, or text that
a shell can't complete. The metavar says which: MAP, FILE, KIND."""


class Option(NamedTuple):
    """An option. ``kind`` is the kind of its value, None if it has none."""

    flags: tuple[str, ...]
    help: str
    kind: Kind | None
    choices: tuple[str, ...] = ()


class Argument(NamedTuple):
    """A positional argument; ``many`` if it takes all remaining words."""

    name: str
    help: str
    kind: Kind
    choices: tuple[str, ...]
    many: bool


class Command(NamedTuple):
    """A command with its options and arguments."""

    name: str
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]


class Grammar(NamedTuple):
    """The program, the options before any command, and the commands."""

    program: str
    options: tuple[Option, ...]
    commands: tuple[Command, ...]


def read(parser: argparse.ArgumentParser) -> Grammar:
    """Return the grammar of a parser that has one level of commands."""
    commands: list[Command] = []
    for action in _actions(parser):
        if isinstance(action.choices, dict):
            helps = {item.dest: item.help or "" for item in action._choices_actions}  # type: ignore[attr-defined]  # noqa: SLF001
            commands += [
                Command(name, helps.get(name, ""), _options(sub), _arguments(sub))
                for name, sub in action.choices.items()
            ]
    return Grammar(parser.prog, _options(parser), tuple(commands))


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    # argparse has no public access to its arguments; these names have not changed since 2.7.
    return parser._actions  # noqa: SLF001


def _options(parser: argparse.ArgumentParser) -> tuple[Option, ...]:
    return tuple(
        Option(
            tuple(action.option_strings),
            _help(action),
            None if action.nargs == 0 else _kind(action),
            _choices(action),
        )
        for action in _actions(parser)
        if action.option_strings and action.help != argparse.SUPPRESS
    )


def _arguments(parser: argparse.ArgumentParser) -> tuple[Argument, ...]:
    return tuple(
        Argument(
            str(action.metavar or action.dest),
            _help(action),
            _kind(action),
            _choices(action),
            action.nargs in ("*", "+"),
        )
        for action in _actions(parser)
        if not action.option_strings
    )


def _kind(action: argparse.Action) -> Kind:
    if _choices(action):
        return "choice"
    kinds: dict[object, Kind] = {"MAP": "map", "FILE": "file"}
    return kinds.get(action.metavar, "text")


def _choices(action: argparse.Action) -> tuple[str, ...]:
    if action.metavar == "KIND":  # or a class, which can't be completed
        from ...dump import KINDS

        return KINDS
    return tuple(str(choice) for choice in action.choices or ())


def _help(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%")
