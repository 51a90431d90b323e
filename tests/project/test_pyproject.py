"""Tests of pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pyshm
from tests.conftest import ROOT


def test_the_list_of_packages_is_complete():
    home = Path(pyshm.__file__).parent
    faces = [path.parent.relative_to(home.parent) for path in home.rglob("__init__.py")]
    packages = sorted([".".join(face.parts) for face in faces] + ["pyshm.testing.csharp"])
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["tool"]["setuptools"]["packages"] == packages
