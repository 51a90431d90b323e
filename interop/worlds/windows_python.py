"""The Windows Python that runs under Wine: downloaded or copied, checked, and given its packages.

It is python.org's embeddable package, with the wheels of ``windows-requirements.txt`` unpacked into
its site-packages. Every file is checked against a digest, wherever it comes from.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
import urllib.error
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from pyshm.testing.sdk import ToolchainError

from .commands import SETUP_COMMAND, cache_place, last_line, run_command

__all__ = ["DOWNLOADS_VARIABLE", "PYTHON_VERSION", "is_python", "make_python", "python_place"]

#: Names a folder with :data:`PYTHON_ARCHIVE` and Windows wheels, for machines without a network.
DOWNLOADS_VARIABLE = "PYSHM_WINDOWS_DOWNLOADS"

#: See https://docs.python.org/3/using/windows.html#the-embeddable-package
PYTHON_VERSION = "3.13.2"
PYTHON_ARCHIVE = f"python-{PYTHON_VERSION}-embed-amd64.zip"
PYTHON_URL = f"https://www.python.org/ftp/python/{PYTHON_VERSION}/{PYTHON_ARCHIVE}"
#: Of the files in the archive, as ``sha256sum * | sha256sum`` prints it in an unpacked folder. It
#: does not depend on how the files were packed.
PYTHON_DIGEST = "a1662b0f00a8bf1d170bbefac6ee13aa4a54fbd8d4a4f6f01687fb331ae540c9"

REQUIREMENTS = Path(__file__).resolve().parent / "windows-requirements.txt"

# If this file is beside it, Python ignores PYTHONPATH and has no site-packages.
_ISOLATION = "python313._pth"
_SITE_PACKAGES = "Lib/site-packages"

_DOWNLOAD_TIMEOUT = 30.0  # seconds without a byte
_FETCH_TIMEOUT = 900.0  # seconds
_LARGEST_ARCHIVE = 64 << 20


def python_place() -> Path:
    """Return the folder in the cache for this Python with these packages."""
    # Line ends depend on the checkout.
    return cache_place(
        "pythons", [PYTHON_DIGEST, REQUIREMENTS.read_bytes().replace(b"\r\n", b"\n")]
    )


def is_python(folder: Path) -> bool:
    """Return whether ``folder`` holds a Windows Python with pytest."""
    return (folder / "python.exe").is_file() and (folder / _SITE_PACKAGES / "pytest").is_dir()


def make_python(work: Path) -> Path:
    """Make a Windows Python with all of its packages in a folder of ``work``; return that folder.

    Raises:
        ToolchainError: the archive or a wheel is not available, or has other bytes.
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
        f"{what} is not available ({reason})",
        f"{DOWNLOADS_VARIABLE}=<a folder that holds it> {SETUP_COMMAND}",
    )


def _python_archive(downloads: Path | None, work: Path) -> Path:
    """Return the path of the archive, not checked: from ``downloads``, or downloaded to ``work``.

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
            urllib.request.urlopen(PYTHON_URL, timeout=_DOWNLOAD_TIMEOUT) as source,
            archive.open("wb") as target,
        ):
            target.write(source.read(_LARGEST_ARCHIVE))
    except (OSError, urllib.error.URLError) as error:
        raise _unavailable(PYTHON_ARCHIVE, f"{PYTHON_URL}: {error}") from error
    return archive


def _unpack_python(path: Path, python: Path) -> None:
    """Unpack the archive ``path`` to the folder ``python`` and compare it with PYTHON_DIGEST.

    Raises:
        ToolchainError: it is not an archive, or holds other files.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            _unpack(archive, python, _folder_of("python.exe", archive))
    except (zipfile.BadZipFile, ValueError) as error:
        raise _unavailable(PYTHON_ARCHIVE, f"{path}: {error}") from error
    found = _digest(python)
    if found != PYTHON_DIGEST:
        reason = f"{path} holds other files: their digest is {found}, not {PYTHON_DIGEST}"
        raise _unavailable(PYTHON_ARCHIVE, reason)
    (python / _ISOLATION).unlink()


def _folder_of(name: str, archive: zipfile.ZipFile) -> str:
    """Return the folder in ``archive`` that holds the only file of that name: "" or "a/b/".

    Raises:
        ValueError: no file has that name, or more than one has it.
    """
    places = [file for file in archive.namelist() if PurePosixPath(file).name == name]
    if len(places) != 1:
        raise ValueError(f"{len(places)} files called {name}")
    return places[0].removesuffix(name)


def _unpack(archive: zipfile.ZipFile, target: Path, prefix: str = "") -> None:
    """Unpack the files whose names begin with ``prefix`` to ``target``, without that prefix.

    Raises:
        ValueError: a name leads out of ``target``; nothing has been written then.
    """
    files = {
        name: name.removeprefix(prefix)
        for name in archive.namelist()
        if name.startswith(prefix) and not name.endswith("/")
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
    """Return the digest of the files in ``folder``: of a list in the format of ``sha256sum``."""
    lines = sorted(
        (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
        for path in folder.rglob("*")
        if path.is_file()
    )
    text = "".join(f"{digest}  {name}\n" for name, digest in lines)
    return hashlib.sha256(text.encode()).hexdigest()


def _fetch_wheels(downloads: Path | None, target: Path) -> None:
    """Let pip put every wheel of the requirements into ``target``. pip checks their hashes.

    Raises:
        ToolchainError: pip is missing, or a wheel is not available.
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
        # The index is asked only for wheels that neither this folder nor PIP_FIND_LINKS has.
        attempts = [["--no-index", *here], here]
    output = ""
    for options in attempts:
        status, output = run_command([*command, *options], os.environ, _FETCH_TIMEOUT)
        if status == 0:
            return
    if "No module named pip" in output:
        raise ToolchainError("pip is missing", f"{sys.executable} -m ensurepip")
    raise _unavailable(f"a wheel of {REQUIREMENTS.name}", last_line(output))
