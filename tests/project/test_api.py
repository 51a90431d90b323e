"""docs/api.md lists every public name, and no other."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module

import pytest

import pyshm
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
SECTIONS = {
    heading: re.findall(r"^\| `([^`]+)` \| (.+) \|$", text, re.MULTILINE)
    for heading, text in re.findall(r"^## `([\w.]+)`$(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
}
# The command and what starts it are used as programs, not imported.
PROGRAMS = {"pyshm.apps", "pyshm.cli", "pyshm.doctor"}
FACES = {"pyshm", "pyshm.errors", "pyshm.types"} | {
    f"pyshm.{module.name}"
    for module in pkgutil.iter_modules(pyshm.__path__)
    if module.ispkg and not module.name.startswith("_")
} - PROGRAMS


def test_every_public_package_has_a_section():
    assert set(SECTIONS) == FACES


@pytest.mark.parametrize("face", sorted(FACES))
def test_a_section_lists_what_its_package_lists(face):
    listed = [name for name, _ in SECTIONS[face]]
    assert listed == sorted(set(import_module(face).__all__) - {"__version__"})


@pytest.mark.parametrize("face", sorted(FACES))
def test_a_line_is_one_sentence_at_most(face):
    for name, text in SECTIONS[face]:
        assert text, name
        assert not text.endswith("."), name
