"""Sources that never end, never begin, or grow are errors, and little of them is read."""

from __future__ import annotations

import io
import os
import sys
import threading
from pathlib import Path

import pytest

from pyshm import ImageData
from pyshm._support import sources
from pyshm._support.sources import Source
from pyshm.cli.transfer import read_picture
from pyshm.errors import FormatError, UnsupportedError

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
READERS = pytest.mark.parametrize("read", [ImageData.from_file, read_picture])


class Counting(io.FileIO):
    """A file that counts the bytes that are read."""

    def __init__(self, number):
        super().__init__(number)
        self.taken = 0

    def read(self, size=-1):
        part = super().read(size)
        self.taken += len(part)
        return part


@posix
@READERS
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/full", "/dev/null"])
def test_a_device_is_refused_before_it_is_read(read, device):
    with pytest.raises(UnsupportedError, match=f"{device} is a device") as caught:
        read(device)
    assert caught.value.value == device


@posix
def test_a_device_as_standard_input_is_refused(monkeypatch):
    with Path("/dev/zero").open(encoding="latin-1") as file:
        monkeypatch.setattr(sys, "stdin", file)
        with pytest.raises(UnsupportedError, match="standard input is a device"):
            read_picture("-")


@posix
@READERS
def test_a_pipe_without_a_writer_is_refused(read, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE", 0.01)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsupportedError, match="is a pipe that no process has open for writing"):
        read(str(tmp_path / "pipe"))


@posix
@READERS
@pytest.mark.parametrize("size", [3, 300_000])
def test_a_pipe_with_a_writer_is_read_to_its_end(read, size, tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(b"x" * size,))
    writer.start()
    assert bytes(read(str(path)).content) == b"x" * size
    writer.join()


@posix
def test_a_writer_that_has_written_nothing_yet_is_waited_for(tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_PATIENCE", 0.01)
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    writer = os.open(path, os.O_WRONLY)
    with Source.open(str(path)) as source:
        os.write(writer, b"abc")
        os.close(writer)
        assert source.read() == b"abc"
    os.close(reader)


@posix
def test_a_pipe_that_never_ends_is_read_to_a_limit(monkeypatch):
    monkeypatch.setattr(sources, "_STREAM_LIMIT", 1_000_000)
    reading, writing = os.pipe()

    def write():
        try:
            while True:
                os.write(writing, bytes(65536))
        except BrokenPipeError:
            os.close(writing)

    writer = threading.Thread(target=write)
    with Counting(reading) as file:
        writer.start()
        with pytest.raises(FormatError, match="pipe has more than 1,000,000 bytes") as caught:
            Source(file, "pipe").read()
        assert (caught.value.kind, caught.value.limit) == ("too-long", 1_000_000)
        assert file.taken <= 1_000_000 + sources._PART
    writer.join()


@READERS
def test_a_file_that_grows_is_refused(read, tmp_path, monkeypatch):
    path = tmp_path / "growing"
    path.write_bytes(b"x" * 1000)
    really = Source.__init__

    def grow(self, *arguments):
        really(self, *arguments)
        with path.open("ab") as file:
            file.write(b"y")

    monkeypatch.setattr(Source, "__init__", grow)
    with pytest.raises(FormatError, match="had 1,000 bytes when it was opened, and grows"):
        read(str(path))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these files")
@READERS
def test_a_file_without_a_known_size_is_read(read):
    assert b"Linux" in bytes(read("/proc/version").content)


@READERS
def test_a_folder_and_a_missing_file_are_errors_of_the_system(read, tmp_path):
    with pytest.raises(FileNotFoundError):
        read(str(tmp_path / "none"))
    with pytest.raises(PermissionError if sys.platform == "win32" else IsADirectoryError):
        read(str(tmp_path))
