"""``pyshm doctor``: what works on this machine, and how to fix what does not."""

from __future__ import annotations

import argparse

from .common import OK, REFUSED, Commands, add_command, add_json, print_json
from .console import BAD, DIM, GOOD, NAME, WARN, Console

__all__ = ["add"]

_DESCRIPTION = """\
Checks Python and its packages, the shared-memory directory, .NET and Wine, and sends data through
each kind of map. "MISSING" means that pyshm needs it; "optional" means that only the feature in
that line needs it. The exit status is 1 if something is MISSING."""
_EXAMPLES = """\
  pyshm doctor                    a line for each check, and below it how to fix it
  pyshm doctor --json             the same as JSON
"""
_STYLES = {"ok": GOOD, "optional": WARN, "MISSING": BAD}


def add(commands: Commands) -> None:
    """Add ``doctor``."""
    sub = add_command(
        commands,
        "doctor",
        _doctor,
        "Show what works on this machine, and how to fix the rest.",
        description=_DESCRIPTION,
        examples=_EXAMPLES,
    )
    add_json(sub)


def _doctor(arguments: argparse.Namespace) -> int:
    from ..doctor import examine

    console = Console.out()
    found = []
    for finding in examine():
        found.append(finding)
        if arguments.json:
            continue
        console.line(
            (f"{finding.status:8}", _STYLES[finding.status]),
            " ",
            (finding.subject, NAME),
            f": {finding.state}",
        )
        if finding.remedy:
            console.line("         ", (finding.remedy, DIM))
    healthy = not any(finding.needed for finding in found)
    if arguments.json:
        findings = [
            {
                "subject": finding.subject,
                "status": finding.status.lower(),
                "state": finding.state,
                "remedy": finding.remedy or None,
            }
            for finding in found
        ]
        print_json({"healthy": healthy, "findings": findings})
    return OK if healthy else REFUSED
