"""A fake dotnet, so that these tests need no SDK."""

from __future__ import annotations

import os
import sys

import pytest

from pyshm.testing import build, sdk

# Answers and builds like the real one; the files beside it control it.
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
    if os.name == "nt":
        pytest.skip("the fake dotnet is a script")
    folder = tmp_path / "dotnet"
    folder.mkdir()
    (folder / "dotnet").write_text(FAKE_DOTNET)
    (folder / "dotnet").chmod(0o755)
    (folder / "sdk").write_text("9.0.101")
    sources = tmp_path / "csharp"
    (sources / "Peer").mkdir(parents=True)
    (sources / "Peer" / "Program.cs").write_text("return;")
    monkeypatch.setattr(build, "SOURCES", sources)
    monkeypatch.setenv("DOTNET_ROOT", str(folder))
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path / "cache"))
    sdk._search.cache_clear()
    yield folder
    sdk._search.cache_clear()
