"""``pyshm doctor``: what works, what is missing, and the command that installs it."""

from __future__ import annotations

import importlib
import json
import os
import sys
from types import SimpleNamespace

import pytest

from pyshm import doctor
from pyshm.cli import main
from pyshm.doctor import maps, modules, programs, remedies
from pyshm.doctor.finding import Finding
from pyshm.errors import MapIOError

posix = pytest.mark.skipif(sys.platform == "win32", reason="on Windows the kernel keeps the maps")


def by_subject(findings):
    return {finding.subject: finding for finding in findings}


def test_all_checks_run_and_nothing_that_is_needed_is_missing():
    found = list(doctor.examine())
    assert [finding.subject for finding in found] == [
        "Python", "cffi", "Pillow", "rich", "numpy", "dnfile", "Tk", "ImageTk",
        "shared-memory directory",
        "round trip: anonymous map", "round trip: mapped file", "round trip: named map",
        "round trip: blob", "round trip: struct", ".NET", "Wine",
    ]  # fmt: skip
    assert [str(finding) for finding in found if finding.needed] == []


def test_a_finding_is_one_line_and_its_remedy_is_the_next():
    assert str(Finding("x", "works")) == "ok       x: works"
    assert str(Finding("x", "none", "get x")) == "optional x: none\n         get x"
    assert str(Finding("x", "none", "get x", True)) == "MISSING  x: none\n         get x"


# --- Python's packages ---


@pytest.fixture
def missing(monkeypatch):
    """``missing(module)`` lets the import of a module fail."""
    real = importlib.import_module
    hidden = set()

    def import_module(name, *arguments):
        if name in hidden:
            raise ImportError(f"No module named {name!r}")
        return real(name, *arguments)

    monkeypatch.setattr(importlib, "import_module", import_module)
    return hidden.add


@pytest.mark.parametrize(
    ("module", "subject", "status", "remedy"),
    [
        ("cffi", "cffi", "MISSING", 'pip install "cffi>=1.15"'),
        ("PIL", "Pillow", "MISSING", 'pip install "Pillow>=9.4"'),
        ("rich", "rich", "optional", 'pip install "pyshm-dotnet[cli]"'),
        ("numpy", "numpy", "optional", 'pip install "pyshm-dotnet[numpy]"'),
        ("dnfile", "dnfile", "optional", 'pip install "pyshm-dotnet[bind]"'),
        ("tkinter", "Tk", "optional", ""),
        ("PIL.ImageTk", "ImageTk", "optional", ""),
    ],
)
def test_the_remedy_of_a_missing_package_is_the_command_that_installs_it(
    missing, module, subject, status, remedy, monkeypatch
):
    monkeypatch.setattr(remedies, "_is_externally_managed", lambda: False)
    missing(module)
    finding = by_subject(modules.modules())[subject]
    assert finding.status == status
    assert remedy in finding.remedy
    assert f"No module named {module!r}" in finding.state


def test_a_package_that_is_too_old_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1.14.6")
    finding = modules.package("cffi", "cffi", minimum="1.15", needed=True)
    assert (finding.status, finding.state) == ("MISSING", "1.14.6 is older than 1.15")


@pytest.mark.parametrize("version", ["1.15", "1.15.1", "2.0", "1.100rc1"])
def test_a_package_of_the_minimum_version_or_later_is_ok(monkeypatch, version):
    monkeypatch.setattr("importlib.metadata.version", lambda name: version)
    assert modules.package("cffi", "cffi", minimum="1.15") == Finding("cffi", version)


def test_a_python_that_is_too_old_is_missing(monkeypatch):
    monkeypatch.setattr(modules, "sys", SimpleNamespace(version_info=(3, 10), executable="py"))
    assert modules.python().status == "MISSING"


# --- the directory ---


@posix
def test_the_finding_of_the_directory_has_its_free_space_and_mode(tmp_path, monkeypatch):
    tmp_path.chmod(0o1777)
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path))
    finding = maps.directory()
    assert finding.status == "ok"
    assert finding.state.startswith(f"{tmp_path}, ")
    assert "bytes free" in finding.state
    assert "mode 1777" in finding.state


@posix
def test_a_directory_that_does_not_exist_is_missing(monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", "/no/such/directory")
    finding = maps.directory()
    assert finding.status == "MISSING"
    assert finding.remedy.startswith("export PYSHM_DIRECTORY=")


@posix
def test_a_directory_without_write_permission_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path))
    monkeypatch.setattr(maps.os, "access", lambda *_: False)  # root may write anywhere
    finding = maps.directory()
    assert finding.status == "MISSING"
    assert "you have no permission to write there" in finding.state


def space(**more):
    return SimpleNamespace(f_blocks=1000, f_bavail=1000, f_frsize=4096_000, f_flag=0, **more)


@posix
def test_a_directory_that_is_too_small_for_the_default_is_reported(tmp_path, monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path))
    small = space()
    small.f_frsize = 4096
    monkeypatch.setattr(maps.os, "statvfs", lambda _: small)
    finding = maps.directory()
    assert finding.status == "optional"
    assert "a map of 10,485,760 bytes, the default, does not fit" in finding.state
    assert "remount" in finding.remedy


@posix
def test_a_directory_without_a_limit_is_ok(tmp_path, monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path))
    endless = space()
    endless.f_blocks = endless.f_bavail = 0
    monkeypatch.setattr(maps.os, "statvfs", lambda _: endless)
    assert maps.directory().status == "ok"
    assert "without a limit" in maps.directory().state


@pytest.mark.skipif(not hasattr(os, "ST_NOEXEC"), reason="this system has no such flag")
def test_a_directory_that_is_mounted_noexec_is_ok(tmp_path, monkeypatch):
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path))
    strict = space()
    strict.f_flag = os.ST_NOEXEC
    monkeypatch.setattr(maps.os, "statvfs", lambda _: strict)
    assert maps.directory().status == "ok"
    assert "noexec" in maps.directory().state


# --- round trips ---


@posix
def test_round_trips_leave_no_files(tmp_path, monkeypatch):
    (tmp_path / "maps").mkdir()
    (tmp_path / "files").mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(tmp_path / "maps"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "files"))
    assert {finding.status for finding in maps.round_trips()} == {"ok"}
    assert list((tmp_path / "maps").iterdir()) == []
    assert list((tmp_path / "files").iterdir()) == []


def test_the_finding_of_a_failed_round_trip_has_the_reason(monkeypatch):
    def refuse(*_, **__):
        raise MapIOError("no room")

    monkeypatch.setattr("pyshm.maps.mapping.MemoryMappedFile.create_new", refuse)
    found = by_subject(maps.round_trips())
    assert found["round trip: named map"].needed
    assert found["round trip: named map"].state == "no room"
    assert found["round trip: anonymous map"].status == "MISSING"
    assert found["round trip: mapped file"].status == "ok"


@pytest.mark.parametrize(
    ("broken", "subject"),
    [
        ("pyshm.helper.ShareMemoryHelper.write_struct", "struct"),
        ("pyshm.maps.accessor.MemoryMappedViewAccessor.write_int32", "anonymous map"),
        ("pyshm.maps.accessor.MemoryMappedViewAccessor.write_int32", "named map"),
    ],
)
def test_a_round_trip_that_reads_another_value_is_a_failure(monkeypatch, broken, subject):
    monkeypatch.setattr(broken, lambda *_: None)
    finding = by_subject(maps.round_trips())[f"round trip: {subject}"]
    assert (finding.state, finding.needed) == ("the value that was written was NOT read", True)


# --- programs ---


@pytest.fixture
def answers(monkeypatch):
    """The answers that programs give, by their option."""
    given = {}
    monkeypatch.setattr(programs, "_answer", lambda path, option: given.get(option, ""))
    monkeypatch.setattr(programs, "_find_dotnet", lambda: "/d/dotnet")
    monkeypatch.setattr(programs.shutil, "which", lambda name: f"/w/{name}")
    return given


def test_the_finding_of_dotnet_has_its_sdks(answers):
    answers["--list-sdks"] = "8.0.100 [/x/sdk]\n10.0.1 [/x/sdk]\n"
    assert programs.dotnet() == Finding(".NET", "SDK 8.0.100, 10.0.1 (/d/dotnet)")


def test_the_finding_of_dotnet_without_an_sdk_has_its_runtimes(answers):
    answers["--list-runtimes"] = (
        "Microsoft.AspNetCore.App 9.0.1 [/x]\nMicrosoft.NETCore.App 10.0.0 [/x]\n"
    )
    finding = programs.dotnet()
    assert (finding.status, finding.state) == ("optional", "runtime 10.0.0, no SDK (/d/dotnet)")


def test_a_dotnet_that_does_not_work_is_reported(answers):
    assert programs.dotnet().state == "/d/dotnet does not work"


def test_a_missing_dotnet_has_a_remedy(monkeypatch):
    monkeypatch.setattr(programs, "_find_dotnet", lambda: None)
    finding = programs.dotnet()
    assert finding.status == "optional"
    assert "dotnet" in finding.remedy.lower()


@posix
def test_the_finding_of_wine_has_its_version(answers):
    answers["--version"] = "wine-8.0\n"
    assert programs.wine() == Finding("Wine", "wine-8.0 (/w/wine)")


@posix
def test_a_missing_wine_is_optional(monkeypatch):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    assert programs.wine().status == "optional"


@posix
def test_dotnet_is_found_through_dotnet_root(tmp_path, monkeypatch):
    program = tmp_path / "dotnet"
    program.write_text("#!/bin/sh\necho '9.0.7 [/x]'\n")
    program.chmod(0o755)
    monkeypatch.setenv("DOTNET_ROOT", str(tmp_path))
    assert programs.dotnet() == Finding(".NET", f"SDK 9.0.7 ({program})")


@posix
def test_a_program_that_can_not_be_started_has_an_empty_answer(tmp_path):
    assert programs._answer(str(tmp_path / "none"), "--version") == ""
    assert programs._answer("false") == ""


# --- remedies ---


@pytest.mark.parametrize(
    ("families", "root", "line"),
    [
        ({"debian"}, True, "apt-get install -y deb"),
        ({"ubuntu", "debian"}, False, "sudo apt-get install -y deb"),
        ({"fedora"}, True, "dnf install -y rpm"),
        ({"win32"}, False, "winget install win"),
        ({"darwin"}, True, "otherwise"),
        (set(), True, "otherwise"),
    ],
)
def test_the_remedy_fits_the_system(monkeypatch, families, root, line):
    monkeypatch.setattr(remedies, "_families", lambda: families)
    monkeypatch.setattr(remedies.os, "geteuid", lambda: 0 if root else 1000, raising=False)
    packages = {"debian": "deb", "ubuntu": "deb", "fedora": "rpm", "win32": "win"}
    assert remedies.install(packages, "otherwise") == line


def test_pip_is_run_by_this_python(monkeypatch):
    monkeypatch.setattr(remedies, "_is_externally_managed", lambda: False)
    line = f'"{sys.executable}" -m pip install "x>=1"'
    assert remedies.pip("x>=1", {"debian": "python3-x"}) == line


def test_for_an_externally_managed_python_the_systems_package_is_installed(monkeypatch):
    monkeypatch.setattr(remedies, "_is_externally_managed", lambda: True)
    monkeypatch.setattr(remedies, "_families", lambda: {"debian"})
    monkeypatch.setattr(remedies.os, "geteuid", lambda: 0, raising=False)
    assert remedies.pip("x>=1", {"debian": "python3-x"}) == "apt-get install -y python3-x"
    line = remedies.pip("y>=1")
    assert " -m venv --system-site-packages venv && " in line
    assert line.endswith('pip install "y>=1"')


def test_a_python_with_the_marker_is_externally_managed(tmp_path, monkeypatch):
    monkeypatch.setattr(remedies.sysconfig, "get_path", lambda _: str(tmp_path))
    monkeypatch.setattr(sys, "base_prefix", sys.prefix)
    assert not remedies._is_externally_managed()
    (tmp_path / "EXTERNALLY-MANAGED").touch()
    assert remedies._is_externally_managed()
    monkeypatch.setattr(sys, "base_prefix", str(tmp_path))
    assert not remedies._is_externally_managed()


# --- the command ---


@pytest.fixture
def examined(monkeypatch):
    """The findings that the command prints."""
    found = [Finding("a", "works"), Finding("b", "none", "get b")]
    monkeypatch.setattr(doctor, "examine", lambda: iter(found))
    return found


def test_the_exit_status_of_a_healthy_machine_is_0(examined, capsys):
    assert main(["doctor"]) == 0
    assert capsys.readouterr().out == "ok       a: works\noptional b: none\n         get b\n"


def test_the_exit_status_is_1_if_something_needed_is_missing(examined, capsys):
    examined.append(Finding("c", "none", "get c", True))
    assert main(["doctor"]) == 1
    assert "MISSING  c: none\n         get c\n" in capsys.readouterr().out


@pytest.mark.parametrize("healthy", [True, False])
def test_the_findings_as_json(examined, capsys, healthy):
    if not healthy:
        examined[0] = Finding("a", "none", "get a", True)
    assert main(["doctor", "--json"]) == (0 if healthy else 1)
    printed = json.loads(capsys.readouterr().out)
    assert printed["healthy"] is healthy
    assert printed["findings"][1] == {
        "subject": "b", "status": "optional", "state": "none", "remedy": "get b",
    }  # fmt: skip
    assert printed["findings"][0]["status"] == ("ok" if healthy else "missing")
    assert (printed["findings"][0]["remedy"] is None) is healthy


def test_without_pillow_the_round_trip_of_a_blob_is_a_finding(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL", None)
    finding = by_subject(maps.round_trips())["round trip: blob"]
    assert finding.status == "MISSING"
    assert "PIL" in finding.state
