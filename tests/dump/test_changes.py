"""The differences between two looks at a map."""

from __future__ import annotations

import pytest

from pyshm import ImageData, TestData, dump
from pyshm.dump.changes import Change, Snapshot, field_changes


def changes(old, new):
    snapshot = Snapshot(memoryview(old))
    found = snapshot.update(snapshot.differing(memoryview(new)))
    assert snapshot.data == new
    return found


def test_equal_bytes_have_no_changes():
    snapshot = Snapshot(memoryview(bytes(100_000)))
    assert snapshot.differing(memoryview(bytes(100_000))) == []
    assert snapshot.update([]) == []


def test_a_change_has_its_offset_and_the_old_and_new_bytes():
    assert changes(b"abcdef", b"abXYef") == [Change(2, b"cd", b"XY")]


@pytest.mark.parametrize(("gap", "count"), [(15, 1), (16, 2)])
def test_few_equal_bytes_do_not_separate_changes(gap, count):
    old = bytes(100)
    new = bytearray(old)
    new[10] = new[11 + gap] = 1
    found = changes(old, new)
    assert len(found) == count
    assert (found[0].offset, found[-1].end) == (10, 12 + gap)


def test_runs_are_exact():
    assert list(Change(10, b"abcde", b"aXcYZ").runs()) == [(11, 12), (13, 15)]


@pytest.mark.parametrize("offset", [65_530, 65_535, 65_536, 131_071])
def test_a_change_across_two_blocks_is_found_as_one(offset):
    old = bytes(200_000)
    new = bytearray(old)
    new[offset : offset + 12] = b"x" * 12
    assert changes(old, new) == [Change(offset, bytes(12), b"x" * 12)]


def test_a_change_of_every_byte_is_one_change():
    assert changes(bytes(200_000), b"x" * 200_000) == [Change(0, bytes(200_000), b"x" * 200_000)]


def test_very_many_changes_are_joined():
    new = bytearray(200_000)
    new[::40] = b"x" * len(new[::40])
    found = changes(bytes(200_000), new)
    assert 0 < len(found) <= 256
    assert (found[0].offset, found[-1].end) == (0, 199_961)


def test_a_snapshot_does_not_follow_the_buffer():
    memory = bytearray(b"abc")
    snapshot = Snapshot(memoryview(memory))
    memory[0] = 0
    assert snapshot.data == b"abc"


def changed_fields(old, new, kind=None):
    before, after = (dump.annotate(memoryview(data), kind) for data in (old, new))
    return [
        (item.old and item.old.value, item.new.name, item.new.value)
        for change in changes(old, new)
        for item in field_changes(before, after, change)
    ]


def test_a_change_lists_its_fields_with_both_values():
    old = TestData.standard()
    new = TestData(101, 20, [60, 61, 99, *range(63, 70)])
    assert changed_fields(old.to_bytes(), new.to_bytes(), "TestData") == [
        (100, "Id", 101),
        (20, "Age", 20),  # the change covers it
        (60, "Scores[0]", 60),
        (61, "Scores[1]", 61),
        (62, "Scores[2]", 99),
    ]


def test_a_change_of_a_picture_lists_the_lengths_and_the_content():
    old = ImageData("p", b"x" * 50).to_bytes() + b"s" * 50
    new = ImageData("p", b"y" * 40).to_bytes() + b"x" * 10 + b"s" * 50
    assert changed_fields(old, new, "blob") == [(50, "content_length", 40), (None, "content", None)]


def test_a_new_field_has_no_old_value():
    before = dump.annotate(memoryview(TestData.standard().to_bytes()), "TestData")
    new = ImageData("p", b"x" * 39).to_bytes()
    (change,) = changes(TestData.standard().to_bytes(), new)
    found = field_changes(before, dump.annotate(memoryview(new), "blob"), change)
    assert [item.old for item in found] == [None] * 4
