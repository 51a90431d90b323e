"""Colors, tables and progress: with and without rich, on a terminal and elsewhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from pyshm.cli import console
from pyshm.cli.console import BAD, GOOD, Console

try:
    import rich
except ImportError:
    rich = None

needs_rich = pytest.mark.skipif(rich is None, reason="rich is not installed")


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch):
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")


@pytest.fixture
def without_rich(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)


def printed(stream, *parts):
    Console(stream).line(*parts)
    return stream.getvalue()


# --- colors ---


def test_a_pipe_gets_plain_text():
    assert printed(io.StringIO(), "a ", ("b", BAD), " c") == "a b c\n"


@needs_rich
def test_a_terminal_gets_colors():
    assert "\x1b[" in printed(Terminal(), ("b", BAD))


@needs_rich
def test_no_color_turns_colors_off(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert printed(Terminal(), ("b", BAD)) == "b\n"


@needs_rich
def test_an_empty_no_color_has_no_effect(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "")
    assert "\x1b[" in printed(Terminal(), ("b", BAD))


@needs_rich
def test_force_color_turns_colors_on_in_a_pipe(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert "\x1b[" in printed(io.StringIO(), ("b", BAD))


def test_a_dumb_terminal_gets_plain_text(monkeypatch):
    monkeypatch.setenv("TERM", "dumb")
    assert printed(Terminal(), ("b", BAD)) == "b\n"


@pytest.mark.usefixtures("without_rich")
@pytest.mark.parametrize("forced", [False, True])
def test_without_rich_everything_is_plain_text(monkeypatch, forced):
    if forced:
        monkeypatch.setenv("FORCE_COLOR", "1")
    assert printed(Terminal(), "a ", ("b", BAD)) == "a b\n"


def test_a_missing_or_closed_stream_is_not_a_terminal():
    closed = io.StringIO()
    closed.close()
    assert not console._is_terminal(None)
    assert not console._is_terminal(closed)


# --- lines ---


@pytest.mark.usefixtures("without_rich")
def test_columns_are_aligned_by_the_width_on_the_terminal():
    stream = Terminal()
    console.Console(stream).table([["NAME", "SIZE"], ["a\x1b[31m", "1"], ["日本", "2"]])
    assert stream.getvalue().splitlines() == [
        "NAME       SIZE",
        "a\\x1b[31m  1",
        "日本       2",
    ]


@needs_rich
def test_text_is_not_interpreted_as_markup(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert printed(io.StringIO(), "[bold]x[/bold] :smile: 123") == "[bold]x[/bold] :smile: 123\n"


@needs_rich
def test_long_lines_are_not_wrapped_or_cut():
    assert printed(Terminal(), "x" * 500) == "x" * 500 + "\n"


@pytest.mark.parametrize("rich_or_not", ["rich", "plain"])
def test_control_characters_are_escaped_on_a_terminal(monkeypatch, rich_or_not, request):
    if rich_or_not == "plain":
        request.getfixturevalue("without_rich")
    assert printed(Terminal(), "a\x1b[2Jb\x07\x9b\n") == "a\\x1b[2Jb\\x07\\x9b\\n\n"


@pytest.mark.parametrize("harmful", ["\x1b[2J", "\n", "\x85", "\u2028", "\u2029", "\u202e", "\x9b"])
def test_a_pipe_gets_lines_without_control_characters(harmful):
    shown = harmful.replace("\x1b", "\\x1b").replace("\n", "\\n").replace("\x85", "\\x85")
    shown = "".join(c if c.isascii() else ascii(c)[1:-1] for c in shown)
    assert printed(io.StringIO(), f"a{harmful}b") == f"a{shown}b\n"


def test_a_pipe_gets_other_text_unchanged():
    text = "a\tb\xa0c \U0001f469\u200d\U0001f467 \\"
    assert printed(io.StringIO(), text) == f"{text}\n"


# --- tables ---


def test_a_table_has_aligned_columns_and_no_trailing_spaces():
    stream = io.StringIO()
    Console(stream).table([["A", "LONG", "C"], [("xxx", GOOD), "y", ""], ["日本", "e\u0301", "z"]])
    assert stream.getvalue() == "A     LONG  C\nxxx   y\n日本  e\u0301     z\n"


@needs_rich
def test_a_table_in_color_has_the_same_columns(monkeypatch):
    monkeypatch.setenv("FORCE_COLOR", "1")
    stream = io.StringIO()
    Console(stream).table([["A", "B"], [("xxx", GOOD), "y"]])
    assert stream.getvalue() == "\x1b[1mA\x1b[0m    \x1b[1mB\x1b[0m\n\x1b[32mxxx\x1b[0m  y\n"


# --- progress ---


@needs_rich
def test_progress_is_shown_on_a_terminal():
    stream = Terminal()
    with Console(stream).progress("reading x", 100) as done:
        done(50)
    assert "reading x" in stream.getvalue()


@needs_rich
def test_progress_of_short_work_is_not_shown():
    stream = Terminal()
    with Console(stream).progress("reading x", 100, drawn=False) as done:
        done(50)
    assert stream.getvalue() == ""


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()], ids=["pipe", "no rich"])
def test_progress_is_not_shown_elsewhere(stream, request):
    if stream.isatty():
        request.getfixturevalue("without_rich")
    with Console(stream).progress("reading x", 100) as done:
        done(50)
    assert stream.getvalue() == ""


# --- the program ---


@pytest.fixture
def listed(child_environment, tmp_path):
    """``listed(**environment)`` returns the output of ``pyshm list``."""

    def run(**environment):
        return subprocess.run(
            [sys.executable, "-m", "pyshm", "list"],
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=60,
            check=True,
            env={**child_environment, "PYSHM_DIRECTORY": str(tmp_path), **environment},
        ).stdout

    path = tmp_path / "x"
    path.write_bytes(b"x" * 100)
    path.chmod(0o600)
    return run


@needs_rich
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to list named maps")
def test_output_with_and_without_colors_has_the_same_text(listed):
    import re

    colored, plain = listed(FORCE_COLOR="1"), listed()
    assert "\x1b[1;31mdead" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == plain
    assert "\x1b" not in listed(NO_COLOR="1")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to list named maps")
def test_the_program_works_without_rich(listed, tmp_path):
    hidden = tmp_path.parent / f"{tmp_path.name}-hidden"
    (hidden / "rich").mkdir(parents=True)
    (hidden / "rich" / "__init__.py").write_text("raise ImportError('hidden')\n")
    path = os.pathsep.join([str(hidden), *sys.path])
    assert listed(FORCE_COLOR="1", PYTHONPATH=path) == listed()


def test_help_loads_neither_rich_nor_pillow(child_environment):
    program = (
        "import sys\nfrom pyshm.cli import main\nmain(['--help'])\n"
        "print(*{'rich', 'PIL', 'numpy', 'tkinter', 'cffi', 'pyshm.helper', 'pyshm.formats.image',"
        " 'pyshm.maps.mapping', 'json', 'subprocess'} & set(sys.modules), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env=child_environment,
    )
    assert done.stderr.strip() == ""
