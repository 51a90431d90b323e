"""Completion for bash 3.2 (macOS) or newer."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from .grammar import Command, Grammar, Option

__all__ = ["script"]

_SCRIPT = """\
# bash completion for {program}; in ~/.bashrc:  source <({program} completion bash)

_{program}_offer() {{
    local candidate
    while IFS= read -r candidate; do
        [[ $candidate == "$current"* ]] && COMPREPLY+=("$(printf %q "$candidate")")
    done
}}

_{program}() {{
    local current=${{COMP_WORDS[COMP_CWORD]}} command= option= file= kind= words= position=0 i word
    COMPREPLY=()
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${{COMP_WORDS[i]}}
        if [[ -n $option ]]; then
            # The value of the option, with or without an equals sign before it.
            [[ $word == = ]] || option=
        elif [[ -z $command ]]; then
            [[ $word == -* ]] || command=$word
        elif [[ $word == -?* ]]; then
            [[ $word == --file ]] && file=1
            case "$command $word" in
{with_value}
            esac
        else
            position=$((position + 1))
        fi
    done
    [[ $current == = ]] && current=
    if [[ -n $option ]]; then
        case "$command $option" in
{values}
        esac
    elif [[ $current == -* ]]; then
        case $command in
{options}
        esac
    else
        case "$command $position" in
{positions}
        esac
    fi
    [[ $kind == map && -n $file ]] && kind=file
    case $kind in
        map) _{program}_offer < <("${{COMP_WORDS[0]}}" list --names 2>/dev/null) ;;
        words) _{program}_offer < <(printf '%s\\n' $words) ;;
        file)
            compopt -o filenames 2>/dev/null
            while IFS= read -r word; do COMPREPLY+=("$word"); done < <(compgen -f -- "$current")
            ;;
    esac
}}

complete -F _{program} {program}
"""


def script(grammar: Grammar) -> str:
    """Return the script."""
    return _SCRIPT.format(
        program=grammar.program,
        with_value=_lines(_with_value(grammar.commands), 16),
        values=_lines(_values(grammar.commands), 12),
        options=_lines(_options(grammar), 12),
        positions=_lines(_positions(grammar), 12),
    )


def _lines(lines: Iterable[str], indent: int) -> str:
    return "\n".join(" " * indent + line for line in lines)


def _flags(options: Iterable[Option]) -> list[str]:
    return [flag for option in options for flag in option.flags]


def _with_value(commands: Iterable[Command]) -> Iterable[str]:
    for command in commands:
        flags = _flags(option for option in command.options if option.kind)
        if flags:
            yield f"{'|'.join(_pattern(command, flag) for flag in flags)}) option=$word ;;"


def _values(commands: Iterable[Command]) -> Iterable[str]:
    for command in commands:
        for option in command.options:
            if option.kind and option.kind != "text":
                pattern = "|".join(_pattern(command, flag) for flag in option.flags)
                yield f"{pattern}) {_sets(option.kind, option.choices)} ;;"


def _options(grammar: Grammar) -> Iterable[str]:
    yield f"'') {_sets('choice', _flags(grammar.options))} ;;"
    for command in grammar.commands:
        yield f"{command.name}) {_sets('choice', _flags(command.options))} ;;"


def _positions(grammar: Grammar) -> Iterable[str]:
    yield f"' 0') {_sets('choice', [command.name for command in grammar.commands])} ;;"
    for command in grammar.commands:
        for number, argument in enumerate(command.arguments):
            pattern = f'"{command.name} "*' if argument.many else _pattern(command, str(number))
            if argument.kind != "text":
                yield f"{pattern}) {_sets(argument.kind, argument.choices)} ;;"


def _pattern(command: Command, word: str) -> str:
    return f"'{command.name} {word}'"


def _sets(kind: str, choices: Iterable[str]) -> str:
    return (
        f"kind=words words={shlex.quote(' '.join(choices))}" if kind == "choice" else f"kind={kind}"
    )
