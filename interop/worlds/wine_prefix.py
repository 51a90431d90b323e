"""Wine, and the prefix that the harness uses: how it is found, made, locked and shut down.

A prefix is a folder that holds a Windows of its own. All runs with the same cache share one. Each
process that uses the prefix holds a shared lock on a file in it. The process that can turn its lock
into an exclusive one is the last user, and shuts the prefix down.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from pyshm.doctor.programs import wine_remedy
from pyshm.testing.build import BuildError
from pyshm.testing.sdk import ToolchainError

from .commands import Log, cache_place, last_line, run_command

if sys.platform != "win32":
    import fcntl

__all__ = [
    "find_wine",
    "find_wineserver",
    "install_wine",
    "is_prefix",
    "make_prefix",
    "prefix_place",
    "release_prefix",
    "use_prefix",
    "wine_environment",
    "wine_version",
]

_SETTINGS = {
    "WINEARCH": "win64",
    "WINEDEBUG": "-all",
    # No download of an HTML engine, no debugger that waits for input after a crash, and no entries
    # in the menus of the user's desktop.
    "WINEDLLOVERRIDES": "mshtml=;winedbg.exe=;winemenubuilder.exe=",
}
_VERSION_KEY = ("HKCU\\Software\\Wine", "Version", "win10")
_LOCK_FILE = ".pyshm-users"

# Each in seconds.
_QUESTION_TIMEOUT = 30.0
_PREFIX_TIMEOUT = 300.0
_INSTALL_TIMEOUT = 1800.0
_END_TIMEOUT = 30.0


# --- Wine ------------------------------------------------------------------------------------


def find_wine() -> str:
    """Return the path of Wine, which runs Windows programs on other systems.

    Raises:
        ToolchainError: Wine is not installed; ``remedy`` is the command that installs it.
    """
    found = shutil.which("wine") or shutil.which("wine64")
    if found is None:
        raise ToolchainError("Wine is missing", wine_remedy())
    return found


def find_wineserver() -> str:
    """Return the path of Wine's server, the program that can end a prefix.

    Raises:
        ToolchainError: it is not installed.
    """
    found = shutil.which("wineserver")
    if found is None:
        raise ToolchainError("Wine's server is missing", wine_remedy())
    return found


@functools.cache
def wine_version(wine: str) -> str:
    """Return what ``wine --version`` prints. A prefix depends on nothing else of Wine.

    Raises:
        ToolchainError: the command fails.
    """
    try:
        answer = subprocess.run(
            [wine, "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_QUESTION_TIMEOUT,
            check=False,
            env={**os.environ, **_SETTINGS},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainError(f"Wine does not work ({error})", wine_remedy()) from error
    if answer.returncode != 0 or not answer.stdout.strip():
        reason = last_line(answer.stderr) or f"status {answer.returncode}"
        raise ToolchainError(f"Wine does not work ({reason})", wine_remedy())
    return answer.stdout.strip()


def install_wine(log: Log) -> None:
    """Install Wine, if it is missing, apt-get is there and this process is root.

    Raises:
        ToolchainError: apt-get failed.
    """
    apt = shutil.which("apt-get")
    installed = shutil.which("wine") or shutil.which("wine64")
    if installed or sys.platform == "win32" or apt is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another apt-get may be running; this one waits until it ends.
    command = [apt, "-y", "-q", "-o", "DPkg::Lock::Timeout=300"]
    log("installing Wine with apt-get")
    # Old lists may name packages that the archive no longer has. If the update fails, they may do.
    run_command([*command, "update"], environment, _INSTALL_TIMEOUT)
    install = [*command, "install", "--no-install-recommends", "wine", "wine64"]
    status, output = run_command(install, environment, _INSTALL_TIMEOUT)
    if status != 0:
        reason = last_line(output) or f"status {status}"
        raise ToolchainError(f"Wine could not be installed ({reason})", wine_remedy())


# --- the prefix ------------------------------------------------------------------------------


def prefix_place(version: str) -> Path:
    """Return the folder in the cache for the prefix of that version of Wine."""
    return cache_place("prefixes", [version, *_VERSION_KEY, *sorted(_SETTINGS.values())])


def wine_environment(prefix: Path) -> dict[str, str]:
    """Return the environment variables that make Wine use ``prefix``."""
    return {**_SETTINGS, "WINEPREFIX": str(prefix)}


def is_prefix(folder: Path) -> bool:
    """Return whether ``folder`` holds a complete prefix."""
    files = ("system.reg", "user.reg", "drive_c/windows/system32/kernel32.dll")
    return all((folder / file).is_file() for file in files)


def make_prefix(wine: str, prefix: Path) -> Path:
    """Make a prefix in the folder ``prefix`` and return it. None of its programs is left running.

    Raises:
        BuildError: Wine failed, or did not make a complete prefix.
    """
    environment = {**os.environ, **wine_environment(prefix)}
    key, name, value = _VERSION_KEY
    try:
        for command in (
            [wine, "wineboot", "-i"],
            [wine, "reg", "add", key, "/v", name, "/d", value, "/f"],
        ):
            status, output = run_command(command, environment, _PREFIX_TIMEOUT)
            if status != 0:
                reason = f"the Wine prefix could not be made (status {status})"
                raise BuildError(reason, command, output)
    finally:
        _shut_down(prefix)
    registry = prefix / "user.reg"
    if not is_prefix(prefix) or f'"{name}"="{value}"' not in registry.read_text("utf-8", "replace"):
        raise BuildError("the Wine prefix is not complete", [wine, "wineboot", "-i"], str(prefix))
    return prefix


# --- its users -------------------------------------------------------------------------------

# The locks that this process holds, by prefix. Closing a descriptor releases its lock, and so does
# the end of the process, however it ends.
_locks: dict[Path, int] = {}


def use_prefix(prefix: Path) -> None:
    """Register this process as a user of ``prefix``; wait while another process shuts it down."""
    if sys.platform != "win32" and prefix not in _locks:
        descriptor = _open_lock(prefix)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _locks[prefix] = descriptor


def release_prefix(prefix: Path) -> None:
    """Unregister this process as a user of ``prefix``; the last user shuts the prefix down."""
    if sys.platform == "win32":
        return
    descriptor = _locks.pop(prefix, None)
    try:
        if descriptor is None:
            descriptor = _open_lock(prefix)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # other processes use the prefix, or it does not exist any more
        if descriptor is not None:
            os.close(descriptor)
        return
    try:
        _shut_down(prefix)  # with the exclusive lock: a process that wants the prefix waits
    finally:
        os.close(descriptor)


def _open_lock(prefix: Path) -> int:
    return os.open(prefix / _LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)


def _shut_down(prefix: Path) -> None:
    """End every process of ``prefix`` and wait until its server has ended."""
    wineserver = find_wineserver()
    environment = {**os.environ, **wine_environment(prefix)}
    for option in ("-k", "-w", "-k9"):
        status, _ = run_command([wineserver, option], environment, _END_TIMEOUT)
        if option == "-w" and status != 127:  # within the time
            return
