"""The harness's view inside Wine: reads named maps with calls of the kernel, and without pyshm.

It runs under the Windows Python. It speaks the protocol of the peers, with two steps of its own:
``raw-read`` (name, size: returns the first bytes, as hex) and ``raw-exists`` (name).
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

from .serve import Step, serve

__all__ = ["Observer"]

_FILE_MAP_READ = 4


class Observer:
    """Reads maps; creates, opens for writing and keeps none."""

    def outcome(self, step: Step) -> dict[str, Any]:
        """Carry out one step; return ``{"value": ...}`` or ``{"error": ...}``."""
        try:
            return {"value": {"raw-read": _read, "raw-exists": _exists}[step["do"]](step)}
        except (AssertionError, KeyError, OSError) as error:
            return {"error": {"kind": "unexpected", "message": repr(error)}}

    def close(self) -> None:
        """Do nothing: no map is kept."""


def _read(step: Step) -> str:
    assert sys.platform == "win32"
    assert _exists(step), f"no map {step['name']!r}"  # mmap would create it
    with mmap.mmap(-1, max(step["size"], 1), step["name"], access=mmap.ACCESS_READ) as memory:
        return memory[: step["size"]].hex()


def _exists(step: Step) -> bool:
    assert sys.platform == "win32"
    kernel32: Any = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined,unused-ignore]
    kernel32.OpenFileMappingW.restype = ctypes.c_void_p
    kernel32.OpenFileMappingW.argtypes = [ctypes.c_uint32, ctypes.c_int, ctypes.c_wchar_p]
    handle = kernel32.OpenFileMappingW(_FILE_MAP_READ, 0, step["name"])
    if not handle:
        return False
    kernel32.CloseHandle(ctypes.c_void_p(handle))
    return True


if __name__ == "__main__":
    sys.exit(serve(sys.stdin.buffer, sys.stdout.buffer, Observer()))
