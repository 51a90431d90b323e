"""The folder of the cache, and which builds stay in it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

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


@pytest.mark.parametrize(
    ("days", "kept"),
    [
        # The new build, and the two that were used last.
        ({"a": 2, "b": 3, "c": 4, "d": 5}, {"a", "b"}),
        # All that were used within the last day.
        ({"a": 0.2, "b": 0.4, "c": 0.6, "d": 0.8, "e": 2}, {"a", "b", "c", "d"}),
        # A folder of an interrupted build counts for nothing.
        ({"a": 2, "b": 3, "c": 4, ".build-crashed": 2, ".trash-old": 2}, {"a", "b"}),
        (
            {"a": 2, "b": 3, ".build-now": 0, ".trash-now": 0},
            {"a", "b", ".build-now", ".trash-now"},
        ),
    ],
)
def test_the_three_newest_builds_and_those_used_within_a_day_are_kept(dotnet, tmp_path, days, kept):
    peers = tmp_path / "cache" / "peers"
    for name, age in days.items():
        (peers / name).mkdir(parents=True)
        used = time.time() - age * 86400
        os.utime(peers / name, (used, used))
    new = Path(build.build_peer()[-1]).parent
    assert {path.name for path in peers.iterdir()} == {*kept, new.name}
