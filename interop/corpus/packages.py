"""The NuGet packages of corpus.toml: fetched once, and kept in the cache.

``dotnet restore`` fetches a package and computes its content hash, which must be the listed one.
Only the listed assemblies are kept. No code of them is run, and none is in this repository.
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
# The package, the version or the server does not exist, or NuGet can't reach it.
# https://learn.microsoft.com/nuget/reference/errors-and-warnings
_UNAVAILABLE = re.compile(r"\bNU(1101|1102|1103|1301|1302|1801)\b")
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

    ``content_hash`` is the one of packages.lock.json. ``assemblies`` are paths in the package, with
    wildcards in the last part. ``references`` are packages whose types it uses. A package that is
    ``only_referenced`` is not compared.
    """

    name: str
    version: str
    license: str
    content_hash: str
    assemblies: tuple[str, ...]
    references: tuple[str, ...] = ()
    only_referenced: bool = False

    @property
    def folder(self) -> Path:
        """The folder in the cache for its assemblies. It may not exist yet."""
        key = cache.key_of(item.encode() for item in (self.content_hash, *self.assemblies))
        return cache.cache_dir() / "packages" / self.name / key

    def files(self, assemblies: str) -> list[Path]:
        """Return the kept files of one of its ``assemblies``, sorted by name."""
        return sorted(self.folder.glob(Path(assemblies).name), key=lambda path: path.name)

    def is_kept(self, folder: Path) -> bool:
        """Return whether ``folder`` has every assembly of it."""
        return all(any(folder.glob(Path(path).name)) for path in self.assemblies)


@functools.cache
def listed(path: Path = LIST) -> dict[str, Package]:
    """Return every package of the list, by name."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["package"]
    return {
        entry["name"]: Package(
            entry["name"],
            entry["version"],
            entry["license"],
            entry["content_hash"],
            tuple(entry["assemblies"]),
            tuple(entry.get("references", ())),
            entry.get("only_referenced", False),
        )
        for entry in entries
    }


def with_references(packages: Iterable[Package]) -> list[Package]:
    """Return ``packages`` and all that they refer to, each once."""
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
    """Fetch ``packages``, and all that they refer to, into the cache unless they are there.

    ``say`` gets a line when something is fetched.

    Raises:
        Unavailable: NuGet can't be reached, or does not have one of them.
        ToolchainError: there is no .NET SDK, which NuGet is a part of.
        BuildError: a package is not the listed one, or NuGet failed otherwise.
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
    """Restore ``packages`` with NuGet into ``work``/packages."""
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
        raise Unavailable(f"NuGet did not answer within {_TIMEOUT:.0f} seconds") from error
    if answer.returncode == 0:
        return
    for line in answer.stdout.splitlines():
        if _UNAVAILABLE.search(line):
            raise Unavailable(line.partition("error ")[2] or line.strip())
    raise BuildError(f"NuGet failed (status {answer.returncode})", command, answer.stdout)


def _take(package: Package, restored: Path, work: Path) -> Path:
    """Check the restored ``package``, move its assemblies to ``work`` and return that folder."""
    unpacked = restored / "packages" / package.name.lower() / package.version
    found = json.loads((unpacked / _DIGEST_FILE).read_text(encoding="utf-8"))["contentHash"]
    if found != package.content_hash:
        raise BuildError(
            f"{package.name} {package.version} is not the package that {LIST.name} lists",
            ["dotnet", "restore"],
            f"its content hash is {found}, the listed one is {package.content_hash}",
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
