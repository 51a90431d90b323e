"""What differs between two looks at a map."""

from __future__ import annotations

import pytest

from pyshm import ImageData, TestData, dump
from pyshm.dump.changes import Change, Snapshot, touched


def changes(old, new):
    snapshot = Snapshot(memoryview(old))
    found = snapshot.take(snapshot.differing(memoryview(new)))
    assert snapshot.data == new
    return found


def test_equal_bytes_have_no_changes():
    snapshot = Snapshot(memoryview(bytes(100_000)))
    assert snapshot.differing(memoryview(bytes(100_000))) == []
    assert snapshot.take([]) == []


def test_a_change_has_its_place_and_both_bytes():
    assert changes(b"abcdef", b"abXYef") == [Change(2, b"cd", b"XY")]


@pytest.mark.parametrize(("gap", "count"), [(15, 1), (16, 2)])
def test_few_equal_bytes_do_not_part_changes(gap, count):
    old = bytes(100)
    new = bytearray(old)
    new[10] = new[11 + gap] = 1
    found = changes(old, new)
    assert len(found) == count
    assert (found[0].offset, found[-1].end) == (10, 12 + gap)


def test_runs_are_exact():
    assert list(Change(10, b"abcde", b"aXcYZ").runs()) == [(11, 12), (13, 15)]


@pytest.mark.parametrize("offset", [65_530, 65_535, 65_536, 131_071])
def test_changes_at_the_border_of_blocks_are_found_whole(offset):
    old = bytes(200_000)
    new = bytearray(old)
    new[offset : offset + 12] = b"x" * 12
    assert changes(old, new) == [Change(offset, bytes(12), b"x" * 12)]


def test_a_change_of_everything_is_one():
    assert changes(bytes(200_000), b"x" * 200_000) == [Change(0, bytes(200_000), b"x" * 200_000)]


def test_very_many_changes_become_fewer():
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


def told(old, new, kind=None):
    before, after = (dump.annotate(memoryview(data), kind) for data in (old, new))
    return [
        (item.old and item.old.value, item.new.name, item.new.value)
        for change in changes(old, new)
        for item in touched(before, after, change)
    ]


def test_the_fields_that_a_change_lies_in_are_told_with_both_values():
    old = TestData.standard()
    new = TestData(101, 20, [60, 61, 99, *range(63, 70)])
    assert told(old.to_bytes(), new.to_bytes()) == [
        (100, "Id", 101),
        (20, "Age", 20),  # the change runs over it
        (60, "Scores[0]", 60),
        (61, "Scores[1]", 61),
        (62, "Scores[2]", 99),
    ]


def test_of_a_picture_the_lengths_and_the_content_are_told():
    old = ImageData("p", b"x" * 50).to_bytes() + b"s" * 50
    new = ImageData("p", b"y" * 40).to_bytes() + b"x" * 10 + b"s" * 50
    assert told(old, new) == [(50, "content_length", 40), (None, "content", None)]


def test_a_field_that_was_not_there_has_no_old_value():
    before = dump.annotate(memoryview(TestData.standard().to_bytes()))
    new = ImageData("p", b"x" * 39).to_bytes()
    (change,) = changes(TestData.standard().to_bytes(), new)
    found = touched(before, dump.annotate(memoryview(new)), change)
    assert [item.old for item in found] == [None] * 4
