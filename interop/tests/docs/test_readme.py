"""The examples in the README run unchanged."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

import pyshm
from interop.checkout import CHECKOUT
from interop.doc_examples.pages import code_of
from pyshm import ImageData, LatestChannel, ShareMemoryHelper
from pyshm.cli.parser import build_parser

README = CHECKOUT / "README.md"


@contextmanager
def program(code: str) -> Iterator[None]:
    """Run a program that does not end by itself."""
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": str(Path(pyshm.__file__).parent.parent)},
    )
    try:
        yield
    finally:
        process.kill()
        process.wait(timeout=60)


def test_the_writer_shares_the_picture(map_name: str, tmp_path: Path) -> None:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "photo.png")
    code = code_of(README, "writer.py").replace('"picture"', repr(map_name))
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(pyshm.__file__).parent.parent)},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.read(11) == "The picture"
        with ShareMemoryHelper(map_name).open() as memory:
            image = memory.read_image()
            assert image.path == "photo.png"
            assert image.check_picture().size == (8, 8)
        process.communicate("\n", timeout=60)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()


def test_the_reader_reads_the_picture(map_name: str, capsys: pytest.CaptureFixture[str]) -> None:
    content = io.BytesIO()
    Image.new("RGB", (8, 6), "red").save(content, "PNG")
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.write_image(ImageData("photo.png", content.getvalue()))
        names: dict[str, object] = {}
        exec(code_of(README, "reader.py").replace('"picture"', repr(map_name)), names)
    assert capsys.readouterr().out == "photo.png (8, 6)\n"
    assert names["mine"] == content.getvalue()


def test_the_struct_example_prints_what_its_comments_say(
    map_name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code = code_of(README, "structs.py").replace('"player"', repr(map_name))
    module = type(sys)("readme_structs")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(code, "README.md", "exec"), module.__dict__)
    assert capsys.readouterr().out.splitlines() == [
        "Player(id=100, age=20, scores=[60, 61, 62, 63, 64, 65, 66, 67, 68, 69])",
        "21",
    ]


@pytest.mark.skipif(sys.platform != "linux", reason="channels are for Linux")
def test_the_camera_publishes_frames(map_name: str) -> None:
    pytest.importorskip("numpy")
    code = code_of(README, "live.py").replace('"camera"', repr(map_name))
    with (
        LatestChannel.create_or_open(map_name, array=("u1", (720, 1280, 3))) as channel,
        channel.viewer() as viewer,
        program(code),
    ):
        for number in 1, 2:
            with viewer.hold_next(timeout=60) as frame:
                assert frame.number >= number
                assert (frame.array == 255).all()


def test_every_command_in_the_readme_is_valid() -> None:
    lines = re.findall(r"^pyshm (.*?)(?:  +#.*)?$", README.read_text("utf-8"), re.MULTILINE)
    assert len(lines) == 5
    for line in lines:
        build_parser().parse_args(line.split())
