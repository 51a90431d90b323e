"""A package shows its public names, and only those."""

from __future__ import annotations

import ast
import pydoc
import re
from importlib import import_module
from inspect import isclass
from pathlib import Path

import pytest

FACES = [
    "pyshm",
    "pyshm.assemblies",
    "pyshm.codegen",
    "pyshm.dump",
    "pyshm.formats",
    "pyshm.layout",
    "pyshm.listing",
    "pyshm.maps",
    "pyshm.structs",
    "pyshm.testing",
]


@pytest.mark.parametrize("face", FACES)
def test_dir_lists_the_public_names(face):
    module = import_module(face)
    listed = [name for name in dir(module) if not name.startswith("__") or name == "__version__"]
    assert listed == sorted(module.__all__)


@pytest.mark.parametrize("face", [*FACES, "pyshm.errors", "pyshm.types", "pyshm.maps.elements"])
def test_public_names_are_sorted_and_have_no_underscore(face):
    public = import_module(face).__all__
    assert [name for name in public if name.startswith("_")] in ([], ["__version__"])
    assert len(set(public)) == len(public)


def test_help_shows_the_public_names():
    import pyshm

    text = pydoc.render_doc(pyshm, renderer=pydoc.plaintext)
    classes = re.findall(r"^    class (\w+)", text, re.MULTILINE)
    assert classes == [name for name in sorted(pyshm.__all__) if isclass(getattr(pyshm, name))]
    assert "\nFUNCTIONS\n" not in text
    assert re.findall(r"^    (\w+) = ", text[text.index("\nDATA\n") :], re.MULTILINE) == ["__all__"]


@pytest.mark.parametrize("face", [*FACES, "pyshm.helper"])
def test_type_checkers_do_not_see_getattr(face):
    """With ``__getattr__`` in sight they would accept any name."""
    body = ast.parse(Path(import_module(face).__file__).read_text(encoding="utf-8")).body
    functions = {part.name for part in body if isinstance(part, ast.FunctionDef)}
    assigned = {
        node.id
        for part in body
        if isinstance(part, ast.Assign)
        for node in ast.walk(part)
        if isinstance(node, ast.Name)
    }
    assert "__getattr__" not in functions | assigned


def test_recognise_is_the_deprecated_name_of_recognize():
    from pyshm import dump

    with pytest.warns(DeprecationWarning, match="use recognize instead"):
        assert dump.recognise is dump.recognize
