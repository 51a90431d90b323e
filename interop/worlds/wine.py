"""The Windows world: where Windows peers run. On Windows that is this system, elsewhere Wine.

Under Wine it consists of four parts: Wine itself, a prefix of its own (wine_prefix.py), a Windows
Python with the library's dependencies and pytest (windows_python.py), and the .NET peer published
for Windows. :func:`prepare` installs and makes what is missing; :func:`find` only looks. All parts
that are made are in the cache, each under a name that says what it was made from.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from pyshm.testing import build, cache, sdk
from pyshm.testing.sdk import ToolchainError

from ..checkout import CHECKOUT
from .commands import SETUP_COMMAND, Log
from .windows_python import PYTHON_VERSION, is_python, make_python, python_place
from .wine_prefix import (
    find_wine,
    find_wineserver,
    install_wine,
    is_prefix,
    make_prefix,
    prefix_place,
    release_prefix,
    use_prefix,
    wine_environment,
    wine_version,
)

__all__ = ["WindowsWorld", "find", "prepare", "run_library_tests", "why_not"]

# Each in seconds.
_TESTS_TIMEOUT = 1800.0
_READER_TIMEOUT = 5.0


@dataclass(frozen=True)
class WindowsWorld:
    """How to run programs in the Windows world.

    Give each of their three standard streams a pipe, or nothing. A Windows Python under Wine does
    not start if one of them is a file.

    Attributes:
        python: the command that runs the Windows Python.
        dotnet_peer: the command that runs the .NET peer.
        environment: the variables that both need in addition to the caller's.
        prefix: the folder of Wine's prefix; None on Windows.
    """

    python: list[str]
    dotnet_peer: list[str]
    environment: dict[str, str]
    prefix: Path | None = None

    def path(self, host_path: str | os.PathLike[str]) -> str:
        r"""Return a path of this system in the form that Windows programs use: ``Z:\tmp\x``."""
        path = os.fspath(host_path)
        return path if self.prefix is None else _windows_path(path)

    def end(self) -> None:
        """End every program of the prefix, unless another process uses it. Do nothing on Windows.

        When this returns, Wine's server for the prefix has ended. Other prefixes are not touched.
        The world can be used again: the next program that starts, starts the server.
        """
        if self.prefix is not None:
            release_prefix(self.prefix)


def _windows_path(path: str) -> str:
    return "Z:" + os.path.join(os.getcwd(), path).replace("/", "\\")


# --- looking ---------------------------------------------------------------------------------


def find(asset: str | None = None) -> WindowsWorld | None:
    """Return the Windows world if it is ready, else None; never build, download or install.

    This process then counts as a user of the prefix until it calls :meth:`WindowsWorld.end`, or
    ends.
    """
    return _look(asset)[0]


def why_not(asset: str | None = None) -> str:
    """Return why :func:`find` returns None, and what to run; an empty string if it does not."""
    reason = _look(asset)[1]
    option = f" --asset {asset}" if asset else ""
    return f"no Windows world ({reason}): {SETUP_COMMAND}{option}" if reason else ""


def _look(asset: str | None) -> tuple[WindowsWorld | None, str]:
    """Return the world, or the part of it that is missing."""
    windows = sys.platform == "win32"
    dotnet_peer = build.find_peer(windows=not windows, asset=asset)
    if windows:
        if dotnet_peer is None:
            return None, "the .NET peer is not built"
        return _native(dotnet_peer), ""
    try:
        wine = find_wine()
        find_wineserver()
        version = wine_version(wine)
    except ToolchainError as error:
        return None, error.missing
    prefix, python = prefix_place(version), python_place()
    if not is_prefix(prefix):
        return None, "it has no Wine prefix"
    if not is_python(python):
        return None, "it has no Python"
    if dotnet_peer is None:
        return None, "it has no .NET peer"
    return _world(wine, prefix, python, dotnet_peer), ""


def _native(dotnet_peer: list[str]) -> WindowsWorld:
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    return WindowsWorld([sys.executable], dotnet_peer, {"PYTHONPATH": path})


def _world(wine: str, prefix: Path, python: Path, dotnet_peer: list[str]) -> WindowsWorld:
    use_prefix(prefix)
    environment = {
        **wine_environment(prefix),
        "PYTHONPATH": _windows_path(str(CHECKOUT)),
        # Compiled modules are kept in the prefix, not in the checkout beside the modules.
        "PYTHONPYCACHEPREFIX": "C:\\pycache",
    }
    return WindowsWorld(
        [wine, str(python / "python.exe")], [wine, *dotnet_peer], environment, prefix
    )


# --- setting up ------------------------------------------------------------------------------


def prepare(
    log: Log = lambda _line: None, *, install: bool = True, asset: str | None = None
) -> WindowsWorld:
    """Set up the parts of the Windows world that are missing, and return the world.

    Args:
        log: gets a line before each step that takes time.
        install: whether Wine may be installed (with apt-get, as root).
        asset: the target of the C# library that the peer uses; None for the SDK's framework.

    Raises:
        ToolchainError: a part is missing and not available; ``remedy`` says what to do.
        BuildError: the .NET peer or the prefix could not be made.
    """
    if sys.platform == "win32":
        return _native(build.build_peer(log, asset=asset))
    sdk.find_dotnet()  # if it is missing, fail now and not after the other parts are made
    if install:
        install_wine(log)
    wine = find_wine()
    find_wineserver()
    version = wine_version(wine)

    def new_prefix(work: Path) -> Path:
        log(f"making a prefix for {version}")
        return make_prefix(wine, work / "prefix")

    def new_python(work: Path) -> Path:
        log(f"setting up Windows Python {PYTHON_VERSION}")
        return make_python(work)

    prefix, python = prefix_place(version), python_place()
    cache.keep(prefix, is_prefix, new_prefix)
    cache.keep(python, is_python, new_python)
    return _world(wine, prefix, python, build.build_peer(log, windows=True, asset=asset))


# --- the library's tests ---------------------------------------------------------------------


def run_library_tests(
    world: WindowsWorld,
    arguments: Sequence[str] = (),
    log: Log = lambda _line: None,
    *,
    output: BinaryIO | None = None,
    timeout: float = _TESTS_TIMEOUT,
) -> int:
    """Run the library's tests under the Windows Python, pass on their output, return the status.

    Temporary files are made in Windows' own folder for them: under Wine, inside the prefix.

    Args:
        world: where to run them.
        arguments: for pytest; all of ``tests`` is run unless they name something in that folder.
        log: gets a line if the tests are ended because they took too long.
        output: gets what is printed; standard output by default.
        timeout: how long the tests may take, in seconds.

    Returns:
        pytest's exit status; 1 if the tests took too long.
    """
    target = sys.stdout.buffer if output is None else output
    chosen = any(PurePosixPath(argument).parts[:1] == ("tests",) for argument in arguments)
    command = [*world.python, "-m", "pytest", "-p", "no:cacheprovider"]
    command += [*([] if chosen else ["tests"]), *arguments]
    environment = {
        **os.environ,
        **world.environment,
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=CHECKOUT,
        env=environment,
    )
    assert process.stdout is not None
    # Wait for the process, not for the end of the pipe: a background program may keep that open.
    reader = threading.Thread(target=_pass_on, args=(process.stdout, target), daemon=True)
    reader.start()
    try:
        status = process.wait(timeout)
    except subprocess.TimeoutExpired:
        log(f"the tests did not end within {timeout:g} seconds: {' '.join(command)}")
        status = 1
    finally:
        process.kill()
        process.wait()
        reader.join(_READER_TIMEOUT)
    return status


def _pass_on(source: IO[bytes], target: BinaryIO) -> None:
    """Copy each line as soon as it is there, with this system's line ends."""
    with source:
        for line in source:
            target.write(line.replace(b"\r\n", os.linesep.encode()))
            target.flush()
