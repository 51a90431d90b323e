"""A process ends after each single step: what the others see, as docs/channels.md says.

The child that ends is a fork; no finalizer of it runs.
"""

from __future__ import annotations

import itertools
import os

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.errors import ChannelEndedError, WriterDiedError

from .stepping import stopped_at

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
]
KEPT: list[object] = []  # what a child does not close at the end of its work
FIRST, SECOND, THIRD = b"first value", b"SECOND VALUE", b"third"

# The steps of a publish while a reader sleeps, and what they mean for the value.
LOST, DELIVERED_LATER, DELIVERED = "lost", "delivered later", "delivered"
PUBLISH = [
    ("odd stamp", LOST),  # W2
    ("fence", LOST),  # W3
    ("half of the value", LOST),  # W5
    ("value", LOST),  # W5
    ("even stamp", DELIVERED_LATER),  # W6
    ("sleepers", DELIVERED_LATER),  # W7
    ("latest", DELIVERED),  # W8
    ("fence", DELIVERED),  # W9
    ("wake", DELIVERED),  # W10
]


def publish(channel, sleepers: int):
    def work(arm):
        writer = channel.writer()
        writer.publish(FIRST)
        channel._opened.halves.words[writer._sleepers] = sleepers
        KEPT.append(writer)
        arm()
        writer.publish(SECOND)

    return work


def learns_of_the_death_once(reader) -> None:
    with pytest.raises(WriterDiedError):
        reader.wait(0.001)
    assert reader.wait(0.001) is False


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize(("step", "expected"), list(enumerate(PUBLISH, 1)))
def test_a_writer_of_the_newest_value_ends_after_each_step(map_name, step, expected, kill):
    name, outcome = expected
    channel = LatestChannel.create(map_name, capacity=32)
    with channel, channel.reader() as reader, channel.viewer() as viewer:
        assert stopped_at(channel, step, publish(channel, 1), kill=kill) == name
        newest = SECOND if outcome == DELIVERED else FIRST
        assert channel.writer_state == "died"
        assert reader.latest() == viewer.latest() == newest
        with viewer.hold() as frame:
            assert frame.copy() == newest
            learns_of_the_death_once(reader)
            with channel.writer() as writer:
                assert (channel.writer_state, channel.epoch) == ("alive", 2)
                number = 1 if outcome == LOST else 2
                assert writer.published == number
                assert reader.latest() == (FIRST if outcome == LOST else SECOND)
                assert reader.number == number
                assert frame.copy() == newest
                for more in range(1, 8):
                    assert writer.publish(THIRD + b"%d" % more) == number + more
                    assert reader.latest() == THIRD + b"%d" % more
                    assert frame.copy() == newest


def test_a_publish_has_these_steps(map_name):
    channel = LatestChannel.create(map_name, capacity=32)
    with channel:
        assert stopped_at(channel, len(PUBLISH) + 1, publish(channel, 1)) == ""
    with LatestChannel.create(map_name, capacity=32) as channel:
        steps = [stopped_at(channel, step, publish(channel, 0)) for step in range(1, 9)]
        assert steps == [
            "odd stamp", "fence", "half of the value", "value", "even stamp", "latest", "fence", "",
        ]  # fmt: skip


@pytest.mark.parametrize("kill", [False, True])
@pytest.mark.parametrize(("step", "expected"), list(enumerate(PUBLISH, 1)))
def test_a_writer_of_every_value_ends_after_each_step(map_name, step, expected, kill):
    name, outcome = expected
    channel = QueueChannel.create(map_name, capacity=32, slots=2)
    with channel, channel.reader() as reader, channel.reader() as other:
        assert stopped_at(channel, step, publish(channel, 1), kill=kill) == name
        assert reader.next(0) == FIRST
        if outcome == DELIVERED:
            assert reader.next(0) == SECOND
        learns_of_the_death_once(reader)
        with channel.writer() as writer:
            if outcome == DELIVERED_LATER:
                assert reader.next(0) == SECOND
            assert reader.wait(0) is False
            number = 1 if outcome == LOST else 2
            assert writer.published == reader.number == number
            expected = [FIRST] if outcome == LOST else [FIRST, SECOND]
            for more in range(1, 6):
                value = THIRD + b"%d" % more
                expected.append(value)
                if number + more > 2:
                    assert other.next(0) == expected.pop(0)
                assert writer.publish(value, 0) == number + more
                assert reader.next(0) == value
            assert [other.next(0) for _ in expected] == expected
        with pytest.raises(ChannelEndedError):
            reader.next(0)


@pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
def test_a_writer_ends_after_each_step_of_its_takeover(map_name, kind):
    """The writer before it has completed a value, and has not announced it."""
    for step in itertools.count(1):
        channel = kind.create(f"{map_name}-{step}", capacity=32)
        with channel, channel.reader() as reader:
            assert stopped_at(channel, 5, publish(channel, 1)) == "even stamp"

            def take_over(arm, channel=channel):
                arm()
                KEPT.append(channel.writer())

            name = stopped_at(channel, step, take_over)
            epoch = channel.epoch
            assert channel.writer_state == "died"
            with channel.writer() as writer:
                assert (channel.epoch, writer.published) == (epoch + 1, 2)
                assert writer.publish(THIRD) == 3
                values = [reader.next(0) for _ in range(3 if kind is QueueChannel else 1)]
                assert values == [FIRST, SECOND, THIRD][-len(values) :]
        if not name:
            break
    assert step == 7  # latest, epoch, process, state, fence, wake, and none


@pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
def test_a_writer_ends_after_each_step_of_its_close(map_name, kind):
    for step in itertools.count(1):
        channel = kind.create(f"{map_name}-{step}", capacity=32)
        with channel, channel.reader() as reader:

            def close(arm, channel=channel):
                writer = channel.writer()
                writer.publish(FIRST)
                arm()
                writer.close()

            name = stopped_at(channel, step, close)
            assert channel.writer_state == "closed"
            assert list(reader) == [FIRST]
            with channel.writer() as writer:
                assert (writer.epoch, channel.writer_state) == (2, "alive")
                assert writer.publish(SECOND) == 2
                assert reader.next(0) == SECOND
        if not name:
            break
    assert step == 4  # state, fence, wake, and none


def test_a_consumer_ends_after_each_step_of_its_life(map_name):
    """The writer waits for it once, and forgets it. Another consumer misses nothing."""
    names = []
    for step in itertools.count(1):
        channel = QueueChannel.create(f"{map_name}-{step}", capacity=32, slots=2, readers=2)
        with channel, channel.writer() as writer, channel.reader() as reader:
            writer.publish(FIRST)

            def consume(arm, channel=channel, writer=writer):
                arm()
                consumer = channel.reader()
                # What its parent does meanwhile: the child's writer was closed by the fork.
                channel._opened.words.words[writer._stamps[0]] = 4
                channel._opened.words.words[consumer._latest] = 2
                consumer.next(0)
                consumer.close()

            name = stopped_at(channel, step, consume)
            if channel.published == 1:
                writer.publish(SECOND, 0)
            else:
                writer._opened.slots[0][:12] = SECOND
                writer._opened.memory[channel._opened.geometry.descriptor_at(0) + 8] = 12
            assert reader.next(0) == FIRST
            assert reader.next(0) == SECOND
            for number in range(3, 10):
                assert writer.publish(b"%d" % number, 30) == number
                assert reader.next(0) == b"%d" % number
            with channel.reader() as another:  # the entry is free
                writer.publish(THIRD, 0)
                assert another.next(0) == THIRD
                reader.next(0)
            names.append(name)
        if not name:
            break
    assert names == [
        "pin", "owner", "cursor", "mode", "fence", "cursor", "cursor", "fence", "mode", "fence", "",
    ]  # fmt: skip


def test_a_viewer_ends_after_each_step_of_its_life(map_name):
    """The writer goes on, and the next viewer frees the slot."""
    names = []
    for step in itertools.count(1):
        channel = LatestChannel.create(f"{map_name}-{step}", capacity=32, pins=1)
        with channel, channel.writer() as writer, channel.reader() as reader:
            writer.publish(FIRST)

            def view(arm, channel=channel):
                arm()
                viewer = channel.viewer()
                with viewer.hold() as frame:
                    frame.copy()
                viewer.close()

            names.append(stopped_at(channel, step, view))
            for number in range(2, 8):
                assert writer.publish(b"%d" % number) == number
                assert reader.latest() == b"%d" % number
            with channel.viewer():
                used = set()
                for _ in range(6):
                    writer.publish(THIRD)
                    used.add(channel._opened.words[writer._latest] >> 56)
                assert used == {0, 1, 2}
        if not names[-1]:
            break
    assert names == [
        "pin", "owner", "mode", "pinners", "pin", "fence", "pin", "pin", "mode", "",
    ]  # fmt: skip


class PinsBetween:
    """A fence during which a viewer pins the slot that the writer has chosen."""

    def __init__(self, writer, words, halves, pin: int) -> None:
        self.writer, self.words, self.halves, self.pin = writer, words, halves, pin
        self.fence = writer._fence
        self.stamps: list[list[int]] = []

    def __call__(self) -> None:
        self.stamps.append([self.words[stamp] for stamp in self.writer._stamps])
        if len(self.stamps) == 1:
            self.halves[self.writer._pinners] = 1
            self.words[self.writer._pins[0]] = self.pin
        self.fence()


def test_a_slot_that_is_pinned_after_the_choice_gets_its_stamp_back(map_name):
    channel = LatestChannel.create(map_name, capacity=32)
    with channel, channel.writer() as writer:
        words, halves = channel._opened.words, channel._opened.halves
        for value in (b"1", b"2", b"3"):
            writer.publish(value)
        oldest = words[writer._latest] >> 56  # a ring of three
        oldest = (oldest + 1) % 3
        assert words[writer._stamps[oldest]] == 2
        between = writer._fence = PinsBetween(writer, words, halves, oldest << 56 | 1)
        assert writer.publish(b"4") == 4
        assert between.stamps[0][oldest] == 7  # W2 for value 4
        assert words[writer._stamps[oldest]] == 2  # W4
        assert bytes(channel._opened.slots[oldest][:1]) == b"1"
        newest = words[writer._latest] >> 56
        assert newest != oldest
        assert words[writer._stamps[newest]] == 8
