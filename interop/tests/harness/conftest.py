"""Fixtures that the harness's tests share with the library's."""

from tests.conftest import child, map_name

__all__ = ["child", "map_name"]
