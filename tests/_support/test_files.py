"""Files: bounded reading, and atomic replacement."""

from __future__ import annotations

import io
import os
import sys

import pytest

from pyshm import ImageData
from pyshm._support import files as _files
from pyshm._support.files import read_at_most
from pyshm.cli.transfer import read_picture
from pyshm.errors import FormatError
from pyshm.formats import blob


def write(path, data):
    with _files.whole_file(path) as file:
        file.write(data)


def test_a_file_is_created(tmp_path):
    write(tmp_path / "new", b"abc")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("new", b"abc")]


def test_an_existing_file_is_replaced_and_not_overwritten(tmp_path):
    path = tmp_path / "there"
    path.write_bytes(b"old and long")
    with path.open("rb") as before:
        if sys.platform == "win32":
            before.close()  # Windows does not replace an open file
        write(path, b"abc")
        assert sys.platform == "win32" or before.read() == b"old and long"
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("there", b"abc")]


def test_an_error_leaves_only_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "there"
    path.write_bytes(b"old")

    def refuse(*_):
        raise OSError("disk on fire")

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="disk on fire"):
        write(path, b"abc")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("there", b"old")]


def test_a_missing_folder_raises_the_error_of_open(tmp_path):
    path = tmp_path / "none" / "new"
    with pytest.raises(FileNotFoundError) as caught:
        write(path, b"abc")
    assert caught.value.filename == str(path)  # not the name under which it was begun
    with pytest.raises(FileNotFoundError):
        write("", b"abc")


def test_a_block_that_fails_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError), _files.whole_file(tmp_path / "new") as file:
        file.write(b"abc" * (1 // 0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no files that are pipes")
def test_a_path_that_is_not_a_regular_file_is_opened_for_writing(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, b"abc")
        assert os.read(reader, 10) == b"abc"
    finally:
        os.close(reader)
    assert pipe.is_fifo()


@pytest.mark.skipif(sys.platform == "win32", reason="links and modes are POSIX's")
def test_a_link_stays_a_link_and_the_mode_is_kept(tmp_path):
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_bytes(b"old")
    target.chmod(0o604)
    link.symlink_to(target)
    write(link, b"abc")
    assert link.is_symlink()
    assert (target.read_bytes(), target.stat().st_mode & 0o777) == (b"abc", 0o604)


def test_at_most_a_number_of_bytes_is_read():
    assert read_at_most(io.BytesIO(b"abc"), 3) == b"abc"
    assert read_at_most(io.BytesIO(b"abcdef"), 3) == b"abcd"
    assert read_at_most(io.BytesIO(bytes(3_000_000)), 2_500_000) == bytes(2_500_001)


def test_a_file_that_is_too_large_for_a_blob_is_not_read(monkeypatch, tmp_path):
    monkeypatch.setattr(blob, "INT32_MAX", 5)
    (tmp_path / "x").write_bytes(b"123456")
    for read in (ImageData.from_file, read_picture):
        with pytest.raises(FormatError):
            read(str(tmp_path / "x"))
    (tmp_path / "x").write_bytes(b"12345")
    assert ImageData.from_file(tmp_path / "x").content == b"12345"


@pytest.mark.parametrize(
    "path",
    [
        "a\0b",
        pytest.param(
            "\ud800",
            marks=pytest.mark.skipif(
                sys.platform == "win32", reason="a file of Windows can have such a name"
            ),
        ),
    ],
    ids=["NUL", "surrogate"],
)
def test_a_path_that_no_file_can_have_is_an_error_of_the_system(path):
    with pytest.raises(OSError, match=r"null|surrogates"):
        _files.open_regular(path)
