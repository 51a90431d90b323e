"""./toxw decides which tox runs. No network, no package manager: every command is a fake."""

from __future__ import annotations

import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import ROOT

TOXW = ROOT / "toxw"

TOX_4 = "4.11.3 from /home/me/lib/python3.12/site-packages/tox/__init__.py\n"
TOX_3 = "3.28.0 imported from /home/me/lib/python3.12/site-packages/tox/__init__.py\n"
DEBIANS_TOX_3 = "3.28.0 imported from /usr/lib/python3/dist-packages/tox/__init__.py\n"
DEBIANS_TOX_4 = "4.25.0 from /usr/lib/python3/dist-packages/tox/__init__.py\n"

Reply = Callable[[list[str]], "tuple[int, str, str] | None"]


@pytest.fixture
def toxw(monkeypatch, tmp_path):
    """The program as a module, in an environment where nothing is set and nothing is found."""
    for name in list(os.environ):
        if name.startswith(("PIP_", "TOX", "PYSHM_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PYSHM_TOX_WORKDIR", str(tmp_path / "work"))
    loader = importlib.machinery.SourceFileLoader("toxw", str(TOXW))
    spec = importlib.util.spec_from_loader("toxw", loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    loader.exec_module(module)
    monkeypatch.setattr(module, "is_debian", lambda: False)
    monkeypatch.setattr(module.shutil, "which", lambda name: None)
    return module


def answering(
    toxw: ModuleType, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> list[Sequence[str]]:
    """Have ``reply`` answer every command (None: it does not start); return what was asked."""
    asked: list[Sequence[str]] = []

    def ask(command: Sequence[str], timeout: float = 0, env: object = None) -> object:
        asked.append(list(command))
        return toxw.Answer(*(reply(list(command)) or (127, "", "not found")))

    monkeypatch.setattr(toxw, "ask", ask)
    return asked


def working(toxw: ModuleType, version: tuple[int, int] = (4, 11), name: str = "some") -> object:
    return toxw.Tox([name, "-m", "tox"], version, "/lib/python3.12/site-packages/tox/__init__.py")


# --- what was asked for ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ([], []),
        (["-e", "interop"], ["interop"]),
        (["-einterop"], ["interop"]),
        (["-e", "lint,type"], ["lint", "type"]),
        (["-e", "lint", "-e", "type"], ["lint", "type"]),
        (["-q", "-e", "py311", "--", "-e", "lint"], ["py311"]),
        (["--", "-k", "blob"], []),
        (["-e"], []),
    ],
)
def test_the_environments_asked_for_are_read_from_the_arguments(toxw, arguments, names):
    assert toxw.requested(arguments) == names


def test_toxenv_counts_where_no_argument_says_otherwise(toxw, monkeypatch):
    monkeypatch.setenv("TOXENV", "type")
    assert toxw.requested([]) == ["type"]
    assert toxw.requested(["-e", "lint"]) == ["lint"]


# --- which Python ----------------------------------------------------------------------------


def test_the_running_python_is_taken_when_it_is_new_enough(toxw):
    assert toxw.find_python() == sys.executable


def test_an_older_python_looks_for_a_newer_one_and_passes_over_a_shim_that_fails(toxw, monkeypatch):
    monkeypatch.setattr(toxw, "OLDEST_PYTHON", (3, 97))
    monkeypatch.setattr(toxw, "NEWEST_PYTHON", (3, 99))
    monkeypatch.setattr(toxw.shutil, "which", lambda name: f"/shims/{name}")

    def reply(command):
        if command[0] == "/shims/python3.97":
            return 127, "", "pyenv: python3.97: command not found"
        return 0, command[0].rpartition("python")[2] + "\n", ""

    answering(toxw, monkeypatch, reply)
    assert toxw.find_python() == "/shims/python3.98"


def test_no_python_that_is_new_enough_ends_with_a_sentence(toxw, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "OLDEST_PYTHON", (3, 99))
    with pytest.raises(SystemExit) as ended:
        toxw.main([])
    assert ended.value.code == 2
    assert "Python 3.99 or newer is not on the PATH" in capsys.readouterr().err


def test_a_python_too_old_for_the_wrapper_is_told_so(toxw, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "OLDEST_RUNNER", (3, 99))
    with pytest.raises(SystemExit) as ended:
        toxw.main([])
    assert ended.value.code == 2
    assert "too old" in capsys.readouterr().err


# --- an installed tox ------------------------------------------------------------------------


@pytest.mark.parametrize(("said", "version"), [(TOX_4, (4, 11)), (TOX_3, (3, 28))])
def test_both_generations_of_tox_are_recognized(toxw, monkeypatch, said, version):
    answering(toxw, monkeypatch, lambda command: (0, said, ""))
    assert toxw.try_tox(["tox"]).version == version


@pytest.mark.parametrize(
    ("status", "said"),
    [
        pytest.param(0, TOX_3.replace("3.28", "3.27"), id="too old"),
        pytest.param(0, TOX_4.replace("python3.12", "python3.9"), id="on too old a Python"),
        pytest.param(1, "", id="broken"),
        pytest.param(1, TOX_4, id="fails after all"),
        pytest.param(0, "tox: the toolbox\n", id="another program"),
        pytest.param(127, "pyenv: tox: command not found", id="a shim without its program"),
    ],
)
def test_a_tox_that_will_not_do_is_no_tox(toxw, monkeypatch, status, said):
    answering(toxw, monkeypatch, lambda command: (status, said, ""))
    assert toxw.try_tox(["tox"]) is None


@pytest.mark.parametrize("said", [DEBIANS_TOX_3, DEBIANS_TOX_4])
def test_the_distributions_tox_is_left_for_the_distributions_packages(toxw, monkeypatch, said):
    monkeypatch.setattr(toxw.shutil, "which", lambda name: "/usr/bin/tox")
    answering(toxw, monkeypatch, lambda command: (0, said, ""))
    assert toxw.installed_tox("python") is None


def test_the_tox_on_the_path_is_used_first(toxw, monkeypatch):
    monkeypatch.setattr(toxw.shutil, "which", lambda name: "/opt/bin/tox")
    answering(toxw, monkeypatch, lambda command: (0, TOX_4, ""))
    assert toxw.installed_tox("python").command == ["/opt/bin/tox"]


def test_where_the_path_has_none_that_works_this_pythons_tox_is_used(toxw, monkeypatch):
    monkeypatch.setattr(toxw.shutil, "which", lambda name: "/shims/tox")
    answering(toxw, monkeypatch, lambda command: (0, TOX_4, "") if command[0] == "python" else None)
    assert toxw.installed_tox("python").command == ["python", "-m", "tox"]


# --- what can be fetched ---------------------------------------------------------------------


def test_without_index_and_wheels_nobody_is_asked(toxw, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    asked = answering(toxw, monkeypatch, lambda command: (0, "", ""))
    assert toxw.reachable("python") is False
    assert asked == []


def test_an_empty_wheel_folder_says_nothing_about_the_index(toxw, monkeypatch, tmp_path):
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    asked = answering(toxw, monkeypatch, lambda command: (0, "", ""))
    assert toxw.reachable("python") is True
    assert len(asked) == 1


def test_pip_is_asked_once_and_shortly(toxw, monkeypatch):
    asked = answering(toxw, monkeypatch, lambda command: (1, "", "ERROR: No matching distribution"))
    assert toxw.reachable("python") is False
    (command,) = asked
    assert command[command.index("--retries") + 1] == "0"
    assert "--timeout" in command


@pytest.mark.parametrize(
    ("value", "meant"), [("1", True), ("true", True), ("0", False), ("", False)]
)
def test_pip_no_index_is_read_as_pip_reads_it(toxw, monkeypatch, value, meant):
    monkeypatch.setenv("PIP_NO_INDEX", value)
    assert toxw.no_index() is meant


def test_a_folder_with_the_wheel_is_a_place_to_ask_pip_about(toxw, monkeypatch, tmp_path):
    (tmp_path / "tox-4.11.3-py3-none-any.whl").touch()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", f"{tmp_path}/none {tmp_path}")
    assert toxw.certainly_unreachable("tox") is False
    assert toxw.certainly_unreachable("pytest") is True


def test_relative_wheel_folders_become_absolute(toxw, monkeypatch, tmp_path):
    (tmp_path / "wheels").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_FIND_LINKS", "wheels https://example.org/wheels/")
    assert toxw.find_links() == [str(tmp_path / "wheels"), "https://example.org/wheels/"]


def test_environments_that_are_complete_need_nothing_fetched(toxw, monkeypatch, tmp_path):
    answering(toxw, monkeypatch, lambda command: (0, "3.12\n", ""))
    for name, info in (("lint", {"PythonRun": {}}), ("type", {"ToxEnv": {}})):
        folder = tmp_path / "work" / name
        folder.mkdir(parents=True)
        (folder / ".tox-info.json").write_text(json.dumps(info))
    assert toxw.nothing_to_fetch(["-e", "lint"], "python") is True
    assert toxw.nothing_to_fetch(["-e", "type"], "python") is False  # its packages failed to come
    assert toxw.nothing_to_fetch(["-e", "lint,type"], "python") is False
    assert toxw.nothing_to_fetch([], "python") is False


# --- a private environment -------------------------------------------------------------------


def venv_and_pip(toxw: ModuleType, pip_status: int = 0) -> Reply:
    """Answer for a Python that makes environments, their pip, and the tox that it installs."""

    def reply(command):
        if command[1:3] == ["-m", "venv"]:
            python = Path(toxw.environment_python(command[3]))
            python.parent.mkdir(parents=True)
            python.touch()
            return 0, "", ""
        if command[1:3] == ["-m", "pip"]:
            if pip_status == 0:
                (Path(command[0]).parent / "tox").touch()
            return pip_status, "", "WARNING: retrying\nERROR: No matching distribution found\n"
        assert command[1:] == ["-m", "tox", "--version"]
        installed = (Path(command[0]).parent / "tox").exists()
        return (0, TOX_4, "") if installed else (1, "", "No module named tox")

    return reply


def test_a_private_environment_is_made_whole_and_nothing_else_stays(toxw, monkeypatch, tmp_path):
    answering(toxw, monkeypatch, venv_and_pip(toxw))
    folder = tmp_path / "cache" / "tox" / "key"
    tox, reason = toxw.make_private("python", str(folder))
    assert reason == ""
    assert tox.command == [toxw.environment_python(str(folder)), "-m", "tox"]
    assert [path.name for path in folder.parent.iterdir()] == ["key"]


def test_a_failed_install_leaves_nothing_and_tells_pips_reason(toxw, monkeypatch, tmp_path):
    answering(toxw, monkeypatch, venv_and_pip(toxw, pip_status=1))
    folder = tmp_path / "cache" / "tox" / "key"
    tox, reason = toxw.make_private("python", str(folder))
    assert tox is None
    assert reason == "tox could not be installed: ERROR: No matching distribution found"
    assert list(folder.parent.iterdir()) == []


def test_a_python_without_ensurepip_is_named_as_the_reason(toxw, monkeypatch, tmp_path):
    said = "The virtual environment was not created because ensurepip is not\navailable."
    answering(toxw, monkeypatch, lambda command: (1, said, ""))
    tox, reason = toxw.make_private("python", str(tmp_path / "cache" / "tox" / "key"))
    assert tox is None
    assert "without ensurepip" in reason


def test_a_broken_private_environment_is_made_anew(toxw, monkeypatch, tmp_path):
    answering(toxw, monkeypatch, venv_and_pip(toxw))
    folder = tmp_path / "cache" / "tox" / "key"
    broken = Path(toxw.environment_python(str(folder)))
    broken.parent.mkdir(parents=True)
    broken.touch()
    assert toxw.private_tox(str(folder)) is None
    tox, _reason = toxw.make_private("python", str(folder))
    assert tox is not None
    assert [path.name for path in folder.parent.iterdir()] == ["key"]


def test_of_two_runs_at_once_both_use_the_first_ones_environment(toxw, monkeypatch, tmp_path):
    folder = tmp_path / "cache" / "tox" / "key"
    answers = venv_and_pip(toxw)

    def reply(command):
        answer = answers(command)
        if command[1:3] == ["-m", "pip"]:  # the other run comes to its end in this moment
            winner = Path(toxw.environment_python(str(folder))).parent
            winner.mkdir(parents=True)
            for name in ("python.exe" if os.name == "nt" else "python", "tox", "of-the-winner"):
                (winner / name).touch()
        return answer

    answering(toxw, monkeypatch, reply)
    tox, _reason = toxw.make_private("python", str(folder))
    assert (Path(tox.command[0]).parent / "of-the-winner").exists()
    assert [path.name for path in folder.parent.iterdir()] == ["key"]


# --- Debian's packages -----------------------------------------------------------------------


@pytest.fixture
def debian(toxw, monkeypatch):
    """A Debian 12 whose packages are installed; the list of what apt-get was told."""
    told: list[list[str]] = []
    monkeypatch.setattr(toxw, "is_debian", lambda: True)
    monkeypatch.setattr(toxw, "is_root", lambda: True)
    monkeypatch.setattr(toxw, "python_version", lambda python: (3, 11))
    monkeypatch.setattr(toxw, "missing_system_packages", list)
    monkeypatch.setattr(
        toxw, "try_tox", lambda command: toxw.Tox(command, (3, 28), "/dist-packages/")
    )
    monkeypatch.setattr(toxw, "apt_get", lambda arguments: told.append(list(arguments)) or True)
    return told


def test_the_systems_tox_gets_the_systems_packages(toxw, debian):
    command, env = toxw.system_command(["-e", "interop"])
    assert command == ["/usr/bin/python3", "-m", "tox", "--sitepackages", "-e", "interop"]
    assert env["PYSHM_SYSTEM_SITE_PACKAGES"] == "true"
    assert env["PYSHM_OPTIONAL_DEPS"] == ""
    assert env["PIP_NO_INDEX"] == "1"
    assert env["PATH"].split(os.pathsep)[0] == "/usr/bin"
    assert "TOXENV" not in env
    assert debian == []


def test_a_system_with_tox_4_has_no_option_for_it(toxw, debian, monkeypatch):
    monkeypatch.setattr(
        toxw, "try_tox", lambda command: toxw.Tox(command, (4, 25), "/dist-packages/")
    )
    command, _env = toxw.system_command(["-e", "interop"])
    assert "--sitepackages" not in command


def test_its_environments_lie_apart_from_the_other_ones(toxw, debian, tmp_path):
    _command, env = toxw.system_command([])
    assert env["PYSHM_TOX_WORKDIR"] == str(tmp_path / "work" / "system")


def test_by_default_only_the_systems_own_python_is_tested(toxw, debian, capsys):
    _command, env = toxw.system_command([])
    assert env["TOXENV"] == "py311"
    assert "only the environment py311" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["lint", "type", "package", "py312", "interop,lint"])
def test_what_debian_has_no_packages_for_ends_with_a_sentence(toxw, debian, capsys, name):
    with pytest.raises(SystemExit) as ended:
        toxw.system_command(["-e", name])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert f"{name.rpartition(',')[2]}: not possible with Debian's packages alone" in said
    assert debian == []


def test_root_gets_missing_packages_installed_and_is_told(toxw, debian, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "missing_system_packages", lambda: ["tox", "python3-pil"])
    toxw.system_command(["-e", "interop"])
    assert debian == [["install", "--no-install-recommends", "tox", "python3-pil"]]
    assert "installing Debian's tox python3-pil" in capsys.readouterr().err


def test_package_lists_are_fetched_when_the_install_fails_without(toxw, debian, monkeypatch):
    outcomes = iter([False, True, True])
    told = []
    monkeypatch.setattr(
        toxw, "apt_get", lambda arguments: told.append(arguments[0]) or next(outcomes)
    )
    toxw.install_system_packages(["tox"])
    assert told == ["install", "update", "install"]


def test_an_install_that_fails_twice_ends_with_a_sentence(toxw, debian, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "apt_get", lambda arguments: False)
    with pytest.raises(SystemExit) as ended:
        toxw.install_system_packages(["tox"])
    assert ended.value.code == 2
    assert "could not install tox" in capsys.readouterr().err


def test_others_than_root_get_the_line_to_type(toxw, debian, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "is_root", lambda: False)
    monkeypatch.setattr(toxw, "missing_system_packages", lambda: ["tox", "python3-cffi"])
    with pytest.raises(SystemExit) as ended:
        toxw.system_command([])
    assert ended.value.code == 2
    line = "sudo apt-get install -y --no-install-recommends tox python3-cffi"
    assert line in capsys.readouterr().err.splitlines()[-1]
    assert debian == []


def test_a_system_whose_python_is_too_old_ends_with_a_sentence(toxw, debian, monkeypatch, capsys):
    monkeypatch.setattr(toxw, "python_version", lambda python: (3, 9))
    with pytest.raises(SystemExit) as ended:
        toxw.system_command([])
    assert ended.value.code == 2
    assert "not Python 3.11 or newer" in capsys.readouterr().err


# --- all together ----------------------------------------------------------------------------


@pytest.fixture
def machine(toxw, monkeypatch):
    """A machine put together by the test: which tox is where, and whether an index answers."""

    def build(installed=None, private=None, index=False, ready=False, makes=None):
        monkeypatch.setattr(toxw, "private_folder", lambda python: "folder")
        monkeypatch.setattr(toxw, "installed_tox", lambda python: installed)
        monkeypatch.setattr(toxw, "private_tox", lambda folder: private)
        monkeypatch.setattr(toxw, "reachable", lambda python: index)
        monkeypatch.setattr(toxw, "nothing_to_fetch", lambda arguments, python: ready)
        monkeypatch.setattr(
            toxw, "make_private", lambda python, folder: (makes, "" if makes else "pip says no")
        )

    return build


def test_an_installed_tox_is_preferred(toxw, machine):
    machine(installed=working(toxw), private=working(toxw, name="private"), index=True)
    assert toxw.choose(["-e", "lint"])[0] == ["some", "-m", "tox", "-e", "lint"]


def test_a_private_tox_that_is_there_is_used(toxw, machine):
    machine(private=working(toxw, name="private"), index=True)
    assert toxw.choose([])[0] == ["private", "-m", "tox"]


def test_without_any_tox_a_private_one_is_made(toxw, machine, capsys):
    machine(makes=working(toxw, name="new"), index=True)
    assert toxw.choose([])[0] == ["new", "-m", "tox"]
    assert "making a private environment" in capsys.readouterr().err


def test_without_index_debians_packages_are_used_even_where_a_tox_is(toxw, debian, machine):
    machine(private=working(toxw, name="private"))
    assert toxw.choose([])[0] == ["/usr/bin/python3", "-m", "tox", "--sitepackages"]


def test_without_index_debians_packages_are_used_where_a_tox_can_not_be_made(toxw, debian, machine):
    machine(index=True, makes=None)
    assert toxw.choose([])[0] == ["/usr/bin/python3", "-m", "tox", "--sitepackages"]


def test_without_index_environments_that_are_complete_are_used(toxw, debian, machine):
    machine(private=working(toxw, name="private"), ready=True)
    assert toxw.choose([])[0] == ["private", "-m", "tox"]


def test_without_index_and_debian_a_tox_may_try_all_the_same(toxw, machine):
    machine(installed=working(toxw))
    assert toxw.choose([])[0] == ["some", "-m", "tox"]


def test_where_nothing_helps_the_sentence_says_what_would(toxw, machine, capsys):
    machine()
    with pytest.raises(SystemExit) as ended:
        toxw.choose([])
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert "Install Python 3.11 and tox 3.28" in said
    assert "PIP_FIND_LINKS" in said


@pytest.mark.skipif(os.name == "nt", reason="the fake tox is a script with a shebang")
def test_arguments_and_exit_status_go_through_unchanged(tmp_path):
    fake = tmp_path / "bin" / "tox"
    fake.parent.mkdir()
    fake.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        "if sys.argv[1:] == ['--version']:\n"
        "    print('4.99.0 from /somewhere/site-packages/tox/__init__.py')\n"
        "else:\n"
        "    print(os.getcwd(), sys.argv[1:])\n"
        "    sys.exit(7)\n"
    )
    fake.chmod(0o755)
    info = tmp_path / "work" / "mine" / ".tox-info.json"
    info.parent.mkdir(parents=True)
    info.write_text('{"PythonRun": {}}')
    environment = {
        **os.environ,
        "PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}",
        "PYSHM_CACHE": str(tmp_path / "cache"),
        "PYSHM_TOX_WORKDIR": str(tmp_path / "work"),
    }
    done = subprocess.run(
        [sys.executable, str(TOXW), "-e", "mine", "--", "-k", "a b"],
        cwd=tmp_path,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7, done.stderr
    assert done.stdout == f"{TOXW.parent} ['-e', 'mine', '--', '-k', 'a b']\n"
