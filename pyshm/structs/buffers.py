"""Buffers whose items are those of an array: a frame, a NumPy array, an ``array.array``.

They are copied as a whole. To convert the items one by one takes a thousand times as long.
"""

from __future__ import annotations

import sys
from struct import calcsize
from typing import Any

__all__ = ["items_of"]

_KINDS = {
    letter: kind for kind, letters in enumerate(("bhilqn", "BHILQN", "efd")) for letter in letters
}
_OWN_ORDER = "@=" + ("<" if sys.byteorder == "little" else ">")


def items_of(value: Any, code: str) -> memoryview | None:
    """Return the memory of ``value`` if it is a buffer of numbers with the format ``code``.

    None means that it is not: its items have to be converted.
    """
    if isinstance(value, (list, tuple)):
        return None
    try:
        memory = memoryview(value)
    except (TypeError, ValueError, BufferError):
        return None
    letter = memory.format.lstrip(_OWN_ORDER)
    kind = _KINDS.get(letter)
    if kind is None or kind != _KINDS[code] or memory.itemsize != calcsize(f"<{code}"):
        return None
    return memory
