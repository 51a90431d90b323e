"""What a comparison of two manifests reports."""

from __future__ import annotations

import pytest

from pyshm.layout import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.testing.manifest import manifest_from_json, manifest_json
from pyshm.testing.mismatch import layout_mismatches
from pyshm.testing.questions import DotNetError


def manifest(*fields, **changes):
    declared = TypeDeclaration(
        "S",
        pack=1,
        fields=tuple(FieldDeclaration(f"F{n}", BuiltIn(kind)) for n, kind in enumerate(fields)),
    )
    return manifest_from_json(manifest_json(declared))._replace(**changes)


def test_equal_manifests_have_no_difference():
    assert layout_mismatches(manifest("int", "byte"), manifest("int", "byte")) == []


@pytest.mark.parametrize(("theirs", "ours"), [(8, 5), (5, 8)])
def test_manifests_that_differ_in_stride_alone_differ(theirs, ours):
    one, other = manifest("int", "byte", stride=theirs), manifest("int", "byte", stride=ours)
    (sentence,) = layout_mismatches(one, other)
    assert "stride in arrays" in sentence
    assert sentence.index(str(theirs)) < sentence.index(str(ours))
    assert layout_mismatches(one, other, managed=False) == []


@pytest.mark.parametrize(("theirs", "ours"), [(8, None), (None, 8)])
def test_a_type_that_only_one_side_takes_in_arrays_does_not_match(theirs, ours):
    one, other = manifest("int", "byte", stride=theirs), manifest("int", "byte", stride=ours)
    (sentence,) = layout_mismatches(one, other)
    refusing = "in .NET" if theirs is None else "here"
    assert sentence.startswith(f"managed layout: {refusing} the type holds objects")


@pytest.mark.parametrize("side", ["theirs", "ours"])
def test_a_type_that_one_side_refuses_does_not_match(side):
    refused = manifest("int", refused=DotNetError("ArgumentException", "no size"))
    pair = (refused, manifest("int")) if side == "theirs" else (manifest("int"), refused)
    (sentence,) = layout_mismatches(*pair)
    assert "the type can't be marshalled: no size (ArgumentException)" in sentence
    assert sentence.startswith("in .NET" if side == "theirs" else "here")
    assert layout_mismatches(*pair, marshalled=False) == []
