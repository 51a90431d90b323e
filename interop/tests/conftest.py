"""Load the harness's plugins, and share two fixtures of the library's tests."""

from __future__ import annotations

from tests.conftest import child, map_name

__all__ = ["child", "map_name"]

pytest_plugins = [
    "interop.plugin.hooks",
    "interop.desktop.display",
    "pyshm.testing.plugin",
    "tests.limits",
]
