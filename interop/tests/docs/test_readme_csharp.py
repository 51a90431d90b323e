"""The README's C# example compiles and reads what Python wrote."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from interop.doc_examples.pages import DOCS, code_of
from interop.exchange.place import Place
from interop.peers.compile import compile_program
from interop.peers.start import python_peer


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
