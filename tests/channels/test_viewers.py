"""Viewers: the memory of a held value does not change, and nobody else has its slot."""

from __future__ import annotations

import gc
import os
import signal

import pytest

from pyshm import ImageData, LatestChannel, Struct
from pyshm import types as t
from pyshm.errors import (
    ChannelFullError,
    ChannelTimeoutError,
    ClosedError,
    FrameInUseError,
    UnsupportedError,
)

np = pytest.importorskip("numpy")


class Pose(Struct):
    x: t.Double
    y: t.Int32


def pins(channel) -> list[int]:
    """The pins of all viewers' entries; docs/channels.md has the offset of a pin."""
    opened = channel._opened
    viewers = opened.geometry.viewers
    return [opened.words[opened.geometry.reader_at(entry) // 8 + 1] for entry in range(viewers)]


def array_of(number: int):
    return np.full(1000, number, "<i4")


@pytest.fixture
def scene(map_name):
    """A channel of arrays with two pins, and its writer."""
    channel = LatestChannel.create(map_name, array=("<i4", 1000), pins=2)
    with channel, channel.writer() as writer:
        yield channel, writer


def test_held_frames_do_not_change_beside_a_thousand_publishes(scene):
    channel, writer = scene
    with channel.viewer() as one, channel.viewer() as two, channel.reader() as reader:
        writer.publish(array_of(1))
        first = one.hold()
        writer.publish(array_of(2), tag=5)
        second = two.hold()
        assert [pin & (1 << 56) - 1 for pin in pins(channel)] == [1, 2]
        slots = {pin >> 56 for pin in pins(channel)}
        for number in range(3, 1003):
            writer.publish(array_of(number))
            assert channel._opened.words[writer._latest] >> 56 not in slots
        assert (first.array == 1).all()
        assert (second.array == 2).all()
        assert (first.number, second.number, second.tag) == (1, 2, 5)
        assert not first.array.flags.writeable
        assert (reader.latest() == 1002).all()
        first.release()
        second.release()
        first.release()
        assert pins(channel) == [0, 0]
        with one.hold() as newest:
            assert (newest.array == 1002).all()
            assert one.skipped == 1000
        assert newest.released


def test_a_viewer_holds_one_frame_at_a_time(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    with channel.viewer() as viewer:
        frame = viewer.hold()
        for hold in (viewer.hold, viewer.hold_next):
            with pytest.raises(UnsupportedError):
                hold(0)
        assert (frame.array == 1).all()
        assert (viewer.latest() == 1).all()  # a copy needs no pin here
        frame.release()
        with pytest.raises(ChannelTimeoutError):
            viewer.hold_next(0)
        writer.publish(array_of(2))
        with viewer.hold_next(0) as frame:
            assert (frame.copy() == 2).all()
        for use in (lambda: frame.array, lambda: frame.value, frame.copy, frame.__enter__):
            with pytest.raises(ClosedError):
                use()


def test_a_viewer_waits_for_the_first_value(scene):
    channel, _ = scene
    with channel.viewer() as viewer, pytest.raises(ChannelTimeoutError):
        viewer.hold(0)
    assert pins(channel) == [0, 0]


def test_more_viewers_than_pins_are_refused(scene):
    channel, writer = scene
    with channel.viewer() as one, channel.viewer():
        with pytest.raises(ChannelFullError, match="pins=") as caught:
            channel.viewer()
        assert (caught.value.limit, caught.value.kind) == (2, "channel-full")
        assert isinstance(caught.value, OSError)
        one.close()
        with channel.viewer() as three:
            writer.publish(array_of(3))
            with three.hold() as frame:
                assert (frame.array == 3).all()


def test_a_channel_without_pins_has_no_viewers(map_name):
    with LatestChannel.create(map_name, capacity=8, pins=0) as channel:
        assert channel.slots == 3
        with pytest.raises(ChannelFullError) as caught:
            channel.viewer()
        assert caught.value.limit == 0
        with channel.writer() as writer, channel.reader() as reader:
            writer.publish(b"1")
            assert reader.latest() == b"1"


def test_a_frame_that_an_array_uses_is_not_released(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    viewer = channel.viewer()
    frame = viewer.hold()
    kept = frame.array[10:20]
    for release in (frame.release, viewer.close, channel.close):
        with pytest.raises(FrameInUseError, match=r"copy\(\)") as caught:
            release()
        assert isinstance(caught.value, BufferError)
        assert pins(channel)[0] & 0xFF == 1
    for number in range(2, 20):
        writer.publish(array_of(number))
    assert (kept == 1).all()
    assert not viewer.closed
    del kept
    frame.release()
    assert pins(channel) == [0, 0]
    viewer.close()


@pytest.mark.parametrize("make", [memoryview, bytes, lambda data: data[2:5]])
def test_views_of_the_data_count_and_copies_do_not(scene, make):
    channel, writer = scene
    writer.publish(array_of(1))
    with channel.viewer() as viewer:
        frame = viewer.hold()
        kept = make(frame.data)
        assert frame.data.readonly
        if isinstance(kept, bytes):
            frame.release()
            return
        with pytest.raises(FrameInUseError):
            frame.release()
        kept.release()
        frame.release()


def test_views_of_a_struct_count(map_name):
    with LatestChannel.create(map_name, Pose) as channel, channel.writer() as writer:
        writer.publish(Pose(1.5, 2))
        with channel.viewer() as viewer:
            frame = viewer.hold()
            view = frame.value
            assert (view.x, view.y) == (1.5, 2)
            with pytest.raises(FrameInUseError):
                frame.release()
            writer.publish(Pose(3, 4))
            assert view.y == 2
            assert frame.copy() == Pose(1.5, 2)
            del view
            frame.release()
            with pytest.raises(UnsupportedError), viewer.hold() as frame:
                _ = frame.array


def test_a_picture_is_viewed_in_place(map_name):
    channel = LatestChannel.create(map_name, ImageData, capacity=100)
    with channel, channel.writer() as writer, channel.viewer() as viewer:
        writer.publish(ImageData("a.png", b"12345"))
        with viewer.hold() as frame:
            assert frame.value == ImageData("a.png", b"12345")
            assert frame.copy() == ImageData("a.png", b"12345")


def test_an_error_in_the_block_is_not_hidden_by_a_frame_in_use(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    viewer = channel.viewer()
    kept = []

    def keep(frame):
        kept.append(frame.array)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), viewer.hold() as frame:
        keep(frame)
    assert frame.abandoned
    assert not frame.released
    assert pins(channel)[0]
    with pytest.raises(FrameInUseError):
        viewer.hold()
    kept.clear()
    writer.publish(array_of(2))
    with viewer.hold() as frame:  # the abandoned frame was released
        assert (frame.array == 2).all()
    with pytest.raises(ZeroDivisionError), viewer:
        keep(viewer.hold())
    assert not viewer.closed
    kept.clear()
    viewer.close()
    assert viewer.closed
    assert pins(channel) == [0, 0]


def test_a_block_without_an_error_reports_the_frame_in_use(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    viewer = channel.viewer()
    kept = []
    with pytest.raises(FrameInUseError), viewer.hold() as frame:
        kept.append(frame.array)
    assert frame.abandoned
    kept.clear()
    with pytest.raises(FrameInUseError), viewer:
        kept.append(viewer.hold().array)
    kept.clear()
    viewer.close()


def test_a_frame_that_was_dropped_is_released_by_the_next_one(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    with channel.viewer() as viewer:
        viewer.hold()
        assert viewer.hold().number == 1
        kept = viewer.hold().array
        with pytest.raises(FrameInUseError):
            viewer.hold()
        for number in range(2, 20):
            writer.publish(array_of(number))
        assert (kept == 1).all()
        del kept
        assert viewer.hold().number == 19


def test_a_viewer_that_was_collected_keeps_the_slot_of_a_live_array(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    kept = channel.viewer().hold().array[:]
    gc.collect()
    with channel.viewer() as other:
        with pytest.raises(ChannelFullError):
            channel.viewer()
        for number in range(2, 100):
            writer.publish(array_of(number))
            with other.hold() as frame:
                assert frame.number == number
            assert (kept == 1).all()
    assert pins(channel)[0] & 0xFF == 1
    del kept
    with channel.viewer() as viewer, channel.viewer(), viewer.hold() as frame:  # both entries
        assert (frame.array == 99).all()


def test_a_viewer_that_was_collected_gives_its_entry_back(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    for _ in range(5):
        channel.viewer().hold()
        gc.collect()
    assert pins(channel) == [0, 0]


def test_frames_iterate_until_the_writer_closes(scene):
    channel, writer = scene
    seen = []
    with channel.viewer() as viewer:
        writer.publish(array_of(1))
        for frame in viewer.frames():
            seen.append(int(frame.array[0]))
            assert pins(channel)[0]
            if len(seen) == 3:
                writer.close()
            else:
                writer.publish(array_of(len(seen) + 1))
        assert seen == [1, 2, 3]
        assert frame.released


def test_a_loop_over_frames_that_breaks_releases_the_frame(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    with channel.viewer() as viewer:
        for _ in viewer.frames():
            break
        gc.collect()
        assert pins(channel) == [0, 0]


VIEWER = """
import sys
from pyshm import LatestChannel
channel = LatestChannel.open(sys.argv[1])
viewer = channel.viewer()
frame = viewer.hold()
array = frame.array
print("READY", int(array[0]), sep="\\n", flush=True)
for line in sys.stdin:
    print(int(array.min()), int(array.max()), flush=True)
"""


def test_the_entry_of_a_killed_viewer_is_used_again(scene, map_name, child):
    channel, writer = scene
    writer.publish(array_of(7))
    processes = [child(VIEWER, map_name) for _ in range(2)]
    assert [process.line() for process in processes] == ["7", "7"]
    with pytest.raises(ChannelFullError):
        channel.viewer()
    for number in range(8, 50):
        writer.publish(array_of(number))
    assert [process.ask("look") for process in processes] == ["7 7", "7 7"]
    processes[0].send_signal(signal.SIGKILL)
    processes[0].wait()
    held = [pin >> 56 for pin in pins(channel)]
    assert held[0] == held[1]
    assert processes[1].ask("look") == "7 7"
    with channel.viewer() as viewer:
        assert pins(channel).count(0) == 1
        with viewer.hold() as frame:
            assert (frame.array == 49).all()
            for number in range(50, 60):
                writer.publish(array_of(number))
            assert (frame.array == 49).all()
    assert processes[1].ask("look") == "7 7"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_forked_child_does_not_release_the_frame_of_its_parent(scene):
    channel, writer = scene
    writer.publish(array_of(1))
    with channel.viewer() as viewer:
        frame = viewer.hold()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                frame.release()
                viewer.close()
                del viewer, frame
                gc.collect()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        assert pins(channel)[0] & 0xFF == 1
        for number in range(2, 20):
            writer.publish(array_of(number))
        assert (frame.array == 1).all()
        with channel.viewer(), pytest.raises(ChannelFullError):
            channel.viewer()
