"""Building the C# peer, with a fake compiler."""

from __future__ import annotations

import pytest

from pyshm.testing import build, cache
from pyshm.testing.sdk import Dotnet, find_dotnet


def builds(dotnet):
    log = dotnet / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


def built_folder():
    return cache.cache_dir() / "peers" / build.source_key(find_dotnet())


# --- the key ---------------------------------------------------------------------------------


def test_the_key_depends_on_each_byte_each_file_name_and_the_sdk(dotnet):
    found = find_dotnet()
    program = build.SOURCES / "Peer" / "Program.cs"
    keys = [build.source_key(found)]
    program.write_text("return ;")
    keys.append(build.source_key(found))
    program.rename(program.with_name("Main.cs"))
    keys.append(build.source_key(found))
    keys.append(build.source_key(Dotnet(found.path, "10.0.100")))
    keys += [build.source_key(found, asset) for asset in build.ASSETS]
    assert len(set(keys)) == 4 + len(build.ASSETS)


def test_the_key_does_not_depend_on_compiler_output_in_the_sources(dotnet):
    before = build.source_key(find_dotnet())
    for folder in ("bin", "obj", ".vs"):
        (build.SOURCES / "Peer" / folder).mkdir()
        (build.SOURCES / "Peer" / folder / "x").write_text("x")
    assert build.source_key(find_dotnet()) == before


# --- building --------------------------------------------------------------------------------


def test_finding_never_builds(dotnet):
    assert build.find_peer() is None
    assert builds(dotnet) == 0


def test_the_peer_is_built_once_and_found_afterwards(dotnet):
    lines = []
    command = build.build_peer(lines.append)
    assert build.build_peer(lines.append) == command == build.find_peer()
    assert command[0] == str(dotnet / "dotnet")
    assert command[1].endswith("Peer.dll")
    assert builds(dotnet) == len(lines) == 1


def test_a_build_with_an_asset_is_another_one(dotnet):
    lines = []
    without = build.build_peer(lines.append)
    asset = build.build_peer(lines.append, asset="netstandard2.0")
    assert asset != without
    assert asset == build.find_peer(asset="netstandard2.0")
    assert build.find_peer(asset="net8.0") is None
    # The first has the property too: otherwise, the environment variable would be used.
    assert [line.count("-p:PyshmTargetFramework=") for line in lines] == [1, 1]
    assert [line.count("-p:PyshmTargetFramework=netstandard2.0 ") for line in lines] == [0, 1]


def test_a_build_of_older_sources_is_not_found(dotnet):
    build.build_peer()
    (build.SOURCES / "Peer" / "Program.cs").write_text("return 1;")
    assert build.find_peer() is None


def test_a_failed_build_shows_the_compilers_output_and_leaves_nothing(dotnet, tmp_path):
    (dotnet / "compiler-error").touch()
    with pytest.raises(build.BuildError, match="CS0246") as caught:
        build.build_peer()
    assert caught.value.command[1] == "build"
    assert list((tmp_path / "cache" / "peers").iterdir()) == []


def test_a_broken_build_in_the_cache_is_replaced(dotnet):
    folder = built_folder()
    folder.mkdir(parents=True)
    (folder / "Peer.dll").touch()  # without the file that says how to run it
    assert build.find_peer() is None
    build.build_peer()
    assert (folder / "Peer.dll").read_text() == "built"


def test_a_build_that_another_process_finished_first_is_used(dotnet, monkeypatch):
    folder = built_folder()

    def run(command, environment, say):
        original(command, environment, say)
        folder.mkdir()
        (folder / "Peer.dll").write_text("the other's")
        (folder / "Peer.runtimeconfig.json").touch()

    original = build._run_build
    monkeypatch.setattr(build, "_run_build", run)
    build.build_peer()
    assert (folder / "Peer.dll").read_text() == "the other's"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
