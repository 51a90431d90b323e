"""The pages for users again, with .NET: their C# programs are compiled and run.

A program that a page shows in both languages is run in each, against each of the other program.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from interop.doc_examples.pages import Story, pages, stories_of
from interop.doc_examples.runner import Stage
from interop.peers.compile import compile_library, compile_program

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

STORIES = [
    pytest.param(story, cast, id="-".join([str(story), *cast.values()]))
    for page in pages()
    for story in stories_of(page)
    for cast in story.casts()
    if story.needs_dotnet(cast)
]


class Compiler:
    """Compiles each source once.

    In one folder, so that the library that the programs use is built once; unless two programs
    of different pages have the same name.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._programs: dict[tuple[str, str], list[str]] = {}
        self._libraries: dict[tuple[str, str], Path] = {}

    def program(self, name: str, source: str) -> list[str]:
        key = name, source
        if key not in self._programs:
            self._programs[key] = compile_program(name, source, self._folder(name))
        return self._programs[key]

    def library(self, name: str, source: str) -> Path:
        key = name, source
        if key not in self._libraries:
            self._libraries[key] = compile_library(name, source, self._folder(name))
        return self._libraries[key]

    def _folder(self, name: str) -> Path:
        folders = (self._root / str(number) for number in itertools.count())
        folder = next(folder for folder in folders if not (folder / name).exists())
        folder.mkdir(exist_ok=True)
        return folder


@pytest.fixture(scope="module")
def compiler(tmp_path_factory: pytest.TempPathFactory) -> Compiler:
    return Compiler(tmp_path_factory.mktemp("compiled"))


@pytest.mark.parametrize(("story", "cast"), STORIES)
def test_the_examples_of_a_section_do_what_the_page_says(
    story: Story, cast: Mapping[str, str], compiler: Compiler, tmp_path: Path
) -> None:
    story.skip_if_impossible()
    Stage(tmp_path, compiler.program, compiler.library).tell(story, cast)
    assert list((tmp_path / "maps").iterdir()) == []
