"""The README's C# example compiles and reads what Python wrote."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from interop import toolchain
from interop.exchange import Place
from interop.peers import python_peer

ROOT = Path(__file__).resolve().parent.parent
PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework>
    <UseAppHost>false</UseAppHost>
  </PropertyGroup>
  <ItemGroup><ProjectReference Include="{library}" /></ItemGroup>
</Project>
"""


@pytest.mark.dotnet
def test_the_reader_prints_the_path_and_the_size(place: Place, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- example: Reader\.cs -->\n```csharp\n(.*?)```", text, re.DOTALL)
    assert found
    name = place.name()
    folder = tmp_path / "Reader"
    folder.mkdir()
    (folder / "Reader.cs").write_text(found[1].replace('"picture"', f'"{name}"'))
    csharp = ROOT / "interop" / "csharp"
    library = csharp / "SharedMemory" / "SharedMemory.csproj"
    (folder / "Reader.csproj").write_text(PROJECT.format(library=library))
    props = csharp / "Directory.Build.props"
    (folder / "Directory.Build.props").write_text(
        f'<Project><Import Project="{props}" /></Project>\n'
    )
    dotnet = str(toolchain.find_dotnet().path)
    output = tmp_path / "artifacts"
    built = subprocess.run(
        [dotnet, "build", str(folder), "-c", "Release", "--artifacts-path", str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stdout
    writer = python_peer()
    writer.request(
        {"do": "helper", "as": "m", "how": "create-or-open", "name": name},
        {"do": "write-image", "helper": "m", "path": "photo.png", "bytes": "00" * 1234},
    )
    program = output / "bin" / "Reader" / "release" / "Reader.dll"
    done = subprocess.run(
        [dotnet, str(program)], capture_output=True, text=True, check=False, timeout=60
    )
    writer.close()
    assert done.stdout == "photo.png: 1234 bytes\n", done.stderr
