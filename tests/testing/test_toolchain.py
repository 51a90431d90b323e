"""The search for dotnet, and the cache of builds; dotnet is a fake, so no SDK is needed."""

from __future__ import annotations

import os
import platform
import sys
import time

import pytest

from pyshm.testing import toolchain

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the fake dotnet is a script")

# Behaves like the real one in what is asked of it; the files beside it steer it.
FAKE_DOTNET = f"""#!{sys.executable}
import pathlib, sys
here = pathlib.Path(__file__).parent
if sys.argv[1:] == ["--version"]:
    if not (here / "sdk").exists():
        sys.exit("No .NET SDKs were found.")
    print((here / "sdk").read_text())
    sys.exit()
with open(here / "builds", "a") as log:
    print(*sys.argv[1:], file=log)
if (here / "compiler-error").exists():
    print("Program.cs(1,1): error CS0246: no such type")
    sys.exit(1)
output = pathlib.Path(sys.argv[sys.argv.index("--artifacts-path") + 1]) / "bin/Peer/release"
output.mkdir(parents=True)
(output / "Peer.dll").write_text("built")
(output / "Peer.runtimeconfig.json").write_text("{{}}")
"""


@pytest.fixture
def dotnet(monkeypatch, tmp_path):
    """The folder of a fake dotnet with SDK 9, found by DOTNET_ROOT; sources and an empty cache."""
    folder = tmp_path / "dotnet"
    folder.mkdir()
    (folder / "dotnet").write_text(FAKE_DOTNET)
    (folder / "dotnet").chmod(0o755)
    (folder / "sdk").write_text("9.0.101")
    sources = tmp_path / "csharp"
    (sources / "Peer").mkdir(parents=True)
    (sources / "Peer" / "Program.cs").write_text("return;")
    monkeypatch.setattr(toolchain, "SOURCES", sources)
    monkeypatch.setenv("DOTNET_ROOT", str(folder))
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    toolchain._search.cache_clear()
    yield folder
    toolchain._search.cache_clear()


@pytest.fixture
def only_this_dotnet(dotnet, monkeypatch):
    """No dotnet of the machine may come to the rescue."""
    monkeypatch.setattr(toolchain, "_dotnet_candidates", lambda: iter([dotnet / "dotnet"]))
    monkeypatch.setattr(toolchain, "dotnet_remedy", lambda: "install it")
    return dotnet


def builds(dotnet):
    log = dotnet / "builds"
    return len(log.read_text().splitlines()) if log.exists() else 0


# --- finding ---------------------------------------------------------------------------------


def test_dotnet_root_comes_first(dotnet):
    assert toolchain.find_dotnet() == toolchain.Dotnet(dotnet / "dotnet", "9.0.101")


@pytest.mark.parametrize("version", ["8.0.404", "9.0.101", "10.0.100-rc.1.25451.107"])
def test_an_sdk_of_version_8_or_newer_will_do(only_this_dotnet, version):
    (only_this_dotnet / "sdk").write_text(version)
    assert toolchain.find_dotnet().major >= 8


def test_an_older_sdk_is_named_in_the_error(only_this_dotnet):
    (only_this_dotnet / "sdk").write_text("6.0.428")
    with pytest.raises(toolchain.ToolchainError, match=r"has SDK 6\.0\.428") as caught:
        toolchain.find_dotnet()
    assert caught.value.remedy == "install it"


def test_a_runtime_without_an_sdk_is_named_in_the_error(only_this_dotnet):
    (only_this_dotnet / "sdk").unlink()
    with pytest.raises(toolchain.ToolchainError, match="has no SDK that works"):
        toolchain.find_dotnet()


def test_the_error_is_a_sentence_and_one_line_to_type(only_this_dotnet, monkeypatch):
    monkeypatch.setattr(toolchain, "_dotnet_candidates", lambda: iter([]))
    with pytest.raises(toolchain.ToolchainError) as caught:
        toolchain.find_dotnet()
    sentence, line = str(caught.value).splitlines()
    assert sentence == "the .NET SDK (version 8 or newer) is missing; this installs it:"
    assert line == "    install it"


@pytest.mark.parametrize(
    ("release", "apt_package", "remedy"),
    [
        ({"ID": "ubuntu"}, "dotnet-sdk-8.0", "apt-get install -y dotnet-sdk-8.0"),
        ({"ID": "debian"}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
        ({"ID": "fedora"}, None, "dnf install -y dotnet-sdk-10.0"),
        ({"ID": "nixos"}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
        ({}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
    ],
)
def test_the_remedy_fits_the_system(monkeypatch, release, apt_package, remedy):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(toolchain, "_apt_sdk", lambda: apt_package)
    assert remedy in toolchain.dotnet_remedy()
    assert "\n" not in toolchain.dotnet_remedy()


# --- the key ---------------------------------------------------------------------------------


def test_the_key_changes_with_a_byte_a_name_and_the_sdk(dotnet):
    sdk = toolchain.find_dotnet()
    program = toolchain.SOURCES / "Peer" / "Program.cs"
    keys = [toolchain.source_key(sdk)]
    program.write_text("return ;")
    keys.append(toolchain.source_key(sdk))
    program.rename(program.with_name("Main.cs"))
    keys.append(toolchain.source_key(sdk))
    keys.append(toolchain.source_key(toolchain.Dotnet(sdk.path, "10.0.100")))
    assert len(set(keys)) == 4


def test_compiler_output_in_the_tree_does_not_count(dotnet):
    sdk = toolchain.find_dotnet()
    before = toolchain.source_key(sdk)
    for folder in ("bin", "obj", ".vs"):
        (toolchain.SOURCES / "Peer" / folder).mkdir()
        (toolchain.SOURCES / "Peer" / folder / "x").write_text("x")
    assert toolchain.source_key(sdk) == before


# --- building --------------------------------------------------------------------------------


def test_looking_never_builds(dotnet):
    assert toolchain.find_peer() is None
    assert builds(dotnet) == 0


def test_a_build_is_made_once_and_found_from_then_on(dotnet):
    said = []
    command = toolchain.build_peer(said.append)
    assert toolchain.build_peer(said.append) == command == toolchain.find_peer()
    assert command[0] == str(dotnet / "dotnet")
    assert command[1].endswith("Peer.dll")
    assert builds(dotnet) == len(said) == 1


def test_a_changed_source_is_not_answered_for_by_yesterdays_build(dotnet):
    toolchain.build_peer()
    (toolchain.SOURCES / "Peer" / "Program.cs").write_text("return 1;")
    assert toolchain.find_peer() is None


def test_a_failed_build_tells_the_compilers_words_and_leaves_nothing(dotnet, tmp_path):
    (dotnet / "compiler-error").touch()
    with pytest.raises(toolchain.BuildError, match="CS0246") as caught:
        toolchain.build_peer()
    assert caught.value.command[1] == "build"
    assert list((tmp_path / "cache" / "peers").iterdir()) == []


def test_a_broken_build_in_the_cache_is_replaced(dotnet):
    build = toolchain.cache_dir() / "peers" / toolchain.source_key(toolchain.find_dotnet())
    build.mkdir(parents=True)
    (build / "Peer.dll").touch()  # and nothing that says how to run it
    assert toolchain.find_peer() is None
    toolchain.build_peer()
    assert (build / "Peer.dll").read_text() == "built"


def test_another_builders_build_stands(dotnet, monkeypatch):
    build = toolchain.cache_dir() / "peers" / toolchain.source_key(toolchain.find_dotnet())

    def run(command, environment, say):
        original(command, environment, say)
        build.mkdir()
        (build / "Peer.dll").write_text("the other's")
        (build / "Peer.runtimeconfig.json").touch()

    original = toolchain._run_build
    monkeypatch.setattr(toolchain, "_run_build", run)
    toolchain.build_peer()
    assert (build / "Peer.dll").read_text() == "the other's"
    assert [path.name for path in build.parent.iterdir()] == [build.name]


def test_old_builds_go_but_for_the_three_last_used_and_all_of_today(dotnet, tmp_path):
    peers = tmp_path / "cache" / "peers"
    for name, days in (("a", 0.5), ("b", 2), ("c", 3), (".build-crashed", 2), (".build-now", 0)):
        (peers / name).mkdir(parents=True)
        used = time.time() - days * 86400
        os.utime(peers / name, (used, used))
    toolchain.build_peer()
    kept = {path.name for path in peers.iterdir()}
    assert {"a", "b", ".build-now"} < kept
    assert len(kept) == 4  # these, and the new one


# --- the cache's place -----------------------------------------------------------------------


def test_the_cache_is_where_it_is_told_to_be(monkeypatch, tmp_path):
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path))
    assert toolchain.cache_dir() == tmp_path


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has its own folder for caches")
def test_the_cache_is_else_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("PYSHM_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert toolchain.cache_dir() == tmp_path / "pyshm-interop"
