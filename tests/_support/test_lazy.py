"""Names that a package loads when they are first used."""

from __future__ import annotations

import pytest

from pyshm._support.lazy import lazy_names


@pytest.fixture
def face():
    """The globals of a package whose names are in pyshm.maps.enums, with its two functions."""
    names = {"__name__": "pyshm.maps", "_private": 1, "imported": 2}
    renamed = {"Mode": "FileMode", "OPEN": "FileMode.OPEN"}
    return names, *lazy_names("pyshm.maps", names, {"FileMode": "enums"}, renamed=renamed)


def test_a_name_is_loaded_once_and_kept(face):
    from pyshm.maps.enums import FileMode

    names, load, _ = face
    assert load("FileMode") is FileMode
    assert names["FileMode"] is FileMode


def test_a_name_that_does_not_exist_is_an_attribute_error(face):
    with pytest.raises(AttributeError, match="nothing_like_it") as caught:
        face[1]("nothing_like_it")
    assert caught.value.name == "nothing_like_it"


@pytest.mark.parametrize("loaded_before", [False, True])
@pytest.mark.parametrize(("old", "new"), [("Mode", "FileMode"), ("OPEN", "FileMode.OPEN")])
def test_a_renamed_name_works_and_warns(face, old, new, loaded_before):
    from pyshm.maps.enums import FileMode

    _, load, _ = face
    if loaded_before:
        load("FileMode")
    with pytest.warns(DeprecationWarning, match=rf"pyshm\.maps\.{old} is .* use {new} instead"):
        assert load(old) is (FileMode if old == "Mode" else FileMode.OPEN)


def test_only_public_names_are_listed(face):
    assert face[2]() == ["FileMode", "__name__"]
