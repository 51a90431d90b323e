"""NuGet packages that others wrote, fetched once into the cache: what corpus.toml lists.

NuGet itself fetches them (`dotnet restore`) and gives each one's content hash, which has to be the
listed one. Only the listed assemblies are kept; nothing of them is ever run, or in this repository.
https://learn.microsoft.com/nuget/consume-packages/packagedownload-functionality
"""

from __future__ import annotations

import functools
import json
import re
import shutil
import subprocess
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from pyshm.testing import cache, sdk
from pyshm.testing.build import BuildError

__all__ = ["LIST", "Package", "Unavailable", "fetch", "listed"]

LIST = Path(__file__).resolve().parent / "corpus.toml"
_TIMEOUT = 900.0
# NuGet has no such package or version, or no such server, or can't reach it.
# https://learn.microsoft.com/nuget/reference/errors-and-warnings
_NOT_TO_BE_HAD = re.compile(r"\bNU(1101|1102|1103|1301|1302|1801)\b")
_DIGEST_FILE = ".nupkg.metadata"
_PROJECT = """\
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup>
    <TargetFramework>net8.0</TargetFramework>
    <DisableImplicitFrameworkReferences>true</DisableImplicitFrameworkReferences>
    <RestorePackagesPath>$(MSBuildProjectDirectory)/packages</RestorePackagesPath>
  </PropertyGroup>
  <ItemGroup>
{items}
  </ItemGroup>
</Project>
"""


class Unavailable(Exception):
    """NuGet can't be reached, or does not have a package; the text is the reason."""


class Package(NamedTuple):
    """One entry of the list.

    ``content_hash`` is NuGet's, as in a packages.lock.json. ``assemblies`` are paths in the
    package, with wildcards in the last part; ``references`` are packages whose types it needs.
    One that is ``only_referenced`` is here for those that need it.
    """

    name: str
    version: str
    licence: str
    content_hash: str
    assemblies: tuple[str, ...]
    references: tuple[str, ...] = ()
    only_referenced: bool = False

    @property
    def folder(self) -> Path:
        """Where its assemblies are kept, once they are."""
        key = cache.key_of(item.encode() for item in (self.content_hash, *self.assemblies))
        return cache.cache_dir() / "packages" / self.name / key

    def files(self, assemblies: str) -> list[Path]:
        """The kept files of one of its ``assemblies``, sorted by name."""
        return sorted(self.folder.glob(Path(assemblies).name), key=lambda path: path.name)

    def is_kept(self, folder: Path) -> bool:
        """Whether ``folder`` holds every assembly of it."""
        return all(any(folder.glob(Path(path).name)) for path in self.assemblies)


@functools.cache
def listed(path: Path = LIST) -> dict[str, Package]:
    """Every package of the list, by its name."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    return {
        entry["name"]: Package(
            entry["name"],
            entry["version"],
            entry["licence"],
            entry["content_hash"],
            tuple(entry["assemblies"]),
            tuple(entry.get("references", ())),
            entry.get("only_referenced", False),
        )
        for entry in entries
    }


def with_references(packages: Iterable[Package]) -> list[Package]:
    """``packages`` and the ones whose types they need, each once."""
    found: dict[str, Package] = {}

    def add(package: Package) -> None:
        if package.name not in found:
            found[package.name] = package
            for name in package.references:
                add(listed()[name])

    for package in packages:
        add(package)
    return list(found.values())


def fetch(packages: Iterable[Package], say: Callable[[str], None] = lambda _line: None) -> None:
    """Have ``packages``, and what they refer to, in the cache.

    ``say`` gets a line when something is fetched.

    Raises:
        Unavailable: NuGet can't be reached, or does not have one of them.
        ToolchainError: there is no .NET SDK, whose NuGet this is.
        BuildError: what came is not what the list says, or NuGet failed otherwise.
    """
    wanted = with_references(packages)
    missing = [package for package in wanted if not package.is_kept(package.folder)]
    if not missing:
        return
    say("fetching " + ", ".join(f"{package.name} {package.version}" for package in missing))

    with tempfile.TemporaryDirectory(prefix="pyshm-packages-") as restored:
        _restore(missing, Path(restored))
        for package in missing:
            take = functools.partial(_take, package, Path(restored))
            cache.keep(package.folder, package.is_kept, take)


def _restore(packages: list[Package], work: Path) -> None:
    """Let NuGet put ``packages`` below ``work``/packages."""
    items = "\n".join(
        f"    <PackageDownload Include={quoteattr(package.name)} "
        f"Version={quoteattr(f'[{package.version}]')} />"
        for package in packages
    )
    project = work / "Corpus.csproj"
    project.write_text(_PROJECT.format(items=items), encoding="utf-8")
    command = [str(sdk.find_dotnet().path), "restore", str(project), "--nologo"]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT,
            check=False,
            cwd=work,
            env=sdk.dotnet_environment(),
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"NuGet gave no answer within {_TIMEOUT:.0f} seconds") from error
    if answer.returncode == 0:
        return
    for line in answer.stdout.splitlines():
        if _NOT_TO_BE_HAD.search(line):
            raise Unavailable(line.partition("error ")[2] or line.strip())
    raise BuildError(f"NuGet failed (status {answer.returncode})", command, answer.stdout)


def _take(package: Package, restored: Path, work: Path) -> Path:
    """Move the assemblies of ``package``, if they are the listed ones, to ``work``."""
    unpacked = restored / "packages" / package.name.lower() / package.version
    found = json.loads((unpacked / _DIGEST_FILE).read_text(encoding="utf-8"))["contentHash"]
    if found != package.content_hash:
        raise BuildError(
            f"{package.name} {package.version} is not the package of {LIST.name}",
            ["dotnet", "restore"],
            f"its content hash is {found}, listed is {package.content_hash}",
        )
    for pattern in package.assemblies:
        files = list(unpacked.glob(pattern))
        if not files:
            raise BuildError(
                f"{package.name} {package.version} has no {pattern}", ["dotnet", "restore"], ""
            )
        for file in files:
            shutil.move(file, work / file.name)
    return work
