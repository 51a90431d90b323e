"""docs/named-maps.md, "Names"."""

from __future__ import annotations

import pytest

from pyshm.errors import ArgumentError, ArgumentNullError, NameRuleError
from pyshm.maps.names import check_name

PORTABLE = ["a", "A", "picture", "a.b", "a-b_c.9", "9", "-", "_", "a" * 255, "semaphore", "a.."]


@pytest.mark.parametrize("windows", [False, True])
@pytest.mark.parametrize("name", PORTABLE)
def test_a_portable_name_is_unchanged_on_every_system(name, windows):
    assert check_name(name, windows=windows) == name


@pytest.mark.parametrize("prefix", ["Local\\", "Global\\"])
def test_posix_strips_the_prefix(prefix):
    assert check_name(prefix + "x", windows=False) == "x"


@pytest.mark.parametrize("prefix", ["Local\\", "Global\\"])
def test_windows_keeps_the_prefix(prefix):
    assert check_name(prefix + "x", windows=True) == prefix + "x"


def test_case_is_kept():
    assert check_name("PiCture", windows=False) == "PiCture"


@pytest.mark.parametrize("name", ["é", "日本", "ä" * 127, "a b", "a:b", "~x", "\n"])
def test_posix_takes_any_other_utf8_name(name):
    assert check_name(name, windows=False) == name


POSIX_RULES = [
    ("", "must not be empty"),
    ("Local\\", "must not be empty"),
    ("Global\\", "must not be empty"),
    ("\0", "must not contain NUL"),
    ("a\0b", "must not contain NUL"),
    ("a/\0", "must not contain NUL"),
    ("/", "must not contain a separator"),
    ("a/b", "must not contain a separator"),
    ("../x", "must not contain a separator"),
    ("a\\b", "must not contain a separator"),
    ("Local\\Local\\x", "must not contain a separator"),
    ("local\\x", "must not contain a separator"),
    ("Global/x", "must not contain a separator"),
    (".", "must not be '.' or '..'"),
    ("..", "must not be '.' or '..'"),
    ("Local\\..", "must not be '.' or '..'"),
    ("a\ud800", "must be encodable"),
    (".\ud800", "must be encodable"),
    (".x", "must not begin with '.'"),
    (".pyshm-0", "must not begin with '.'"),
    ("...", "must not begin with '.'"),
    ("Local\\.x", "must not begin with '.'"),
    ("." + "x" * 300, "must not begin with '.'"),
    ("sem.x", "must not begin with 'sem.'"),
    ("sem.", "must not begin with 'sem.'"),
    ("Global\\sem.x", "must not begin with 'sem.'"),
    ("a" * 256, "must not be longer than 255 bytes"),
    ("é" * 128, "must not be longer than 255 bytes"),
]


@pytest.mark.parametrize(("name", "rule"), POSIX_RULES)
def test_posix_names_the_first_rule_that_a_name_breaks(name, rule):
    with pytest.raises(NameRuleError) as caught:
        check_name(name, windows=False)
    assert caught.value.limit.startswith(rule)


# What the kernel makes of them is in fixtures/semantics.jsonl; it is not asked here.
KERNEL_NAMES = [
    "a/b", "..", ".x", "sem.x", "a" * 40_000, "a\ud800", " ",
    "a\0b", "\0", "a\\b", "a\\", "\\", "Local\\", "Global\\", "Local\\a\\b", "local\\x",
    "Session\\1\\x", "Session\\1\\", "Local\\Global\\x",
]  # fmt: skip


@pytest.mark.parametrize("name", KERNEL_NAMES)
def test_on_windows_the_kernel_checks_every_name_but_the_empty_one(name):
    assert check_name(name, windows=True) == name


def test_an_empty_name_is_an_error_on_windows():
    with pytest.raises(NameRuleError) as caught:
        check_name("", windows=True)
    assert caught.value.limit == "must not be empty"


def test_the_limit_of_255_bytes_does_not_include_the_prefix():
    assert check_name("Global\\" + "a" * 255, windows=False) == "a" * 255


def test_the_error_for_a_broken_rule_has_the_name():
    with pytest.raises(NameRuleError, match="'a/b'") as caught:
        check_name("a/b", windows=False)
    error = caught.value
    assert (error.field, error.value, error.kind) == ("map_name", "a/b", "argument")


def test_a_broken_rule_is_an_argument_error_and_a_value_error():
    with pytest.raises(ArgumentError) as caught:
        check_name("", windows=False)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", [None, 7, b"bytes"])
@pytest.mark.parametrize("windows", [False, True])
def test_a_name_that_is_not_text_is_a_type_error(name, windows):
    with pytest.raises(ArgumentNullError) as caught:
        check_name(name, windows=windows)
    assert isinstance(caught.value, TypeError)
    assert caught.value.field == "map_name"


def test_by_default_the_rules_are_those_of_this_system():
    import sys

    assert check_name("Local\\x") == ("Local\\x" if sys.platform == "win32" else "x")
