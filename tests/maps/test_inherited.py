"""A child process uses a map through the handle that it inherits, without name or path."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from pyshm import FileMode, HandleInheritability, MemoryMappedFile

if sys.platform != "win32":
    from pyshm.maps.posix import unnamed
    from pyshm.maps.posix.files import mark

INHERITABLE = HandleInheritability.INHERITABLE

USER = """
import sys
from pyshm import MemoryMappedFile
with MemoryMappedFile.from_handle(int(sys.argv[1])) as shared:
    with shared.create_view_accessor() as view:
        view.write_int32(4, view.read_int32(0) + 1)
print("READY", flush=True)
sys.stdin.read()
"""

STRANGER = """
import sys
from pyshm import MemoryMappedFile
try:
    MemoryMappedFile.from_handle(int(sys.argv[1]))
except OSError:
    print("READY", flush=True)
sys.stdin.read()
"""


def passing(handle):
    if sys.platform == "win32":
        return {"startupinfo": subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})}
    return {"pass_fds": [handle]}


def everything():
    """Let the child inherit every inheritable handle (on POSIX, with the same number)."""
    return {"close_fds": False}


def _made(kind, name, folder, inheritability):
    if kind == "anonymous":
        return MemoryMappedFile.create_new(None, 4096, inheritability=inheritability)
    if kind == "file":
        path = folder / "map"
        return MemoryMappedFile.create_from_file(
            path, FileMode.CREATE_NEW, None, 4096, inheritability=inheritability
        )
    return MemoryMappedFile.create_new(name, 4096, inheritability=inheritability)


@pytest.mark.parametrize("how", ["listed", "all"])
@pytest.mark.parametrize("kind", ["anonymous", "named", "file"])
def test_a_child_uses_the_map_it_inherits(kind, how, child, map_name, tmp_path):
    with (
        _made(kind, map_name, tmp_path, INHERITABLE) as shared,
        shared.create_view_accessor() as view,
    ):
        view.write_int32(0, 41)
        handle = shared.handle
        options = passing(handle) if how == "listed" else everything()
        child(USER, str(handle), **options).finish()
        assert view.read_int32(4) == 42
        # The child released only its own hold.
        shared.create_view_accessor().close()
        if kind == "named":
            MemoryMappedFile.open_existing(map_name).close()


def test_an_opened_map_is_inherited(child, map_name):
    with (
        MemoryMappedFile.create_new(map_name, 4096) as made,
        made.create_view_accessor() as view,
        MemoryMappedFile.open_existing(map_name, inheritability=INHERITABLE) as opened,
    ):
        view.write_int32(0, 41)
        child(USER, str(opened.handle), **passing(opened.handle)).finish()
        assert view.read_int32(4) == 42


@pytest.mark.parametrize("kind", ["anonymous", "named", "file"])
def test_a_map_that_is_not_inheritable_does_not_reach_a_child(kind, child, map_name, tmp_path):
    with _made(kind, map_name, tmp_path, HandleInheritability.NONE) as shared:
        child(STRANGER, str(shared.handle), **everything()).finish()


def test_the_last_holder_of_an_inherited_named_map_removes_it(child, map_name):
    shared = MemoryMappedFile.create_new(map_name, 4096, inheritability=INHERITABLE)
    holder = child(HOLDER, str(shared.handle), **passing(shared.handle))
    shared.close()
    MemoryMappedFile.open_existing(map_name).close()
    holder.finish()
    with pytest.raises(FileNotFoundError):
        MemoryMappedFile.open_existing(map_name)


HOLDER = """
import sys
from pyshm import MemoryMappedFile
with MemoryMappedFile.from_handle(int(sys.argv[1])):
    print("READY", flush=True)
    sys.stdin.read()
"""


ELSEWHERE = """
import sys
from pyshm import MemoryMappedFile
with MemoryMappedFile.from_handle(int(sys.argv[1])) as shared:
    view = shared.create_view_accessor()
    print("READY", flush=True)
    sys.stdin.readline()
print("closed", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="Linux knows the directory of a descriptor")
@pytest.mark.parametrize("other", ["another directory", "none"])
@pytest.mark.parametrize("private", [False, True])
def test_an_inherited_map_is_released_after_another_directory_was_chosen(
    other, private, child, tmp_path, monkeypatch
):
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(first))
    if private:
        monkeypatch.setattr(unnamed, "_O_TMPFILE", 0)
    shared = MemoryMappedFile.create_new("map", 4096, inheritability=INHERITABLE)
    if other == "another directory":
        second.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(second))
    holder = child(ELSEWHERE, str(shared.handle), **passing(shared.handle))
    shared.close()
    assert holder.ask("close") == "closed"
    assert list(first.iterdir()) == []  # the view does not keep the name


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other handles")
def test_a_file_that_is_not_a_map_is_not_removed(tmp_path):
    path = tmp_path / "#1 (deleted)"
    path.write_bytes(b"0123")
    path.chmod(0o600)
    number = os.open(path, os.O_RDWR)
    if sys.platform == "linux":
        mark(number)  # as a database may do
    MemoryMappedFile.from_handle(number).close()
    assert path.read_bytes() == b"0123"
