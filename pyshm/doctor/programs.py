"""Other programs: .NET, and Wine, which runs the tests for Windows on other systems."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys

from .finding import Finding
from .remedies import install

__all__ = ["DOTNET_PACKAGES", "DOTNET_SCRIPT", "dotnet", "wine", "wine_remedy"]

_TIMEOUT = 30.0  # seconds; the first start on a slow machine
DOTNET_PACKAGES = {
    "win32": "Microsoft.DotNet.SDK.10",
    "darwin": "dotnet",
    "fedora": "dotnet-sdk-10.0",
    "alpine": "dotnet10-sdk",
    "arch": "dotnet-sdk",
}
# Installs into ~/.dotnet, which is one of the places where _find_dotnet searches; see
# https://learn.microsoft.com/dotnet/core/tools/dotnet-install-script
DOTNET_SCRIPT = "curl -fsSL https://dot.net/v1/dotnet-install.sh | bash -s -- --channel 10.0"
_WINE = {
    "darwin": "--cask wine-stable",
    "debian": "wine",
    "ubuntu": "wine",
    "fedora": "wine",
    "alpine": "wine",
    "arch": "wine",
}


def dotnet() -> Finding:
    """Check .NET: its SDKs, or its runtimes if it has no SDK."""
    path = _find_dotnet()
    remedy = install(DOTNET_PACKAGES, DOTNET_SCRIPT)
    if path is None:
        return Finding(".NET", "not found (only C# programs need it)", remedy)
    sdks = re.findall(r"^(\d\S*) \[", _answer(path, "--list-sdks"), re.MULTILINE)
    if sdks:
        return Finding(".NET", f"SDK {', '.join(sdks)} ({path})")
    runtimes = re.findall(
        r"^Microsoft\.NETCore\.App (\S+) ", _answer(path, "--list-runtimes"), re.MULTILINE
    )
    if runtimes:
        return Finding(".NET", f"runtime {', '.join(runtimes)}, no SDK ({path})", remedy)
    return Finding(".NET", f"{path} does not work", remedy)


def wine() -> Finding:
    """Check Wine, with which ``python -m interop`` tests the Windows side on other systems."""
    if sys.platform == "win32":
        return Finding("Wine", "not needed: this is Windows")
    path = shutil.which("wine") or shutil.which("wine64")
    if path is None:
        state = "not found (only the tests for Windows need it)"
        return Finding("Wine", state, wine_remedy())
    version = _answer(path, "--version").strip()
    return Finding("Wine", f"{version or 'unknown version'} ({path})")


def wine_remedy() -> str:
    """Return the command that installs Wine."""
    return install(_WINE, "https://www.winehq.org/")


def _find_dotnet() -> str | None:
    name = "dotnet.exe" if sys.platform == "win32" else "dotnet"
    root = os.environ.get("DOTNET_ROOT")
    usual = os.path.join(os.path.expanduser("~"), ".dotnet")
    for path in (
        root and os.path.join(root, name),
        shutil.which("dotnet"),
        os.path.join(usual, name),
    ):
        if path and os.access(path, os.X_OK):
            return path
    return None


def _answer(*command: str) -> str:
    """Return what a program prints; "" if it fails."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
