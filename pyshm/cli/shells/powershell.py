"""Completion for PowerShell 5 or newer."""

from __future__ import annotations

from collections.abc import Iterable

from .grammar import Command, Grammar, Kind, Option

__all__ = ["script"]

_SCRIPT = """\
# PowerShell completion for {program}; in $PROFILE:
#   {program} completion powershell | Out-String | Invoke-Expression

Register-ArgumentCompleter -Native -CommandName {program} -ScriptBlock {{
    param($wordToComplete, $commandAst, $cursorPosition)
    $options = @{{
{options}
    }}
    $values = @{{
{values}
    }}
    $arguments = @{{
{arguments}
    }}
    # The words between the program's name and the word to complete.
    $words = @($commandAst.CommandElements | Select-Object -Skip 1 |
        Where-Object {{ $_.Extent.EndOffset -lt $cursorPosition }} | ForEach-Object {{ "$_" }})
    $command = ''; $option = ''; $position = 0
    foreach ($word in $words) {{
        if ($option) {{ $option = '' }}
        elseif (-not $command) {{ if ($word -notlike '-*') {{ $command = $word }} }}
        elseif ($word -like '-?*') {{
            if ($values.ContainsKey("$command $word")) {{ $option = $word }}
        }}
        else {{ $position++ }}
    }}
    if ($option) {{ $offered = @($values["$command $option"]) }}
    elseif ($wordToComplete -like '-*') {{ $offered = @($options[$command]) }}
    elseif ($arguments.ContainsKey("$command $position")) {{
        $offered = @($arguments["$command $position"])
    }}
    else {{ $offered = @($arguments["$command *"]) }}
    if ($offered[0] -ceq '<map>') {{
        # If the script offers nothing, PowerShell completes file names itself.
        $offered = @(if ($words -notcontains '--file') {{ {program} list --names 2>$null }})
    }}
    $offered | Where-Object {{ $_ -and $_ -cnotin '<file>', '<text>' }} |
        Where-Object {{ $_.StartsWith($wordToComplete) }} | ForEach-Object {{
            $text = $_
            if ($text -notmatch '^[\\w.:/-]+$') {{ $text = "'" + $text.Replace("'", "''") + "'" }}
            [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
        }}
}}
"""


def script(grammar: Grammar) -> str:
    """Return the script."""
    options = {"": _flags(grammar.options)}
    options |= {command.name: _flags(command.options) for command in grammar.commands}
    arguments = {" 0": [command.name for command in grammar.commands]}
    arguments |= {
        f"{command.name} {'*' if argument.many else number}": _offer(
            argument.kind, argument.choices
        )
        for command in grammar.commands
        for number, argument in enumerate(command.arguments)
    }
    return _SCRIPT.format(
        program=grammar.program,
        options=_table(options),
        values=_table(_values(grammar.commands)),
        arguments=_table(arguments),
    )


def _flags(options: Iterable[Option]) -> list[str]:
    return [flag for option in options for flag in option.flags]


def _values(commands: Iterable[Command]) -> dict[str, list[str]]:
    return {
        f"{command.name} {flag}": _offer(option.kind, option.choices)
        for command in commands
        for option in command.options
        if option.kind
        for flag in option.flags
    }


def _offer(kind: Kind, choices: tuple[str, ...]) -> list[str]:
    return list(choices) if kind == "choice" else [f"<{kind}>"]


def _table(rows: dict[str, list[str]]) -> str:
    return "\n".join(
        f"        {_quoted(key)} = {', '.join(_quoted(word) for word in words) or '@()'}"
        for key, words in rows.items()
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
