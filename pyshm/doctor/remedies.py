"""The line that installs a package on this system."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping

__all__ = ["install", "pip"]

# How each family of systems installs a package; the first that fits is taken.
_INSTALLERS = {
    "win32": "winget install {}",
    "darwin": "brew install {}",
    "debian": "apt-get install -y {}",
    "ubuntu": "apt-get install -y {}",
    "fedora": "dnf install -y {}",
    "alpine": "apk add {}",
    "arch": "pacman -S --noconfirm {}",
}
_AS_ONESELF = ("win32", "darwin")


def install(packages: Mapping[str, str], otherwise: str) -> str:
    """The line for this system's package of ``packages``, by family; ``otherwise`` without one."""
    families = _families()
    for family, line in _INSTALLERS.items():
        if family in families and family in packages:
            return (
                line.format(packages[family])
                if family in _AS_ONESELF
                else _as_root(line.format(packages[family]))
            )
    return otherwise


def pip(requirement: str) -> str:
    """The line that installs a Python package for this very Python."""
    return f'"{sys.executable}" -m pip install "{requirement}"'


def _families() -> set[str]:
    if sys.platform != "linux":
        return {sys.platform}
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return set()
    return {release.get("ID", ""), *release.get("ID_LIKE", "").split()}


def _as_root(command: str) -> str:
    return command if hasattr(os, "geteuid") and os.geteuid() == 0 else f"sudo {command}"
