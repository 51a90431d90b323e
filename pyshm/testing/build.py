"""Build the C# peer once, and find what was built.

Only :func:`build_peer` builds; :func:`find_peer` looks for a build in the cache.

The peer is built in two ways. For this system the build needs no network, as the C# projects use
no NuGet packages. For Windows it is a program with the whole of .NET beside it, which NuGet
downloads. Either can contain an *asset* instead of the C# library for the framework of the SDK: the
library as its package has it for one target, such as netstandard2.0. NuGet downloads for that too.
"""

from __future__ import annotations

import platform
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ..errors import PyshmError
from .cache import cache_dir, keep, key_of, mark_used
from .sdk import SOURCES, Dotnet, ToolchainError, dotnet_environment, find_dotnet

__all__ = ["ASSETS", "BuildError", "build_peer", "find_peer", "source_key"]


# The project that is built, and the name of its assembly.
PEER_PROJECT = "Peer"


# The targets of the C# library's package that programs for .NET can use; net472 is not one.
ASSETS = ("netstandard2.0", "netstandard2.1", "net8.0")


# No process of the compiler stays after a build.
OPTIONS = (
    "--configuration", "Release", "--nologo", "-nodeReuse:false", "-p:UseSharedCompilation=false",
)  # fmt: skip

# See https://learn.microsoft.com/dotnet/core/rid-catalog.
WINDOWS_RUNTIME = "win-x64"

_BUILD_TIMEOUT = 600.0  # seconds
_OUTPUT_FOLDERS = frozenset({"bin", "obj", "artifacts", "TestResults"})


class BuildError(PyshmError, RuntimeError):
    """A build failed: the C# peer does not compile, or Wine can't make a prefix.

    Attributes:
        reason: what went wrong, in a few words.
        command: the command that failed.
        output: everything that it printed.
    """

    def __init__(self, reason: str, command: Sequence[str], output: str) -> None:
        super().__init__(f"{reason}: {' '.join(command)}\n{output.rstrip()}")
        self.reason = reason
        self.command = list(command)
        self.output = output

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.command, self.output)


def find_peer(*, windows: bool = False, asset: str | None = None) -> list[str] | None:
    """Return the command of the peer that was built from the present sources, or None.

    It returns None if there is no such build, no dotnet, or no sources. It never builds.

    Args:
        windows: look for the peer that was published for Windows, on any system. Its command is
            the program alone.
        asset: the target of the C# library, one of :data:`ASSETS`; None for the SDK's framework.
    """
    if not SOURCES.is_dir():
        return None
    try:
        dotnet = find_dotnet()
    except ToolchainError:
        return None
    build = _peers_dir(windows) / source_key(dotnet, asset)
    command = _command(dotnet, build, windows)
    if command is not None:
        mark_used(build)
    return command


def build_peer(
    say: Callable[[str], None] = lambda _line: None,
    *,
    windows: bool = False,
    asset: str | None = None,
) -> list[str]:
    """Build the C# peer unless it is built already, and return the command that runs it.

    Args:
        say: is called with a line of text when a build begins.
        windows: publish it for Windows, with the files of .NET, instead of building it for this
            system.
        asset: the target of the C# library, one of :data:`ASSETS`; None for the SDK's framework.

    Raises:
        ToolchainError: there is no .NET SDK.
        BuildError: the sources are missing or do not compile.
    """
    dotnet = find_dotnet()
    project = SOURCES / PEER_PROJECT
    if not project.is_dir():
        raise BuildError("the C# sources are missing", [str(dotnet.path), "build"], str(project))
    target = _peers_dir(windows) / source_key(dotnet, asset)
    command = [
        str(dotnet.path),
        *(("publish", "-r", WINDOWS_RUNTIME, "--self-contained") if windows else ("build",)),
        str(project),
        *OPTIONS,
        # Also without an asset, so that the user's environment variable has no effect.
        f"-p:PyshmTargetFramework={asset or ''}",
        "--artifacts-path",
    ]

    def whole(build: Path) -> bool:
        return _command(dotnet, build, windows) is not None

    def make(work: Path) -> Path:
        _run_build([*command, str(work)], dotnet_environment(), say)
        return _built_output(work / ("publish" if windows else "bin"), whole, command)

    keep(target, whole, make)
    built = _command(dotnet, target, windows)
    if built is None:
        raise BuildError("the build was removed", command, f"nothing at {target}")
    return built


def _peers_dir(windows: bool) -> Path:
    return cache_dir() / "windows" / "peers" if windows else cache_dir() / "peers"


def source_key(dotnet: Dotnet, asset: str | None = None) -> str:
    """Return the name in the cache of a build of the sources by ``dotnet`` (32 hex digits).

    It depends on the relative path and the bytes of each file, on the SDK's version, on the
    machine, and on the asset.
    """
    parts = [f"{dotnet.sdk} {sys.platform} {platform.machine()} {asset or ''}".encode()]
    for path in _source_files(SOURCES):
        parts.append(path.relative_to(SOURCES).as_posix().encode("utf-8", "surrogateescape"))
        parts.append(path.read_bytes())
    return key_of(parts)


def _source_files(folder: Path) -> Iterator[Path]:
    """Yield every file below ``folder`` in a fixed order, without the compiler's output."""
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.is_dir():
            if entry.name not in _OUTPUT_FOLDERS and not entry.name.startswith("."):
                yield from _source_files(entry)
        elif entry.is_file():
            yield entry


def _command(dotnet: Dotnet, build: Path, windows: bool) -> list[str] | None:
    """Return the command that runs the peer in ``build``; None if the build is not complete."""
    assembly = build / f"{PEER_PROJECT}.dll"
    if windows:
        program = assembly.with_suffix(".exe")
        files = (program, assembly, build / "coreclr.dll")
        return [str(program)] if all(path.is_file() for path in files) else None
    if assembly.is_file() and assembly.with_suffix(".runtimeconfig.json").is_file():
        return [str(dotnet.path), str(assembly)]
    return None


def _run_build(
    command: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Run the compiler.

    Raises:
        BuildError: it failed, took too long, or did not start.
    """
    say("building the C# peer: " + " ".join(command))
    try:
        answer = subprocess.run(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_BUILD_TIMEOUT,
            check=False,
            cwd=SOURCES,
            env=dict(environment),
        )
    except OSError as error:
        raise BuildError("the compiler did not start", command, str(error)) from error
    except subprocess.TimeoutExpired as error:
        reason = f"the C# peer did not build within {_BUILD_TIMEOUT:.0f} seconds"
        raise BuildError(reason, command, _as_text(error.stdout)) from error
    if answer.returncode != 0:
        reason = f"the C# peer does not build (status {answer.returncode})"
        raise BuildError(reason, command, answer.stdout)


def _as_text(printed: bytes | str | None) -> str:
    """Return the output of a command that timed out: bytes on POSIX, even with ``text=True``."""
    if isinstance(printed, bytes):
        return printed.decode("utf-8", "replace")
    return printed or ""


def _built_output(outputs: Path, whole: Callable[[Path], bool], command: Sequence[str]) -> Path:
    """Return the folder below ``outputs`` that holds the runnable peer.

    Raises:
        BuildError: there is none, or there are several.
    """
    # The folder is named after configuration and framework; to ask the SDK for it is a second run.
    places = sorted(path.parent for path in outputs.rglob(f"{PEER_PROJECT}.dll"))
    runnable = [place for place in places if whole(place)]
    if len(runnable) != 1:
        found = ", ".join(map(str, runnable)) or "nothing"
        reason = f"the build did not make exactly one {PEER_PROJECT}.dll"
        raise BuildError(reason, command, f"found: {found}")
    return runnable[0]
