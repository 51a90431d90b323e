"""Compile small C# projects for tests: programs that use SharedMemory, and libraries."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

from pyshm.testing import sdk

__all__ = ["compile_library", "compile_program"]

_PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework>
    {properties}
  </PropertyGroup>
  <ItemGroup>{references}</ItemGroup>
</Project>
"""
_PROGRAM = "<OutputType>Exe</OutputType><UseAppHost>false</UseAppHost>"
# A library contains no path of the machine that compiled it. Names of real types can differ by case
# only (CA1708).
_LIBRARY = (
    "<DebugType>none</DebugType><PathMap>$(MSBuildProjectDirectory)=/_/</PathMap>"
    "<NoWarn>$(NoWarn);CA1708</NoWarn>"
)


def compile_program(
    name: str, source: str, folder: Path, more_sources: Sequence[Path] = ()
) -> list[str]:
    """Build ``source`` as the program ``name`` in ``folder``; return the command that runs it.

    ``more_sources`` are files that belong to the program too.
    """
    library = sdk.SOURCES / "SharedMemory" / "SharedMemory.csproj"
    used = f'<ProjectReference Include="{library}" />'
    used += "".join(f'<Compile Include="{path}" />' for path in more_sources)
    built = _compile(name, source, folder, _PROGRAM, used)
    return [str(sdk.find_dotnet().path), str(built)]


def compile_library(name: str, source: str, folder: Path, references: Sequence[Path] = ()) -> Path:
    """Build ``source`` as the library ``name`` in ``folder``; return the path of its .dll.

    ``references`` are the libraries that it uses. They are copied beside it, with its .xml.
    """
    used = "".join(f'<Reference Include="{path}" />' for path in references)
    return _compile(name, source, folder, _LIBRARY, used)


def _compile(name: str, source: str, folder: Path, properties: str, references: str) -> Path:
    project = folder / name
    project.mkdir()
    (project / f"{name}.cs").write_text(source, encoding="utf-8")
    (project / f"{name}.csproj").write_text(
        _PROJECT.format(properties=properties, references=references)
    )
    props = sdk.SOURCES / "Directory.Build.props"
    (project / "Directory.Build.props").write_text(
        f'<Project><Import Project="{props}" /></Project>\n'
    )
    dotnet = str(sdk.find_dotnet().path)
    output = folder / "artifacts"
    command = [dotnet, "build", str(project), "-c", "Release", "--artifacts-path", str(output)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout
    return output / "bin" / name / "release" / f"{name}.dll"
