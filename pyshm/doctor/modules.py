"""Python and its packages."""

from __future__ import annotations

import importlib
import platform
import re
import sys
from collections.abc import Iterator

from .finding import Finding
from .remedies import install, pip

__all__ = ["modules", "package", "python"]

_MINIMUM_PYTHON = (3, 11)
_TK = {
    "darwin": "python-tk",
    "debian": "python3-tk",
    "ubuntu": "python3-tk",
    "fedora": "python3-tkinter",
    "alpine": "python3-tkinter",
    "arch": "tk",
}
# The systems' packages of Python packages; other systems have none.
_PACKAGES = {
    "cffi": dict.fromkeys(("debian", "ubuntu", "fedora"), "python3-cffi"),
    "numpy": dict.fromkeys(("debian", "ubuntu", "fedora"), "python3-numpy"),
    "Pillow": {"debian": "python3-pil", "ubuntu": "python3-pil", "fedora": "python3-pillow"},
    "pytest": dict.fromkeys(("debian", "ubuntu", "fedora"), "python3-pytest"),
    "rich": dict.fromkeys(("debian", "ubuntu", "fedora"), "python3-rich"),
}
_IMAGE_TK = {
    "debian": "python3-pil.imagetk",
    "ubuntu": "python3-pil.imagetk",
    "fedora": "python3-pillow-tk",
}


def python() -> Finding:
    """Check the Python that runs this program."""
    state = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info < _MINIMUM_PYTHON:
        minimum = ".".join(map(str, _MINIMUM_PYTHON))
        return Finding("Python", f"{state} is older than {minimum}", f"install {minimum}", True)
    return Finding("Python", state)


def modules() -> Iterator[Finding]:
    """Check the packages that pyshm needs, then those that it can use."""
    yield package("cffi", "cffi", minimum="1.15", needed=True)
    yield package("PIL", "Pillow", minimum="9.4", needed=True)
    yield package("rich", "rich", minimum="13.3", extra="cli")
    yield package("numpy", "numpy", minimum="1.24", extra="numpy")
    yield package("dnfile", "dnfile", minimum="0.15", extra="bind")
    yield _tk()
    yield _image_tk()


def package(
    module: str, name: str, *, minimum: str = "", extra: str = "", needed: bool = False
) -> Finding:
    """Check that ``module`` of the package ``name`` can be imported and is not too old.

    ``extra`` is pyshm's extra that installs the package.
    """
    requirement = f"pyshm-dotnet[{extra}]" if extra else f"{name}>={minimum}" if minimum else name
    remedy = pip(requirement, _PACKAGES.get(name))
    try:
        importlib.import_module(module)
        version = importlib.import_module("importlib.metadata").version(name)
    except ImportError as error:  # or its subclass PackageNotFoundError
        return Finding(name, str(error), remedy, needed)
    if minimum and _numbers(version) < _numbers(minimum):
        return Finding(name, f"{version} is older than {minimum}", remedy, needed)
    return Finding(name, version)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)[:2]]


def _tk() -> Finding:
    try:
        tkinter = importlib.import_module("tkinter")
    except ImportError as error:
        remedy = install(_TK, "install your Python's tkinter")
        return Finding("Tk", f"{error} (the windows need it)", remedy)
    return Finding("Tk", str(tkinter.TkVersion))


def _image_tk() -> Finding:
    try:
        importlib.import_module("PIL.ImageTk")
    except ImportError as error:
        remedy = install(_IMAGE_TK, pip("Pillow"))
        return Finding("ImageTk", f"{error} (the windows need it)", remedy)
    return Finding("ImageTk", "available")
