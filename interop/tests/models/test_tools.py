"""What the output of spin's verifier and of orders.cpp means. The outputs are copied from runs."""

from __future__ import annotations

import pytest

from interop.models.catalog import EXPLORER, RELACY, SPIN
from interop.models.tools import ModelError, Verdict, missing, orders_verdict, pan_verdict

HOLDS = """
(Spin Version 6.5.2 -- 6 December 2019)
State-vector 56 byte, depth reached 179, errors: 0
  5739180 states, stored
  4380914 states, matched
unreached in proctype Writer
\t(0 of 109 states)
"""
UNREACHED = """  12 states, stored
unreached in proctype Writer
\tmodel.pml:45, state 6, "writer_kills = (writer_kills+1)"
\t(1 of 78 states)
"""
VIOLATED = """pan:1: assertion violated  !(held_value_changed) (at depth 62)
pan: wrote model.pml.trail
Warning: Search not completed
State-vector 56 byte, depth reached 165, errors: 1
    55389 states, stored
unreached in proctype Writer
\tmodel.pml:45, state 6, "k = 0"
"""
STUCK = """pan:1: invalid end state (at depth 120)
Warning: Search not completed
   697769 states, stored
"""


def test_spin_holds_and_says_what_was_never_executed() -> None:
    assert pan_verdict(HOLDS) == Verdict("holds", 5_739_180)
    never = ("line 45: writer_kills = (writer_kills+1)",)
    assert pan_verdict(UNREACHED) == Verdict("holds", 12, never)
    assert pan_verdict("1.2e+08 states, stored").states == 120_000_000


def test_spin_names_the_violation() -> None:
    assert pan_verdict(VIOLATED) == Verdict("held_value_changed", 55_389)
    assert pan_verdict(STUCK) == Verdict("stuck", 697_769)


@pytest.mark.parametrize(
    "output",
    ["", "error: max search depth too small\n  12 states, stored\n",
     "pan: reached -DMEMLIM bound\n  12 states, stored\n",
     "Warning: Search not completed\n  12 states, stored\n"],
)  # fmt: skip
def test_a_search_that_is_not_complete_is_an_error(output: str) -> None:
    with pytest.raises(ModelError):
        pan_verdict(output)


def test_relacy_holds_only_if_the_readers_did_something() -> None:
    line = "holds: 1000 schedules, {} copies, 1990 holds, {} retries\n"
    assert orders_verdict("100%\n" + line.format(1990, 10)) == Verdict("holds", 1000)
    assert orders_verdict(line.format(9, 0)).never == ("copies (9)", "retries (0)")
    found = orders_verdict("copy_is_torn: 28 schedules, 54 copies, 55 holds, 3 retries")
    assert found == Verdict("copy_is_torn", 28)
    with pytest.raises(ModelError):
        orders_verdict("Segmentation fault")


def test_a_missing_program_comes_with_its_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"ID": "debian"})
    spin, relacy = missing(SPIN), missing(RELACY)
    assert spin is not None
    assert spin.endswith("apt-get install -y spin gcc")
    assert relacy is not None
    assert relacy.endswith("apt-get install -y relacy-dev g++")
    assert missing(EXPLORER) is None
