"""The code in the pages of docs/ that are for users: every block, and what is to become of it.

A page's code blocks are fenced, and the line above each says what it is::

    <!-- example: reader.py -->        a program of its own; it must exit with 0
    <!-- example: writer.py, held -->  … it runs until its section ends, and gets a line of input
    <!-- example: late.sh, fails -->   … its exit status must be another
    <!-- example: many.py, needs numpy -->   … which is not there everywhere
    <!-- example: MyApp.cs, library -->      C# that becomes MyApp.dll, and is not run
    <!-- example: worlds.diff, interop/worlds/world.py -->   a change of that file
    <!-- output: reader -->            what reader.py printed: … stands for anything in a line, a
                                       line of it alone for any lines; how many blanks are
                                       between two words does not matter
    <!-- file: structs.py -->          what that file contains now

A section (``##``) is a story: its blocks happen in order, in one folder. There lie ``photo.png``
and every Python program of the page, so that one can import another; named maps lie beside it. A
program in Python and one in C# of the same name in a section are the same program: a run of the
story has one of them in its place (:meth:`Story.casts`). ``<!-- page: checkout -->`` in a page says
that the folder is a copy of the checkout.
"""

from __future__ import annotations

import itertools
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

from ..checkout import DOCS

__all__ = [
    "DOCS",
    "PYTHON",
    "REFERENCES",
    "Block",
    "ExampleError",
    "Story",
    "blocks_of",
    "example",
    "pages",
    "problems_of",
    "stories_of",
]


# These say what is so, not how to do it, and other tests hold them against the code. All other
# pages are for users.
REFERENCES = {
    "api.md",
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
    r"^(?:<!-- (?P<kind>\w+): (?P<said>[^\n]*?) -->\n)?```(?P<language>\w*)\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_FENCE = re.compile(r"^ *(?:```|~~~).*$", re.MULTILINE)
_INDENTED = re.compile(r"\n\n( {4,}\S[^\n]*)")


class ExampleError(AssertionError):
    """A page's example does not do what the page says."""


class Block(NamedTuple):
    """A code block: what the line above it says, and what is in it. ``line`` counts from 1."""

    section: str
    line: int
    kind: str
    name: str
    options: tuple[str, ...]
    language: str
    text: str

    @property
    def stem(self) -> str:
        """The name that the same program has in both languages."""
        return self.name.partition(".")[0].lower()


def pages() -> list[Path]:
    """The pages for users."""
    return sorted(page for page in DOCS.glob("*.md") if page.name not in REFERENCES)


def blocks_of(page: Path) -> list[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCED.finditer(text):
        headings = re.findall(r"^## (.*)$", _FENCED.sub("", text[: match.start()]), re.MULTILINE)
        name, *options = (match["said"] or "").split(", ")
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


def example(page: Path, name: str) -> str:
    """The text of one example. Raises ExampleError if the page has none of that name."""
    for block in blocks_of(page):
        if block.kind == "example" and block.name == name:
            return block.text
    raise ExampleError(f"{page.name} has no example {name}")


def problems_of(page: Path) -> list[str]:
    """Why a block of the page would not be run or compared, a line each."""
    prose = _FENCED.sub("", page.read_text(encoding="utf-8"))
    problems = [
        f"{page.name}: indented code is not run, fence it: {line.strip()}"
        for line in _INDENTED.findall(prose)
    ]
    problems += [
        f"{page.name}: a fence that nothing finds: {line}" for line in _FENCE.findall(prose)
    ]
    known: dict[str, set[str]] = {}
    names: dict[str, set[str]] = {}
    for block in blocks_of(page):
        where = f"{page.name}, line {block.line}"
        stems = known.setdefault(block.section, set())
        suffix = Path(block.name).suffix
        if block.kind == "example":
            if _LANGUAGES.get(suffix, block.language + "?") != block.language:
                problems.append(
                    f"{where}: {block.name} is no {block.language or 'code'} that is run"
                )
            others = names.setdefault(block.stem, set())
            if (others and {suffix, *others} != {".py", ".cs"}) or suffix in others:
                problems.append(f"{where}: a second example {block.stem}")
            others.add(suffix)
            stems.add(block.stem)
        elif block.kind == "output":
            if block.stem not in stems:
                problems.append(f"{where}: {block.name} does not run before it in this section")
        elif block.kind != "file":
            problems.append(f"{where}: no test runs this block; say above it what it is")
    return problems


# --- stories ------------------------------------------------------------------------------


class Story(NamedTuple):
    """A section's blocks."""

    page: Path
    title: str
    blocks: tuple[Block, ...]
    in_checkout: bool

    def __str__(self) -> str:
        return f"{self.page.stem}: {self.title}"

    @property
    def languages(self) -> dict[str, list[str]]:
        """The languages that each program is there in, by its stem."""
        found: dict[str, list[str]] = {}
        for block in self.blocks:
            if block.kind == "example":
                found.setdefault(block.stem, []).append(block.language)
        return found

    def skip_if_impossible(self) -> None:
        """Skip the test that tells it where it can't be told."""
        for option in itertools.chain.from_iterable(block.options for block in self.blocks):
            if option.startswith("needs "):
                pytest.importorskip(option.removeprefix("needs "))
        if sys.platform == "win32" and any(block.language == "sh" for block in self.blocks):
            pytest.skip("its commands are for a POSIX shell")

    def casts(self) -> list[dict[str, str]]:
        """Every choice of a language for each program that is there in two."""
        double = {stem: each for stem, each in self.languages.items() if len(each) > 1}
        return [
            dict(zip(double, each, strict=True)) for each in itertools.product(*double.values())
        ]

    def needs_dotnet(self, cast: Mapping[str, str]) -> bool:
        """Whether it can be told with this cast only where there is .NET."""
        chosen = [cast.get(stem, each[0]) for stem, each in self.languages.items()]
        return self.in_checkout or CSHARP in chosen


def stories_of(page: Path) -> list[Story]:
    """The page's sections that have code."""
    in_checkout = "<!-- page: checkout -->" in page.read_text(encoding="utf-8")
    grouped: dict[str, list[Block]] = {}
    for block in blocks_of(page):
        grouped.setdefault(block.section, []).append(block)
    return [Story(page, title, tuple(each), in_checkout) for title, each in grouped.items()]
