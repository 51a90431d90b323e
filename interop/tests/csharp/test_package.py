"""The C# library as a NuGet package: its contents, and programs that reference only it."""

from __future__ import annotations

import shutil
import struct
import subprocess
import zipfile
import zlib
from pathlib import Path
from typing import Annotated
from xml.etree import ElementTree as ET

import pytest

import pyshm
from interop.checkout import CHECKOUT
from interop.doc_examples.pages import blocks_of
from interop.exchange.place import Place
from interop.nuget import public_api
from interop.oracle.memory import blob_bytes, existing_maps, read_map
from pyshm import types as t
from pyshm.testing import build, sdk

from .commands import dotnet, mono

pytestmark = pytest.mark.dotnet

PACKAGE = "Pyshm.SharedMemory"
REPOSITORY = "https://github.com/example/pyshm"
CONSUMER = Path(__file__).parent / "consumer"
SNIPPETS = Path(__file__).parent / "snippets"
PAGE = CHECKOUT / "interop" / "csharp" / "SharedMemory" / "README.md"
TARGETS = ("net472", "netstandard2.0", "netstandard2.1", "net8.0")

CONFIGURATION = """<?xml version="1.0" encoding="utf-8"?>
<configuration>
  <packageSources>
    <clear />
    <add key="local" value="packages" />
    <add key="nuget.org" value="https://api.nuget.org/v3/index.json" />
  </packageSources>
  <packageSourceMapping>
    <packageSource key="local"><package pattern="Pyshm.*" /></packageSource>
    <packageSource key="nuget.org"><package pattern="*" /></packageSource>
  </packageSourceMapping>
  <fallbackPackageFolders><clear /></fallbackPackageFolders>
</configuration>
"""


def git(folder: Path, *arguments: str) -> str:
    command = ["git", "-c", "user.name=x", "-c", "user.email=x", *arguments]
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=True
    ).stdout.strip()


def copy_sources(folder: Path) -> Path:
    """Copy what the package is made of to ``folder``, which is not in a git checkout."""
    for part in ("csharp", "nuget"):
        shutil.copytree(
            CHECKOUT / "interop" / part,
            folder / "interop" / part,
            ignore=shutil.ignore_patterns("bin", "obj", "__pycache__"),
        )
    return folder


def pack(checkout: Path, work: Path, *properties: str) -> Path:
    """Make the package of ``checkout`` without writing to that folder; return its path."""
    project = checkout / "interop" / "csharp" / "SharedMemory"
    options = ["--artifacts-path", str(work), f"-p:PackageOutputPath={work}", *build.OPTIONS]
    dotnet(checkout, "pack", str(project), *options, *properties)
    return work / f"{PACKAGE}.{pyshm.__version__}.nupkg"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A git checkout of the package's sources, with a public repository."""
    folder = copy_sources(tmp_path_factory.mktemp("checkout"))
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=sources")
    git(folder, "remote", "add", "origin", REPOSITORY)
    return folder


@pytest.fixture(scope="module")
def package(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(checkout, tmp_path_factory.mktemp("package"), "-p:PyshmPackage=true")


def contents(package: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(package) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def embedded_symbols(assembly: bytes) -> bytes:
    """Return the symbols in an assembly: a portable PDB, compressed.

    See https://github.com/dotnet/runtime/blob/main/docs/design/specs/PE-COFF.md, "Embedded Portable
    PDB".
    """
    start = assembly.index(b"MPDB") + 8
    return zlib.decompressobj(-zlib.MAX_WBITS).decompress(assembly[start:])


# --- without NuGet ------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_library_can_be_built_for_an_older_framework(way: str) -> None:
    option = ["-p:PyshmTargetFramework=net8.0"] if way == "option" else []
    more = {} if option else {"PyshmTargetFramework": "net8.0"}
    project = sdk.SOURCES / "SharedMemory"
    found = dotnet(project, "msbuild", "-getProperty:TargetFramework", *option, environment=more)
    assert found.strip() == "net8.0"


@pytest.mark.slow
def test_a_package_for_one_framework_has_the_same_bytes_in_every_folder(tmp_path: Path) -> None:
    packed = []
    for name in ("one", "somewhere else"):
        folder = tmp_path / name
        packed.append(contents(pack(copy_sources(folder / "checkout"), folder / "work")))
    assert packed[0] == packed[1]
    description = packed[0][f"{PACKAGE}.nuspec"].decode("utf-8-sig")
    assert "repository" not in description
    assert len([name for name in packed[0] if name.endswith(f"/{PACKAGE}.dll")]) == 1


# --- the package --------------------------------------------------------------------------


@pytest.mark.nuget
def test_the_package_has_its_description_and_documentation(package: Path, checkout: Path) -> None:
    files = contents(package)
    description = files[f"{PACKAGE}.nuspec"].decode("utf-8-sig")
    for part in (
        f"<id>{PACKAGE}</id>",
        f"<version>{pyshm.__version__}</version>",
        '<license type="expression">MIT</license>',
        "<readme>README.md</readme>",
        "<icon>icon.png</icon>",
        "<description>The C# side of pyshm",
        f'url="{REPOSITORY}"',
        f'commit="{git(checkout, "rev-parse", "HEAD")}"',
    ):
        assert part in description
    assert b"NamedMap.CreateOrOpen" in files["README.md"]
    assert files["icon.png"].startswith(b"\x89PNG")
    libraries = {f"lib/{target}/{PACKAGE}.dll" for target in TARGETS}
    assert {name for name in files if name.endswith(".dll")} == libraries
    for library in libraries:
        assert b"M:SharedMemory.NamedMap.CreateNew" in files[library.replace(".dll", ".xml")]


@pytest.mark.nuget
def test_only_the_targets_without_spans_have_a_dependency(package: Path) -> None:
    root = ET.fromstring(contents(package)[f"{PACKAGE}.nuspec"])
    groups = {
        group.get("targetFramework"): [dependency.get("id") for dependency in group]
        for group in root.iterfind(".//{*}group")
    }
    assert groups == {
        ".NETFramework4.7.2": ["System.Memory"],
        ".NETStandard2.0": ["System.Memory"],
        ".NETStandard2.1": [],
        "net8.0": [],
    }


@pytest.mark.nuget
def test_a_debugger_finds_the_sources_of_the_commit(package: Path, checkout: Path) -> None:
    commit = git(checkout, "rev-parse", "HEAD")
    link = (
        f'{{"documents":{{"/_/*":"https://raw.githubusercontent.com/example/pyshm/{commit}/*"}}}}'
    )
    files = contents(package)
    for target in TARGETS:
        symbols = embedded_symbols(files[f"lib/{target}/{PACKAGE}.dll"])
        assert link.encode() in symbols, target


@pytest.mark.nuget
def test_a_second_package_of_the_commit_has_the_same_entries(
    package: Path, checkout: Path, tmp_path: Path
) -> None:
    second = tmp_path / "somewhere else"
    git(tmp_path, "clone", "--quiet", str(checkout), str(second))
    git(second, "remote", "set-url", "origin", REPOSITORY)
    ours = contents(package)
    theirs = contents(pack(second, tmp_path / "work", "-p:PyshmPackage=true"))
    assert ours.keys() == theirs.keys()
    assert [name for name in ours if ours[name] != theirs[name]] == []


@pytest.mark.nuget
def test_a_public_member_that_is_not_listed_is_an_error(tmp_path: Path) -> None:
    sources = copy_sources(tmp_path / "checkout")
    library = sources / "interop" / "csharp" / "SharedMemory"
    (library / "More.cs").write_text(
        "namespace SharedMemory;\n\n/// <summary>Is new.</summary>\npublic static class More;\n"
    )
    # The list of a release that had a member more.
    listed = sources / "interop" / "nuget" / public_api.SHIPPED.name
    listed.write_text(listed.read_text() + "SharedMemory.Gone\n")
    command = ["build", str(library), "--artifacts-path", str(tmp_path / "work"), *build.OPTIONS]
    with pytest.raises(AssertionError) as caught:
        dotnet(tmp_path, *command, "-p:PyshmPackage=true", "-p:TargetFrameworks=net8.0")
    message = str(caught.value)
    assert "error RS0016: Symbol 'SharedMemory.More' is not part of" in message
    assert "error RS0017: Symbol 'SharedMemory.Gone' is part of" in message


# --- programs that use it -----------------------------------------------------------------


class Sample(pyshm.Struct, charset="unicode"):
    """The struct of consumer/Program.cs."""

    number: t.Int32
    value: t.Double
    name: Annotated[str, t.ByValTStr(8)]


class Consumer:
    """A project that references the package, in a folder with its own packages."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.folder = folder
        (folder / "packages").mkdir()
        shutil.copy(package, folder / "packages")
        (folder / "NuGet.config").write_text(CONFIGURATION)
        # Not in the folder of the packages: the project would refer to the assemblies there.
        shutil.copytree(CONSUMER, folder / "project")

    def dotnet(self, verb: str, *options: str, project: str = "project") -> Path:
        """Build or publish a project; return the folder with the outputs.

        Its packages are in this folder: the user's folder may have another package of this version.
        """
        work = self.folder / "_".join([project, verb, *options]).replace(":", "")
        dotnet(
            self.folder / project,
            verb,
            "--artifacts-path",
            str(work),
            f"-p:ConsumerVersion={pyshm.__version__}",
            *options,
            *build.OPTIONS,
            environment={"NUGET_PACKAGES": str(self.folder / "cache")},
            seconds=540,
        )
        return work


@pytest.fixture(scope="module")
def consumer(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Consumer:
    return Consumer(tmp_path_factory.mktemp("user"), package)


@pytest.fixture(scope="module")
def built(consumer: Consumer) -> Path:
    return consumer.dotnet("build") / "bin" / "Consumer"


def exchange(command: list[str], name: str, *, checks_arrays: bool = True) -> None:
    """Run the consumer; each language must read the picture and the struct of the other."""
    maps = picture, values = f"{name}-picture", f"{name}-struct"
    program = subprocess.Popen(
        [*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert program.stdout is not None
        assert program.stdout.readline().strip() == "READY"
        blob = blob_bytes("C#é", b"\1\2\3")
        assert read_map(picture, len(blob)) == blob
        fields = struct.pack("<i4xd", -7, 0.5) + "C#é".encode("utf-16-le").ljust(16, b"\0")
        assert read_map(values, 32) == fields
        with pyshm.ShareMemoryHelper(picture) as memory:
            memory.open()
            found = memory.read_image()
            assert (found.path, bytes(found.content)) == ("C#é", b"\1\2\3")
            memory.write_image(pyshm.ImageData("Python é", b"\xfe\xff"))
        with pyshm.ShareMemoryHelper(values) as memory:
            memory.open()
            assert memory.read_struct(Sample) == Sample(number=-7, value=0.5, name="C#é")
            memory.write_struct(Sample(number=2**31 - 1, value=-1.5, name="Pythoné"))
        printed, _ = program.communicate("\n", timeout=60)
    finally:
        program.kill()
        program.communicate()
    expected = ["True", "FE-FF", "2147483647", "-1.5", "True", str(checks_arrays)]
    assert printed.splitlines() == expected
    assert program.returncode == 0
    assert [existing_maps(map_name) for map_name in maps] == [[], []]


@pytest.mark.nuget
def test_each_framework_gets_its_asset(built: Path) -> None:
    major = sdk.find_dotnet().major
    assert {path.name.removeprefix("release_") for path in built.iterdir()} == {
        "net472", "net48", "netstandard2.0", "netstandard2.1", "net8.0", f"net{major}.0",
    }  # fmt: skip


@pytest.mark.nuget
@pytest.mark.posix
@pytest.mark.parametrize("framework", ["net8.0", "sdk"])
def test_a_program_exchanges_a_picture_and_a_struct_with_python(
    framework: str, built: Path, place: Place
) -> None:
    found = sdk.find_dotnet()
    folder = f"release_net{found.major}.0" if framework == "sdk" else f"release_{framework}"
    exchange([str(found.path), str(built / folder / "Consumer.dll")], place.name())


@pytest.mark.nuget
@pytest.mark.posix
@pytest.mark.parametrize("framework", ["net472", "net48"])
def test_a_program_for_net_framework_exchanges_them_on_mono(
    framework: str, built: Path, place: Place, pytestconfig: pytest.Config
) -> None:
    program = built / f"release_{framework}" / "Consumer.exe"
    exchange([mono(pytestconfig), str(program)], place.name())


@pytest.mark.nuget
@pytest.mark.posix
@pytest.mark.parametrize("way", ["PublishAot", "PublishTrimmed"])
def test_a_program_without_the_jit_or_unused_code_exchanges_them(
    way: str, consumer: Consumer, place: Place
) -> None:
    work = consumer.dotnet("publish", "--use-current-runtime", f"-p:ConsumerPublish={way}")
    (program,) = (work / "publish" / "Consumer").glob("*/Consumer")
    # A native program has no description of the arrays in a struct.
    exchange([str(program)], place.name(), checks_arrays=way != "PublishAot")


@pytest.mark.nuget
@pytest.mark.parametrize(
    ("section", "framework"),
    [("Windows Forms on .NET Framework", "net48"), ("Unity", "netstandard2.1")],
)
def test_a_program_of_the_page_compiles(section: str, framework: str, consumer: Consumer) -> None:
    (block,) = (block for block in blocks_of(PAGE) if block.section == section)
    project = consumer.folder / framework
    shutil.copytree(SNIPPETS, project)
    (project / "Snippet.cs").write_text(block.text, encoding="utf-8")
    consumer.dotnet("build", f"-p:SnippetFramework={framework}", project=framework)
