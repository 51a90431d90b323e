"""The Windows world: where a pair of Windows peers lives. On Windows that is here, else under Wine.

Four things make it under Wine: Wine itself, a prefix (a Windows of its own, which no other program
uses), a Windows Python with the library's dependencies and pytest, and the .NET peer published for
Windows. :func:`prepare` gets and makes them, :func:`find` merely looks. They lie in the cache, each
under a name that tells what it is made of.

The prefix is shared by all who use the same cache, as a real Windows would be. Each of them holds
a lock on it for as long as it uses it, and the last one's :meth:`WindowsWorld.end` shuts it down.
"""

from __future__ import annotations

import functools
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO

from pyshm.doctor.programs import wine_remedy
from pyshm.testing import build, cache, sdk
from pyshm.testing.build import BuildError
from pyshm.testing.sdk import ToolchainError

from ..checkout import CHECKOUT

if sys.platform != "win32":
    import fcntl

__all__ = ["WindowsWorld", "find", "find_wine", "prepare", "run_library_tests", "why_not"]

Say = Callable[[str], None]

#: Names a folder with :data:`PYTHON_ARCHIVE` and Windows wheels, for machines without a network.
DOWNLOADS_VARIABLE = "PYSHM_WINDOWS_DOWNLOADS"

#: See https://docs.python.org/3/using/windows.html#the-embeddable-package
PYTHON_VERSION = "3.13.2"
PYTHON_ARCHIVE = f"python-{PYTHON_VERSION}-embed-amd64.zip"
PYTHON_URL = f"https://www.python.org/ftp/python/{PYTHON_VERSION}/{PYTHON_ARCHIVE}"
#: Of the files inside, as ``sha256sum * | sha256sum`` in an unpacked folder says it: the same for
#: whoever packed them.
PYTHON_DIGEST = "a1662b0f00a8bf1d170bbefac6ee13aa4a54fbd8d4a4f6f01687fb331ae540c9"

REQUIREMENTS = Path(__file__).resolve().parent / "windows-requirements.txt"

_COMMAND = "python -m interop windows"
# With this file beside it, Python ignores PYTHONPATH and has no site-packages.
_ISOLATION = "python313._pth"
_SITE_PACKAGES = "Lib/site-packages"

_SETTINGS = {
    "WINEARCH": "win64",
    "WINEDEBUG": "-all",
    # No HTML engine to download, no debugger that waits for a crash to be looked at, and nothing
    # written into the menus of the user's desktop.
    "WINEDLLOVERRIDES": "mshtml=;winedbg.exe=;winemenubuilder.exe=",
}
_VERSION_KEY = ("HKCU\\Software\\Wine", "Version", "win10")

# Each in seconds.
_QUESTION_TIMEOUT = 30.0
_PREFIX_TIMEOUT = 300.0
_FETCH_TIMEOUT = 900.0
_INSTALL_TIMEOUT = 1800.0
_END_TIMEOUT = 30.0
_TESTS_TIMEOUT = 1800.0
_LAST_WORDS = 5.0

_LARGEST_ARCHIVE = 64 << 20


@dataclass(frozen=True)
class WindowsWorld:
    """How to run programs in the Windows world.

    Give them a pipe, or nothing, for each of the three standard streams: a Windows Python under
    Wine does not start with a file there.

    Attributes:
        python: the command that runs the Windows Python.
        dotnet_peer: the command that runs the .NET peer.
        environment: what either needs in its environment besides the caller's.
        prefix: the folder of Wine's prefix; None on Windows.
    """

    python: list[str]
    dotnet_peer: list[str]
    environment: dict[str, str]
    prefix: Path | None = None

    def path(self, host_path: str | os.PathLike[str]) -> str:
        r"""Return a path of this system as a Windows program has to write it: ``Z:\tmp\x``."""
        path = os.fspath(host_path)
        return path if self.prefix is None else _windows_path(path)

    def end(self) -> None:
        """End every program of the prefix, unless another process uses it; on Windows, nothing.

        When it returns, Wine's server for this prefix is gone. Other prefixes are not touched, and
        the world can be used again: whatever starts next starts the server.
        """
        if self.prefix is not None and _release(self.prefix):
            try:
                _shut_down(self.prefix)
            finally:
                _unlock(self.prefix)


def _windows_path(path: str) -> str:
    return "Z:" + os.path.join(os.getcwd(), path).replace("/", "\\")


# --- what is there ---------------------------------------------------------------------------


def find() -> WindowsWorld | None:
    """Return the Windows world if it is ready; never builds, downloads or installs.

    Whoever gets one is counted as its user until :meth:`WindowsWorld.end`, or his own.
    """
    return _look()[0]


def why_not() -> str:
    """Return why :func:`find` returns None, and the command that mends it; empty if it does not."""
    reason = _look()[1]
    return f"no Windows world ({reason}): {_COMMAND}" if reason else ""


def _look() -> tuple[WindowsWorld | None, str]:
    windows = sys.platform == "win32"
    dotnet_peer = build.find_peer(windows=not windows)
    if windows:
        if dotnet_peer is None:
            return None, "the .NET peer is not built"
        return _native(dotnet_peer), ""
    try:
        wine = find_wine()
        _find_wineserver()
        version = _wine_version(wine)
    except ToolchainError as error:
        return None, error.missing
    prefix, python = _prefix_place(version), _python_place()
    if not _is_prefix(prefix):
        return None, "it has no Wine prefix"
    if not _is_python(python):
        return None, "it has no Python"
    if dotnet_peer is None:
        return None, "it has no .NET peer"
    return _world(wine, prefix, python, dotnet_peer), ""


def _native(dotnet_peer: list[str]) -> WindowsWorld:
    path = os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))
    return WindowsWorld([sys.executable], dotnet_peer, {"PYTHONPATH": path})


def _world(wine: str, prefix: Path, python: Path, dotnet_peer: list[str]) -> WindowsWorld:
    _use(prefix)
    environment = {
        **_wine_environment(prefix),
        "PYTHONPATH": _windows_path(str(CHECKOUT)),
        # Compiled modules are kept, but not beside the modules, where they would be in the tree.
        "PYTHONPYCACHEPREFIX": "C:\\pycache",
    }
    return WindowsWorld(
        [wine, str(python / "python.exe")], [wine, *dotnet_peer], environment, prefix
    )


def _wine_environment(prefix: Path) -> dict[str, str]:
    return {**_SETTINGS, "WINEPREFIX": str(prefix)}


def find_wine() -> str:
    """Return the path of Wine, which runs the Windows side on other systems.

    Raises:
        ToolchainError: there is none; ``remedy`` is the line that installs it here.
    """
    found = shutil.which("wine") or shutil.which("wine64")
    if found is None:
        raise ToolchainError("Wine is missing", wine_remedy())
    return found


def _find_wineserver() -> str:
    """Return the path of Wine's server, which also knows how to end a prefix.

    Raises:
        ToolchainError: there is none.
    """
    found = shutil.which("wineserver")
    if found is None:
        raise ToolchainError("Wine's server is missing", wine_remedy())
    return found


@functools.cache
def _wine_version(wine: str) -> str:
    """Return what ``wine`` says of itself, which is all that a prefix depends on.

    Raises:
        ToolchainError: it does not even say that.
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
        reason = _last_line(answer.stderr) or f"status {answer.returncode}"
        raise ToolchainError(f"Wine does not work ({reason})", wine_remedy())
    return answer.stdout.strip()


def _place(kind: str, parts: Iterable[str | bytes]) -> Path:
    """Return the place in the cache of the thing of that kind that is made of ``parts``."""
    data = (part.encode() if isinstance(part, str) else part for part in parts)
    return cache.cache_dir() / "windows" / kind / cache.key_of(data)


def _prefix_place(version: str) -> Path:
    return _place("prefixes", [version, *_VERSION_KEY, *sorted(_SETTINGS.values())])


def _python_place() -> Path:
    # Line ends are a matter of the checkout.
    return _place("pythons", [PYTHON_DIGEST, REQUIREMENTS.read_bytes().replace(b"\r\n", b"\n")])


def _is_prefix(folder: Path) -> bool:
    files = ("system.reg", "user.reg", "drive_c/windows/system32/kernel32.dll")
    return all((folder / file).is_file() for file in files)


def _is_python(folder: Path) -> bool:
    return (folder / "python.exe").is_file() and (folder / _SITE_PACKAGES / "pytest").is_dir()


# --- who uses it -----------------------------------------------------------------------------

# The locks that this process holds, by prefix. Closing a descriptor lets go of its lock, and so
# does the end of the process, however it ends.
_locks: dict[Path, int] = {}


def _lock_file(prefix: Path) -> int:
    return os.open(prefix / ".pyshm-users", os.O_RDWR | os.O_CREAT, 0o600)


def _use(prefix: Path) -> None:
    """Count this process as a user of ``prefix``; waits while another one is shutting it down."""
    if sys.platform != "win32" and prefix not in _locks:
        descriptor = _lock_file(prefix)
        fcntl.flock(descriptor, fcntl.LOCK_SH)
        _locks[prefix] = descriptor


def _release(prefix: Path) -> bool:
    """Count this process out; returns whether it was the last, and then holds the others off."""
    if sys.platform == "win32":
        return False
    descriptor = _locks.pop(prefix, None)
    try:
        if descriptor is None:
            descriptor = _lock_file(prefix)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # others use it, or it is not there any more
        if descriptor is not None:
            os.close(descriptor)
        return False
    _locks[prefix] = descriptor
    return True


def _unlock(prefix: Path) -> None:
    os.close(_locks.pop(prefix))


def _shut_down(prefix: Path) -> None:
    """End every process of ``prefix`` and wait until its server is gone."""
    wineserver = _find_wineserver()
    environment = {**os.environ, **_wine_environment(prefix)}
    for option in ("-k", "-w", "-k9"):
        try:
            subprocess.run(
                [wineserver, option],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=_END_TIMEOUT,
                check=False,
                env=environment,
            )
        except subprocess.TimeoutExpired:
            continue
        if option == "-w":
            return


# --- getting ready ---------------------------------------------------------------------------


def prepare(say: Say = lambda _line: None, *, install: bool = True) -> WindowsWorld:
    """Set up the Windows world, as far as it is not, and return it.

    Args:
        say: gets a line for each thing that takes time.
        install: whether Wine may be installed (on Debian and its likes, as root).

    Raises:
        ToolchainError: something is missing here and can't be had; ``remedy`` says what helps.
        BuildError: the .NET peer, or the prefix, could not be made.
    """
    if sys.platform == "win32":
        return _native(build.build_peer(say))
    sdk.find_dotnet()  # better missed now than after the minute that the rest takes
    if install:
        _install_wine(say)
    wine = find_wine()
    _find_wineserver()
    version = _wine_version(wine)

    def make_prefix(work: Path) -> Path:
        say(f"making a prefix for {version}")
        return _make_prefix(wine, work / "prefix")

    def make_python(work: Path) -> Path:
        say(f"setting up Windows Python {PYTHON_VERSION}")
        return _make_python(work)

    prefix, python = _prefix_place(version), _python_place()
    cache.keep(prefix, _is_prefix, make_prefix)
    cache.keep(python, _is_python, make_python)
    return _world(wine, prefix, python, build.build_peer(say, windows=True))


def _install_wine(say: Say) -> None:
    """Install Wine where that is one command, and nobody's permission is needed.

    Raises:
        ToolchainError: the command failed.
    """
    apt = shutil.which("apt-get")
    there = shutil.which("wine") or shutil.which("wine64")
    if there or sys.platform == "win32" or apt is None or os.geteuid() != 0:
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    # Another apt-get may be at work; this one waits its turn.
    command = [apt, "-y", "-q", "-o", "DPkg::Lock::Timeout=300"]
    say("installing Wine with apt-get")
    # Without fresh lists the packages may be gone from the archive; with stale ones it may do.
    _run([*command, "update"], environment, _INSTALL_TIMEOUT)
    install = [*command, "install", "--no-install-recommends", "wine", "wine64"]
    status, output = _run(install, environment, _INSTALL_TIMEOUT)
    if status != 0:
        reason = _last_line(output) or f"status {status}"
        raise ToolchainError(f"Wine could not be installed ({reason})", wine_remedy())


def _make_prefix(wine: str, prefix: Path) -> Path:
    """Make a Wine prefix in ``prefix`` and return it, with none of its programs left running.

    Raises:
        BuildError: it could not be made.
    """
    environment = {**os.environ, **_wine_environment(prefix)}
    key, name, value = _VERSION_KEY
    try:
        for command in (
            [wine, "wineboot", "-i"],
            [wine, "reg", "add", key, "/v", name, "/d", value, "/f"],
        ):
            status, output = _run(command, environment, _PREFIX_TIMEOUT)
            if status != 0:
                reason = f"the Wine prefix could not be made (status {status})"
                raise BuildError(reason, command, output)
    finally:
        _shut_down(prefix)
    registry = prefix / "user.reg"
    if not _is_prefix(prefix) or f'"{name}"="{value}"' not in registry.read_text(
        "utf-8", "replace"
    ):
        raise BuildError("the Wine prefix is not complete", [wine, "wineboot", "-i"], str(prefix))
    return prefix


# --- the Windows Python ----------------------------------------------------------------------


def _make_python(work: Path) -> Path:
    """Make a Windows Python with everything it needs in a folder of ``work``, and return that.

    Raises:
        ToolchainError: a part of it can't be had.
    """
    python, wheels = work / "python", work / "wheels"
    given = os.environ.get(DOWNLOADS_VARIABLE)
    downloads = Path(given).absolute() if given else None
    _unpack_python(_python_archive(downloads, work), python)
    _fetch_wheels(downloads, wheels)
    for wheel in sorted(wheels.glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            _unpack(archive, python / _SITE_PACKAGES)
    return python


def _unavailable(what: str, reason: object) -> ToolchainError:
    return ToolchainError(
        f"{what} can't be had ({reason})",
        f"{DOWNLOADS_VARIABLE}=<a folder that holds it> {_COMMAND}",
    )


def _python_archive(downloads: Path | None, work: Path) -> Path:
    """Return the archive of the Windows Python, unchecked: from that folder, or downloaded.

    Raises:
        ToolchainError: it is not there.
    """
    if downloads is not None:
        archive = downloads / PYTHON_ARCHIVE
        if not archive.is_file():
            raise _unavailable(PYTHON_ARCHIVE, f"not in {downloads}")
        return archive
    archive = work / PYTHON_ARCHIVE
    try:
        with (
            urllib.request.urlopen(PYTHON_URL, timeout=_QUESTION_TIMEOUT) as source,
            archive.open("wb") as target,
        ):
            target.write(source.read(_LARGEST_ARCHIVE))
    except (OSError, urllib.error.URLError) as error:
        raise _unavailable(PYTHON_ARCHIVE, f"{PYTHON_URL}: {error}") from error
    return archive


def _unpack_python(path: Path, python: Path) -> None:
    """Unpack the Windows Python, making sure that it is the one.

    Raises:
        ToolchainError: it is not.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            below = _folder_of("python.exe", archive)
            _unpack(archive, python, below)
    except (zipfile.BadZipFile, ValueError) as error:
        raise _unavailable(PYTHON_ARCHIVE, f"{path}: {error}") from error
    found = _digest(python)
    if found != PYTHON_DIGEST:
        raise _unavailable(PYTHON_ARCHIVE, f"{path} has other files in it: {found}")
    (python / _ISOLATION).unlink()


def _folder_of(name: str, archive: zipfile.ZipFile) -> str:
    """Return the one folder of ``archive`` that has a file of that name: "" or "a/b/".

    Raises:
        ValueError: there is none, or more than one.
    """
    places = [file for file in archive.namelist() if PurePosixPath(file).name == name]
    if len(places) != 1:
        raise ValueError(f"{len(places)} files called {name}")
    return places[0].removesuffix(name)


def _unpack(archive: zipfile.ZipFile, target: Path, below: str = "") -> None:
    """Unpack the files of ``archive`` whose names begin with ``below`` to ``target``, without it.

    Raises:
        ValueError: a name leads out of ``target``; nothing has been written then.
    """
    files = {
        name: name.removeprefix(below)
        for name in archive.namelist()
        if name.startswith(below) and not name.endswith("/")
    }
    for name in files.values():
        parts = name.split("/")
        if "\\" in name or ":" in name or not {"", ".", ".."}.isdisjoint(parts):
            raise ValueError(f"{name!r} leads out of the folder")
    for member, name in files.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(member) as source, path.open("wb") as file:
            shutil.copyfileobj(source, file)


def _digest(folder: Path) -> str:
    """Return the digest of the files in ``folder``: of a list as ``sha256sum`` prints it."""
    lines = sorted(
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    )
    text = "".join(f"{digest}  {name}\n" for name, digest in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _fetch_wheels(downloads: Path | None, target: Path) -> None:
    """Have pip put every wheel of the requirements into ``target``; it checks their hashes.

    Raises:
        ToolchainError: one of them can't be had.
    """
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--requirement", str(REQUIREMENTS)]
    command += ["--dest", str(target), "--only-binary=:all:", "--platform", "win_amd64"]
    command += ["--python-version", PYTHON_VERSION.rpartition(".")[0], "--implementation", "cp"]
    for abi in ("cp313", "abi3", "none"):
        command += ["--abi", abi]
    attempts: list[list[str]] = [[]]
    if downloads is not None:
        here = ["--find-links", str(downloads)]
        # An index is asked for what the folder, and those of PIP_FIND_LINKS, don't have.
        attempts = [["--no-index", *here], here]
    output = ""
    for options in attempts:
        status, output = _run([*command, *options], os.environ, _FETCH_TIMEOUT)
        if status == 0:
            return
    if "No module named pip" in output:
        raise ToolchainError("pip is missing", f"{sys.executable} -m ensurepip")
    raise _unavailable(f"a wheel of {REQUIREMENTS.name}", _last_line(output))


# --- the library's tests ---------------------------------------------------------------------


def run_library_tests(
    world: WindowsWorld,
    arguments: Sequence[str] = (),
    say: Say = lambda _line: None,
    *,
    output: BinaryIO | None = None,
    patience: float = _TESTS_TIMEOUT,
) -> int:
    """Run the tests of the library under the Windows Python; what they print is passed on.

    Temporary files are made where Windows has its own: under Wine, inside the prefix.

    Args:
        world: where to run them.
        arguments: for pytest; all of ``tests`` is run unless they name something in there.
        say: gets the reason when they don't come to an end.
        output: gets what is printed, standard output by default.
        patience: how long they may take, in seconds.

    Returns:
        pytest's exit status; 1 when it took too long.
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
    # The end of a pipe is no measure: a program that stays behind would keep it open.
    reader = threading.Thread(target=_pass_on, args=(process.stdout, target), daemon=True)
    reader.start()
    try:
        status = process.wait(patience)
    except subprocess.TimeoutExpired:
        say(f"the tests did not end within {patience:g} seconds: {' '.join(command)}")
        status = 1
    finally:
        process.kill()
        process.wait()
        reader.join(_LAST_WORDS)
    return status


def _pass_on(source: IO[bytes], target: BinaryIO) -> None:
    """Copy lines as they come, with this system's line ends."""
    with source:
        for line in source:
            target.write(line.replace(b"\r\n", os.linesep.encode()))
            target.flush()


# --- running programs ------------------------------------------------------------------------


def _run(command: Sequence[str], environment: Mapping[str, str], timeout: float) -> tuple[int, str]:
    """Run a program without input; returns its status (127: it did not even run) and output."""
    # A file, for a pipe would be held open by the server that a Wine program leaves behind.
    with tempfile.TemporaryFile() as said:
        try:
            status = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
                env=dict(environment),
            ).returncode
            reason = ""
        except (OSError, subprocess.TimeoutExpired) as error:
            status, reason = 127, f"\n{error}"
        said.seek(0)
        return status, said.read().decode("utf-8", "replace") + reason


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""
