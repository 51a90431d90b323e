"""``pyshm list`` and ``pyshm clean`` as a person or a script sees them."""

from __future__ import annotations

import json
import os
import subprocess
import sys

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
def said(capsys):
    """``said(*arguments)``: the status and the lines of a command that runs in this process."""

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
def test_the_list_is_a_table_with_one_line_for_each_map(folder, said):
    dead(folder, "gone", STRUCT)
    with ShareMemoryHelper("picture", 4096).create_or_open() as memory:
        memory.write_image(ImageData("é.png", b"xyz"))
        status, lines = said("list")
    assert status == 0
    assert lines[0].split() == ["NAME", "SIZE", "STATE", "HOLDS", "HELD", "BY"]
    assert lines[1].startswith("gone     48     dead   TestData (Id=100,")
    assert lines[1].endswith("  nobody")
    assert lines[2].startswith("picture  4,096  alive  blob (é.png, 3 bytes)")
    assert len(lines) == 3


@linux
def test_the_list_names_the_process_that_holds_a_map(folder, said, holder):
    process = holder("x")
    assert f"  {process.pid} {sys.executable}"[:30] in said("list")[1][1]
    process.finish()


@posix
def test_the_list_as_json(folder, said):
    dead(folder, "x", STRUCT)
    status, [line] = said("list", "--json")
    [found] = json.loads(line)["maps"]
    nobody = [] if sys.platform == "linux" else None
    assert (status, found) == (
        0,
        {
            "name": "x",
            "path": str(folder / "x"),
            "size": 48,
            "state": "dead",
            "kind": "TestData",
            "detail": str(TestData.standard()),
            "holders": nobody,
            "users": nobody,
            "reason": "",
        },
    )


@linux
def test_the_lists_json_has_the_holders(folder, said, holder):
    process = holder("x")
    [found] = json.loads(said("list", "--json")[1][0])["maps"]
    [told] = found["holders"]
    assert told["pid"] == process.pid
    assert told["command"].startswith(sys.executable)
    process.finish()


@posix
def test_an_empty_list_says_so(folder, said):
    assert said("list") == (0, ["no named maps"])
    assert said("list", "--json") == (0, ['{"maps": []}'])


@posix
def test_files_that_are_no_maps_are_listed_with_all_only(folder, said):
    (folder / "sem.x").write_bytes(b"x")
    assert said("list") == (0, ["no named maps"])
    assert json.loads(said("list", "--json")[1][0]) == {"maps": []}
    line = said("list", "--all")[1][1]
    assert line.startswith("sem.x  1     other  -")
    assert "must not begin with 'sem.'" in line
    assert json.loads(said("list", "--all", "--json")[1][0])["maps"][0]["state"] == "other"


@posix
def test_names_are_those_of_the_living_and_nothing_else(folder, said):
    dead(folder, "gone", STRUCT)
    with ShareMemoryHelper("b").create_or_open(), ShareMemoryHelper("a").create_or_open():
        assert said("list", "--names") == (0, ["a", "b"])
        assert said("list", "--names", "--json") == (0, ['{"names": ["a", "b"]}'])


@posix
def test_all_and_names_contradict_each_other(said):
    assert said("list", "--all", "--names")[0] == 2


@posix
def test_clean_says_what_it_removed(folder, said):
    dead(folder, "x", STRUCT)
    assert said("clean", "--dry-run") == (0, ["would remove x (48 bytes)"])
    assert said("clean") == (0, ["removed x (48 bytes)"])
    assert said("clean") == (0, ["nothing to clean"])
    assert list(folder.iterdir()) == []


@posix
def test_clean_as_json(folder, said, monkeypatch):
    monkeypatch.setattr("pyshm.maps.posix.directory.directory_is_chosen", lambda: False)
    dead(folder, "x", STRUCT)
    dead(folder, "y", b"something")
    status, [line] = said("clean", "--json")
    done = json.loads(line)
    assert status == 0
    assert done["dry_run"] is False
    assert done["removed"] == [{"name": "x", "size": 48}]
    [kept] = done["kept"]
    assert kept["name"] == "y"
    assert "may be another program's" in kept["reason"]
    assert json.loads(said("clean", "y", "--json")[1][0])["kept"] == []


@posix
def test_clean_tells_what_it_keeps(folder, said, monkeypatch):
    monkeypatch.setattr("pyshm.maps.posix.directory.directory_is_chosen", lambda: False)
    dead(folder, "y", b"something")
    status, [line] = said("clean")
    assert status == 0
    assert line.startswith("kept y: its bytes are unknown")


@posix
def test_a_named_map_that_can_not_be_removed_is_status_1(folder, run):
    with ShareMemoryHelper("x").create_or_open():
        result = run("clean", "x")
    assert (result.status, result.out) == (1, [])
    assert result.errors == f"pyshm: {folder / 'x'} is not removed: a process holds it\n"
    assert run("clean", "x").errors == "pyshm: no map named 'x'\n"


@linux
def test_a_named_map_whose_memory_is_in_use_is_kept_with_status_1(folder, said):
    path = dead(folder, "x", STRUCT)
    with path.open("rb"):
        status, [line] = said("clean", "x")
    assert (status, line) == (1, f"kept x: process {os.getpid()} uses its memory")


@windows
@pytest.mark.parametrize("arguments", [["list"], ["list", "--names"], ["clean"]])
def test_windows_says_plainly_that_it_can_not(run, arguments):
    result = run(*arguments)
    assert (result.status, result.out) == (1, [])
    assert "Windows has no documented way to list named maps" in result.errors


@posix
@pytest.mark.parametrize("arguments", [["list"], ["--help"], ["list", "--help"]])
def test_a_reader_of_a_list_that_has_enough_is_no_story(folder, child_environment, arguments):
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
