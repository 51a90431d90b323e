"""``python -m interop``: build the .NET peer, say what works here, regenerate the golden files."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from . import golden, toolchain
from .doctor import examine
from .peers import Peer, PeerFailure, python_peer


def _build(arguments: argparse.Namespace) -> int:
    try:
        command = toolchain.build_peer(_say)
    except toolchain.ToolchainError as error:
        _say(f"no .NET peer: {error}")
        return 0 if arguments.if_available else 1
    except toolchain.BuildError as error:
        _say(str(error))
        return 1
    print(command[-1])
    return 0


def _doctor(_arguments: argparse.Namespace) -> int:
    healthy = True
    for finding in examine():
        print(finding)
        healthy = healthy and not finding.needed
    return 0 if healthy else 1


def _fixtures(arguments: argparse.Namespace) -> int:
    try:
        dotnet = Peer("dotnet", [*toolchain.build_peer(_say), "serve"])
    except (toolchain.ToolchainError, toolchain.BuildError) as error:
        _say(str(error))
        return 1
    python = python_peer()
    try:
        if arguments.write:
            golden.write(dotnet)
        wrong = golden.check(python, dotnet)
    except PeerFailure as failure:
        wrong = [str(failure)]
    finally:
        python.kill()
        dotnet.kill()
    for line in wrong:
        print(line)
    print(f"{len(golden.fixtures())} fixtures, {len(wrong)} wrong")
    return 1 if wrong else 0


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m interop", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    sub = command("build", _build, "Build the .NET peer, unless it is built.")
    sub.add_argument(
        "--if-available", action="store_true", help="without .NET, do nothing and succeed"
    )
    command("doctor", _doctor, "Say what works on this machine, and how to mend the rest.")
    sub = command("fixtures", _fixtures, "Check or rewrite the golden files, with both languages.")
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="compare only (the default)")
    how.add_argument("--write", action="store_true", help="write them anew, then check")
    arguments = parser.parse_args(argv)
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
