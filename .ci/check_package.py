"""Build sdist and wheel, install the wheel, and run the sdist's tests against what it installed.

Run by `tox -e package` in an environment of its own: ``check_package.py FOLDER [PYTEST ARGS…]``.
FOLDER is emptied first. Nothing is written into the checkout, and nothing is imported from it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent

#: Has its place in the wheel as well: pyshm.testing builds it.
CSHARP = CHECKOUT / "interop" / "csharp"

#: What a working checkout may hold and a build must not see; names, at any depth.
NOT_SOURCE = (
    ".git",
    ".tox",
    ".venv",
    "venv",
    "__pycache__",
    ".*_cache",
    "*.egg-info",
    "build",
    "dist",
    "bin",
    "obj",
)

#: Goes into the same pytest run as the tests that it vouches for.
ORIGIN_TEST = '''\
"""Written by .ci/check_package.py: the tests around this one test what the wheel installed."""

import sysconfig
from pathlib import Path

import pyshm


def test_pyshm_comes_from_the_installed_wheel():
    assert Path(sysconfig.get_path("purelib")) in Path(pyshm.__file__).parents
'''


def run(*command: str, cwd: Path) -> None:
    """Run ``command`` in ``cwd``, and end with its status when that is not 0."""
    print("+", *command, flush=True)
    status = subprocess.run(command, cwd=cwd, check=False).returncode
    if status:
        sys.exit(status)


def only(folder: Path, pattern: str) -> Path:
    """Return the one path in ``folder`` that matches ``pattern``."""
    paths = sorted(folder.glob(pattern))
    if len(paths) != 1:
        sys.exit(f"package: expected one {pattern}, got {[path.name for path in paths]}")
    return paths[0]


def check_contents(wheel: Path) -> None:
    """End with a sentence when the wheel has too much in it, or too little."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    foreign = [name for name in names if not name.startswith(("pyshm/", "pyshm_dotnet-"))]
    sources = (path for path in (CHECKOUT / "pyshm").rglob("*.py"))
    expected = {path.relative_to(CHECKOUT).as_posix() for path in sources} | {"pyshm/py.typed"}
    expected |= {
        f"pyshm/testing/csharp/{path.relative_to(CSHARP).as_posix()}"
        for kind in (".cs", ".csproj", ".props", ".md")
        for path in CSHARP.rglob(f"*{kind}")
        if not {"bin", "obj"}.intersection(path.parts)
    }
    if foreign:
        sys.exit(f"package: the wheel holds more than pyshm: {foreign}")
    if missing := sorted(expected.difference(names)):
        sys.exit(f"package: the wheel lacks {missing}")


def main(work: Path, pytest_arguments: list[str]) -> None:
    """Do all of it below ``work``."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    source, dist, away = work / "source", work / "dist", work / "away"
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))

    # The wheel is built from the sdist, so a file that the sdist lacks is missed here.
    build = ("-m", "build", "--no-isolation", "--outdir", str(dist), str(source))
    run(sys.executable, *build, cwd=work)
    wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
    check_contents(wheel)

    # A wheel of the same version counts as installed already: the old one has to go first.
    run(sys.executable, "-m", "pip", "uninstall", "--yes", "--quiet", "pyshm-dotnet", cwd=work)
    run(sys.executable, "-m", "pip", "install", "--quiet", str(wheel), cwd=work)

    away.mkdir()
    with tarfile.open(sdist) as archive:
        archive.extractall(away, filter="data")
    unpacked = only(away, "*")
    shutil.rmtree(unpacked / "pyshm")
    origin = unpacked / "tests" / "test_installed_from_wheel.py"
    origin.write_text(ORIGIN_TEST, encoding="utf-8")

    script = Path(sysconfig.get_path("scripts")) / "pyshm"
    run(str(script), "--help", cwd=unpacked)
    run(sys.executable, "-m", "pytest", "tests", *pytest_arguments, cwd=unpacked)
    # The peer is built from the wheel's sources, and the plugin found by its entry point.
    shutil.rmtree(unpacked / "interop" / "csharp")
    run(sys.executable, "-m", "interop", "build", "--if-available", cwd=unpacked)
    run(sys.executable, "-m", "pytest", "interop/tests/testing/test_example.py", cwd=unpacked)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute() / "package", sys.argv[2:])
