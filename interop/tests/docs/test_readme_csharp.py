"""The README's C# example compiles and reads what Python wrote."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from interop.doc_examples.pages import DOCS, code_of
from interop.exchange.place import Place
from interop.peers.compile import compile_program
from interop.peers.start import python_peer
from pyshm import LatestChannel


@pytest.mark.dotnet
def test_the_reader_prints_the_path_and_the_size(place: Place, tmp_path: Path) -> None:
    name = place.name()
    source = code_of(DOCS.parent / "README.md", "Reader.cs").replace('"picture"', f'"{name}"')
    program = compile_program("Reader", source, tmp_path)
    writer = python_peer()
    writer.request(
        {"do": "helper", "as": "m", "how": "create-or-open", "name": name},
        {"do": "write-image", "helper": "m", "path": "photo.png", "bytes": "00" * 1234},
    )
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    writer.close()
    assert done.stdout == "photo.png: 1234 bytes\n", done.stderr


@pytest.mark.dotnet
@pytest.mark.skipif(sys.platform != "linux", reason="channels are for Linux")
def test_the_viewer_prints_the_frames_of_a_channel(place: Place, tmp_path: Path) -> None:
    np = pytest.importorskip("numpy")
    name = place.name()
    source = code_of(DOCS.parent / "README.md", "Live.cs").replace('"camera"', f'"{name}"')
    program = compile_program("Live", source, tmp_path)
    with (
        LatestChannel.create(name, array=("u1", (2, 3, 3))) as channel,
        channel.writer() as writer,
    ):
        writer.publish(np.full((2, 3, 3), 255, "u1"))
        viewer = subprocess.Popen(program, stdout=subprocess.PIPE, text=True)
        try:
            assert viewer.stdout is not None
            assert viewer.stdout.readline() == "frame 1: 255, 0 skipped\n"
            writer.publish(np.full((2, 3, 3), 7, "u1"))
            assert viewer.stdout.readline() == "frame 2: 7, 0 skipped\n"
            writer.close()
            assert viewer.communicate(timeout=60)[0] == ""
            assert viewer.returncode == 0
        finally:
            viewer.kill()
            viewer.communicate()
