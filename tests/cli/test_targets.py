"""No command writes over a file that it reads, or over the file of a map that a process holds."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from pyshm import ImageData, ShareMemoryHelper
from pyshm.cli import main

DLL = Path(__file__).parents[1] / "assemblies" / "data" / "Common.dll"
STRUCT = """
from pyshm import Struct
from pyshm import types as t
class Car(Struct):
    speed: t.Int32
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="maps have no files on Windows")


def refused(capsys, *arguments):
    """Run a command that must fail, and return its error."""
    assert main([os.fspath(argument) for argument in arguments]) == 1
    notes, _, error = capsys.readouterr().err.rstrip("\n").rpartition("\n")
    assert "pyshm: " not in notes
    return error


def spellings(path, folder):
    """Return the path, and others that lead to the same file."""
    found = [path, Path(f"{path.parent}/../{path.parent.name}/{path.name}")]
    if sys.platform != "win32":  # where links need a privilege
        found.append(folder / "symbolic")
        found[-1].symlink_to(path)
        if folder.stat().st_dev == path.stat().st_dev:
            found.append(folder / "hard")
            os.link(path, found[-1])
    return found


@pytest.fixture
def picture(map_name):
    with ShareMemoryHelper(map_name, 1000).create_or_open() as memory:
        memory.write_image(ImageData("p.png", b"\x89PNG\r\n\x1a\n"))
        yield memory


WRITERS = [
    ("read-image", ["--out"]),
    ("dump", ["--html"]),
    ("dump", ["--png"]),
    ("dump", ["--json", "--html"]),
]


@posix
@pytest.mark.parametrize(("command", "options"), WRITERS)
def test_the_file_of_the_named_map_is_not_replaced(
    picture, map_name, map_file, tmp_path, capsys, command, options
):
    before = map_file.stat().st_ino
    for path in spellings(map_file, tmp_path):
        errors = refused(capsys, command, map_name, *options, path)
        assert f"is the file of the map {map_name!r} itself" in errors
    assert map_file.stat().st_ino == before
    with ShareMemoryHelper(map_name).open() as again:
        again.buffer[500] = 7
        assert picture.buffer[500] == 7


@pytest.mark.parametrize(("command", "options"), WRITERS)
def test_the_mapped_file_is_not_replaced(tmp_path, capsys, command, options):
    path = tmp_path / "map"
    content = ImageData("p.png", b"\x89PNG\r\n\x1a\n").to_bytes()
    path.write_bytes(content)
    folder = tmp_path / "links"
    folder.mkdir()
    for target in spellings(path, folder):
        errors = refused(capsys, command, path, "--file", *options, target)
        assert "is the mapped file itself" in errors
    assert path.read_bytes() == content


@posix
@pytest.mark.parametrize("command", ["read-image", "dump", "bind", "csharp", "layout"])
def test_the_file_of_another_held_map_is_not_replaced(
    picture, map_name, map_file, tmp_path, capsys, command, module_here
):
    if command == "bind":
        pytest.importorskip("dnfile")
    before = map_file.stat().st_ino
    blob = tmp_path / "blob"
    blob.write_bytes(ImageData("p.png", b"\x89PNG\r\n\x1a\n").to_bytes())
    name = module_here(STRUCT)
    arguments = {
        "read-image": [blob, "--file", "--out"],
        "dump": [blob, "--file", "--html"],
        "bind": [DLL, "-o"],
        "csharp": [f"{name}:Car", "-o"],
        "layout": [f"{name}:Car", "--svg"],
    }[command]
    link = tmp_path / "link"
    link.symlink_to(map_file)
    for path in (map_file, link):
        errors = refused(capsys, command, *arguments, path)
        assert f"is the file of the named map {map_name!r}, which a process holds" in errors
    assert map_file.stat().st_ino == before


@posix
def test_the_file_of_a_dead_map_can_be_replaced(dead_map, tmp_path):
    blob = tmp_path / "blob"
    blob.write_bytes(ImageData("p.png", b"xyz").to_bytes())
    assert main(["read-image", str(blob), "--file", "--force", "--out", str(dead_map)]) == 0
    assert dead_map.read_bytes() == b"xyz"


def test_a_picture_is_not_written_over_itself(tmp_path, capsys):
    picture = tmp_path / "photo.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    folder = tmp_path / "links"
    folder.mkdir()
    for path in spellings(picture, folder):
        assert "is the picture itself" in refused(capsys, "write-image", path, picture, "--file")
    assert picture.read_bytes() == b"\x89PNG\r\n\x1a\n"


def test_an_assembly_is_not_replaced_by_its_module(tmp_path, capsys):
    pytest.importorskip("dnfile")
    copy = tmp_path / "Common.dll"
    shutil.copy(DLL, copy)
    folder = tmp_path / "links"
    folder.mkdir()
    for path in spellings(copy, folder):
        assert "is the assembly itself" in refused(capsys, "bind", copy, "-o", path)
    assert copy.read_bytes() == DLL.read_bytes()


def test_a_module_is_not_replaced_by_its_csharp_source(module_here, tmp_path, capsys):
    name = module_here(STRUCT)
    path = tmp_path / f"{name}.py"
    assert "is the module itself" in refused(capsys, "csharp", f"{name}:Car", "-o", path)
    assert path.read_text() == STRUCT


def test_two_results_are_not_written_to_one_file(tmp_path, capsys):
    path = tmp_path / "map"
    path.write_bytes(b"x")
    for second in (tmp_path / "page", tmp_path / "." / "page"):
        errors = refused(
            capsys, "dump", path, "--file", "--html", tmp_path / "page", "--png", second
        )
        assert "--html and --png are the same file" in errors
    assert not (tmp_path / "page").exists()


@posix
def test_the_output_of_a_generator_can_be_a_pipe(tmp_path, module_here, command):
    name = module_here(STRUCT)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        process = command("csharp", f"{name}:Car", "-o", str(pipe), cwd=tmp_path)
        assert process.finish() == 0
        assert b"struct Car" in os.read(reader, 65536)
    finally:
        os.close(reader)
