"""Completion for fish."""

from __future__ import annotations

from collections.abc import Iterable

from .grammar import Argument, Command, Grammar, Kind, Option

__all__ = ["script"]

_SCRIPT = """\
# fish completion for {program}:
#   {program} completion fish > ~/.config/fish/completions/{program}.fish

function __{program}_at
    # Succeeds if the word to complete is argument number $argv[2] of the command $argv[1];
    # with a third argument, also if it is a later one.
    set -l words (commandline -opc)
    set -l command
    set -l option
    set -l position 0
    for word in $words[2..-1]
        if test -n "$option"
            set option
        else if test -z "$command"
            string match -q -- '-*' $word; or set command $word
        else if string match -q -- '-?*' $word
            contains -- "$command $word" {with_value}
            and set option $word
        else
            set position (math $position + 1)
        end
    end
    test "$command" = "$argv[1]"; and test -z "$option"; or return 1
    test $position -eq $argv[2]; or begin
        set -q argv[3]; and test $position -gt $argv[2]
    end
end

function __{program}_maps
    if contains -- --file (commandline -opc)
        __fish_complete_path (commandline -ct)
    else
        {program} list --names 2>/dev/null
    end
end

complete -c {program} -f
{lines}
"""


def script(grammar: Grammar) -> str:
    """Return the script."""
    program = grammar.program
    with_value = [
        _quoted(f"{command.name} {flag}")
        for command in grammar.commands
        for option in command.options
        if option.kind
        for flag in option.flags
    ]
    return _SCRIPT.format(
        program=program,
        with_value=" ".join(with_value),
        lines="\n".join(_lines(grammar)),
    )


def _lines(grammar: Grammar) -> Iterable[str]:
    begin = f"complete -c {grammar.program}"
    nothing_yet = _quoted(f"__{grammar.program}_at '' 0")
    for option in grammar.options:
        yield f"{begin} -n {nothing_yet} {_option(option, grammar.program)}"
    for command in grammar.commands:
        yield f"{begin} -n {nothing_yet} -a {command.name} -d {_quoted(command.help)}"
    for command in grammar.commands:
        seen = _quoted(f"__fish_seen_subcommand_from {command.name}")
        for option in command.options:
            yield f"{begin} -n {seen} {_option(option, grammar.program)}"
        for number, argument in enumerate(command.arguments):
            if argument.kind != "text":
                place = _quoted(_place(command, number, argument, grammar.program))
                value = _value(argument.kind, argument.choices, grammar.program)
                yield f"{begin} -n {place} {value}"


def _place(command: Command, number: int, argument: Argument, program: str) -> str:
    return f"__{program}_at {command.name} {number}{' more' if argument.many else ''}"


def _option(option: Option, program: str) -> str:
    parts = [
        f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}" for flag in option.flags
    ]
    if option.kind:
        needs = "-r" if option.kind == "file" else "-x"
        parts.append(f"{needs} {_value(option.kind, option.choices, program)}".rstrip())
    return f"{' '.join(parts)} -d {_quoted(option.help)}"


def _value(kind: Kind, choices: tuple[str, ...], program: str) -> str:
    if kind == "choice":
        return f"-a {_quoted(' '.join(choices))}"
    return {"map": f"-a '(__{program}_maps)'", "file": "-F", "text": ""}[kind]


def _quoted(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
