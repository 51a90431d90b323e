"""The C# library as a NuGet package: its contents, and a program that references only it."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

import pyshm
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps
from interop.peers.start import python_peer
from pyshm.testing import build, sdk

from .commands import dotnet

pytestmark = [pytest.mark.slow, pytest.mark.dotnet]

PACKAGE = "Pyshm.SharedMemory"

CONFIGURATION = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources><clear /><add key="local" value="packages" /></packageSources>
  <fallbackPackageFolders><clear /></fallbackPackageFolders>
</configuration>
"""

PROJECT = f"""<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework>
    <ImplicitUsings>enable</ImplicitUsings>
    <Nullable>enable</Nullable>
    <UseAppHost>false</UseAppHost>
    <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
  </PropertyGroup>
  <ItemGroup>
    <PackageReference Include="{PACKAGE}" Version="{pyshm.__version__}" />
  </ItemGroup>
</Project>
"""

PROGRAM = """using SharedMemory;

using NamedMap map = NamedMap.CreateNew(args[0], 4096);
using var view = map.CreateViewAccessor();
view.Write(8, -1234567890123L);
Console.WriteLine("READY");
Console.In.ReadToEnd();
"""


def pack(sources: Path, work: Path) -> Path:
    """Build the package from ``sources`` without writing to that folder; return its path."""
    project = sources / "SharedMemory"
    dotnet(
        sources,
        "pack",
        str(project),
        "--artifacts-path",
        str(work),
        "-p:PackageOutputPath=" + str(work),
        *build.OPTIONS,
    )
    return work / f"{PACKAGE}.{pyshm.__version__}.nupkg"


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(sdk.SOURCES, tmp_path_factory.mktemp("package"))


def contents(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_library_can_be_built_for_an_older_framework(way: str) -> None:
    option = ["-p:PyshmTargetFramework=net8.0"] if way == "option" else []
    more = {} if option else {"PyshmTargetFramework": "net8.0"}
    project = sdk.SOURCES / "SharedMemory"
    found = dotnet(project, "msbuild", "-getProperty:TargetFramework", *option, environment=more)
    assert found.strip() == "net8.0"


def test_the_package_has_its_description_and_documentation(package: Path) -> None:
    files = contents(package)
    description = files[f"{PACKAGE}.nuspec"].decode("utf-8-sig")
    for part in (
        f"<id>{PACKAGE}</id>",
        f"<version>{pyshm.__version__}</version>",
        '<license type="expression">MIT</license>',
        "<readme>README.md</readme>",
        "<description>The C# side of pyshm",
    ):
        assert part in description
    assert "repository" not in description
    assert b"NamedMap.CreateOrOpen" in files["README.md"]
    (library,) = (name for name in files if name.endswith(f"/{PACKAGE}.dll"))
    assert b"M:SharedMemory.NamedMap.CreateNew" in files[library.replace(".dll", ".xml")]
    assert not [name for name in files if name.endswith(".dll") and name != library]


def test_the_same_sources_in_another_folder_give_the_same_bytes(
    package: Path, tmp_path: Path
) -> None:
    sources = tmp_path / "somewhere else"
    shutil.copytree(sdk.SOURCES, sources, ignore=shutil.ignore_patterns("bin", "obj"))
    ours, theirs = contents(package), contents(pack(sources, tmp_path / "work"))
    compared = [name for name in ours if name.endswith((".dll", ".xml", ".nuspec", ".md"))]
    assert len(compared) > 3
    for name in compared:
        assert ours[name] == theirs[name], name


def test_a_program_that_references_the_package_shares_a_map_with_python(
    package: Path, place: Place, tmp_path: Path
) -> None:
    (tmp_path / "packages").mkdir()
    shutil.copy(package, tmp_path / "packages")
    (tmp_path / "NuGet.config").write_text(CONFIGURATION)
    (tmp_path / "Program.cs").write_text(PROGRAM)
    (tmp_path / "Maker.csproj").write_text(PROJECT)
    # A separate cache: the user's may have another package of this version.
    command = ["build", "Maker.csproj", "-o", "out", *build.OPTIONS]
    dotnet(tmp_path, *command, environment={"NUGET_PACKAGES": str(tmp_path / "cache")})
    name = place.name()
    program = subprocess.Popen(
        [str(sdk.find_dotnet().path), os.path.join("out", "Maker.dll"), name],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == b"READY"
        reader = python_peer()
        found = reader.request(
            {"do": "open-existing", "as": "map", "name": name},
            {"do": "view", "as": "v", "map": "map"},
            {"do": "read", "view": "v", "type": "int64", "position": 8},
        )
        reader.close()
        program.communicate(timeout=60)
    finally:
        program.kill()
        program.communicate()
    assert found[-1] == {"value": -1234567890123}
    assert program.returncode == 0
    assert existing_maps(name) == []
