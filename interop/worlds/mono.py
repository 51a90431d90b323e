"""Programs on Mono: the C# library, built for .NET Framework, on Linux.

There is one program, LinePeer. It is built for Mono and for .NET, so that tests can compare both.
:func:`prepare` builds it, which needs NuGet; :func:`find` and :func:`missing` only look.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from pyshm.doctor.remedies import install
from pyshm.testing import build, cache, sdk
from pyshm.testing.sdk import ToolchainError

from ..checkout import CHECKOUT
from .commands import Log, run_command

__all__ = [
    "PROJECT",
    "SETUP_COMMAND",
    "MonoWorld",
    "find",
    "find_mono",
    "missing",
    "prepare",
    "rebuild",
]

SETUP_COMMAND = "python -m interop mono"

PROJECT = CHECKOUT / "interop" / "tests" / "csharp" / "LinePeer"

# The runtime, and the assembly that has MemoryMappedFile.
_DEBIAN = "mono-runtime libmono-system-core4.0-cil"
_PACKAGES = {"debian": _DEBIAN, "ubuntu": _DEBIAN, "fedora": "mono-core", "arch": "mono"}
_OTHERWISE = "https://www.mono-project.com/download/stable/"

# Each target has a folder in the build.
_MONO, _DOTNET = "mono", "dotnet"
_TARGETS = {_MONO: ["-p:PyshmTargetFramework=net472"], _DOTNET: []}

_BUILD_TIMEOUT = 600.0  # seconds
_START_TIMEOUT = 60.0  # seconds


class MonoWorld(NamedTuple):
    """The commands that run LinePeer."""

    mono: list[str]
    dotnet: list[str]


def find_mono() -> str:
    """Return the path of Mono.

    Raises:
        ToolchainError: there is none, or this system is not Linux.
    """
    remedy = install(_PACKAGES, _OTHERWISE)
    if sys.platform != "linux":
        raise ToolchainError("the tests of Mono need Linux", remedy)
    path = shutil.which("mono")
    if path is None:
        raise ToolchainError("Mono is missing", remedy)
    return path


def find() -> MonoWorld | None:
    """Return the commands of the programs that were built from the present sources, or None."""
    return _look()[0]


def missing() -> str | None:
    """Return why :func:`find` returns None, with the command that helps; None if it does not."""
    return _look()[1]


def _look() -> tuple[MonoWorld | None, str | None]:
    try:
        mono, dotnet = find_mono(), sdk.find_dotnet()
    except ToolchainError as error:
        return None, str(error)
    place = _place(dotnet)
    if not _is_whole(place):
        return None, f"the program for Mono is not built: {SETUP_COMMAND}"
    cache.mark_used(place)
    return _world(mono, dotnet, place), None


def prepare(log: Log) -> MonoWorld:
    """Build the programs unless they are built, and return their commands.

    Raises:
        ToolchainError: Mono or the .NET SDK is missing, or Mono lacks an assembly.
        BuildError: the program does not compile.
    """
    mono, dotnet = find_mono(), sdk.find_dotnet()
    place = _place(dotnet)

    def make(work: Path) -> Path:
        return _build(dotnet, work, log)

    cache.keep(place, _is_whole, make)
    world = _world(mono, dotnet, place)
    _try(world.mono)
    return world


def rebuild(work: Path, log: Log) -> None:
    """Build the programs in ``work`` and add them to the cache.

    ``work`` keeps the compiler's intermediate files, so that the next build of changed sources
    takes less time. Raises as :func:`prepare`.
    """
    dotnet = sdk.find_dotnet()
    options = ["--no-restore"] if work.is_dir() else []
    result = _build(dotnet, work, log, options)
    shutil.copytree(result, _place(dotnet), dirs_exist_ok=True)


def _place(dotnet: sdk.Dotnet) -> Path:
    """Return the folder in the cache for the programs that ``dotnet`` builds."""
    own = [path for path in sorted(PROJECT.iterdir()) if path.is_file()]
    parts = [path.name.encode() + b"\0" + path.read_bytes() for path in own]
    library = build.source_key(dotnet).encode()
    return cache.cache_dir() / "mono" / cache.key_of([library, *parts])


def _is_whole(place: Path) -> bool:
    return (place / _MONO / "LinePeer.exe").is_file() and (
        place / _DOTNET / "LinePeer.runtimeconfig.json"
    ).is_file()


def _world(mono: str, dotnet: sdk.Dotnet, place: Path) -> MonoWorld:
    return MonoWorld(
        [mono, str(place / _MONO / "LinePeer.exe")],
        [str(dotnet.path), str(place / _DOTNET / "LinePeer.dll")],
    )


def _build(dotnet: sdk.Dotnet, work: Path, log: Log, options: Sequence[str] = ()) -> Path:
    """Build LinePeer for each target in ``work``; return the folder that has all of them."""
    result = work / "result"
    for target, properties in _TARGETS.items():
        outputs = work / target
        command = [str(dotnet.path), "build", str(PROJECT), *build.OPTIONS, *properties]
        command += ["--artifacts-path", str(outputs), *options]
        log(f"building LinePeer for {target}: {' '.join(command)}")
        status, output = run_command(command, sdk.dotnet_environment(), _BUILD_TIMEOUT)
        if status != 0:
            raise build.BuildError(f"LinePeer does not build for {target}", command, output)
        built = outputs / "bin" / "LinePeer" / "release"
        shutil.copytree(built, result / target, dirs_exist_ok=True)
    return result


def _try(command: list[str]) -> None:
    """Start the program once. Raise ToolchainError if Mono can't run it."""
    done = subprocess.run(
        command,
        input="runtime\n",
        capture_output=True,
        text=True,
        timeout=_START_TIMEOUT,
        check=False,
    )
    if not done.stdout.startswith("READY\nok Mono"):
        reason = f"Mono does not run {command[-1]}: {done.stdout}{done.stderr}".rstrip()
        raise ToolchainError(reason, install(_PACKAGES, _OTHERWISE))
