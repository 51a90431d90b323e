"""The harness's eyes inside Wine: reads a named map with the kernel's calls, past every library.

Runs under the Windows Python and speaks the peers' protocol with two steps of its own:
``raw-read`` (name, size: the first bytes, as hex) and ``raw-exists`` (name).
"""

from __future__ import annotations

import ctypes
import mmap
import sys
from typing import Any

from .python import PythonPeer, Step, serve

_FILE_MAP_READ = 4


class Observer(PythonPeer):
    """Looks, and touches nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.verbs = {"raw-read": _read, "raw-exists": _exists}


def _read(step: Step) -> str:
    assert sys.platform == "win32"
    assert _exists(step), f"no map {step['name']!r}"  # mmap would make one
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
