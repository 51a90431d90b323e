"""The planted faults, as the .toml files in this folder list them.

Each ``[[mutant]]`` of a file has these keys:

- ``name``: unique, words with hyphens.
- ``file``: the file that is changed, from the root of the checkout.
- ``find`` and ``replace``: the text to find, which the file must contain exactly once, and the text
  that takes its place.
- ``tests``: the node ids of the tests that run. At least one of them must fail.
- ``why``: one sentence: what goes wrong for a user.
"""

from __future__ import annotations

import ast
import functools
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..checkout import CHECKOUT

__all__ = ["LANGUAGES", "CatalogError", "Mutant", "all_mutants", "problems"]

LANGUAGES = ("Python", "C#")

_MONO_TESTS = "interop/tests/worlds/test_mono.py"
_FOLDER = Path(__file__).resolve().parent
_KEYS = frozenset({"name", "file", "find", "replace", "tests", "why"})


class CatalogError(Exception):
    """An entry of a .toml file does not have the keys above."""


@dataclass(frozen=True)
class Mutant:
    """One planted fault."""

    name: str
    file: str
    find: str
    replace: str
    tests: tuple[str, ...]
    why: str

    @property
    def language(self) -> str:
        """The language of the changed file."""
        return "C#" if self.file.endswith(".cs") else "Python"

    @property
    def needs_peer(self) -> bool:
        """Whether one of the tests can run the C# peer."""
        return not all(test.startswith(_MONO_TESTS) for test in self.tests)

    @property
    def needs_mono(self) -> bool:
        """Whether one of the tests runs the program that is built for Mono."""
        return any(test.startswith(_MONO_TESTS) for test in self.tests)


def all_mutants(folder: Path = _FOLDER) -> list[Mutant]:
    """Return the entries of all .toml files of ``folder``, in the order of the files' names.

    Raises:
        CatalogError: an entry is not complete.
    """
    return [mutant for path in sorted(folder.glob("*.toml")) for mutant in _entries(path)]


def _entries(path: Path) -> Iterator[Mutant]:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    if document.keys() != {"mutant"}:
        raise CatalogError(f"{path.name}: only [[mutant]] is allowed, not {sorted(document)}")
    for entry in document["mutant"]:
        yield _mutant(path.name, entry)


def _mutant(source: str, entry: dict[str, Any]) -> Mutant:
    name = entry.get("name", "an entry without a name")
    if entry.keys() != _KEYS:
        wrong = ", ".join(sorted(entry.keys() ^ _KEYS))
        raise CatalogError(f"{source}: {name}: missing or unknown keys: {wrong}")
    tests = entry["tests"]
    texts = [entry[key] for key in _KEYS - {"tests"}]
    if not (isinstance(tests, list) and tests) or not all(
        isinstance(text, str) for text in [*texts, *tests]
    ):
        raise CatalogError(f"{source}: {name}: tests is a list of texts, every other key a text")
    return Mutant(**{**entry, "tests": tuple(tests)})


def problems(mutant: Mutant, root: Path = CHECKOUT) -> list[str]:
    """Return why an entry is out of date: its text is not there once, or a test is missing."""
    found = []
    source = root / mutant.file
    if not source.is_file():
        found.append(f"{mutant.file} does not exist")
    elif (count := source.read_text(encoding="utf-8").count(mutant.find)) != 1:
        found.append(f"{mutant.file} contains the text {count} times, not once: {mutant.find!r}")
    if mutant.find == mutant.replace:
        found.append("the replacement is the same text")
    for test in mutant.tests:
        file, *names = test.partition("[")[0].split("::")
        if not names or tuple(names) not in _test_functions(root / file):
            found.append(f"there is no test {test}")
    return found


@functools.cache
def _test_functions(path: Path) -> frozenset[tuple[str, ...]]:
    """Return the test functions of a file, each with the class that it is in."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    classes = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    return frozenset(
        [(node.name,) for node in tree.body if isinstance(node, ast.FunctionDef)]
        + [
            (name, node.name)
            for name, body in classes.items()
            for node in body
            if isinstance(node, ast.FunctionDef)
        ]
    )
