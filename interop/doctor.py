"""What works on this machine, and the line that mends what does not: pyshm's checks and more."""

from __future__ import annotations

from collections.abc import Iterator

from pyshm.doctor import Finding, examine_library
from pyshm.doctor.modules import package
from pyshm.testing import toolchain

from . import browser, display, wine

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """Look at everything that the library and the harness use."""
    yield from examine_library()
    yield package("pytest", "pytest", minimum="7.2")
    yield from _dotnet()
    yield _windows()
    for subject, reason in (
        ("a display for the windows", display.missing()),
        ("a browser for the report's page", browser.missing()),
    ):
        yield _there(subject, reason)


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


def _there(subject: str, reason: str | None) -> Finding:
    return Finding(subject, "none" if reason else "there", reason or "")


def _windows() -> Finding:
    found = wine.find()
    if found is None:
        return Finding("the Windows world", "not set up", "python -m interop windows")
    return Finding("the Windows world", found.python[-1])
