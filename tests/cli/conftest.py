"""Fixtures of the command's tests."""

from __future__ import annotations

import sys

import pytest


@pytest.fixture
def module_here(tmp_path, monkeypatch):
    """``module_here(source)`` writes a module to the current directory and returns its name."""

    def write(source):
        name = f"module_{tmp_path.name.replace('-', '_')}"
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "path", [path for path in sys.path if path])
        for variable in ("FORCE_COLOR", "NO_COLOR"):
            monkeypatch.delenv(variable, raising=False)
        return name

    return write
