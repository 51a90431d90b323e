"""What a listing says of channels: the file is read past the library that made it."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.listing import clean, list_maps

if sys.platform != "linux":
    pytest.skip("channels need Linux", allow_module_level=True)

from pyshm.maps.posix.directory import shared_memory_directory


def path_of(name):
    return Path(shared_memory_directory(), name)


def detail_of(name):
    [found] = [item for item in list_maps() if item.name == name]
    assert found.kind == "channel"
    return found.detail


def test_a_channel_is_shown_with_its_writer_and_its_viewers(map_name):
    with LatestChannel.create(map_name, capacity=48, pins=2) as channel:
        assert (
            detail_of(map_name) == "latest of bytes, 48 bytes, no writer, no value yet, 0 viewers"
        )
        with channel.writer() as writer, channel.viewer(), channel.viewer():
            writer.publish(b"x")
            assert re.fullmatch(
                r"latest of bytes, 48 bytes, writer alive, last value \d+ s ago, 2 viewers",
                detail_of(map_name),
            )
        assert re.search(r"writer closed, last value \d+ s ago, 0 viewers$", detail_of(map_name))


def test_the_pace_is_that_of_the_values_in_the_slots(map_name):
    with (
        QueueChannel.create(map_name, capacity=8, slots=4) as channel,
        channel.writer() as writer,
        channel.reader() as reader,
    ):
        for _ in range(5):
            writer.publish(b"x")
            reader.next()
        # The values 2 to 5 are in the slots. Let them come at intervals of 20 ms, the last one in
        # a minute: the pace of an old value is not shown.
        newest = reader.published_at + 60_000_000_000
        with path_of(map_name).open("r+b") as file:
            for number in range(2, 6):
                # Slots of 128 bytes begin at 0, the descriptors after four of them.
                file.seek(4 * 128 + number % 4 * 128 + 16)
                file.write(struct.pack("<Q", newest - (5 - number) * 20_000_000))
        assert detail_of(map_name) == "queue of bytes, 8 bytes, writer alive, 50.0/s, 1 reader"


def test_a_killed_writer_has_died(map_name):
    program = (
        "import os, sys\n"
        "from pyshm import LatestChannel\n"
        "writer = LatestChannel.open(sys.argv[1]).writer()\n"
        "writer.publish(b'x')\n"
        "os._exit(0)\n"
    )
    with LatestChannel.create(map_name, capacity=8):
        subprocess.run([sys.executable, "-c", program, map_name], check=True)
        assert "writer died" in detail_of(map_name)


@pytest.mark.parametrize(
    ("offset", "value", "field"), [(16, 2, "discipline"), (20, 257, "slots"), (8, 2, "major")]
)
def test_a_damaged_channel_is_shown_with_the_field(map_name, offset, value, field):
    with LatestChannel.create(map_name, capacity=8):
        with path_of(map_name).open("r+b") as file:
            file.seek(65536 - 4096 + offset)
            file.write(struct.pack("<I", value))
        assert detail_of(map_name) == f"a damaged channel: {field}"


def test_a_dead_channel_is_removed_without_naming_it(map_name):
    program = (
        "import os, sys\n"
        "from pyshm import LatestChannel\n"
        "channel = LatestChannel.create(sys.argv[1], capacity=8)\n"
        "os._exit(0)\n"
    )
    subprocess.run([sys.executable, "-c", program, map_name], check=True)
    done = {item.name: item for item in clean(dry_run=True)}
    assert done[map_name].removed
    assert clean([map_name])[0].removed
    assert not path_of(map_name).exists()


def test_the_command_shows_the_whole_summary(map_name):
    with LatestChannel.create(map_name, capacity=48):
        done = subprocess.run(
            [sys.executable, "-m", "pyshm", "list"], capture_output=True, text=True, check=True
        )
    assert "channel (latest of bytes, 48 bytes, no writer, no value yet, 0 viewers)" in done.stdout
