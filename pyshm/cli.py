"""The command line: ``pyshm`` and ``python -m pyshm`` (docs/protocol.md, "The command line")."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from . import dump
from ._version import __version__
from .enums import MemoryMappedFileAccess
from .errors import ArgumentError, PyshmError
from .helper import DEFAULT_CAPACITY, ShareMemoryHelper
from .models import ImageData, TestData

__all__ = ["build_parser", "main"]

_EXAMPLES = """\
examples:
  pyshm write-image picture photo.jpg      write a picture, then hold the map until Ctrl-C
  pyshm read-image picture --out copy.jpg  save the picture that somebody wrote
  pyshm write-struct data --id 7           write the example struct
  pyshm dump data                          show every byte with the field that it belongs to
"""


def build_parser(prog: str = "pyshm") -> argparse.ArgumentParser:
    """The grammar; ``interop.python_peer`` adds its own command to it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Share pictures and structs with .NET programs through shared memory.",
        epilog=_EXAMPLES,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"pyshm {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(
        name: str, run: Callable[[argparse.Namespace], int], text: str, *, writes: bool
    ) -> argparse.ArgumentParser:
        # No abbreviations: the C# program has the same grammar, and none either.
        sub = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        sub.set_defaults(run=run)
        sub.add_argument("map", metavar="MAP", help="the map's name, or with --file a path")
        sub.add_argument("--file", action="store_true", help="MAP is the path of a mapped file")
        sub.add_argument("--json", action="store_true", help="print JSON, for programs")
        if writes:
            sub.add_argument(
                "--capacity",
                type=int,
                default=DEFAULT_CAPACITY,
                metavar="N",
                help="the map's size in bytes if it is created (default: %(default)s)",
            )
        return sub

    sub = command(
        "write-image", _write_image, "Write a picture, then hold the map until input ends.",
        writes=True,
    )  # fmt: skip
    sub.add_argument("image", metavar="FILE", help="the picture file")
    sub.add_argument("--path", metavar="TEXT", help="the path to store (default: FILE)")

    sub = command("read-image", _read_image, "Read the picture in a map.", writes=False)
    sub.add_argument("--out", metavar="FILE", help="save the picture there")
    sub.add_argument(
        "--replace", action="store_true", help="read invalid UTF-8 in the path as U+FFFD"
    )

    sub = command(
        "write-struct", _write_struct, "Write the TestData struct, then hold the map.",
        writes=True,
    )  # fmt: skip
    standard = TestData.standard()
    sub.add_argument("--id", type=int, default=standard.id, metavar="N")
    sub.add_argument("--age", type=int, default=standard.age, metavar="N")
    sub.add_argument(
        "--scores",
        type=_list_of_numbers,
        default=standard.scores,
        metavar="A,B,...",
        help="ten numbers",
    )

    command("read-struct", _read_struct, "Read the TestData struct in a map.", writes=False)

    sub = command("dump", _dump, "Show a map's bytes with the fields they belong to.", writes=False)
    sub.add_argument("--as", dest="kind", choices=dump.KINDS, help="what to take the bytes for")
    sub.add_argument(
        "--offset", type=_natural_number, default=0, metavar="N", help="the first byte"
    )
    sub.add_argument("--length", type=_natural_number, metavar="N", help="how many bytes")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status (0, 1 for an error, 2 for wrong usage)."""
    return run(build_parser(), argv)


def run(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> int:
    """Parse ``argv`` and run its command, errors as one line on standard error."""
    try:
        arguments = parser.parse_args(_joined(sys.argv[1:] if argv is None else argv))
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 2
    for stream in (sys.stdout, sys.stderr):
        # A path from shared memory must not be able to break the output.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        status: int = arguments.run(arguments)
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read our output has enough of it; nothing is left to say it to.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    except (PyshmError, OSError) as error:
        print(f"{parser.prog}: {_one_line(error)}", file=sys.stderr)
        return 1


def _joined(argv: Sequence[str]) -> list[str]:
    """Tie ``--scores`` to its value: argparse takes a list that begins with a minus for options."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] == "--scores":
            joined[-1] = f"--scores={word}"
        else:
            joined.append(word)
    return joined


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).splitlines())


def _list_of_numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _natural_number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError
    return number


# --- commands -----------------------------------------------------------------------------


def _write_image(arguments: argparse.Namespace) -> int:
    image = ImageData.from_file(arguments.image)
    if arguments.path is not None:
        image.path = arguments.path
    with _opened_to_write(arguments) as memory:
        size = memory.write_image(image)
        _report_and_hold(arguments, memory, size)
    return 0


def _write_struct(arguments: argparse.Namespace) -> int:
    value = TestData(arguments.id, arguments.age, arguments.scores)
    value.to_bytes()  # so that a bad value does not even create the map
    with _opened_to_write(arguments) as memory:
        memory.write_struct(value)
        _report_and_hold(arguments, memory, TestData.layout.size)
    return 0


def _read_image(arguments: argparse.Namespace) -> int:
    out = arguments.out
    if arguments.file and out and os.path.exists(out) and os.path.samefile(out, arguments.map):
        raise ArgumentError(f"--out {out} is the mapped file itself")
    with _opened_to_read(arguments) as memory:
        image = memory.read_image(errors="replace" if arguments.replace else "strict")
        content = memoryview(image.content)
        digest = hashlib.sha256(content).hexdigest()
        if arguments.out is not None:
            with open(arguments.out, "wb") as file:
                file.write(content)
        result = {
            "map": arguments.map,
            "path": image.path,
            "length": len(content),
            "sha256": digest,
            "out": arguments.out,
        }
    if arguments.json:
        _print_json(result)
    else:
        print(f"path: {result['path']}\nlength: {result['length']}\nsha256: {digest}")
    return 0


def _read_struct(arguments: argparse.Namespace) -> int:
    with _opened_to_read(arguments) as memory:
        value = memory.read_struct(TestData)
    if arguments.json:
        _print_json(
            {"map": arguments.map, "id": value.id, "age": value.age, "scores": value.scores}
        )
    else:
        print(value)
    return 0


def _dump(arguments: argparse.Namespace) -> int:
    with _opened_to_read(arguments) as memory:
        memory.accessor.check_backed()
        end = None if arguments.length is None else arguments.offset + arguments.length
        buffer = memory.buffer[arguments.offset : end]
        found = dump.annotate(buffer, arguments.kind)
        if arguments.json:
            _print_json(dump.as_json(found, arguments.map))
        else:
            for line in dump.as_text(buffer, found, arguments.map):
                print(line)
    return 0


# --- what they share ----------------------------------------------------------------------


def _opened_to_write(arguments: argparse.Namespace) -> ShareMemoryHelper:
    helper = ShareMemoryHelper(None if arguments.file else arguments.map, arguments.capacity)
    return helper.create_from_file(arguments.map) if arguments.file else helper.create_or_open()


def _opened_to_read(arguments: argparse.Namespace) -> ShareMemoryHelper:
    name = None if arguments.file else arguments.map
    helper = ShareMemoryHelper(name, access=MemoryMappedFileAccess.READ)
    return helper.open_file(arguments.map) if arguments.file else helper.open()


def _report_and_hold(arguments: argparse.Namespace, memory: ShareMemoryHelper, size: int) -> None:
    """Say READY, then hold the map until standard input ends or somebody interrupts."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        if arguments.json:
            digest = hashlib.sha256(memory.buffer[:size]).hexdigest()
            _print_json({"status": "READY", "map": arguments.map, "bytes": size, "sha256": digest})
        else:
            print("READY", flush=True)
        if sys.stdin is not None:
            while os.read(sys.stdin.fileno(), 65536):
                pass
    except KeyboardInterrupt:
        pass  # the way a person ends a writer


def _print_json(value: dict[str, Any]) -> None:
    print(json.dumps(value, ensure_ascii=False), flush=True)
