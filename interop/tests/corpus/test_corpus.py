"""Every type of real NuGet packages has the same layout in pyshm and in .NET."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
from typing import Any

import pytest

from interop.checkout import DOCS
from interop.corpus import compare, packages
from interop.corpus.compare import FRAMEWORK, Row, Verdict
from interop.corpus.packages import Package, Unavailable
from interop.plugin.hooks import Peers
from interop.worlds.world import Endpoint, World
from pyshm.assemblies import Unbindable
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.testing import build
from pyshm.testing.questions import DotNetError, ReflectedField, ReflectedType

pytestmark = pytest.mark.slow

# Small ones: for Unix, for both and for Windows. `python -m interop corpus --check` runs all.
CHOSEN = ["Tmds.LibC", "LibGit2Sharp", "System.DirectoryServices"]
LINUX = Target(8, windows=False)


@pytest.fixture(scope="module", params=CHOSEN)
def package(request: pytest.FixtureRequest) -> str:
    """A package in the cache. Skip the test if NuGet can't be reached, but fail in CI."""
    name: str = request.param
    pytest.importorskip("dnfile")
    try:
        packages.fetch([packages.listed()[name]])
    except Unavailable as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no packages: {error}")
    return name


def test_every_type_of_a_package_has_the_layout_of_dotnet(
    package: str, world: World, peers: Peers
) -> None:
    peer = peers.get(Endpoint(world.name, "dotnet"), "corpus")
    (row,) = compare.run(world, peer, [package])
    assert not compare.wrong(row)
    assert row.verdicts[Verdict.EQUAL] >= 10


# --- the list -----------------------------------------------------------------------------


def test_the_list_has_eight_packages_with_exact_versions_licenses_and_hashes() -> None:
    listed = list(packages.listed().values())
    assert len([package for package in listed if not package.only_referenced]) >= 8
    for package in listed:
        assert not set("*[]()") & set(package.version)
        assert package.license
        assert len(base64.b64decode(package.content_hash, validate=True)) == 64
        assert all(name in packages.listed() for name in package.references)


def test_the_file_has_every_package_in_its_version_for_both_worlds() -> None:
    rows = [json.loads(line) for line in compare.TABLE.read_text(encoding="ascii").splitlines()]
    assert [(row["world"], row["package"]) for row in rows] == [
        (world, name) for world in ("linux", "windows") for name in compare.names()
    ]
    for row in rows:
        if row["package"] != FRAMEWORK:
            assert row["version"] == packages.listed()[row["package"]].version


def test_the_page_has_every_package_and_the_sums_of_the_file() -> None:
    page = (DOCS / "corpus.md").read_text(encoding="utf-8")
    assert [name for name in compare.names() if f"| {name} |" not in page] == []
    rows = [json.loads(line) for line in compare.TABLE.read_text(encoding="ascii").splitlines()]
    types, accepted = (
        [sum(row[key] for row in rows if row["world"] == world) for world in ("linux", "windows")]
        for key in ("types", "accepted")
    )
    text = " ".join(page.split())
    assert f"{types[0]:,} types on Linux and {types[1]:,} on Windows" in text
    assert f".NET accepts {accepted[0]:,} and {accepted[1]:,} of them" in text


# --- fetching -----------------------------------------------------------------------------

SAMPLE = Package("Sample", "1.0.0", "MIT", "right", ("lib/*.dll",))


@pytest.fixture
def nuget(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replace NuGet: restore gives the package Sample, with this content hash."""
    content_hash = ["right"]

    def restore(_packages: list[Package], work: Path) -> None:
        unpacked = work / "packages" / "sample" / "1.0.0"
        (unpacked / "lib").mkdir(parents=True)
        (unpacked / "lib" / "Sample.dll").write_bytes(b"MZ")
        (unpacked / ".nupkg.metadata").write_text(f'{{"contentHash": "{content_hash[0]}"}}')

    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path))
    monkeypatch.setattr(packages, "_restore", restore)
    return content_hash


def test_a_package_is_fetched_once(nuget: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    packages.fetch([SAMPLE])
    assert [file.read_bytes() for file in SAMPLE.files("lib/*.dll")] == [b"MZ"]
    monkeypatch.setattr(packages, "_restore", None)
    packages.fetch([SAMPLE])


def test_a_package_with_another_hash_is_refused_and_not_kept(nuget: list[str]) -> None:
    nuget[0] = "wrong"
    with pytest.raises(build.BuildError, match="content hash is wrong, the listed one is right"):
        packages.fetch([SAMPLE])
    assert not SAMPLE.folder.exists()


def test_a_package_without_the_listed_assembly_is_refused(nuget: list[str]) -> None:
    package = SAMPLE._replace(assemblies=("lib/*.dll", "lib/Other.dll"))
    with pytest.raises(build.BuildError, match=r"Sample 1\.0\.0 has no lib/Other\.dll"):
        packages.fetch([package])
    assert not package.folder.exists()


@pytest.mark.dotnet
def test_a_package_that_nuget_does_not_have_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    # A source without packages: no server is asked.
    (tmp_path / "empty").mkdir()
    monkeypatch.setenv("RestoreSources", str(tmp_path / "empty"))
    with pytest.raises(Unavailable, match=r"NU1101.*Sample"):
        packages.fetch([SAMPLE])


# --- verdicts -----------------------------------------------------------------------------

PAIR = TypeDeclaration(
    "Pair",
    fields=(FieldDeclaration("a", BuiltIn("int")), FieldDeclaration("b", BuiltIn("byte"))),
)
AUTO = TypeDeclaration("Pair", layout="auto", fields=PAIR.fields)
ERROR = DotNetError("ArgumentException", "no")
ANSWER = ReflectedType(
    type="Pair",
    kind="struct",
    generic=False,
    by_ref_like=False,
    layout="sequential",
    native_size=8,
    native_error=None,
    native_alignment=4,
    managed_size=8,
    managed_error=None,
    managed_alignment=4,
    stride=8,
    structure_to_ptr_error=None,
    fields=[ReflectedField("a", 0, 0), ReflectedField("b", 4, 4)],
)
REFUSED = ANSWER._replace(
    native_size=None, native_error=ERROR, structure_to_ptr_error=ERROR, managed_alignment=8
)


def verdict(
    ours: TypeDeclaration | Unbindable | None, theirs: ReflectedType
) -> tuple[Verdict, str]:
    (finding,) = compare.compare("Sample.dll", [] if ours is None else [ours], [theirs], LINUX)
    return finding.verdict, finding.detail


def test_the_same_numbers_are_equal() -> None:
    assert verdict(PAIR, ANSWER) == (Verdict.EQUAL, "")


@pytest.mark.parametrize(
    "change",
    [
        {"native_size": 5},
        {"native_alignment": 1},
        {"managed_size": 12},
        {"managed_alignment": 8},
        {"stride": 12},
        {"fields": [ReflectedField("a", 0, 0), ReflectedField("b", 1, 4)]},
        {"fields": [ReflectedField("a", 0, 0), ReflectedField("b", 4, 1)]},
        {"fields": [ReflectedField("b", 0, 0), ReflectedField("a", 4, 4)]},
        {"fields": [ReflectedField("a", 0, 0)]},
        {"native_alignment": None},
        {"managed_size": None},
    ],
)
def test_a_different_or_missing_number_is_wrong(change: dict[str, Any]) -> None:
    assert verdict(PAIR, ANSWER._replace(**change))[0] is Verdict.WRONG


def test_a_type_that_only_dotnet_accepts_is_missed() -> None:
    assert verdict(AUTO, ANSWER)[0] is Verdict.MISSED
    assert verdict(None, ANSWER)[0] is Verdict.MISSED
    assert verdict(Unbindable("Pair", "somehow"), ANSWER) == (Verdict.MISSED, "somehow")


def test_a_rejection_matches_only_at_the_same_point() -> None:
    assert verdict(AUTO, REFUSED)[0] is Verdict.MATCHED
    assert verdict(Unbindable("Pair", "open generic"), REFUSED)[0] is Verdict.MATCHED
    assert verdict(PAIR, REFUSED)[0] is Verdict.UNMATCHED
    later = ANSWER._replace(structure_to_ptr_error=ERROR)
    assert verdict(AUTO, later)[0] is Verdict.UNMATCHED
    assert verdict(Unbindable("Pair", "somehow"), later)[0] is Verdict.UNMATCHED


def test_a_type_that_only_one_side_knows_is_reported() -> None:
    (finding,) = compare.compare("Sample.dll", [PAIR], [], LINUX)
    assert (finding.verdict, finding.detail) == (Verdict.WRONG, "not known to .NET")
    assert verdict(None, REFUSED) == (Verdict.UNMATCHED, "not found in the metadata")


def test_an_abstract_class_is_accepted_if_its_layout_is_valid() -> None:
    abstract = DotNetError("MemberAccessException", "Cannot create an abstract class.")
    assert verdict(PAIR, ANSWER._replace(structure_to_ptr_error=abstract))[0] is Verdict.EQUAL


def test_a_row_counts_its_verdicts() -> None:
    row = Row("linux", "Sample", "1.0.0", ["Sample.dll"])
    row.verdicts.update({Verdict.EQUAL: 3, Verdict.WRONG: 1, Verdict.MATCHED: 2})
    assert list(row.counts().values()) == [6, 4, 3, 1, 0, 2, 2]


def test_a_row_without_types_is_wrong() -> None:
    assert compare.wrong(Row("linux", "Sample", "1.0.0", [])) == ["Sample 1.0.0 (linux): no types"]


# --- the file -----------------------------------------------------------------------------


def lines(*, version: str = "10.0.1", types: int = 3, equal: int = 3) -> list[str]:
    framework = Row("linux", FRAMEWORK, version, ["a.dll", "b.dll"])
    framework.verdicts[Verdict.EQUAL] = types
    sample = Row("linux", "Sample", "1.0.0", ["Sample.dll"])
    sample.verdicts[Verdict.EQUAL] = equal
    return [json.dumps(row.summary()) for row in (framework, sample)]


def test_the_same_run_has_no_changes() -> None:
    assert compare.changes(lines(), lines()) == []


def test_another_number_is_a_change() -> None:
    then, now = compare.changes(lines(), lines(equal=2))
    assert then.startswith("only in corpus.jsonl: ")
    assert '"package": "Sample"' in then
    assert '"types": 3' in then
    assert now.startswith("only in this run: ")
    assert '"types": 2' in now
    assert len(compare.changes(lines(), lines(types=4))) == 2


def test_a_missing_package_is_a_change() -> None:
    assert len(compare.changes(lines(), lines()[:1])) == 1


def test_another_version_of_the_framework_is_not_compared() -> None:
    assert compare.changes(lines(), lines(version="10.0.2", types=5)) == []
