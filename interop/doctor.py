"""What works on this machine, and how to install the rest: pyshm's checks, and the harness's."""

from __future__ import annotations

from collections.abc import Iterator

from pyshm.doctor import Finding, examine_library
from pyshm.doctor.modules import package
from pyshm.testing import build, sdk

from .models import tools
from .models.catalog import RELACY, SPIN
from .report import browser
from .worlds import mono, wine

__all__ = ["Finding", "examine"]


def examine() -> Iterator[Finding]:
    """Yield a finding for everything that the library and the harness use."""
    yield from examine_library()
    yield package("pytest", "pytest", minimum="7.2")
    yield from _dotnet()
    yield _windows()
    yield _mono()
    yield _available("a display", _no_display())
    yield _available("a browser", browser.missing())
    yield _available("spin", tools.missing(SPIN))
    yield _available("relacy", tools.missing(RELACY))


def _dotnet() -> Iterator[Finding]:
    try:
        found = sdk.find_dotnet()
    except sdk.ToolchainError as error:
        yield Finding(".NET", error.missing, error.remedy)
        return
    yield Finding(".NET", f"SDK {found.sdk} ({found.path})")
    peer = build.find_peer()
    if peer is None:
        yield Finding("the .NET peer", "not built", "python -m interop build")
    else:
        yield Finding("the .NET peer", peer[-1])


def _no_display() -> str | None:
    try:
        # It imports pytest, which is optional for building the peer and checking fixtures.
        from .desktop import display
    except ImportError as error:
        return f"not examined: {error}"
    return display.missing()


def _available(subject: str, reason: str | None) -> Finding:
    return Finding(subject, "not available" if reason else "available", reason or "")


def _windows() -> Finding:
    found = wine.find()
    if found is None:
        return Finding("the Windows world", "not set up", "python -m interop windows")
    return Finding("the Windows world", found.python[-1])


def _mono() -> Finding:
    try:
        path = mono.find_mono()
    except sdk.ToolchainError as error:
        return Finding("Mono", error.missing, error.remedy)
    if mono.find() is None:
        return Finding("Mono", f"{path}, without its program", mono.SETUP_COMMAND)
    return Finding("Mono", path)
