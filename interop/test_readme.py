"""The README's C# example compiles and reads what Python wrote."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from interop.exchange import Place
from interop.peers import python_peer
from interop.programs import compile_program

ROOT = Path(__file__).resolve().parent.parent


@pytest.mark.dotnet
def test_the_reader_prints_the_path_and_the_size(place: Place, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- example: Reader\.cs -->\n```csharp\n(.*?)```", text, re.DOTALL)
    assert found
    name = place.name()
    program = compile_program("Reader", found[1].replace('"picture"', f'"{name}"'), tmp_path)
    writer = python_peer()
    writer.request(
        {"do": "helper", "as": "m", "how": "create-or-open", "name": name},
        {"do": "write-image", "helper": "m", "path": "photo.png", "bytes": "00" * 1234},
    )
    done = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)
    writer.close()
    assert done.stdout == "photo.png: 1234 bytes\n", done.stderr
