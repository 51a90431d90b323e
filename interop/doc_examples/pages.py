"""The code blocks in the pages of docs/ that are for users, and how each is run.

A code block is fenced, and the line above it says what it is::

    <!-- example: reader.py -->        a program; it must exit with 0
    <!-- example: writer.py, held -->  … that runs until its section ends, and then gets a line
    <!-- example: late.sh, fails -->   … that must exit with another status
    <!-- example: many.py, needs numpy -->   … that is skipped without this module
    <!-- example: MyApp.cs, library -->      C# that is compiled to MyApp.dll, and not run
    <!-- example: worlds.diff, interop/worlds/world.py -->   a change of that file
    <!-- output: reader -->            what reader.py prints; … stands for any text in a line, and
                                       in a line of its own for any lines. The number of blanks
                                       between two words does not matter.
    <!-- file: structs.py -->          the content of that file at this point

A section (``##``) is one example: its blocks run in order, in one folder. The folder has
``photo.png`` and every Python program of the page, so that one can import another. Named maps are
in a folder beside it. A program in Python and a program in C# with the same name are one program.
Each variant of the example (:meth:`Example.variants`) runs one of them. With
``<!-- page: checkout -->`` in the page, the folder is a copy of the checkout.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ..checkout import CHECKOUT, DOCS

__all__ = [
    "DOCS",
    "PYTHON",
    "REFERENCES",
    "Block",
    "Example",
    "ExampleError",
    "blocks_of",
    "code_of",
    "examples_of",
    "pages",
    "problems_of",
]


# Reference pages: other tests compare them with the code. All other pages are for users.
REFERENCES = {
    "api.md",
    "channels.md",
    "corpus.md",
    "format.md",
    "named-maps.md",
    "protocol.md",
    "report.md",
    "semantics.md",
    "speed.md",
}

PYTHON = "python"
CSHARP = "csharp"
_LANGUAGES = {".py": PYTHON, ".cs": CSHARP, ".sh": "sh", ".diff": "diff"}

_FENCED = re.compile(
    r"^(?:<!-- (?P<kind>\w+): (?P<options>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FENCE = re.compile(r"^ *(?:```|~~~).*$", re.MULTILINE)
_INDENTED = re.compile(r"\n\n( {4,}\S[^\n]*)")


class ExampleError(AssertionError):
    """An example does not do what its page says."""


class Block(NamedTuple):
    """A code block and what the line above it says. ``line`` counts from 1."""

    section: str
    line: int
    kind: str
    name: str
    options: tuple[str, ...]
    language: str
    text: str

    @property
    def stem(self) -> str:
        """The name of the program, the same in both languages."""
        return self.name.partition(".")[0].lower()


def pages() -> list[Path]:
    """Return the pages for users."""
    guides = sorted(page for page in DOCS.glob("*.md") if page.name not in REFERENCES)
    return [*guides, CHECKOUT / "CONTRIBUTING.md"]


def blocks_of(page: Path) -> list[Block]:
    """Return every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCED.finditer(text):
        headings = re.findall(r"^## (.*)$", _FENCED.sub("", text[: match.start()]), re.MULTILINE)
        name, *options = (match["options"] or "").split(", ")
        found.append(
            Block(
                headings[-1] if headings else "",
                text.count("\n", 0, match.start()) + 1,
                match["kind"] or "",
                name,
                tuple(options),
                match["language"],
                match["text"],
            )
        )
    return found


def code_of(page: Path, name: str) -> str:
    """Return the code of a program. Raises ExampleError if the page has no such program."""
    for block in blocks_of(page):
        if block.kind == "example" and block.name == name:
            return block.text
    raise ExampleError(f"{page.name} has no program {name}")


def problems_of(page: Path) -> list[str]:
    """Return a line for each block of the page that no test would run or compare."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    problems = [
        f"{page.name}: indented code is not run; put it in a fence: {line.strip()}"
        for line in _INDENTED.findall(prose)
    ]
    problems += [
        f"{page.name}: this fence is not recognized: {line}" for line in _FENCE.findall(prose)
    ]
    known: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        stems = known.setdefault(block.section, set())
        suffix = Path(block.name).suffix
        if block.kind == "example":
            if _LANGUAGES.get(suffix, block.language + "?") != block.language:
                problems.append(f"{where}: {block.name} can't be run as {block.language or 'code'}")
            others = names.setdefault(block.stem, set())
            if (others and {suffix, *others} != {".py", ".cs"}) or suffix in others:
                problems.append(f"{where}: the section has another program {block.stem}")
            others.add(suffix)
            stems.add(block.stem)
        elif block.kind == "output":
            if block.stem not in stems:
                problems.append(f"{where}: no program {block.name} runs before it in this section")
        elif block.kind != "file":
            problems.append(
                f"{where}: no test runs this block; the line above it must say what it is"
            )
    return problems


# --- examples -----------------------------------------------------------------------------


class Example(NamedTuple):
    """The blocks of a section."""

    page: Path
    title: str
    blocks: tuple[Block, ...]
    in_checkout: bool

    def __str__(self) -> str:
        return f"{self.page.stem}: {self.title}"

    @property
    def languages(self) -> dict[str, list[str]]:
        """The languages of each program, by its stem."""
        found: dict[str, list[str]] = {}
        for block in self.blocks:
            if block.kind == "example":
                found.setdefault(block.stem, []).append(block.language)
        return found

    def skip_if_impossible(self) -> None:
        """Skip the current test if the example can't run here."""
        for option in itertools.chain.from_iterable(block.options for block in self.blocks):
            if option.startswith("needs "):
                pytest.importorskip(option.removeprefix("needs "))
        if sys.platform == "win32" and any(block.language == "sh" for block in self.blocks):
            pytest.skip("its commands are for a POSIX shell")

    def variants(self) -> list[dict[str, str]]:
        """Return every choice of a language for the programs in two languages, by stem."""
        double = {stem: each for stem, each in self.languages.items() if len(each) > 1}
        return [
            dict(zip(double, each, strict=True)) for each in itertools.product(*double.values())
        ]

    def needs_dotnet(self, variant: Mapping[str, str]) -> bool:
        """Return whether this variant needs .NET."""
        chosen = [variant.get(stem, each[0]) for stem, each in self.languages.items()]
        return self.in_checkout or CSHARP in chosen


def examples_of(page: Path) -> list[Example]:
    """Return an example for each section of the page that has code."""
    in_checkout = "<!-- page: checkout -->" in page.read_text(encoding="utf-8")
    grouped: dict[str, list[Block]] = {}
    for block in blocks_of(page):
        grouped.setdefault(block.section, []).append(block)
    return [Example(page, title, tuple(each), in_checkout) for title, each in grouped.items()]
