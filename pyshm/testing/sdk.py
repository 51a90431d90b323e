"""Find a .NET SDK, and say how to install one."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..doctor.programs import DOTNET_PACKAGES, DOTNET_SCRIPT
from ..doctor.remedies import install
from ..errors import PyshmError
from .cache import cache_dir

__all__ = [
    "MINIMUM_SDK",
    "SOURCES",
    "Dotnet",
    "ToolchainError",
    "dotnet_environment",
    "dotnet_remedy",
    "find_dotnet",
]


# Older SDKs know neither ``--artifacts-path`` nor the language version of the peer's sources.
MINIMUM_SDK = 8

_HERE = Path(__file__).resolve().parent
# The folder of the C# projects. A wheel has it inside the package, a checkout in interop/.
SOURCES = (
    _HERE / "csharp" if (_HERE / "csharp").is_dir() else _HERE.parents[1] / "interop" / "csharp"
)

_TIMEOUT = 60.0  # seconds for one question to dotnet or apt


class ToolchainError(PyshmError, RuntimeError):
    """A program that the .NET side needs is missing from this machine.

    Attributes:
        missing: what is missing, a sentence without its full stop.
        remedy: the command that installs it on this system.
    """

    def __init__(self, missing: str, remedy: str) -> None:
        super().__init__(f"{missing}; this installs it:\n    {remedy}")
        self.missing = missing
        self.remedy = remedy

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.missing, self.remedy)


@dataclass(frozen=True)
class Dotnet:
    """A dotnet that can build: its executable and the version of the SDK that it selects."""

    path: Path
    sdk: str

    @property
    def major(self) -> int:
        """The major version of the SDK: 8 for ``8.0.404``."""
        return _major(self.sdk)


def _major(version: str) -> int:
    match = re.match(r"(\d+)\.\d", version)
    return int(match.group(1)) if match else 0


def find_dotnet() -> Dotnet:
    """Return the dotnet to build and run with.

    The search goes through ``DOTNET_ROOT``, the ``PATH`` and the usual folders, and takes the
    first dotnet with SDK 8 or newer. The result is kept for the life of this process.

    Raises:
        ToolchainError: there is none; ``remedy`` is the command that installs one.
    """
    found, rejected = _search((os.environ.get("DOTNET_ROOT"), os.environ.get("PATH")))
    if found is None:
        missing = f"the .NET SDK (version {MINIMUM_SDK} or newer) is missing"
        if rejected:
            missing += f" ({'; '.join(rejected)})"
        raise ToolchainError(missing, dotnet_remedy())
    return found


@functools.cache
def _search(_environment: tuple[str | None, ...]) -> tuple[Dotnet | None, tuple[str, ...]]:
    """Return the first dotnet that can be used, and what is wrong with each one before it."""
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


def _dotnet_candidates() -> Iterator[Path]:
    """Yield each dotnet of this machine, the preferred one first, every real file once."""
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
            # A link of snap leads to the snap program itself, so the link is what runs dotnet.
            yield path if real.name != name else real


def _sdk_of(path: Path) -> str | None:
    """Return the version of the SDK that ``path`` builds with; None if it has no SDK."""
    folder = SOURCES if SOURCES.is_dir() else None  # a global.json above it selects the SDK
    try:
        answer = subprocess.run(
            [str(path), "--version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            cwd=folder,
            env=dotnet_environment(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    # The first run of an SDK prints a greeting before the version.
    lines = answer.stdout.split()
    return lines[-1] if answer.returncode == 0 and lines and _major(lines[-1]) else None


def dotnet_environment() -> dict[str, str]:
    """Return the environment of this process, with variables that keep dotnet quiet."""
    environment = dict(os.environ)
    environment.update(
        DOTNET_CLI_TELEMETRY_OPTOUT="1",
        DOTNET_CLI_UI_LANGUAGE="en",
        DOTNET_NOLOGO="1",
        DOTNET_SKIP_FIRST_TIME_EXPERIENCE="1",
        # A build server that survives the build keeps our pipes open, and we would wait for it.
        DOTNET_CLI_USE_MSBUILD_SERVER="0",
        MSBUILDDISABLENODEREUSE="1",
    )
    if os.name == "posix" and not environment.get("HOME"):
        environment.setdefault("DOTNET_CLI_HOME", str(cache_dir() / "dotnet-home"))
    return environment


def dotnet_remedy() -> str:
    """Return the command that installs a .NET SDK on this system.

    See https://learn.microsoft.com/dotnet/core/install/.
    """
    packages = dict(DOTNET_PACKAGES)
    if package := _apt_sdk():
        packages["debian"] = packages["ubuntu"] = package
    return install(packages, DOTNET_SCRIPT)


def _apt_sdk() -> str | None:
    """Return the newest SDK package that apt offers; None if there is none, as in Debian."""
    apt_cache = shutil.which("apt-cache")
    if apt_cache is None:
        return None
    try:
        answer = subprocess.run(
            [apt_cache, "--names-only", "search", "^dotnet-sdk-[0-9]"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT,
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
