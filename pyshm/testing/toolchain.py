"""Find dotnet, say what is missing and how to get it, build the C# peer once into a cache.

Building is a step of its own: only :func:`build_peer` builds, :func:`find_peer` merely looks.
What was built lies under a key made of the C# sources' bytes and the SDK's version, so a changed
source or another SDK is another peer, and an old one can never answer for a new one.

The peer is built in two ways: for this system, which needs no network, as the C# projects have no
NuGet packages; and for Windows, as a program with the whole of .NET beside it, which NuGet fetches.
"""

from __future__ import annotations

import functools
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..doctor.programs import DOTNET_PACKAGES, DOTNET_SCRIPT
from ..doctor.remedies import install
from ..errors import PyshmError

#: Older SDKs know neither ``--artifacts-path`` nor the language version of the peer's sources.
MINIMUM_SDK = 8

_HERE = Path(__file__).resolve().parent

#: The folder with every C# project; all of it goes into the key of a build. The wheel has it inside
#: the package; in a checkout the C# side has a place of its own.
SOURCES = (
    _HERE / "csharp" if (_HERE / "csharp").is_dir() else _HERE.parents[1] / "interop" / "csharp"
)

#: The project that is built, and the name of its assembly.
PEER_PROJECT = "Peer"

#: What the peer for Windows is published for; see https://learn.microsoft.com/dotnet/core/rid-catalog
WINDOWS_RUNTIME = "win-x64"

_KEPT_BUILDS = 3
_UNTOUCHED_BEFORE_PRUNING = 24 * 3600.0
_QUESTION_TIMEOUT = 60.0
_BUILD_TIMEOUT = 600.0
_OUTPUT_FOLDERS = frozenset({"bin", "obj", "artifacts", "TestResults"})


class ToolchainError(PyshmError, RuntimeError):
    """Something that the .NET side needs is missing from this machine.

    Attributes:
        missing: what is missing, as a sentence without its full stop.
        remedy: the one line that mends it on this system.
    """

    def __init__(self, missing: str, remedy: str) -> None:
        """Keep both halves; the message is the two of them on two lines."""
        super().__init__(f"{missing}; this installs it:\n    {remedy}")
        self.missing = missing
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.missing, self.remedy)


class BuildError(PyshmError, RuntimeError):
    """Something can't be made: the C# peer does not compile, or Wine makes no prefix.

    Attributes:
        reason: what went wrong, in a few words.
        command: what was run.
        output: all that it printed.
    """

    def __init__(self, reason: str, command: Sequence[str], output: str) -> None:
        """Tell the reason, the command and its own words."""
        super().__init__(f"{reason}: {' '.join(command)}\n{output.rstrip()}")
        self.reason = reason
        self.command = list(command)
        self.output = output

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.reason, self.command, self.output)


@dataclass(frozen=True)
class Dotnet:
    """A dotnet that can build: its executable and the version of the SDK that it picks."""

    path: Path
    sdk: str

    @property
    def major(self) -> int:
        """The SDK's major version: 8 for ``8.0.404``."""
        return _major(self.sdk)


def _major(version: str) -> int:
    match = re.match(r"(\d+)\.\d", version)
    return int(match.group(1)) if match else 0


# --- finding ---------------------------------------------------------------------------------


def _dotnet_candidates() -> Iterator[Path]:
    """Yield each place that may hold a dotnet, best first, every real file once."""
    name = "dotnet.exe" if os.name == "nt" else "dotnet"
    folders: list[Path] = []
    if root := os.environ.get("DOTNET_ROOT"):
        folders.append(Path(root))
    folders += [Path(entry) for entry in os.environ.get("PATH", "").split(os.pathsep) if entry]
    home = Path("~").expanduser()
    folders.append(home / ".dotnet")
    if os.name == "nt":
        folders += [
            Path(os.environ[variable]) / "dotnet"
            for variable in ("ProgramW6432", "ProgramFiles")
            if os.environ.get(variable)
        ]
        if local := os.environ.get("LOCALAPPDATA"):
            folders.append(Path(local) / "Microsoft" / "dotnet")
    else:
        folders += [
            Path("/usr/share/dotnet"),
            Path("/usr/lib/dotnet"),
            Path("/usr/lib64/dotnet"),
            Path("/usr/local/share/dotnet"),
            Path("/opt/homebrew/bin"),
            Path("/snap/bin"),
        ]
    seen: set[Path] = set()
    for folder in folders:
        path = folder / name
        try:
            real = path.resolve()
            usable = path.is_file() and os.access(path, os.X_OK)
        except OSError:
            continue
        if usable and real not in seen:
            seen.add(real)
            # The link is kept for snap, whose "real" file is the snap program itself.
            yield path if real.name != name else real


def _sdk_of(path: Path) -> str | None:
    """Return the version of the SDK that ``path`` would build with; None when it has none."""
    folder = SOURCES if SOURCES.is_dir() else None  # a global.json there would choose the SDK
    try:
        answer = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_QUESTION_TIMEOUT,
            check=False,
            cwd=folder,
            env=dotnet_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # A runtime without an SDK, or a first run's greeting, may say more than the version.
    lines = answer.stdout.split()
    return lines[-1] if answer.returncode == 0 and lines and _major(lines[-1]) else None


@functools.cache
def _search(_environment: tuple[str | None, ...]) -> tuple[Dotnet | None, tuple[str, ...]]:
    """Return the first dotnet that will do, and what is wrong with each one before it."""
    rejected: list[str] = []
    for path in _dotnet_candidates():
        sdk = _sdk_of(path)
        if sdk is None:
            rejected.append(f"{path} has no SDK that works")
        elif _major(sdk) < MINIMUM_SDK:
            rejected.append(f"{path} has SDK {sdk}")
        else:
            return Dotnet(path, sdk), tuple(rejected)
    return None, tuple(rejected)


def find_dotnet() -> Dotnet:
    """Return the dotnet to build and run with.

    Looked for in ``DOTNET_ROOT``, on the ``PATH`` and in the usual places; the first with an SDK
    of at least version 8 is taken. The answer is remembered for this process.

    Raises:
        ToolchainError: there is none; ``remedy`` is the line that installs one here.
    """
    found, rejected = _search((os.environ.get("DOTNET_ROOT"), os.environ.get("PATH")))
    if found is None:
        missing = f"the .NET SDK (version {MINIMUM_SDK} or newer) is missing"
        if rejected:
            missing += f" ({'; '.join(rejected)})"
        raise ToolchainError(missing, dotnet_remedy())
    return found


# --- remedies --------------------------------------------------------------------------------


def _apt_sdk() -> str | None:
    """Return the newest SDK package that apt knows here; Debian's own archive has none."""
    apt_cache = shutil.which("apt-cache")
    if apt_cache is None:
        return None
    try:
        answer = subprocess.run(
            [apt_cache, "--names-only", "search", "^dotnet-sdk-[0-9]"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_QUESTION_TIMEOUT,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    versions = [
        (int(major), int(minor))
        for major, minor in re.findall(r"^dotnet-sdk-(\d+)\.(\d+) ", answer.stdout, re.MULTILINE)
        if int(major) >= MINIMUM_SDK
    ]
    if not versions:
        return None
    major, minor = max(versions)
    return f"dotnet-sdk-{major}.{minor}"


def dotnet_remedy() -> str:
    """Return the one line that installs a .NET SDK on this system.

    See https://learn.microsoft.com/dotnet/core/install/.
    """
    packages = dict(DOTNET_PACKAGES)
    if package := _apt_sdk():
        packages["debian"] = packages["ubuntu"] = package
    return install(packages, DOTNET_SCRIPT)


# --- the cache -------------------------------------------------------------------------------


def cache_dir() -> Path:
    """Return the folder that builds are kept in; it need not exist yet.

    ``PYSHM_CACHE`` when it is set, else ``pyshm-interop`` in the user's own cache folder.
    """
    if chosen := os.environ.get("PYSHM_CACHE"):
        return Path(chosen).absolute()
    home = Path("~").expanduser()
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = home / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base.absolute() / "pyshm-interop"


def _peers_dir(windows: bool) -> Path:
    return cache_dir() / "windows" / "peers" if windows else cache_dir() / "peers"


def _source_files(folder: Path) -> Iterator[Path]:
    """Yield every file below ``folder`` that is not a compiler's output, in a fixed order."""
    for entry in sorted(folder.iterdir(), key=lambda path: path.name):
        if entry.is_dir():
            if entry.name not in _OUTPUT_FOLDERS and not entry.name.startswith("."):
                yield from _source_files(entry)
        elif entry.is_file():
            yield entry


def key_of(parts: Iterable[bytes]) -> str:
    """Return a name for what is made of ``parts`` alone, in this order (32 hex digits)."""
    digest = hashlib.sha256()
    for part in parts:
        # With its length in front, no two lists of parts can run together into the same bytes.
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()[:32]


def source_key(dotnet: Dotnet) -> str:
    """Return the name that a build of the sources by ``dotnet`` has in the cache (32 hex digits).

    Each file's relative path and bytes count, and so do the SDK's version and the machine.
    """
    parts = [f"{dotnet.sdk} {sys.platform} {platform.machine()}".encode()]
    for path in _source_files(SOURCES):
        parts.append(path.relative_to(SOURCES).as_posix().encode("utf-8", "surrogateescape"))
        parts.append(path.read_bytes())
    return key_of(parts)


def keep(target: Path, whole: Callable[[Path], bool], make: Callable[[Path], Path]) -> None:
    """Have the folder ``target`` in the cache made, unless it is there.

    The work is done in a folder beside it, and one rename makes the outcome the target: what was
    interrupted leaves nothing that passes for whole, and of two makers at once one wins. What has
    long been unused beside it goes.

    Args:
        target: the folder; its name has to tell all that it is made of.
        whole: tells whether a folder is what is wanted.
        make: gets the folder to work in, returns the one in there (or itself) to be kept.
    """
    if whole(target):
        _mark_used(target)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".build-", dir=target.parent))
    try:
        _move_into_place(make(work), target, whole)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    _prune(target)


def _command(dotnet: Dotnet, build: Path, windows: bool) -> list[str] | None:
    """Return the command that runs the peer in ``build``; None when that is no whole build."""
    assembly = build / f"{PEER_PROJECT}.dll"
    if windows:
        program = assembly.with_suffix(".exe")
        files = (program, assembly, build / "coreclr.dll")
        return [str(program)] if all(path.is_file() for path in files) else None
    if assembly.is_file() and assembly.with_suffix(".runtimeconfig.json").is_file():
        return [str(dotnet.path), str(assembly)]
    return None


def _mark_used(build: Path) -> None:
    """Give ``build`` a new time stamp, which is what pruning goes by."""
    try:
        os.utime(build)
    except OSError:
        pass  # a read-only cache can't be pruned either


def find_peer(*, windows: bool = False) -> list[str] | None:
    """Return the command of the peer built from today's sources; None when there is none.

    Never builds. None also when there is no dotnet or there are no sources.

    Args:
        windows: the one published for Windows, wherever this is; its command is the program alone.
    """
    if not SOURCES.is_dir():
        return None
    try:
        dotnet = find_dotnet()
    except ToolchainError:
        return None
    build = _peers_dir(windows) / source_key(dotnet)
    command = _command(dotnet, build, windows)
    if command is not None:
        _mark_used(build)
    return command


# --- building --------------------------------------------------------------------------------


def dotnet_environment() -> dict[str, str]:
    """Return this process's environment with what keeps dotnet quiet, and by itself, added."""
    environment = dict(os.environ)
    environment.update(
        DOTNET_CLI_TELEMETRY_OPTOUT="1",
        DOTNET_CLI_UI_LANGUAGE="en",
        DOTNET_NOLOGO="1",
        DOTNET_SKIP_FIRST_TIME_EXPERIENCE="1",
        # A build server that outlives the build would hold on to our pipes, and we would wait.
        DOTNET_CLI_USE_MSBUILD_SERVER="0",
        MSBUILDDISABLENODEREUSE="1",
    )
    if os.name == "posix" and not environment.get("HOME"):
        environment.setdefault("DOTNET_CLI_HOME", str(cache_dir() / "dotnet-home"))
    return environment


def _as_text(printed: bytes | str | None) -> str:
    """Return a timed-out command's output, which is bytes on POSIX whatever ``text=`` says."""
    if isinstance(printed, bytes):
        return printed.decode("utf-8", "replace")
    return printed or ""


def _run_build(
    command: Sequence[str], environment: Mapping[str, str], say: Callable[[str], None]
) -> None:
    """Run the compiler.

    Raises:
        BuildError: it failed, took too long, or could not be started.
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
        raise BuildError("the compiler could not be started", command, str(error)) from error
    except subprocess.TimeoutExpired as error:
        reason = f"the C# peer did not build within {_BUILD_TIMEOUT:.0f} seconds"
        raise BuildError(reason, command, _as_text(error.stdout)) from error
    if answer.returncode != 0:
        reason = f"the C# peer does not build (status {answer.returncode})"
        raise BuildError(reason, command, answer.stdout)


def build_peer(
    say: Callable[[str], None] = lambda _line: None, *, windows: bool = False
) -> list[str]:
    """Build the C# peer unless it is built already, and return the command that runs it.

    Args:
        say: gets a line when a build begins.
        windows: publish it for Windows, with .NET's own files, instead of building it for here.

    Raises:
        ToolchainError: there is no .NET SDK.
        BuildError: the sources do not compile, or are not there.
    """
    dotnet = find_dotnet()
    project = SOURCES / PEER_PROJECT
    if not project.is_dir():
        raise BuildError("the C# sources are not here", [str(dotnet.path), "build"], str(project))
    target = _peers_dir(windows) / source_key(dotnet)
    command = [
        str(dotnet.path),
        *(("publish", "-r", WINDOWS_RUNTIME, "--self-contained") if windows else ("build",)),
        str(project),
        "--configuration",
        "Release",
        "--nologo",
        "-nodeReuse:false",
        "-p:UseSharedCompilation=false",
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
        raise BuildError("the build is gone again", command, f"nothing at {target}")
    return built


def _built_output(outputs: Path, whole: Callable[[Path], bool], command: Sequence[str]) -> Path:
    """Return the folder below ``outputs`` that holds the runnable peer.

    Raises:
        BuildError: there is none, or more than one.
    """
    # The SDK names that folder after configuration and framework; asking it costs a second run.
    places = sorted(path.parent for path in outputs.rglob(f"{PEER_PROJECT}.dll"))
    runnable = [place for place in places if whole(place)]
    if len(runnable) != 1:
        found = ", ".join(map(str, runnable)) or "nothing"
        reason = f"one {PEER_PROJECT}.dll was expected of the build"
        raise BuildError(reason, command, f"found: {found}")
    return runnable[0]


def _move_into_place(output: Path, target: Path, whole: Callable[[Path], bool]) -> None:
    """Rename ``output`` to ``target``; when another maker was first, its work stands."""
    for _attempt in range(3):
        try:
            output.rename(target)
        except OSError:
            # Either somebody's whole work is there, or a broken one is in the way.
            if whole(target):
                return
            if not target.exists():
                raise
            _discard(target)
        else:
            return


def _discard(folder: Path) -> None:
    """Take ``folder`` away: out of sight by one rename, then for good. Failing is no harm."""
    grave = Path(tempfile.mkdtemp(prefix=".trash-", dir=folder.parent))
    try:
        folder.rename(grave / folder.name)
    except OSError:
        pass  # in use (Windows), or another process took it away first
    shutil.rmtree(grave, ignore_errors=True)


def _prune(current: Path) -> None:
    """Drop old builds, and what interrupted ones left behind.

    The three last used stay, and so does everything that was used within the last day: a run that
    goes on right now touched its build when it began.
    """
    limit = time.time() - _UNTOUCHED_BEFORE_PRUNING
    builds: list[tuple[float, Path]] = []
    for entry in list(current.parent.iterdir()):
        try:
            used = entry.stat().st_mtime
        except OSError:
            continue  # somebody else prunes as well
        if entry.name.startswith((".build-", ".trash-")):
            if used < limit:
                shutil.rmtree(entry, ignore_errors=True)
        elif entry != current:
            builds.append((used, entry))
    builds.sort(reverse=True)
    for used, entry in builds[_KEPT_BUILDS - 1 :]:
        if used < limit:
            _discard(entry)
