"""The Windows world: what is found, made, used by several processes, and ended; Wine is a fake."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from interop import __main__ as command_line
from interop.checkout import CHECKOUT
from interop.worlds import windows_python, wine, wine_prefix
from interop.worlds.wine import WindowsWorld
from pyshm.testing import build, sdk
from pyshm.testing.build import BuildError
from pyshm.testing.sdk import ToolchainError

pytestmark = pytest.mark.skipif(os.name == "nt", reason="on Windows there is no Wine")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache. No lock is kept after the test."""
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(wine_prefix, "_locks", {})
    yield tmp_path / "cache" / "windows"
    for descriptor in wine_prefix._locks.values():
        os.close(descriptor)


class Parts:
    """The parts of a world: programs on the PATH, what they make, and a .NET peer."""

    def __init__(self, folder):
        self.folder = folder
        self.peer = ["/peers/Peer.exe"]
        self.commands = []  # as (prefix, command line)
        self.fails = ""  # the option with which a program fails
        self.install("wine")
        self.install("wineserver")

    def install(self, name):
        (self.folder / name).touch(0o755)

    def run(self, command, environment, _timeout):
        program, *options = command
        prefix = Path(environment.get("WINEPREFIX", "/"))
        self.commands.append((prefix, " ".join([Path(program).name, *options])))
        if self.fails in options:
            return 1, "E: the reason"
        if "wineboot" in options:
            (prefix / "drive_c/windows/system32").mkdir(parents=True)
            for name in ("system.reg", "user.reg", "drive_c/windows/system32/kernel32.dll"):
                (prefix / name).touch()
        if "reg" in options and self.fails != "silently":
            (prefix / "user.reg").write_text('"Version"="win10"')
        if "install" in options:
            self.install("wine")
        return 0, ""

    def make_python(self, work):
        (work / "Lib" / "site-packages" / "pytest").mkdir(parents=True)
        (work / "python.exe").touch()
        return work


@pytest.fixture
def parts(monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    parts = Parts(tmp_path / "bin")
    monkeypatch.setenv("PATH", str(parts.folder))
    monkeypatch.setattr(wine_prefix, "run_command", parts.run)
    monkeypatch.setattr(wine, "wine_version", lambda _wine: "wine-8.0")
    monkeypatch.setattr(wine, "make_python", parts.make_python)
    monkeypatch.setattr(sdk, "find_dotnet", lambda: None)
    monkeypatch.setattr(build, "build_peer", lambda _log, *, windows, asset: parts.peer)
    monkeypatch.setattr(build, "find_peer", lambda *, windows, asset: parts.peer)
    return parts


# --- setting up ------------------------------------------------------------------------------


def test_a_world_is_made_once_and_its_prefix_is_made_aside(parts, monkeypatch):
    monkeypatch.setenv("WINEPREFIX", "/the-callers")
    lines = []
    world = wine.prepare(lines.append)
    assert lines == ["making a prefix for wine-8.0", "setting up Windows Python 3.13.2"]
    assert wine.prepare(lines.append) == world == wine.find()
    assert len(lines) == 2
    (aside,) = {prefix for prefix, _ in parts.commands}
    assert aside not in (world.prefix, Path("/the-callers"))
    assert parts.commands[-2:] == [(aside, "wineserver -k"), (aside, "wineserver -w")]


def test_programs_run_through_wine_in_the_prefix_and_see_the_checkout(parts):
    world, program = wine.prepare(), str(parts.folder / "wine")
    assert world.python == [program, str(windows_python.python_place() / "python.exe")]
    assert world.dotnet_peer == [program, *parts.peer]
    assert world.environment["WINEPREFIX"] == str(world.prefix)
    assert world.environment["PYTHONPATH"] == world.path(CHECKOUT)


def test_a_path_has_the_form_that_windows_programs_use(monkeypatch, tmp_path):
    world = WindowsWorld([], [], {}, prefix=tmp_path)
    assert world.path("/tmp/a b/c") == "Z:\\tmp\\a b\\c"
    monkeypatch.chdir(tmp_path)
    assert world.path("x") == "Z:" + str(tmp_path).replace("/", "\\") + "\\x"
    assert WindowsWorld([], [], {}).path("C:\\x") == "C:\\x"


def test_the_reason_names_the_missing_part_and_the_command(parts, cache):
    def reason(part):
        return f"no Windows world ({part}): python -m interop windows"

    assert wine.why_not() == reason("it has no Wine prefix")
    assert not cache.exists()
    wine.prepare()
    assert wine.why_not() == ""
    parts.peer = None
    assert wine.why_not() == reason("it has no .NET peer")
    windows_python.python_place().rename(cache / "elsewhere")
    assert wine.why_not() == reason("it has no Python")
    for program, name in (("wineserver", "Wine's server"), ("wine", "Wine")):
        (parts.folder / program).unlink()
        assert wine.why_not() == reason(f"{name} is missing")
    assert wine.find() is None


def test_another_wine_gets_another_prefix():
    assert wine_prefix.prefix_place("wine-8.0") != wine_prefix.prefix_place("wine-9.0")


@pytest.mark.parametrize(
    ("fails", "message"), [("wineboot", "the reason"), ("silently", "not complete")]
)
def test_a_prefix_that_wine_did_not_make_is_ended_and_not_kept(parts, cache, fails, message):
    parts.fails = fails
    with pytest.raises(BuildError, match=message):
        wine.prepare()
    assert list((cache / "prefixes").iterdir()) == []
    assert parts.commands[-1][1] == "wineserver -w"


def test_root_gets_wine_installed(parts, monkeypatch):
    (parts.folder / "wine").unlink()
    parts.install("apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    wine.prepare()
    assert parts.commands[1][1].endswith(" install --no-install-recommends wine wine64")


def test_an_installation_that_fails_shows_the_reason(parts, monkeypatch):
    (parts.folder / "wine").unlink()
    parts.install("apt-get")
    parts.fails = "install"
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(ToolchainError, match=r"could not be installed \(E: the reason\)"):
        wine.prepare()


@pytest.mark.parametrize(("user", "install"), [(1000, True), (0, False)])
def test_without_root_or_permission_wine_is_not_installed(parts, monkeypatch, user, install):
    (parts.folder / "wine").unlink()
    parts.install("apt-get")
    monkeypatch.setattr(os, "geteuid", lambda: user)
    with pytest.raises(ToolchainError, match="Wine is missing") as caught:
        wine.prepare(install=install)
    assert caught.value.remedy == wine_prefix.wine_remedy()
    assert parts.commands == []


# --- the end ---------------------------------------------------------------------------------

OTHER_USER = """
import sys
from pathlib import Path
from interop.worlds import wine_prefix
wine_prefix.use_prefix(Path(sys.argv[1]))
print("READY", flush=True)
sys.stdin.readline()
"""


def test_only_the_last_user_ends_the_prefix(parts, child):
    world = wine.prepare()
    parts.commands.clear()
    other = child(OTHER_USER, str(world.prefix))
    world.end()
    assert parts.commands == []
    other.kill()  # the kernel releases the lock of a killed process
    world.end()
    assert parts.commands == [(world.prefix, "wineserver -k"), (world.prefix, "wineserver -w")]
    world.end()
    assert wine_prefix._locks == {}


# --- the library's tests ---------------------------------------------------------------------

FAKE_PYTEST = """
import os, sys
sys.stdout.write(" ".join(sys.argv[1:]) + "\\r\\n" + os.environ["PYTHONDONTWRITEBYTECODE"])
sys.stdout.write(os.environ["MORE"] + os.path.basename(os.getcwd()))
sys.exit(5)
"""


def run(tmp_path, python, *arguments, **options):
    """Run the library's tests by a Python that runs ``python`` instead; status and output."""
    script = tmp_path / "python.py"
    script.write_text(python)
    world = WindowsWorld([sys.executable, str(script)], [], {"MORE": "more"})
    output = io.BytesIO()
    status = wine.run_library_tests(world, arguments, output=output, **options)
    return status, output.getvalue().decode()


@pytest.mark.parametrize(
    ("arguments", "passed"),
    [
        ([], "tests"),
        (["-k", "blob"], "tests -k blob"),
        (["-x", "tests/maps/test_names.py::test_x"], "-x tests/maps/test_names.py::test_x"),
    ],
)
def test_pytest_gets_the_arguments_and_its_output_and_status_come_back(tmp_path, arguments, passed):
    status, output = run(tmp_path, FAKE_PYTEST, *arguments)
    assert status == 5
    assert output == f"-m pytest -p no:cacheprovider {passed}\n1more{CHECKOUT.name}"


def test_tests_that_hang_are_ended(tmp_path):
    lines = []
    script = "print('begun', flush=True); import time; time.sleep(60)"
    began = time.monotonic()
    assert run(tmp_path, script, log=lines.append, timeout=0.5) == (1, "begun\n")
    assert "did not end within 0.5 seconds" in lines[0]
    assert time.monotonic() - began < 30


def test_a_program_in_the_background_does_not_delay_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(wine, "_READER_TIMEOUT", 0.2)
    script = (
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)'])\n"
        "print('done', flush=True)"
    )
    began = time.monotonic()
    assert run(tmp_path, script) == (0, "done\n")
    assert time.monotonic() - began < 3


# --- python -m interop windows ---------------------------------------------------------------


@pytest.fixture
def ends(monkeypatch):
    """A world for the command, and the list of the calls of its ``end``."""
    ended = []
    world = WindowsWorld(["wine", "python.exe"], ["wine", "Peer.exe"], {})
    monkeypatch.setattr(WindowsWorld, "end", lambda self: ended.append(self))  # noqa: PLW0108 - bound
    monkeypatch.setattr(wine, "prepare", lambda *_, **__: world)
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)
    return ended


def test_the_command_prints_what_runs_the_programs_and_ends_the_world(ends, capsys):
    assert command_line.main(["windows"]) == 0
    assert capsys.readouterr().out == "wine python.exe\nwine Peer.exe\n"
    assert len(ends) == 1


def test_the_command_returns_the_status_of_the_tests(ends, monkeypatch):
    monkeypatch.setattr(wine, "run_library_tests", lambda _world, arguments, _log: len(arguments))
    assert command_line.main(["windows", "--tests", "--", "-k", "blob"]) == 2
    assert len(ends) == 1


def test_arguments_without_tests_are_wrong_usage(ends):
    with pytest.raises(SystemExit, match="2"):
        command_line.main(["windows", "tests"])


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--if-available"], 0)])
def test_a_missing_part_is_a_failure_unless_it_is_optional(
    ends, monkeypatch, capsys, options, status
):
    def prepare(_log, *, install, asset):
        assert install is not bool(options)
        raise ToolchainError("Wine is missing", "install it")

    monkeypatch.setattr(wine, "prepare", prepare)
    assert command_line.main(["windows", *options]) == status
    assert "install it" in capsys.readouterr().err


def test_a_command_that_is_terminated_ends_the_world():
    script = (
        "import sys, time\n"
        "from interop import __main__\n"
        "from interop.worlds import wine\n"
        "wine.WindowsWorld.end = lambda self: print('ended', flush=True)\n"
        "wine.prepare = lambda *_, **__: wine.WindowsWorld([], [], {})\n"
        "def tests(*_):\n"
        "    print('READY', flush=True)\n"
        "    while True:\n"
        "        time.sleep(0.1)\n"  # a signal between print and sleep would not end a long one
        "wine.run_library_tests = tests\n"
        "sys.exit(__main__.main(['windows', '--tests']))\n"
    )
    command = [sys.executable, "-c", script]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=CHECKOUT)
    with process:
        assert process.stdout.readline() == "READY\n"
        process.terminate()
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 128 + 15
