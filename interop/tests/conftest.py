"""Loads the harness's plugin for ``pytest interop``."""

from __future__ import annotations

pytest_plugins = ["interop.plugin.hooks", "interop.desktop.display", "pyshm.testing.plugin"]
