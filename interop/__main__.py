"""``python -m interop``: make the peers, say what works here, regenerate the golden files."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from . import golden, toolchain, wine
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


def _windows(arguments: argparse.Namespace) -> int:
    # What began under Wine is ended in "finally", which a bare SIGTERM would skip.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        world = wine.prepare(_say, install=not arguments.if_available)
    except toolchain.ToolchainError as error:
        _say(f"no Windows world: {error}")
        return 0 if arguments.if_available else 1
    except toolchain.BuildError as error:
        _say(str(error))
        return 1
    try:
        if arguments.tests:
            return wine.run_library_tests(world, arguments.arguments, _say)
        for command in (world.python, world.dotnet_peer):
            print(*command)
        return 0
    finally:
        world.end()


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


def _semantics(arguments: argparse.Namespace) -> int:
    from . import behaviour
    from .worlds import world_of

    for seat in behaviour.SEATS:
        reason = world_of(seat.world).missing(seat.language)
        if reason is not None:
            _say(f"{seat.label}: {reason}")
            return 1
    try:
        wrong = behaviour.write() if arguments.write else behaviour.check()
    except PeerFailure as failure:
        wrong = [str(failure)]
    for line in wrong:
        print(line)
    print(f"{behaviour.TABLE.name}: {len(wrong)} wrong")
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
    sub = command("windows", _windows, "Set up the Windows world, unless it is there.")
    sub.add_argument(
        "--if-available", action="store_true", help="without Wine or .NET, do nothing and succeed"
    )
    sub.add_argument(
        "--tests", action="store_true", help="then run the library's tests in its Python"
    )
    sub.add_argument(
        "arguments", nargs="*", metavar="ARGUMENT", help="for pytest, behind --tests and --"
    )
    command("doctor", _doctor, "Say what works on this machine, and how to mend the rest.")
    sub = command("fixtures", _fixtures, "Check or rewrite the golden files, with both languages.")
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="compare only (the default)")
    how.add_argument("--write", action="store_true", help="write them anew, then check")
    sub = command(
        "semantics", _semantics, "Check or rewrite docs/semantics.md, from a run in both worlds."
    )
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--check", action="store_true", help="compare only (the default)")
    how.add_argument("--write", action="store_true", help="write it anew")
    arguments = parser.parse_args(argv)
    if arguments.run is _windows and arguments.arguments and not arguments.tests:
        parser.error("only the tests take more arguments")
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
