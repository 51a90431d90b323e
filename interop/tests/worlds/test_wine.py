"""The Windows world under Wine: what is found, made and locked; Wine, pip and .NET are fakes."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import time
import zipfile

import pytest

from interop import __main__ as command_line
from interop.worlds import wine
from pyshm.testing import build, sdk

pytestmark = pytest.mark.skipif(os.name == "nt", reason="on Windows there is no Wine")

# Makes what the real one makes, as far as it is looked at, and keeps a list of what it was told.
FAKE_WINE = f"""#!{sys.executable}
import os, pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["--version"]:
    print((here / "version").read_text())
    sys.exit()
prefix = pathlib.Path(os.environ["WINEPREFIX"])
with open(here / "calls", "a") as log:
    print(prefix, *sys.argv[1:], file=log)
if (here / "broken").exists():
    sys.exit("wine: could not load kernel32.dll")
if sys.argv[1] == "wineboot":
    (prefix / "drive_c/windows/system32").mkdir(parents=True)
    (prefix / "drive_c/windows/system32/kernel32.dll").touch()
    (prefix / "system.reg").touch()
    (prefix / "user.reg").touch()
elif not (here / "forgetful").exists():
    (prefix / "user.reg").write_text('"Version"="win10"')
"""

FAKE_WINESERVER = f"""#!{sys.executable}
import os, pathlib, sys
with open(pathlib.Path(__file__).with_name("server-calls"), "a") as log:
    print(os.environ["WINEPREFIX"], *sys.argv[1:], file=log)
"""


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    """An empty cache; no lock of a test outlives it."""
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    monkeypatch.delenv(wine.DOWNLOADS_VARIABLE, raising=False)
    monkeypatch.setattr(wine, "_locks", {})
    yield tmp_path / "cache" / "windows"
    for descriptor in wine._locks.values():
        os.close(descriptor)


@pytest.fixture
def fake(monkeypatch, tmp_path):
    """The folder of a fake Wine, the only thing on the PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, text in (("wine", FAKE_WINE), ("wineserver", FAKE_WINESERVER)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "version").write_text("wine-8.0")
    monkeypatch.setenv("PATH", str(folder))
    wine._wine_version.cache_clear()
    yield folder
    wine._wine_version.cache_clear()


def make_wheel(folder, name, hashes):
    """Write a wheel with one module; its line of the requirements goes to ``hashes``."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/__init__.py", "")
        archive.writestr(f"{name}-1.0.dist-info/METADATA", f"Name: {name}\nVersion: 1.0\n")
        archive.writestr(f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    hashes.append(f"{name}==1.0 --hash=sha256:{digest}")


def make_archive(path, below=""):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{below}python.exe", "MZ")
        archive.writestr(f"{below}python313._pth", ".")


PYTHON_LIST = "".join(
    f"{hashlib.sha256(content).hexdigest()}  {name}\n"
    for name, content in (("python.exe", b"MZ"), ("python313._pth", b"."))
)


FETCH_WHEELS = wine._fetch_wheels


@pytest.fixture
def downloads(monkeypatch, tmp_path):
    """A folder with a made-up Windows Python and a made-up pytest."""
    folder = tmp_path / "downloads"
    folder.mkdir()
    make_archive(folder / wine.PYTHON_ARCHIVE)
    monkeypatch.setattr(wine, "PYTHON_DIGEST", hashlib.sha256(PYTHON_LIST.encode()).hexdigest())
    hashes: list[str] = []
    make_wheel(folder, "pytest", hashes)
    monkeypatch.setattr(wine, "REQUIREMENTS", tmp_path / "requirements.txt")
    wine.REQUIREMENTS.write_text("\n".join(hashes))
    monkeypatch.setenv(wine.DOWNLOADS_VARIABLE, str(folder))
    monkeypatch.setattr(wine, "_fetch_wheels", shutil.copytree)  # pip takes a second
    return folder


@pytest.fixture
def pip(downloads, monkeypatch):
    """The real pip, kept away from every index; a function that fetches the wheels."""
    pytest.importorskip("pip")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return lambda target: FETCH_WHEELS(downloads, target)


@pytest.fixture
def dotnet(monkeypatch):
    """A .NET peer that is there once it was built."""
    built = []

    def build_peer(say, *, windows=False):
        assert windows
        built.append("/peers/Peer.exe")
        return built[:1]

    monkeypatch.setattr(sdk, "find_dotnet", lambda: None)
    monkeypatch.setattr(build, "build_peer", build_peer)
    monkeypatch.setattr(build, "find_peer", lambda *, windows=False: built[:1] or None)
    return built


@pytest.fixture
def world(fake, downloads, dotnet):
    """A world that is set up."""
    return wine.prepare()


def calls(fake, log="calls"):
    return (fake / log).read_text().splitlines() if (fake / log).exists() else []


# --- the world -------------------------------------------------------------------------------


def test_the_first_time_makes_everything_and_the_second_nothing(fake, downloads, dotnet):
    said = []
    first = wine.prepare(said.append)
    assert said == ["making a prefix for wine-8.0", "setting up Windows Python 3.13.2"]
    assert wine.prepare(said.append) == first == wine.find()
    assert len(said) == 2
    assert len(calls(fake)) == 2


def test_commands_run_through_wine(world, fake, cache):
    program, python = world.python
    assert program == str(fake / "wine")
    assert python.startswith(str(cache))
    assert python.endswith("/python.exe")
    assert world.dotnet_peer == [program, "/peers/Peer.exe"]


def test_the_environment_names_the_prefix_and_the_checkout(world, cache):
    assert world.environment["WINEPREFIX"].startswith(str(cache))
    assert world.environment["WINEPREFIX"] == str(world.prefix)
    assert world.environment["PYTHONPATH"].startswith("Z:\\")
    assert "/" not in world.environment["PYTHONPATH"]


def test_a_prefix_of_the_caller_is_not_used(fake, downloads, dotnet, monkeypatch, tmp_path):
    monkeypatch.setenv("WINEPREFIX", str(tmp_path / "the-callers"))
    wine.prepare().end()
    assert not any(
        "the-callers" in line for log in ("calls", "server-calls") for line in calls(fake, log)
    )


def test_the_prefix_is_made_aside_and_nothing_runs_in_it_when_it_is_moved(world, fake):
    (aside,) = {line.split()[0] for line in calls(fake)}
    assert aside != str(world.prefix)
    assert calls(fake, "server-calls") == [f"{aside} -k", f"{aside} -w"]


def test_a_path_is_written_as_windows_writes_it(world, monkeypatch, tmp_path):
    assert world.path("/tmp/a b/c") == "Z:\\tmp\\a b\\c"
    monkeypatch.chdir(tmp_path)
    assert world.path("x") == "Z:" + str(tmp_path).replace("/", "\\") + "\\x"


def test_on_windows_a_path_is_a_path():
    assert wine.WindowsWorld([], [], {}).path("C:\\x") == "C:\\x"


# --- what is missing -------------------------------------------------------------------------


def test_the_reason_names_what_is_missing_and_the_command_that_mends_it(
    fake, downloads, dotnet, monkeypatch
):
    mend = "python -m interop windows"
    assert wine.find() is None
    assert wine.why_not() == f"no Windows world (it has no Wine prefix): {mend}"
    world = wine.prepare()
    assert wine.why_not() == ""
    dotnet.clear()
    assert wine.why_not() == f"no Windows world (it has no .NET peer): {mend}"
    (fake / "wineserver").unlink()
    assert wine.why_not() == f"no Windows world (Wine's server is missing): {mend}"
    (fake / "wine").unlink()
    assert wine.why_not() == f"no Windows world (Wine is missing): {mend}"
    assert wine.find() is None
    assert world.prefix.is_dir()


def test_looking_makes_nothing(fake, downloads, dotnet, cache):
    assert wine.find() is None
    assert not cache.exists()
    assert dotnet == []


def test_another_wine_gets_another_prefix(world, fake):
    (fake / "version").write_text("wine-9.0")
    wine._wine_version.cache_clear()
    assert wine.find() is None
    assert wine.prepare().prefix != world.prefix


def test_other_requirements_make_another_python(world):
    with wine.REQUIREMENTS.open("a") as file:
        file.write("\n# changed")
    assert wine.find() is None
    assert wine.prepare().python != world.python


def test_a_wine_that_fails_is_told_with_its_own_words_and_leaves_nothing(
    fake, downloads, dotnet, cache
):
    (fake / "broken").touch()
    with pytest.raises(build.BuildError, match=r"could not load kernel32\.dll"):
        wine.prepare()
    assert list((cache / "prefixes").iterdir()) == []
    assert len(calls(fake, "server-calls")) == 2


def test_a_prefix_that_forgot_what_it_was_told_is_not_kept(fake, downloads, dotnet, cache):
    (fake / "forgetful").touch()
    with pytest.raises(build.BuildError, match="not complete"):
        wine.prepare()
    assert list((cache / "prefixes").iterdir()) == []


# --- installing ------------------------------------------------------------------------------


@pytest.fixture
def apt(fake, monkeypatch):
    """A fake apt-get that installs the fake Wine, and root to run it."""
    script = f"""#!{sys.executable}
import os, pathlib, sys
here = pathlib.Path(__file__).parent
with open(here / "apt-calls", "a") as log:
    print(os.environ["DEBIAN_FRONTEND"], *sys.argv[1:], file=log)
if "install" in sys.argv:
    if not (here / "hidden").exists():
        sys.exit("E: Unable to locate package wine")
    (here / "hidden").rename(here / "wine")
"""
    (fake / "apt-get").write_text(script)
    (fake / "apt-get").chmod(0o755)
    (fake / "wine").rename(fake / "hidden")
    monkeypatch.setattr(wine.os, "geteuid", lambda: 0)
    return fake


def test_root_gets_wine_installed(apt, downloads, dotnet):
    said = []
    assert wine.prepare(said.append) is not None
    assert said[0] == "installing Wine with apt-get"
    update, install = calls(apt, "apt-calls")
    assert update.startswith("noninteractive")
    assert update.endswith("update")
    assert install.endswith("install --no-install-recommends wine wine64")


def test_an_installation_that_fails_says_why(apt, downloads, dotnet):
    (apt / "hidden").unlink()
    with pytest.raises(sdk.ToolchainError, match="Unable to locate package wine"):
        wine.prepare()


def test_others_get_the_line_to_type(apt, downloads, dotnet, monkeypatch):
    monkeypatch.setattr(wine.os, "geteuid", lambda: 1000)
    with pytest.raises(sdk.ToolchainError, match="Wine is missing") as caught:
        wine.prepare()
    assert caught.value.remedy == wine.wine_remedy()
    assert calls(apt, "apt-calls") == []


def test_nothing_is_installed_that_was_not_asked_for(apt, downloads, dotnet):
    with pytest.raises(sdk.ToolchainError, match="Wine is missing"):
        wine.prepare(install=False)
    assert calls(apt, "apt-calls") == []


# --- the Windows Python ----------------------------------------------------------------------


def test_the_python_has_the_wheels_and_is_not_isolated(world):
    python = wine._python_place()
    assert (python / "Lib" / "site-packages" / "pytest" / "__init__.py").is_file()
    assert not (python / "python313._pth").exists()


def test_an_archive_with_its_files_in_a_folder_is_as_good(fake, downloads, dotnet):
    make_archive(downloads / wine.PYTHON_ARCHIVE, below="cp313/")
    wine.prepare()
    assert (wine._python_place() / "python.exe").is_file()


def test_an_archive_with_other_bytes_is_refused(fake, downloads, dotnet, monkeypatch):
    monkeypatch.setattr(wine, "PYTHON_DIGEST", "0" * 64)
    with pytest.raises(sdk.ToolchainError, match="has other files in it") as caught:
        wine.prepare()
    assert caught.value.remedy.startswith(wine.DOWNLOADS_VARIABLE)
    assert wine.find() is None


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>"])
def test_what_is_no_archive_is_refused(fake, downloads, dotnet, content):
    (downloads / wine.PYTHON_ARCHIVE).write_bytes(content)
    with pytest.raises(sdk.ToolchainError, match="not a zip file"):
        wine.prepare()


def test_a_folder_without_the_archive_is_named(fake, downloads, dotnet):
    (downloads / wine.PYTHON_ARCHIVE).unlink()
    with pytest.raises(sdk.ToolchainError, match=f"not in {downloads}"):
        wine.prepare()


def test_without_a_folder_the_archive_is_downloaded(downloads, monkeypatch, tmp_path):
    monkeypatch.setattr(wine, "PYTHON_URL", (downloads / wine.PYTHON_ARCHIVE).as_uri())
    got = wine._python_archive(None, tmp_path)
    assert got.read_bytes() == (downloads / wine.PYTHON_ARCHIVE).read_bytes()


def test_a_download_that_fails_names_its_address(monkeypatch, tmp_path):
    monkeypatch.setattr(wine, "PYTHON_URL", (tmp_path / "nothing").as_uri())
    with pytest.raises(sdk.ToolchainError, match="file://"):
        wine._python_archive(None, tmp_path)


def test_pip_fetches_the_wheels_from_the_folder(pip, tmp_path):
    pip(tmp_path / "wheels")
    assert [path.name for path in (tmp_path / "wheels").iterdir()] == [
        "pytest-1.0-py3-none-any.whl"
    ]


def test_wheels_also_come_from_where_pip_looks(pip, downloads, monkeypatch, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    wheel = next(downloads.glob("*.whl"))
    wheel.rename(elsewhere / wheel.name)
    monkeypatch.setenv("PIP_FIND_LINKS", str(elsewhere))
    pip(tmp_path / "wheels")
    assert (tmp_path / "wheels" / wheel.name).is_file()


def test_a_wheel_with_other_bytes_is_refused(pip, downloads, tmp_path):
    wheel = next(downloads.glob("*.whl"))
    wheel.write_bytes(wheel.read_bytes() + b"\0")
    with pytest.raises(sdk.ToolchainError, match="can't be had"):
        pip(tmp_path / "wheels")


def test_every_requirement_has_one_version_and_a_hash():
    lines = [
        line for line in wine.REQUIREMENTS.read_text().splitlines() if line[:1] not in ("", "#")
    ]
    assert {line.split("==")[0] for line in lines} >= {"cffi", "pillow", "pytest", "colorama"}
    for line in lines:
        name, _, rest = line.partition("==")
        version, _, digest = rest.partition(" --hash=sha256:")
        assert name.islower()
        assert version
        assert len(bytes.fromhex(digest)) == 32


@pytest.mark.parametrize(
    "name", ["../x", "/x", "a/../../x", "a//x", "./x", "C:/x", "C:x", "..\\x", "a/.."]
)
def test_no_name_in_an_archive_leads_out_of_its_folder(tmp_path, name):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("good", "")
        archive.writestr(name, "")
    with (
        zipfile.ZipFile(buffer) as archive,
        pytest.raises(ValueError, match="leads out of the folder"),
    ):
        wine._unpack(archive, tmp_path / "target")
    assert not (tmp_path / "target").exists()


# --- the end ---------------------------------------------------------------------------------


def test_the_end_is_the_end_of_this_prefix_alone(world, fake):
    (fake / "server-calls").unlink()
    world.end()
    assert calls(fake, "server-calls") == [f"{world.prefix} -k", f"{world.prefix} -w"]


def test_a_world_has_many_ends(world):
    world.end()
    world.end()
    assert wine._locks == {}


OTHER_USER = """
import sys
from pathlib import Path
from interop.worlds import wine
wine._use(Path(sys.argv[1]))
print("READY", flush=True)
sys.stdin.readline()
"""


def test_the_world_of_another_process_goes_on(world, fake, child):
    (fake / "server-calls").unlink()
    other = child(OTHER_USER, str(world.prefix))
    world.end()
    assert calls(fake, "server-calls") == []
    other.kill()  # which is an end, too
    world.end()
    assert len(calls(fake, "server-calls")) == 2


def test_on_windows_there_is_nothing_to_end():
    wine.WindowsWorld([], [], {}).end()


# --- the library's tests ---------------------------------------------------------------------

FAKE_PYTEST = """
import os, sys
sys.stdout.write(" ".join(sys.argv[1:]) + "\\r\\n" + os.environ["PYTHONDONTWRITEBYTECODE"])
sys.stdout.write(os.environ["MORE"] + os.path.basename(os.getcwd()))
sys.exit(5)
"""


def fake_python(tmp_path, text):
    script = tmp_path / "python.py"
    script.write_text(text)
    return wine.WindowsWorld([sys.executable, str(script)], [], {"MORE": "more"})


def run(world, *arguments, **options):
    output = io.BytesIO()
    status = wine.run_library_tests(world, arguments, output=output, **options)
    return status, output.getvalue().decode()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "tests"),
        (["-k", "blob"], "tests -k blob"),
        (["tests/maps/test_names.py"], "tests/maps/test_names.py"),
        (["-x", "tests/maps/test_names.py::test_x"], "-x tests/maps/test_names.py::test_x"),
    ],
)
def test_pytest_is_told_what_to_run_and_its_words_and_status_come_back(tmp_path, arguments, told):
    status, output = run(fake_python(tmp_path, FAKE_PYTEST), *arguments)
    assert status == 5
    where = wine.CHECKOUT.name
    assert output == f"-m pytest -p no:cacheprovider {told}\n1more{where}"


def test_tests_that_hang_are_ended(tmp_path):
    said = []
    world = fake_python(tmp_path, "print('begun', flush=True); import time; time.sleep(60)")
    began = time.monotonic()
    status, output = run(world, say=said.append, patience=0.5)
    assert (status, output) == (1, "begun\n")
    assert "did not end within 0.5 seconds" in said[0]
    assert time.monotonic() - began < 30


def test_a_program_that_stays_behind_keeps_nobody_waiting(tmp_path, monkeypatch):
    monkeypatch.setattr(wine, "_LAST_WORDS", 0.2)
    world = fake_python(
        tmp_path,
        "import subprocess, sys\n"
        "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(3)'])\n"
        "print('done', flush=True)",
    )
    began = time.monotonic()
    assert run(world) == (0, "done\n")
    assert time.monotonic() - began < 3


# --- the command -----------------------------------------------------------------------------


@pytest.fixture
def quiet_signals(monkeypatch):
    monkeypatch.setattr(command_line.signal, "signal", lambda *_: None)


@pytest.fixture
def ended(monkeypatch, quiet_signals):
    """A world for the command line, and the list of its ends."""
    ends = []

    def end(self):
        ends.append(self)

    monkeypatch.setattr(wine.WindowsWorld, "end", end)
    world = wine.WindowsWorld(["wine", "python.exe"], ["wine", "Peer.exe"], {})
    monkeypatch.setattr(command_line.wine, "prepare", lambda *_, **__: world)
    return ends


def test_the_command_sets_up_says_where_and_ends_the_world(ended, capsys):
    assert command_line.main(["windows"]) == 0
    assert capsys.readouterr().out == "wine python.exe\nwine Peer.exe\n"
    assert len(ended) == 1


def test_the_command_hands_on_arguments_and_status(ended, monkeypatch):
    told = []

    def tests(_world, arguments, _say):
        told.append(list(arguments))
        return 3

    monkeypatch.setattr(command_line.wine, "run_library_tests", tests)
    assert command_line.main(["windows", "--tests", "--", "-k", "blob"]) == 3
    assert told == [["-k", "blob"]]
    assert len(ended) == 1


def test_the_world_ends_even_after_an_accident(ended, monkeypatch):
    def accident(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command_line.wine, "run_library_tests", accident)
    with pytest.raises(KeyboardInterrupt):
        command_line.main(["windows", "--tests"])
    assert len(ended) == 1


def test_arguments_without_tests_are_wrong_usage(ended):
    with pytest.raises(SystemExit) as caught:
        command_line.main(["windows", "tests"])
    assert caught.value.code == 2


@pytest.mark.parametrize(("options", "status"), [([], 1), (["--if-available"], 0)])
def test_a_missing_part_is_a_failure_unless_it_may_be_missing(
    monkeypatch, quiet_signals, capsys, options, status
):
    def prepare(_say, *, install):
        assert install is not bool(options)
        raise sdk.ToolchainError("Wine is missing", "install it")

    monkeypatch.setattr(command_line.wine, "prepare", prepare)
    assert command_line.main(["windows", *options]) == status
    assert "install it" in capsys.readouterr().err


def test_a_terminated_command_ends_the_world(tmp_path):
    script = (
        "import sys, time\n"
        "from interop import __main__\n"
        "from interop.worlds import wine\n"
        "wine.WindowsWorld.end = lambda self: print('ended', flush=True)\n"
        "wine.prepare = lambda *_, **__: wine.WindowsWorld([], [], {})\n"
        "def tests(*_):\n"
        "    print('READY', flush=True)\n"
        "    time.sleep(60)\n"
        "wine.run_library_tests = tests\n"
        "sys.exit(__main__.main(['windows', '--tests']))\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, cwd=wine.CHECKOUT
    )
    with process:
        assert process.stdout.readline() == "READY\n"
        process.terminate()
        assert process.stdout.read() == "ended\n"
    assert process.returncode == 128 + 15
