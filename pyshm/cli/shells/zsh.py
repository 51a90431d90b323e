"""Completion for zsh."""

from __future__ import annotations

from .grammar import Argument, Command, Grammar, Kind, Option

__all__ = ["script"]

_SCRIPT = """\
#compdef {program}
# zsh completion for {program}; in ~/.zshrc, after compinit:  source <({program} completion zsh)

_{program}_maps() {{
    if (( ${{words[(I)--file]}} )); then
        _files
        return
    fi
    local -a names
    names=("${{(@f)$({program} list --names 2>/dev/null)}}")
    compadd -a names
}}

_{program}() {{
    local context state line
    typeset -A opt_args
    _arguments -C \\
{options}
        '1: :->command' \\
        '*:: :->argument' && return
    case $state in
        command)
            local -a commands
            commands=(
{commands}
            )
            _describe -t commands command commands
            ;;
        argument)
            case $words[1] in
{cases}
            esac
            ;;
    esac
}}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _{program} "$@"
else
    compdef _{program} {program}
fi
"""


def script(grammar: Grammar) -> str:
    """Return the script."""
    maps = f"_{grammar.program}_maps"
    return _SCRIPT.format(
        program=grammar.program,
        options="\n".join(f"        {_option(option, maps)} \\" for option in grammar.options),
        commands="\n".join(
            " " * 16 + _quoted(f"{_escaped(command.name)}:{command.help}")
            for command in grammar.commands
        ),
        cases="\n".join(_case(command, maps) for command in grammar.commands),
    )


def _case(command: Command, maps: str) -> str:
    parts = [_option(option, maps) for option in command.options]
    parts += [
        _argument(number, argument, maps) for number, argument in enumerate(command.arguments, 1)
    ]
    begin = " " * 16
    joined = f" \\\n{begin}        ".join(["_arguments", *parts])
    return f"{begin}{command.name})\n{begin}    {joined}\n{begin}    ;;"


def _option(option: Option, maps: str) -> str:
    text = option.help.replace("[", "\\[").replace("]", "\\]")
    value = f":value:{_action(option.kind, option.choices, maps)}" if option.kind else ""
    others = f"({' '.join(option.flags)})"
    return " ".join(_quoted(f"{others}{flag}[{text}]{value}") for flag in option.flags)


def _argument(number: int, argument: Argument, maps: str) -> str:
    place = "*" if argument.many else str(number)
    action = _action(argument.kind, argument.choices, maps)
    return _quoted(f"{place}:{_escaped(argument.name)}:{action}")


def _action(kind: Kind, choices: tuple[str, ...], maps: str) -> str:
    if kind == "choice":
        return f"({' '.join(choices)})"
    return {"map": maps, "file": "_files", "text": " "}[kind]


def _escaped(text: str) -> str:
    return text.replace(":", "\\:")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
