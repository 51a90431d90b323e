"""The C# library compiles for old and new versions of .NET, with few conditional lines.

``tox -e nuget`` compiles all targets, which needs packages from NuGet.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyshm.testing import build, sdk

from .commands import dotnet

LIBRARY = sdk.SOURCES / "SharedMemory"

# The lines from #if to #endif that each file may have; other files may have none.
CONDITIONAL = {
    "Channels/ChannelEnded.cs": 5,
    "Channels/LatestReader.Net.cs": 80,
    "Channels/LatestReader.NetStandard.cs": 40,
    "Channels/LatestWriter.Net.cs": 30,
    "Channels/LatestWriter.NetStandard.cs": 20,
    "Channels/QueueReader.Net.cs": 90,
    "Channels/QueueReader.NetStandard.cs": 45,
    "Channels/QueueWriter.Net.cs": 50,
    "Channels/QueueWriter.NetStandard.cs": 20,
    "Compat/Polyfills.cs": 75,
    "Compat/TextExtensions.cs": 45,
    "Posix/Descriptors.cs": 20,
    "Posix/DescriptorMap.cs": 50,
    "Posix/Libc.Net.cs": 100,
    "Posix/Libc.NetStandard.cs": 100,
}
MOST = 750  # in all

# NuGet then has no place for packages, and no place to get one from.
NO_SOURCE = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources><clear /></packageSources>
  <fallbackPackageFolders><clear /></fallbackPackageFolders>
</configuration>
"""


def sources() -> Iterator[Path]:
    for path in sorted(LIBRARY.rglob("*.cs")):
        if not {"bin", "obj"}.intersection(path.relative_to(LIBRARY).parts):
            yield path


def conditional_lines(text: str) -> int:
    """Return the number of lines from each #if to its #endif."""
    depth = count = 0
    for line in text.splitlines():
        directive = re.match(r"\s*#\s*(if|endif)\b", line)
        if directive and directive[1] == "if":
            depth += 1
        count += depth > 0
        if directive and directive[1] == "endif":
            depth -= 1
    assert depth == 0
    return count


def test_conditional_lines_are_counted_with_their_directives() -> None:
    assert (
        conditional_lines("a\n#if NET\nb\n#else\nc\n#endif\nd\n # if X\n#if Y\n#endif\n#endif") == 9
    )
    assert conditional_lines("// #if\nstring text = nameof(iffy);\n#pragma warning disable X") == 0


def test_few_lines_are_conditional_and_these_are_in_few_files() -> None:
    found = {}
    for path in sources():
        count = conditional_lines(path.read_text("utf-8"))
        if count:
            found[path.relative_to(LIBRARY).as_posix()] = count
    assert {name: count for name, count in found.items() if count > CONDITIONAL.get(name, 0)} == {}
    assert sum(found.values()) <= MOST
    assert found.keys() == CONDITIONAL.keys()  # a file without conditions leaves the table


def test_every_source_is_compiled_for_every_target() -> None:
    # A condition in the project would be a second way to compile a line for some targets only.
    project = (LIBRARY / "SharedMemory.csproj").read_text("utf-8")
    assert "<Compile" not in project


def declarations(name: str) -> dict[str, list[str]]:
    """Return the functions that a file declares: C's name, and the types of the parameters."""
    text = (LIBRARY / "Posix" / name).read_text("utf-8")
    pattern = (
        r'Import\(Library, EntryPoint = "([^"]+)"([^)]*)\)\]\s*'
        r"public static (?:partial|extern) (\w+) (\w+)\(([^)]*)\);"
    )
    found: dict[str, list[str]] = {}
    for entry, options, result, function, parameters in re.findall(pattern, text):
        sets_error = "SetLastError = true" in options
        found.setdefault(entry, []).append(
            f"{result} {function}({' '.join(parameters.split())}) {sets_error}"
        )
    return found


def test_both_tables_of_system_calls_declare_the_same_functions() -> None:
    new, old = declarations("Libc.Net.cs"), declarations("Libc.NetStandard.cs")
    assert len(new) > 15
    assert old.pop("close") == ["int Close(int descriptor) True"]  # newer targets have it
    assert new == old


@pytest.mark.dotnet
def test_the_default_is_the_framework_of_the_sdk_alone() -> None:
    properties = ["-getProperty:TargetFramework", "-getProperty:TargetFrameworks"]
    printed = dotnet(LIBRARY, "msbuild", *properties)
    assert re.search(r'"TargetFramework": "net\d+\.0"', printed)
    assert '"TargetFrameworks": ""' in printed
    assert '"PackageReference": []' in dotnet(LIBRARY, "msbuild", "-getItem:PackageReference")


@pytest.mark.dotnet
def test_the_package_has_four_targets() -> None:
    option = "-p:PyshmPackage=true"
    printed = dotnet(LIBRARY, "msbuild", "-getProperty:TargetFrameworks", option)
    assert printed.strip() == "net472;netstandard2.0;netstandard2.1;net8.0"


@pytest.mark.slow
@pytest.mark.dotnet
def test_the_peer_builds_without_packages_and_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "NuGet.config").write_text(NO_SOURCE)
    packages = tmp_path / "packages"
    dotnet(
        tmp_path,
        "build",
        str(sdk.SOURCES / build.PEER_PROJECT),
        *build.OPTIONS,
        f"-p:RestoreConfigFile={tmp_path / 'NuGet.config'}",
        "--artifacts-path",
        str(tmp_path / "built"),
        environment={"NUGET_PACKAGES": str(packages)},
    )
    assert list((tmp_path / "built").rglob("Peer.runtimeconfig.json"))
    assert not packages.exists()
