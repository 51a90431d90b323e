"""The folder of the cache, and which builds stay in it."""

from __future__ import annotations

import os
import sys
import time

import pytest

from pyshm.testing import build, cache


def test_the_environment_variable_names_the_cache(monkeypatch, tmp_path):
    monkeypatch.setenv("PYSHM_CACHE", str(tmp_path))
    assert cache.cache_dir() == tmp_path


@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has its own folder for caches")
def test_without_the_variable_the_cache_is_in_the_users_cache_folder(monkeypatch, tmp_path):
    monkeypatch.delenv("PYSHM_CACHE", raising=False)
    variable = "LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME"
    monkeypatch.setenv(variable, str(tmp_path))
    assert cache.cache_dir() == tmp_path / "pyshm-interop"


def test_the_three_newest_builds_and_those_used_within_a_day_are_kept(dotnet, tmp_path):
    peers = tmp_path / "cache" / "peers"
    for name, days in (("a", 0.5), ("b", 2), ("c", 3), (".build-crashed", 2), (".build-now", 0)):
        (peers / name).mkdir(parents=True)
        used = time.time() - days * 86400
        os.utime(peers / name, (used, used))
    build.build_peer()
    kept = {path.name for path in peers.iterdir()}
    assert {"a", "b", ".build-now"} < kept
    assert len(kept) == 4  # these, and the new build
