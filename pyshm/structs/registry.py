"""The Python class of each declared type."""

from __future__ import annotations

from weakref import WeakValueDictionary

from ..layout.declarations import TypeDeclaration

__all__ = ["PYTHON_TYPES"]

PYTHON_TYPES: WeakValueDictionary[TypeDeclaration, type] = WeakValueDictionary()
"""The Struct or the IntEnum of each declaration that has one."""
