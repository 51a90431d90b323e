"""Copies and pickles: values have their own bytes, live objects are refused with a way out."""

from __future__ import annotations

import copy
import io
import multiprocessing
import pickle
from contextlib import ExitStack

import pytest

from pyshm import ImageData, MemoryMappedFile, PyshmError, ShareMemoryHelper
from pyshm.errors import ClosedError


def _pickled(value):
    return pickle.loads(pickle.dumps(value))


WAYS = [pytest.param(_pickled, id="pickle"), copy.copy, copy.deepcopy]


@pytest.mark.parametrize("again", WAYS)
@pytest.mark.parametrize("content", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_a_copied_image_has_its_own_bytes(again, content):
    image = ImageData("some/ü.png", content)
    found = again(image)
    assert found == image
    assert type(found.content) is bytes


@pytest.mark.parametrize("again", WAYS)
def test_an_image_read_from_a_map_is_copied_with_its_bytes(again):
    memory = bytearray(ImageData("a", b"picture").to_bytes())
    image = ImageData.from_bytes(memory)
    found = again(image)
    memory[:] = bytes(len(memory))
    assert (found.path, found.content) == ("a", b"picture")


def _live():
    stack = ExitStack()
    opened = stack.enter_context(MemoryMappedFile.create_new(None, 100))
    return stack, {
        "map": (opened, "by its name or path"),
        "accessor": (stack.enter_context(opened.create_view_accessor()), "send its bytes"),
        "stream": (stack.enter_context(opened.create_view_stream()), "send its bytes"),
        "helper": (ShareMemoryHelper("name"), "send its map name or path"),
    }


KINDS = ["map", "accessor", "stream", "helper"]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("kind", KINDS)
def test_a_live_object_is_not_pickled(kind, protocol):
    stack, live = _live()
    value, instead = live[kind]
    with stack, pytest.raises(PyshmError, match=instead):
        pickle.dumps(value, protocol)
    with stack, pytest.raises(TypeError, match=instead):
        pickle.Pickler(io.BytesIO(), protocol).dump([value])


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
@pytest.mark.parametrize("kind", KINDS)
def test_a_live_object_is_not_copied(kind, way):
    stack, live = _live()
    value, instead = live[kind]
    with stack:
        with pytest.raises(PyshmError, match=instead):
            way(value)
        if kind in ("map", "accessor", "stream"):
            assert not value.closed


def test_a_queue_passes_images_on():
    queue = multiprocessing.get_context("spawn").SimpleQueue()
    queue.put(ImageData("a", memoryview(b"abc")))
    assert queue.get() == ImageData("a", b"abc")


def test_a_queue_says_why_a_live_object_is_not_sent(child):
    code = (
        "import multiprocessing, pyshm\n"
        "queue = multiprocessing.Queue()\n"
        "queue.put(pyshm.MemoryMappedFile.create_new(None, 10).create_view_accessor())\n"
        "queue.close()\n"
        "queue.join_thread()\n"
    )
    process = child(code, ready=False)
    process.wait()
    assert (
        "a view can't be pickled or copied: it belongs to this process; send its bytes"
        in process.errors()
    )


def test_the_error_of_a_live_object_can_be_pickled():
    with pytest.raises(PyshmError) as caught:
        pickle.dumps(ShareMemoryHelper("name"))
    assert str(_pickled(caught.value)) == str(caught.value)


@pytest.mark.parametrize("kind", ["map", "accessor", "stream"])
def test_with_refuses_what_is_closed(kind):
    stack, live = _live()
    value = live[kind][0]
    stack.close()
    with pytest.raises(ClosedError), value:
        pass


@pytest.mark.parametrize("use", [iter, lambda stream: stream.readlines()])
def test_a_closed_stream_has_no_lines(use):
    with MemoryMappedFile.create_new(None, 10) as opened:
        stream = opened.create_view_stream()
        stream.close()
        with pytest.raises(ClosedError):
            use(stream)
