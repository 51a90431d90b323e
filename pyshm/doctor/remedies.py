"""The command that installs a package on this system."""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
from collections.abc import Mapping

__all__ = ["install", "pip"]

# How each family of systems installs a package. The first family that fits is used.
_INSTALLERS = {
    "win32": "winget install {}",
    "darwin": "brew install {}",
    "debian": "apt-get install -y {}",
    "ubuntu": "apt-get install -y {}",
    "fedora": "dnf install -y {}",
    "alpine": "apk add {}",
    "arch": "pacman -S --noconfirm {}",
}
_NOT_AS_ROOT = ("win32", "darwin")


def install(packages: Mapping[str, str], otherwise: str) -> str:
    """Return the command that installs this system's package of ``packages``, which are by family.

    Return ``otherwise`` if this system has no package there.
    """
    families = _families()
    for family, line in _INSTALLERS.items():
        if family in families and family in packages:
            return (
                line.format(packages[family])
                if family in _NOT_AS_ROOT
                else _as_root(line.format(packages[family]))
            )
    return otherwise


def pip(requirement: str, packages: Mapping[str, str] | None = None) -> str:
    """Return the command that installs a Python package for the Python that runs this program.

    If that Python belongs to the system and pip refuses it, the command installs the system's
    package of ``packages``, which are by family, or else creates a virtual environment.
    """
    if not _is_externally_managed():
        return f'"{sys.executable}" -m pip install "{requirement}"'
    own = f'"{sys.executable}" -m venv --system-site-packages venv'
    return install(packages or {}, f'{own} && venv/bin/pip install "{requirement}"')


def _is_externally_managed() -> bool:
    """Return whether pip refuses this Python (https://peps.python.org/pep-0668/)."""
    marker = os.path.join(sysconfig.get_path("stdlib"), "EXTERNALLY-MANAGED")
    return sys.prefix == sys.base_prefix and os.path.exists(marker)


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
