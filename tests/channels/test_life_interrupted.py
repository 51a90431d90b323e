"""An exception at many lines of opening and closing a channel and its parts leaves nothing.

A signal handler can raise an exception between two instructions, as the one for Ctrl-C does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyshm import LatestChannel, QueueChannel

from .test_life import parts
from .test_publish_interrupted import interrupted_at

STEP = 11  # every line would take minutes


@pytest.fixture(autouse=True)
def quick_collections() -> Iterator[None]:
    """Collect only what a test makes."""
    gc.freeze()
    yield
    gc.unfreeze()


def create(name, kind) -> None:
    with kind.create(name, capacity=16) as channel:
        made = parts(channel)
        made[0].publish(b"1")
    del made


def open_and_use(name, kind) -> None:
    with kind.create_or_open(name, capacity=16) as channel:
        with channel.reader() as reader:
            reader.wait(0.001)
        channel.writer().close()


@pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
def test_an_interrupted_creation_leaves_no_name_and_no_descriptor(map_name, kind, open_descriptors):
    create(map_name, kind)
    gc.collect()
    before = open_descriptors()
    line = 0
    while interrupted_at(line, lambda: create(map_name, kind), "/pyshm/channels/"):
        gc.collect()
        assert open_descriptors() == before, f"a descriptor is left after line {line}"
        assert not Path(f"/dev/shm/{map_name}").exists(), f"the name is left after line {line}"
        line += STEP
    assert line > 150


@pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
def test_an_interrupted_opening_keeps_no_lock(map_name, kind, open_descriptors):
    with kind.create(map_name, capacity=16, readers=1, **_no_pins(kind)) as channel:
        open_and_use(map_name, kind)
        gc.collect()
        before = open_descriptors()
        line = 0
        while interrupted_at(line, lambda: open_and_use(map_name, kind), "/pyshm/channels/"):
            gc.collect()
            assert open_descriptors() == before, f"a descriptor is left after line {line}"
            epoch = channel.epoch
            with channel.writer() as writer, channel.reader() as reader:
                number = writer.publish(b"1", *([30] if kind is QueueChannel else []))
                assert reader.next(0) == b"1"
                assert (writer.published, channel.epoch) == (number, epoch + 1)
            line += STEP
        assert line > 100


def _no_pins(kind) -> dict[str, int]:
    return {"pins": 0} if kind is LatestChannel else {}
