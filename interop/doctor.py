"""What works on this machine, and the line that mends what does not."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from collections.abc import Iterator
from typing import NamedTuple

from pyshm.errors import PyshmError
from pyshm.mapping import MemoryMappedFile

from . import toolchain, wine

__all__ = ["Finding", "examine"]


class Finding(NamedTuple):
    """One thing looked at. ``needed`` is true for what is missing and can't be done without."""

    subject: str
    state: str
    remedy: str = ""
    needed: bool = False

    def __str__(self) -> str:
        mark = "MISSING" if self.needed else "optional" if self.remedy else "ok"
        line = f"{mark:8} {self.subject}: {self.state}"
        return f"{line}\n         {self.remedy}" if self.remedy else line


def examine() -> Iterator[Finding]:
    """Look at everything that the library and the harness use."""
    yield Finding("Python", f"{platform.python_version()} ({sys.executable})")
    yield _module("cffi", "cffi", needed=True)
    yield _module("PIL", "Pillow", needed=True)
    yield _module("pytest", "pytest", needed=False)
    yield _named_maps()
    yield from _dotnet()
    yield _windows()


def _module(module: str, package: str, *, needed: bool) -> Finding:
    try:
        version = importlib.import_module(module).__version__
    except ImportError as error:
        return Finding(package, str(error), f"{sys.executable} -m pip install {package}", needed)
    return Finding(package, version)


def _named_maps() -> Finding:
    name = f"pyshm-doctor-{os.getpid()}"
    try:
        with (
            MemoryMappedFile.create_new(name, 4096) as made,
            MemoryMappedFile.open_existing(name) as opened,
            made.create_view_accessor() as target,
            opened.create_view_accessor() as source,
        ):
            target.write_int32(0, 42)
            state = "shared" if source.read_int32(0) == 42 else "NOT SHARED"
    except (PyshmError, OSError) as error:
        remedy = "export PYSHM_DIRECTORY=<a folder on this machine that all programs may write to>"
        return Finding("named maps", str(error), remedy, True)
    where = os.environ.get("PYSHM_DIRECTORY") or "the system's own place"
    return Finding("named maps", f"created, opened and {state}, in {where}")


def _dotnet() -> Iterator[Finding]:
    try:
        found = toolchain.find_dotnet()
    except toolchain.ToolchainError as error:
        yield Finding(".NET", error.missing, error.remedy)
        return
    yield Finding(".NET", f"SDK {found.sdk} ({found.path})")
    peer = toolchain.find_peer()
    if peer is None:
        yield Finding("the .NET peer", "not built", "python -m interop build")
    else:
        yield Finding("the .NET peer", peer[-1])


def _windows() -> Finding:
    found = wine.find()
    if found is None:
        return Finding("the Windows world", "not set up", "python -m interop windows")
    return Finding("the Windows world", found.python[-1])
