"""Build sdist and wheel, install the wheel, and run the tests of the sdist with it.

``tox -e package`` runs this program in a private environment: ``check_package.py FOLDER [PYTEST
ARGS…]``. It works in FOLDER/package, which it empties first. It writes no file in the checkout and
imports no module from it.
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

#: The wheel contains these sources too, because pyshm.testing builds them.
CSHARP = CHECKOUT / "interop" / "csharp"

#: Files and folders of a checkout, at any depth, that are not copied for the build.
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

#: Runs in the same process as the other tests and shows which pyshm they import.
ORIGIN_TEST = '''\
"""A test that .ci/check_package.py adds to the tests of the sdist."""

import sysconfig
from pathlib import Path

import pyshm


def test_pyshm_is_imported_from_the_installed_wheel():
    assert Path(sysconfig.get_path("purelib")) in Path(pyshm.__file__).parents
'''


def run(*command: str, cwd: Path) -> None:
    """Run ``command`` in ``cwd``. If it fails, exit with its status."""
    print("+", *command, flush=True)
    status = subprocess.run(command, cwd=cwd, check=False).returncode
    if status:
        sys.exit(status)


def only(folder: Path, pattern: str) -> Path:
    """Return the path in ``folder`` that matches ``pattern``. Exit if there is none or a second."""
    paths = sorted(folder.glob(pattern))
    if len(paths) != 1:
        sys.exit(f"package: expected one {pattern} in {folder}, found {[p.name for p in paths]}")
    return paths[0]


def check_contents(wheel: Path) -> None:
    """Exit with a message if the wheel has other files than the package, or lacks some."""
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    foreign = [name for name in names if not name.startswith(("pyshm/", "pyshm_dotnet-"))]
    sources = [*(CHECKOUT / "pyshm").rglob("*.py"), CHECKOUT / "pyshm" / "py.typed"]
    expected = {path.relative_to(CHECKOUT).as_posix() for path in sources}
    expected |= {
        f"pyshm/testing/csharp/{path.relative_to(CSHARP).as_posix()}"
        for kind in (".cs", ".csproj", ".props", ".md")
        for path in CSHARP.rglob(f"*{kind}")
        if not {"bin", "obj"}.intersection(path.parts)
    }
    if foreign:
        sys.exit(f"package: the wheel has files outside the package pyshm: {foreign}")
    if missing := sorted(expected.difference(names)):
        sys.exit(f"package: the wheel lacks {missing}")


def main(work: Path, pytest_arguments: list[str]) -> None:
    """Build, install and test in the folder ``work``."""
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    source, dist, away = work / "source", work / "dist", work / "away"
    shutil.copytree(CHECKOUT, source, ignore=shutil.ignore_patterns(*NOT_SOURCE))

    # build makes the wheel from the sdist, so a file that the sdist lacks is missing in both.
    build = ("-m", "build", "--no-isolation", "--outdir", str(dist), str(source))
    run(sys.executable, *build, cwd=work)
    wheel, sdist = only(dist, "*.whl"), only(dist, "*.tar.gz")
    check_contents(wheel)

    # pip does not replace a package of the same version.
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
    # The wheel's own C# sources are built, and pytest finds the plugin by its entry point.
    shutil.rmtree(unpacked / "interop" / "csharp")
    run(sys.executable, "-m", "interop", "build", "--if-available", cwd=unpacked)
    run(sys.executable, "-m", "pytest", "interop/tests/testing/test_example.py", cwd=unpacked)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute() / "package", sys.argv[2:])
