"""``pyshm list`` and ``pyshm clean`` for users and scripts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyshm import ImageData, ShareMemoryHelper, TestData
from pyshm.cli import main

windows = pytest.mark.skipif(sys.platform != "win32", reason="about Windows")
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to list named maps")
linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    directory = tmp_path / "maps"
    directory.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(directory))
    return directory


@pytest.fixture
def run_command(capsys):
    """``run_command(*arguments)`` runs a command and returns its status and its lines."""

    def say(*arguments):
        status = main(arguments)
        return status, capsys.readouterr().out.splitlines()

    return say


def dead(folder, name, content):
    path = folder / name
    path.write_bytes(content)
    path.chmod(0o600)
    return path


STRUCT = TestData.standard().to_bytes()


@posix
def test_the_list_is_a_table_with_one_line_for_each_map(folder, run_command):
    dead(folder, "gone", STRUCT)
    with ShareMemoryHelper("picture", 4096).create_or_open() as memory:
        memory.write_image(ImageData("é.png", b"\x89PNG\r\n\x1a\n"))
        status, lines = run_command("list")
    assert status == 0
    assert lines[0].split() == ["NAME", "SIZE", "STATE", "HOLDS", "HELD", "BY"]
    assert lines[1] == "gone     48     dead   unknown                no process"
    assert lines[2].startswith("picture  4,096  alive  blob (é.png, 8 bytes)  ")
    assert len(lines) == 3


@linux
def test_the_list_names_the_process_that_holds_a_map(folder, run_command, holder):
    process = holder("x")
    name = sys.executable.rpartition("/")[2]
    assert f"  {process.pid} {name} -c " in run_command("list")[1][1]
    process.finish()


def test_the_list_shows_what_a_command_does_and_not_where_its_files_are():
    from pyshm.cli.maps import _short

    python = "/home/somebody/projects/a-long-name/.venv/bin/python3"
    pyshm = "/home/somebody/projects/a-long-name/.venv/bin/pyshm"
    assert _short(f"{python} {pyshm} write-image picture /home/somebody/photo.png") == (
        "python3 pyshm write-image picture photo.png"
    )
    assert _short("/opt/App/App --folder /opt/data/ --a=/b/c") == "App --folder /opt/data/ c"
    assert len(_short("x" * 200)) == 80


def test_the_list_names_processes_that_have_a_map_open_without_holding_it():
    from pyshm.cli.maps import _holders
    from pyshm.listing.entries import Holder, ListedMap

    item = ListedMap("x", "/x", 64, "alive", Path().stat())
    used = item._replace(holders=(), users=(Holder(7, "/usr/bin/python a.py"),))
    assert _holders(used)[0] == "7 python a.py (has its file locked or open)"
    waiting = item._replace(holders=(), users=(), reason="its file stays locked")
    assert _holders(waiting)[0] == "its file stays locked"


@posix
def test_the_list_as_json(folder, run_command):
    dead(folder, "x", STRUCT)
    status, [line] = run_command("list", "--json")
    [found] = json.loads(line)["maps"]
    nothing = [] if sys.platform == "linux" else None
    assert (status, found) == (
        0,
        {
            "name": "x",
            "path": str(folder / "x"),
            "size": 48,
            "state": "dead",
            "kind": "unknown",
            "detail": "",
            "holders": nothing,
            "users": nothing,
            "reason": "",
        },
    )


@linux
def test_the_json_of_the_list_has_the_holders(folder, run_command, holder):
    process = holder("x")
    [found] = json.loads(run_command("list", "--json")[1][0])["maps"]
    [holder] = found["holders"]
    assert holder["pid"] == process.pid
    assert holder["command"].startswith(sys.executable)
    process.finish()


@posix
def test_an_empty_list_says_so(folder, run_command):
    assert run_command("list") == (0, ["no named maps"])
    assert run_command("list", "--json") == (0, ['{"maps": []}'])


@posix
def test_files_that_are_not_maps_are_listed_only_with_the_option_all(folder, run_command):
    (folder / "sem.x").write_bytes(b"x")
    assert run_command("list") == (0, ["no named maps"])
    assert json.loads(run_command("list", "--json")[1][0]) == {"maps": []}
    line = run_command("list", "--all")[1][1]
    assert line.startswith("sem.x  1     other  -")
    assert "must not begin with 'sem.'" in line
    assert json.loads(run_command("list", "--all", "--json")[1][0])["maps"][0]["state"] == "other"


@posix
def test_names_prints_only_the_names_of_maps_that_are_alive(folder, run_command):
    dead(folder, "gone", STRUCT)
    with ShareMemoryHelper("b").create_or_open(), ShareMemoryHelper("a").create_or_open():
        assert run_command("list", "--names") == (0, ["a", "b"])
        assert run_command("list", "--names", "--json") == (0, ['{"names": ["a", "b"]}'])


@posix
def test_all_and_names_contradict_each_other(run_command):
    assert run_command("list", "--all", "--names")[0] == 2


@posix
def test_clean_prints_what_it_removed(folder, run_command):
    dead(folder, "x", STRUCT)
    assert run_command("clean", "--dry-run") == (0, ["would remove x (48 bytes)"])
    assert run_command("clean") == (0, ["removed x (48 bytes)"])
    assert run_command("clean") == (0, ["nothing to clean"])
    assert list(folder.iterdir()) == []


@posix
def test_clean_as_json(folder, run_command, monkeypatch):
    monkeypatch.setattr("pyshm.maps.posix.directory.directory_is_chosen", lambda: False)
    dead(folder, "x", bytes(48))
    dead(folder, "y", b"something")
    status, [line] = run_command("clean", "--json")
    done = json.loads(line)
    assert status == 0
    assert done["dry_run"] is False
    assert done["removed"] == [{"name": "x", "size": 48}]
    [kept] = done["kept"]
    assert kept["name"] == "y"
    assert "may be another program's" in kept["reason"]
    assert json.loads(run_command("clean", "y", "--json")[1][0])["kept"] == []


@posix
def test_clean_prints_what_it_keeps_and_why(folder, run_command, monkeypatch):
    monkeypatch.setattr("pyshm.maps.posix.directory.directory_is_chosen", lambda: False)
    dead(folder, "y", b"something")
    status, [line] = run_command("clean")
    assert status == 0
    assert line.startswith("kept y: its content is unknown")
    assert line.endswith("; 'pyshm clean y' removes it")
    assert "'pyshm clean y' removes it" in run_command("list")[1][1]
    dead(folder, "-a b", b"something")
    assert run_command("clean")[1][0].endswith("; 'pyshm clean -- '-a b'' removes it")
    assert run_command("clean", "--", "-a b") == (0, ["removed -a b (9 bytes)"])


@posix
def test_a_named_map_that_can_not_be_removed_is_status_1(folder, run):
    with ShareMemoryHelper("x").create_or_open():
        result = run("clean", "x")
    assert (result.status, result.out) == (1, [])
    assert result.errors == f"pyshm: {folder / 'x'} is not removed: a process holds it\n"
    assert run("clean", "x").errors == "pyshm: no map named 'x'; pyshm list shows the maps\n"


@linux
def test_a_named_map_whose_memory_is_in_use_is_kept_with_status_1(folder, run_command):
    path = dead(folder, "x", bytes(48))
    with path.open("rb"):
        status, [line] = run_command("clean", "x")
    assert (status, line) == (1, f"kept x: process {os.getpid()} uses its memory")


@windows
@pytest.mark.parametrize("arguments", [["list"], ["list", "--names"], ["clean"]])
def test_on_windows_the_error_says_that_maps_can_not_be_listed(run, arguments):
    result = run(*arguments)
    assert (result.status, result.out) == (1, [])
    assert "Windows has no documented way to list named maps" in result.errors


@posix
@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["list", "--help"]])
def test_a_closed_pipe_ends_the_list_with_status_1(folder, child_environment, arguments):
    for number in range(2000):
        os.link(dead(folder, "x", STRUCT) if not number else folder / "x", folder / f"x{number}")
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pyshm", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=write,
            stderr=subprocess.PIPE,
            env={**child_environment, "PYTHONUNBUFFERED": ""},
            timeout=60,
            check=False,
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, b"")
