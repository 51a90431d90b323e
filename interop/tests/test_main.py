"""``python -m interop`` itself."""

from __future__ import annotations

import subprocess
import sys

from interop.checkout import CHECKOUT


def test_it_runs_where_pytest_is_not_installed() -> None:
    program = (
        "import runpy, sys; sys.modules['pytest'] = None; sys.argv = ['interop', '--help']; "
        "runpy.run_module('interop', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "fixtures" in done.stdout
