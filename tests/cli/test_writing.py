"""The map of a writer: how large a new one is, and what happens to one that exists."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace

import pytest

from pyshm import ImageData, MemoryMappedFile, ShareMemoryHelper, TestData
from pyshm.cli import main
from pyshm.cli.common import byte_count
from pyshm.errors import MapNotFoundError

posix = pytest.mark.skipif(sys.platform == "win32", reason="a map's size can't be asked on Windows")


@pytest.fixture
def memory(map_name):
    with ShareMemoryHelper(map_name, 4096).create_or_open() as helper:
        yield helper


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", 0), ("-1", -1), ("5000", 5000), ("64K", 65536), ("1M", 1_048_576), ("1m", 1_048_576),
        ("1MiB", 1_048_576), ("10 M", 10_485_760), ("2G", 2_147_483_648), ("0x1000", 4096),
    ],
)  # fmt: skip
def test_a_number_of_bytes_can_have_a_unit(text, number):
    assert byte_count(text) == number


@pytest.mark.parametrize("text", ["", "M", "1.5M", "1MB", "1ib", "10X", "1 000", "0x", "٣"])
@pytest.mark.parametrize("option", ["--capacity", "--offset", "--length"])
def test_the_error_of_another_number_has_examples(run, option, text):
    result = run("write-struct" if option == "--capacity" else "dump", "m", f"{option}={text}")
    assert result.status == 2
    assert f"a number of bytes such as 5000, 64K, 10M or 1G, not {text!r}" in result.errors


def test_offset_and_length_can_have_units(run, tmp_path):
    (tmp_path / "map").write_bytes(bytes(1024) + b"abcd" + bytes(3068))
    result = run("dump", tmp_path / "map", "--file", "--offset", "1K", "--length", "0x4")
    assert "61 62 63 64" in result.out[1]


@posix
def test_a_new_map_has_the_given_capacity(command, map_name, map_file):
    with command("write-struct", map_name, "--capacity", "1M").ready():
        assert map_file.stat().st_size == 1_048_576


@posix
@pytest.mark.parametrize(("size", "capacity"), [(3, 10_485_760), (12_000_000, 12_000_009)])
def test_a_new_map_is_large_enough(command, map_name, map_file, tmp_path, size, capacity):
    (tmp_path / "picture").write_bytes(b"x" * size)
    with command("write-image", map_name, str(tmp_path / "picture"), "--path", "p").ready():
        assert map_file.stat().st_size == capacity
        with ShareMemoryHelper(map_name).open() as helper:
            assert len(memoryview(helper.read_image().content)) == size


def test_a_capacity_that_is_too_small_is_refused_before_the_map_exists(run, map_name, tmp_path):
    (tmp_path / "picture").write_bytes(b"x" * 500)
    result = run("write-image", map_name, tmp_path / "picture", "--path", "p", "--capacity", 508)
    assert (result.status, result.out) == (1, [])
    assert result.errors == (
        f"pyshm: 509 bytes are to be written, but the map {map_name} has 508; give a larger "
        "--capacity, or none\n"
    )
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)


class Endless(io.RawIOBase):
    """A standard input that never ends, and counts what is read."""

    def __init__(self):
        super().__init__()
        self.taken = 0
        self._ends = os.pipe()

    def fileno(self):
        return self._ends[0]

    def isatty(self):
        return False

    def read(self, size=-1):
        assert size >= 0
        self.taken += size
        return bytes(size)

    def close(self):
        if not self.closed:
            for end in self._ends:
                os.close(end)
        super().close()


@pytest.mark.parametrize(
    ("capacity", "advice"), [(["--capacity", "1M"], "larger --capacity"), ([], "choose another")]
)
@pytest.mark.usefixtures("memory")
def test_input_is_not_read_beyond_the_capacity(capsys, map_name, monkeypatch, capacity, advice):
    with Endless() as source:
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=source))
        assert main(["write-image", map_name, "-", *capacity]) == 1
        assert source.taken <= 5 << 20
    errors = capsys.readouterr().err
    assert "bytes or more are to be written, but the map" in errors
    assert advice in errors


@pytest.mark.parametrize("capacity", [["--capacity", "1M"], []])
@pytest.mark.usefixtures("memory")
def test_a_file_that_does_not_fit_is_not_read(run, map_name, tmp_path, capacity):
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(2_000_000_000)
    result = run("write-image", map_name, path, "--path", "p", *capacity)
    assert result.status == 1
    assert result.errors.startswith("pyshm: 2,000,000,009 bytes are to be written, but the map")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom"])
def test_a_device_is_not_written(run, map_name, device):
    result = run("write-image", map_name, device)
    assert (result.status, result.out) == (1, [])
    assert result.errors == (
        f"pyshm: {device} is a device, whose content may never end; copy what is to be sent to a "
        "file\n"
    )
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(map_name)


def test_a_second_writer_says_that_it_replaces_bytes(run, map_name, memory):
    memory.write_image(ImageData("p", b"xyz"))
    result = run("write-struct", map_name)
    assert (result.status, result.out) == (0, ["READY"])
    assert result.errors == (
        f"pyshm: the map {map_name} exists already; its first 48 bytes are replaced "
        "(--new refuses that)\n"
    )
    assert memory.read_struct(TestData) == TestData.standard()


def test_a_map_without_content_is_written_without_a_message(run, map_name, memory):
    assert run("write-struct", map_name).errors == ""
    assert memory.read_struct(TestData) == TestData.standard()


def test_with_the_option_new_an_existing_map_is_refused(run, map_name, memory):
    result = run("write-struct", map_name, "--new")
    assert (result.status, result.out) == (1, [])
    assert f"the map {map_name} exists already" in result.errors
    assert bytes(memory.buffer[:48]) == bytes(48)


def test_with_the_option_new_a_new_map_is_written(run, map_name):
    assert run("write-struct", map_name, "--new").out == ["READY"]


@pytest.mark.usefixtures("memory")
def test_another_capacity_than_that_of_an_existing_map_is_refused(run, map_name):
    result = run("write-struct", map_name, "--capacity", "1M")
    assert (result.status, result.out) == (1, [])
    assert "exists already and has 4,096 bytes, not those of --capacity 1048576" in result.errors
    assert run("write-struct", map_name, "--capacity", "4K").status == 0


@pytest.mark.usefixtures("memory")
def test_an_existing_map_that_is_too_small_is_an_error_with_advice(run, map_name, tmp_path):
    (tmp_path / "picture").write_bytes(b"x" * 5000)
    result = run("write-image", map_name, tmp_path / "picture", "--path", "p")
    assert (result.status, result.out) == (1, [])
    assert "5,009 bytes are to be written, but the map" in result.errors
    assert "end the processes that hold it (pyshm list shows them)" in result.errors


def test_a_file_grows_and_does_not_shrink(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(b"x" * 100)
    result = run("write-struct", path, "--file", "--capacity", 99)
    assert (result.status, path.read_bytes()) == (1, b"x" * 100)
    assert "has 100 bytes; --capacity 99 can't make it smaller" in result.errors
    assert run("write-struct", path, "--file", "--new").status == 1
    result = run("write-struct", path, "--file", "--capacity", 200)
    assert (result.status, path.stat().st_size) == (0, 200)
    assert f"the file {path} exists already; its first 48 bytes are replaced" in result.errors
    assert path.read_bytes()[48:] == b"x" * 52 + bytes(100)
