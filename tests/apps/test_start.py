"""The start of the two programs."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.apps.sessions import TIMEOUT

Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(child_environment: dict[str, str]) -> Start:
    """``start(program, *arguments, before="…")`` runs a program to its end, after some code."""

    def run(program: str, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
        code = f"import sys\n{before}\nfrom pyshm.apps.{program} import main\nsys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**child_environment, "DISPLAY": ""},
            capture_output=True,
            encoding="utf-8",
            timeout=TIMEOUT * 2,
            check=False,
        )

    return run


@pytest.mark.parametrize("program", ["writer", "reader"])
@pytest.mark.parametrize(
    ("module", "line"),
    [("tkinter", "tkinter"), ("PIL.ImageTk", "python3-pil.imagetk")],
)
def test_without_tk_or_imagetk_the_error_says_how_to_install_it(
    start: Start, program: str, module: str, line: str
) -> None:
    # A stand-in for tkinter, so that only the given module is missing.
    before = "import types\nsys.modules['tkinter'] = types.ModuleType('tkinter')\n"
    done = start(program, before=f"{before}sys.modules[{module!r}] = None")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pyshm-{program}: ")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.posix
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has a display")
@pytest.mark.parametrize("program", ["writer", "reader"])
def test_without_a_display_the_error_says_so(start: Start, program: str, map_name: str) -> None:
    pytest.importorskip("tkinter")
    pytest.importorskip("PIL.ImageTk")
    done = start(program, "--map", map_name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pyshm-{program}: there is no display for the window")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("program", ["writer", "reader"])
def test_help_needs_no_display_and_names_the_keys(start: Start, program: str) -> None:
    done = start(program, "--help", before="sys.modules['tkinter'] = None")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--map NAME", "Ctrl+O", "Ctrl+Q", "Escape"):
        assert word in done.stdout


def test_the_sessions_need_no_tkinter(start: Start) -> None:
    done = start(
        "reader",
        "--version",
        before="sys.modules['tkinter'] = None\n"
        "from pyshm.apps import background, pictures, messages, reading, writing",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pyshm ")
