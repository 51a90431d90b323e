"""The C# programs of the pages for users compile, and do what the pages say.

A program that a page has in both languages runs in each, in all combinations.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path

import pytest

from interop.doc_examples.pages import Example, examples_of, pages
from interop.doc_examples.runner import Runner
from interop.peers.compile import compile_library, compile_program

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

EXAMPLES = [
    pytest.param(example, variant, id="-".join([str(example), *variant.values()]))
    for page in pages()
    for example in examples_of(page)
    for variant in example.variants()
    if example.needs_dotnet(variant)
]


class Compiler:
    """Compiles each source once.

    All programs are in one folder, so that their library is built once. A program with the name of
    another one gets a new folder.
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


@pytest.mark.parametrize(("example", "variant"), EXAMPLES)
def test_the_examples_of_a_section_do_what_the_page_says(
    example: Example, variant: Mapping[str, str], compiler: Compiler, tmp_path: Path
) -> None:
    example.skip_if_impossible()
    Runner(tmp_path, compiler.program, compiler.library).run(example, variant)
    assert list((tmp_path / "maps").iterdir()) == []
