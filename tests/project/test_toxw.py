"""Tests of ./toxw. They need no network and no package manager: every command is a fake."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.conftest import ROOT

TOXW = ROOT / "toxw"

TOX_4 = "4.11.3 from /home/me/lib/python3.12/site-packages/tox/__init__.py\n"
TOX_3 = "3.28.0 imported from /home/me/lib/python3.12/site-packages/tox/__init__.py\n"
DEBIANS_TOX = "3.28.0 imported from /usr/lib/python3/dist-packages/tox/__init__.py\n"
SYSTEM_TOX = ["/usr/bin/python3", "-m", "tox"]


class Machine:
    """A machine with fake programs. Attributes hold what a program prints; None: it fails."""

    tox: str | None = None
    own_tox: str | None = None
    venv: str | None = ""
    pip: str | None = ""
    system_python: str | None = "3 11"
    newer_python = ""
    ensurepip: str | None = "is there"
    user = 0

    def __init__(self, toxw):
        self.toxw = toxw
        self.private = Path(toxw.python_in(toxw.private_folder()))
        self.private_tox = [str(self.private), "-m", "tox"]
        self.apt_get = []
        self.apt_get_status = {"update": 1, "install": 0}

    def run(self, *command, timeout=0):
        printed = self.answer(Path(command[0]), *command[1:])
        return subprocess.CompletedProcess(command, printed is None, printed or "", "No wheel.\n")

    def answer(self, program, *arguments):
        if program == Path(self.toxw.SYSTEM_PYTHON):
            return self.system_python
        if arguments[0] == "-c":
            return "" if str(program) == self.newer_python else None
        if "venv" in arguments:
            return self.venv
        if "tox>=4" in arguments and self.pip is not None:
            self.install_tox(program)
        if "pip" in arguments:
            return self.pip
        assert arguments[-1] == "--version"
        if str(program) in ("tox", sys.executable):
            return self.tox if str(program) == "tox" else self.own_tox
        return TOX_4 if program.with_name("has-tox").exists() else None

    def find_spec(self, _module):
        return self.ensurepip

    def call(self, command, **_options):
        (action,) = {"update", "install"}.intersection(command)
        self.apt_get.append(" ".join(command[command.index(action) :]))
        return self.apt_get_status[action]

    def install_tox(self, python):
        python.parent.mkdir(parents=True, exist_ok=True)
        python.with_name("has-tox").touch()


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """A machine without tox that reaches a package index."""
    kept = {name: value for name, value in os.environ.items() if "PIP" not in name}
    folders = {"PYSHM_CACHE": str(tmp_path / "cache"), "PYSHM_TOX_WORKDIR": str(tmp_path / "work")}
    monkeypatch.setattr(os, "environ", {**kept, "TOXENV": "", **folders})
    monkeypatch.setattr(sys, "path", sys.path.copy())
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.chdir(tmp_path)
    loader = importlib.machinery.SourceFileLoader("toxw", str(TOXW))
    toxw = importlib.util.module_from_spec(importlib.util.spec_from_loader("toxw", loader))
    loader.exec_module(toxw)
    machine = Machine(toxw)
    monkeypatch.setattr(toxw, "run", machine.run)
    # Not every Python has ensurepip, for example the one that runs the tests under Wine.
    find_spec = SimpleNamespace(find_spec=machine.find_spec)
    monkeypatch.setattr(toxw, "importlib", SimpleNamespace(util=find_spec))
    monkeypatch.setattr(toxw, "become", lambda command: command)
    monkeypatch.setattr(subprocess, "call", machine.call)
    monkeypatch.setattr(os, "geteuid", lambda: machine.user, raising=False)
    monkeypatch.setattr(toxw, "DEBIAN_VERSION", "missing")
    return machine


@pytest.fixture
def debian(machine):
    """A Debian machine that reaches no package index."""
    machine.pip, machine.toxw.DEBIAN_VERSION = None, __file__
    return machine


def test_python_3_6_can_parse_the_file():
    ast.parse(TOXW.read_text(encoding="utf-8"), feature_version=(3, 6))


def test_an_old_python_starts_a_newer_one(machine):
    machine.toxw.OLDEST_PYTHON, machine.newer_python = (3, 18), "python3.19"
    assert machine.toxw.main(["-e", "lint"]) == ["python3.19", str(TOXW), "-e", "lint"]


def test_an_old_python_reports_that_there_is_no_newer_one(machine, capsys):
    machine.toxw.OLDEST_PYTHON, machine.system_python = (3, 99), None
    assert machine.toxw.main([]) == 2
    assert "Install Python 3.99 or newer" in capsys.readouterr().err


@pytest.mark.parametrize("version", [TOX_3, TOX_4])
def test_an_installed_tox_is_used_first(machine, version):
    machine.tox = version
    machine.install_tox(machine.private)
    assert machine.toxw.main(["-e", "lint", "--", "-e"]) == ["tox", "-e", "lint", "--", "-e"]


def test_the_tox_of_the_running_python_is_used_if_the_path_has_none(machine):
    machine.own_tox = TOX_4
    assert machine.toxw.main([]) == [sys.executable, "-m", "tox"]


@pytest.mark.parametrize(
    "unsuitable",
    [
        pytest.param(TOX_3.replace("3.28", "3.27"), id="too old"),
        pytest.param(TOX_4.replace("python3.12", "python3.9"), id="on an old Python"),
        pytest.param(DEBIANS_TOX, id="works with Debian's packages only"),
        pytest.param("tox: the toolbox\n", id="another program"),
        pytest.param(None, id="missing"),
    ],
)
def test_without_a_suitable_tox_a_private_one_is_installed(machine, unsuitable):
    machine.tox = unsuitable
    assert machine.toxw.main([]) == machine.private_tox
    environment = machine.private.parents[1]
    assert list(environment.parent.iterdir()) == [environment]


def test_a_broken_private_environment_is_replaced(machine):
    machine.private.mkdir(parents=True)
    assert machine.toxw.main([]) == machine.private_tox
    assert machine.toxw.is_usable(machine.private_tox)


def test_two_runs_at_once_use_the_first_environment(machine):
    answer = machine.answer

    def other_run_finishes_first(program, *arguments):
        if "tox>=4" in arguments:
            machine.install_tox(machine.private)
            machine.private.with_name("first").touch()
        return answer(program, *arguments)

    machine.answer = other_run_finishes_first
    assert machine.toxw.main([]) == machine.private_tox
    assert machine.private.with_name("first").exists()


@pytest.mark.parametrize("broken", ["venv", "pip"])
def test_a_failed_installation_leaves_no_files_and_reports_the_reason(machine, broken):
    setattr(machine, broken, None)
    with pytest.raises(machine.toxw.Failure, match=r"can't install tox: No wheel\."):
        machine.toxw.make_private_tox()
    assert list(machine.private.parents[2].iterdir()) == []


def test_a_python_without_ensurepip_makes_no_environment_and_names_the_package(machine):
    machine.ensurepip = None
    with pytest.raises(machine.toxw.Failure, match="Debian: python3-venv"):
        machine.toxw.make_private_tox()
    assert not machine.private.parents[1].exists()


def test_without_an_index_and_debian_an_installed_tox_is_used(machine, capsys):
    machine.pip = None
    assert machine.toxw.main([]) == 2
    assert "Install tox 3.28 or newer, or set PIP_FIND_LINKS" in capsys.readouterr().err
    machine.tox = TOX_4
    assert machine.toxw.main(["-e", "lint"]) == ["tox", "-e", "lint"]


def test_without_an_index_complete_environments_are_used(debian, tmp_path):
    debian.tox = TOX_4
    for name, info in (("lint", '{"PythonRun": {}}'), ("type", "{}")):
        (tmp_path / "work" / name).mkdir(parents=True)
        (tmp_path / "work" / name / ".tox-info.json").write_text(info)
    assert debian.toxw.main(["-e", "lint"]) == ["tox", "-e", "lint"]
    assert debian.toxw.main(["-elint,type"]) == 2


def test_pip_is_not_asked_if_it_has_no_index_and_no_wheels(debian):
    debian.pip, os.environ["PIP_NO_INDEX"] = "", "1"
    assert debian.toxw.main([]) == SYSTEM_TOX
    os.environ["PIP_NO_INDEX"] = "0"
    assert debian.toxw.can_fetch()


def test_relative_wheel_folders_become_absolute(machine, tmp_path):
    (tmp_path / "wheels").mkdir()
    os.environ["PIP_FIND_LINKS"] = "wheels https://example.org/wheels/"
    machine.toxw.main([])
    assert os.environ["PIP_FIND_LINKS"] == f"{tmp_path / 'wheels'} https://example.org/wheels/"


def test_debians_tox_runs_with_debians_packages(debian, tmp_path):
    assert debian.toxw.main(["-e", "interop"]) == [*SYSTEM_TOX, "-e", "interop"]
    assert debian.apt_get == []
    assert os.environ["PYSHM_SYSTEM_SITE_PACKAGES"] == "true"
    assert os.environ["PYSHM_OPTIONAL_DEPS"] == ""
    assert os.environ["PYSHM_TOX_WORKDIR"] == str(tmp_path / "work" / "system")
    assert os.environ["PATH"].startswith("/usr/bin" + os.pathsep)


def test_by_default_debians_tox_tests_only_debians_python(debian, capsys):
    assert debian.toxw.main([]) == SYSTEM_TOX
    assert os.environ["TOXENV"] == "py311"
    assert "running only py311" in capsys.readouterr().err


def test_missing_packages_are_installed_for_root(debian, capsys):
    debian.system_python = "3 11 tox PIL"
    assert debian.toxw.main([]) == SYSTEM_TOX
    assert debian.apt_get == ["update", "install -y --no-install-recommends tox python3-pil"]
    debian.apt_get_status = {"update": 0, "install": 100}
    assert debian.toxw.main([]) == 2
    assert "apt-get can't install tox python3-pil" in capsys.readouterr().err


def test_other_users_get_the_command_that_installs_missing_packages(debian, capsys):
    debian.user, debian.system_python = 1000, "3 11 tox PIL"
    assert debian.toxw.main([]) == 2
    command = "sudo apt-get install -y --no-install-recommends tox python3-pil\n"
    assert capsys.readouterr().err.endswith(command)
    assert debian.apt_get == []


@pytest.mark.parametrize("arguments", [["-e", "lint"], ["-e", "interop,py312"], []])
def test_other_environments_need_more_than_debians_packages(debian, capsys, arguments):
    os.environ["TOXENV"] = "type"
    assert debian.toxw.main(arguments) == 2
    assert "needs more than Debian's packages" in capsys.readouterr().err


def test_debian_with_an_old_python_is_refused(debian, capsys):
    debian.system_python = "3 9"
    assert debian.toxw.main([]) == 2
    assert "/usr/bin/python3 is not Python 3.11 or newer" in capsys.readouterr().err


def test_help_begins_with_the_environments(machine, capsys):
    machine.tox = TOX_4
    assert machine.toxw.main(["--help"]) == ["tox", "--help"]
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "environments of this project:"
    assert lines[2].split()[0] == "interop"


@pytest.mark.skipif(os.name == "nt", reason="the fake tox is a script with a shebang")
def test_toxw_runs_tox_in_the_checkout_and_returns_its_status(tmp_path):
    fake = tmp_path / "tox"
    fake.write_text(
        f"#!{sys.executable}\nimport os, sys\n"
        f"if sys.argv[1:] == ['--version']: sys.exit(print({TOX_4!r}))\n"
        "print(os.getcwd(), sys.argv[1:])\nsys.exit(7)\n"
    )
    fake.chmod(0o755)
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(tmp_path)}
    command = [sys.executable, str(TOXW), "--help", "--", "-k", "a b"]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (7, "")
    assert done.stdout.endswith(f"{ROOT} ['--help', '--', '-k', 'a b']\n")
