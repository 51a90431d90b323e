"""The header that the pytest plugin adds."""

from __future__ import annotations

import pytest


def test_a_run_prints_its_seed(pytestconfig: pytest.Config) -> None:
    seed = pytestconfig.getoption("--seed")
    (header,) = [
        line
        for line in pytestconfig.hook.pytest_report_header(
            config=pytestconfig, start_path=pytestconfig.rootpath
        )
        if "random cases" in line
    ]
    assert header.startswith(f"random cases: seed {seed}, ")
