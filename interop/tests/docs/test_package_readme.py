"""The page of the NuGet package: its programs do what it says.

NuGet shows HTML comments as text, so the page has no lines that say what its blocks are. They are
here. The programs for Windows Forms and Unity are compiled by the tests of the package.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from interop.checkout import CHECKOUT
from interop.doc_examples.pages import blocks_of, examples_of
from interop.doc_examples.runner import Runner
from interop.peers.compile import compile_library, compile_program

PAGE = CHECKOUT / "interop" / "csharp" / "SharedMemory" / "README.md"


class Kind(NamedTuple):
    """What a block is, and what the program prints; both as in pages.py."""

    line: str
    output: str = ""


KINDS = {
    "A picture": [
        Kind("example: Writer.cs, held"),
        Kind("example: reader.py", "photo.png (640, 480)"),
        Kind("example: Buffer.cs", "photo.png: … bytes"),
        Kind("example: Waiting.cs", "The map has 10485760 bytes."),
    ],
    "A struct": [
        Kind("example: Sender.cs, held"),
        Kind("example: show.py", "Telemetry(id=7, speed=2.5, enabled=True)"),
    ],
    "Any bytes": [Kind("example: Bytes.cs", "bytes: 4096 bytes, the first is 42")],
    "Live pictures and values": [
        Kind("example: Camera.cs, held"),
        Kind("example: watch.py, needs numpy", "…\n… (720, 1280, 3) …"),
    ],
}
COMPILED = ["Windows Forms on .NET Framework", "Unity"]


def marked() -> str:
    """Return the page with a line above each program that runs, and with its output after it."""
    kinds = {title: iter(each) for title, each in KINDS.items()}
    title = ""
    pending = ""
    lines = []
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            title = line.removeprefix("## ")
        if re.match(r"```\w", line) and title in kinds:
            kind = next(kinds[title])
            lines.append(f"<!-- {kind.line} -->")
            stem = kind.line.removeprefix("example: ").partition(".")[0].lower()
            pending = f"\n<!-- output: {stem} -->\n```\n{kind.output}\n```" if kind.output else ""
        lines.append(line)
        if line == "```":
            lines.append(pending)
            pending = ""
    return "\n".join(lines) + "\n"


def test_each_block_of_the_page_is_run_or_compiled() -> None:
    found: dict[str, int] = {}
    for block in blocks_of(PAGE):
        found[block.section] = found.get(block.section, 0) + 1
    run = {title: len(each) for title, each in KINDS.items()}
    assert found == {"Install": 1, **run, **dict.fromkeys(COMPILED, 1)}


@pytest.mark.slow
@pytest.mark.dotnet
@pytest.mark.parametrize("title", KINDS)
def test_the_programs_do_what_the_page_says(title: str, tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text(marked(), encoding="utf-8")
    (example,) = (each for each in examples_of(page) if each.title == title)
    example.skip_if_impossible()
    folder = tmp_path / "run"
    Runner(
        folder,
        lambda name, source: compile_program(name, source, tmp_path),
        lambda name, source: compile_library(name, source, tmp_path),
    ).run(example, {})
    assert list((folder / "maps").iterdir()) == []
