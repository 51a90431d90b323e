"""``python -m interop``: build the peers, report what works, check the fixtures, make a page."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from pyshm.testing import build, sdk
from pyshm.testing.process import Peer, PeerFailure

from .cases import golden
from .doctor import examine
from .models import run as run_models
from .mutants import run as run_mutants
from .peers.start import python_peer
from .worlds import mono, wine


def _build(arguments: argparse.Namespace) -> int:
    try:
        command = build.build_peer(_log, asset=arguments.asset)
    except sdk.ToolchainError as error:
        _log(f"no .NET peer: {error}")
        return 0 if arguments.if_available else 1
    except build.BuildError as error:
        _log(str(error))
        return 1
    print(command[-1])
    return 0


def _windows(arguments: argparse.Namespace) -> int:
    # By default SIGTERM ends the process without "finally", and Wine's programs would go on.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    try:
        world = wine.prepare(_log, install=not arguments.if_available, asset=arguments.asset)
    except sdk.ToolchainError as error:
        _log(f"no Windows world: {error}")
        return 0 if arguments.if_available else 1
    except build.BuildError as error:
        _log(str(error))
        return 1
    try:
        if arguments.tests:
            return wine.run_library_tests(world, arguments.arguments, _log)
        for command in (world.python, world.dotnet_peer):
            print(*command)
        return 0
    finally:
        world.end()


def _mono(_arguments: argparse.Namespace) -> int:
    try:
        world = mono.prepare(_log)
    except (sdk.ToolchainError, build.BuildError) as error:
        _log(str(error))
        return 1
    for command in world:
        print(*command)
    return 0


def _doctor(_arguments: argparse.Namespace) -> int:
    healthy = True
    for finding in examine():
        print(finding)
        healthy = healthy and not finding.needed
    return 0 if healthy else 1


def _fixtures(arguments: argparse.Namespace) -> int:
    try:
        dotnet = Peer("dotnet", [*build.build_peer(_log), "serve"])
    except (sdk.ToolchainError, build.BuildError) as error:
        _log(str(error))
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
    from .semantics import table
    from .worlds.world import world_of

    for endpoint in table.ENDPOINTS.values():
        reason = world_of(endpoint.world).missing(endpoint.language)
        if reason is not None:
            _log(f"{endpoint.label}: {reason}")
            return 1
    try:
        wrong = table.write() if arguments.write else table.check()
    except PeerFailure as failure:
        wrong = [str(failure)]
    for line in wrong:
        print(line)
    print(f"{table.TABLE.name}: {len(wrong)} wrong")
    return 1 if wrong else 0


def _corpus(arguments: argparse.Namespace) -> int:
    from .corpus import compare, packages
    from .worlds.world import NATIVE, WINDOWS, world_of

    chosen = arguments.package or compare.names()
    for name in chosen:
        if name not in compare.names():
            _log(f"{name} is not a package of the corpus; these are: {', '.join(compare.names())}")
            return 2
    whole = arguments.check or arguments.write
    worlds = {"native": [NATIVE], "windows": [WINDOWS]}.get(arguments.world, [NATIVE, WINDOWS])
    for world in [NATIVE, WINDOWS] if whole else worlds:
        reason = world_of(world).missing("dotnet")
        if reason is not None:
            _log(f"{world}: {reason}")
            return 1
    wrong = []
    try:
        if whole:
            wrong = compare.write(_log) if arguments.write else compare.check(_log)
        else:
            if not arguments.json:
                print(compare.text(None))
            for row in compare.run_in(dict.fromkeys(worlds), chosen, _log):
                print(
                    json.dumps(row.to_json()) if arguments.json else compare.text(row), flush=True
                )
                wrong += compare.wrong(row)
    except (sdk.ToolchainError, build.BuildError, packages.Unavailable) as error:
        _log(str(error))
        return 1
    except PeerFailure as failure:
        wrong.append(str(failure))
    for line in wrong:
        _log(line)
    return 1 if wrong else 0


def _mutants(arguments: argparse.Namespace) -> int:
    return run_mutants.main(arguments, _log)


def _models(arguments: argparse.Namespace) -> int:
    return run_models.main(arguments, _log)


def _report(arguments: argparse.Namespace) -> int:
    from .report import browser, page
    from .report.lines import ReportError, read

    target = arguments.output or arguments.file.with_suffix(".html")
    try:
        page.write(read(arguments.file), target)
        if arguments.picture is not None:
            browser.take_picture(target, arguments.picture, arguments.show)
    except (ReportError, browser.BrowserError) as error:
        _log(str(error))
        return 1
    except OSError as error:
        _log(f"{error.filename or target}: {error.strerror}")
        return 1
    print(target)
    return 0


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    text = "Build the peers, report what works, check the fixtures, make a page from a report."
    parser = argparse.ArgumentParser(prog="python -m interop", description=text)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str
    ) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(run=run)
        return sub

    def check_or_write(sub: argparse.ArgumentParser, what: str) -> None:
        how = sub.add_mutually_exclusive_group()
        how.add_argument("--check", action="store_true", help="compare only (the default)")
        how.add_argument("--write", action="store_true", help=f"write {what} again")

    def asset(sub: argparse.ArgumentParser) -> None:
        sub.add_argument(
            "--asset",
            choices=build.ASSETS,
            help="with the C# library as its package has it for this target",
        )

    sub = command("build", _build, "Build the .NET peer, unless it is built.")
    sub.add_argument(
        "--if-available", action="store_true", help="without .NET, do nothing and succeed"
    )
    asset(sub)
    sub = command("windows", _windows, "Set up the Windows world, unless it is set up.")
    sub.add_argument(
        "--if-available", action="store_true", help="without Wine or .NET, do nothing and succeed"
    )
    asset(sub)
    sub.add_argument(
        "--tests", action="store_true", help="then run the library's tests in its Python"
    )
    sub.add_argument(
        "arguments", nargs="*", metavar="ARGUMENT", help="for pytest, after --tests and --"
    )
    command("mono", _mono, "Build the program that Mono runs, unless it is built; needs NuGet.")
    command("doctor", _doctor, "Show what works on this machine, and how to install the rest.")
    sub = command("fixtures", _fixtures, "Check or rewrite the golden files, with both languages.")
    check_or_write(sub, "the files")
    text = "Check or rewrite fixtures/semantics.jsonl, in both worlds."
    check_or_write(command("semantics", _semantics, text), "the file")
    text = "Compare every type with layout of real NuGet packages with .NET."
    sub = command("corpus", _corpus, text)
    sub.add_argument(
        "--package", action="append", metavar="NAME", help="only this one (may be repeated)"
    )
    sub.add_argument(
        "--world",
        choices=("native", "windows", "all"),
        default="native",
        help="where .NET runs: here, on Windows (Wine), or both (default: %(default)s)",
    )
    how = sub.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="print a line of JSON for each package")
    how.add_argument(
        "--check", action="store_true", help="compare everything with fixtures/corpus.jsonl"
    )
    how.add_argument(
        "--write", action="store_true", help="compare everything, and write fixtures/corpus.jsonl"
    )
    text = "Plant faults in copies of the checkout, and check that their tests notice them."
    run_mutants.add_arguments(command("mutants", _mutants, text))
    text = "Check the models of the channels' protocol, and that each mutation is noticed."
    run_models.add_arguments(command("models", _models, text))
    sub = command("report", _report, "Make a page for a browser from a saved report.")
    sub.add_argument("file", type=Path, metavar="FILE", help="from pytest --interop-report FILE")
    sub.add_argument(
        "-o", "--output", type=Path, metavar="PAGE", help="(default: FILE with the suffix .html)"
    )
    sub.add_argument(
        "--picture", type=Path, metavar="FILE", help="also a picture of it, as PNG, with Chromium"
    )
    sub.add_argument(
        "--show",
        default="stale-struct-over-blob",
        metavar="CASE",
        help="the case that is open in the picture (default: %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.run is _windows and arguments.arguments and not arguments.tests:
        parser.error("only --tests takes more arguments")
    status: int = arguments.run(arguments)
    return status


if __name__ == "__main__":
    sys.exit(main())
