"""Compiles a small C# program that references the SharedMemory project, as a user's would."""

from __future__ import annotations

import subprocess
from pathlib import Path

from . import toolchain

__all__ = ["compile_program"]

_PROJECT = """<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <OutputType>Exe</OutputType>
    <TargetFramework>net$(BundledNETCoreAppTargetFrameworkVersion)</TargetFramework>
    <UseAppHost>false</UseAppHost>
  </PropertyGroup>
  <ItemGroup><ProjectReference Include="{library}" /></ItemGroup>
</Project>
"""


def compile_program(name: str, source: str, folder: Path) -> list[str]:
    """Build ``source`` as the program ``name`` below ``folder``; the command that runs it."""
    project = folder / name
    project.mkdir()
    (project / f"{name}.cs").write_text(source, encoding="utf-8")
    library = toolchain.SOURCES / "SharedMemory" / "SharedMemory.csproj"
    (project / f"{name}.csproj").write_text(_PROJECT.format(library=library))
    props = toolchain.SOURCES / "Directory.Build.props"
    (project / "Directory.Build.props").write_text(
        f'<Project><Import Project="{props}" /></Project>\n'
    )
    dotnet = str(toolchain.find_dotnet().path)
    output = folder / "artifacts"
    command = [dotnet, "build", str(project), "-c", "Release", "--artifacts-path", str(output)]
    built = subprocess.run(command, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout
    return [dotnet, str(output / "bin" / name / "release" / f"{name}.dll")]
