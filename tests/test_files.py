"""Files that are there in whole or not at all."""

from __future__ import annotations

import os
import sys

import pytest

from pyshm import _files


def test_a_file_is_made(tmp_path):
    _files.write_whole(tmp_path / "new", b"abc")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new", b"abc")]


def test_a_file_that_is_there_is_replaced_and_not_written_into(tmp_path):
    path = tmp_path / "there"
    path.write_bytes(b"old and long")
    with path.open("rb") as before:
        if sys.platform == "win32":
            before.close()  # nobody can replace an open file there
        _files.write_whole(path, b"abc")
        assert sys.platform == "win32" or before.read() == b"old and long"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("there", b"abc")]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = tmp_path / "there"
    path.write_bytes(b"old")

    def refuse(*_):
        raise OSError("disk on fire")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk on fire"):
        _files.write_whole(path, b"abc")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("there", b"old")]


def test_a_folder_that_is_missing_is_the_error_of_open(tmp_path):
    with pytest.raises(FileNotFoundError):
        _files.write_whole(tmp_path / "none" / "new", b"abc")


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX's")
def test_a_link_stays_one_and_the_mode_is_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o604)
    link.symlink_to(target)
    _files.write_whole(link, b"abc")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"abc", 0o604)
