"""Values in messages: every value has a short text, also one whose repr fails."""

from __future__ import annotations

import pytest

from pyshm._support.shown import shown

HUGE = 10**5000


class Rude:
    def __repr__(self):
        raise RuntimeError("no repr")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1, "1"),
        ("a", "'a'"),
        (HUGE, "<int of 16610 bits>"),
        (-HUGE, "<int of 16610 bits>"),
        ([HUGE], "<list>"),
        (Rude(), "<Rude>"),
        ("x" * 10**6, "'" + "x" * 499 + "…"),
    ],
    ids=range(7),
)
def test_every_value_has_a_short_text(value, text):
    assert shown(value) == text


def test_the_whole_text_can_be_asked_for():
    assert shown("x" * 1000, longest=None) == repr("x" * 1000)
