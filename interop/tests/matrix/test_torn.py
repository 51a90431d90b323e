"""Reading while a writer is killed or bytes change gives a value or a documented error."""

from __future__ import annotations

import mmap
import os
import random
import threading
import time

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import blob_bytes, map_directory
from interop.plugin.hooks import Pair

GROUP = "torn"
pytestmark = pytest.mark.posix  # the harness writes to the file of the map

# The errors that a reader may report for any bytes (docs/format.md).
ALLOWED = {"truncated", "negative-length", "length-exceeds-buffer", "invalid-utf8"}
UNFINISHED = b"\xff\xff\xff\xff"


def helper(how: str, name: str, capacity: int) -> dict[str, object]:
    return {"do": "helper", "as": "m", "how": how, "name": name, "capacity": capacity}


def test_a_blob_that_changes_while_it_is_read_is_read_or_refused(pair: Pair, place: Place) -> None:
    name, size = place.name(), 4096
    pair.producer.request(helper("create-or-open", name, size))
    pair.consumer.request(helper("open", name, size))
    done = threading.Event()
    numbers = random.Random(4096)
    blobs = [
        blob_bytes("path", bytes(100)),
        blob_bytes("a longer path", bytes(3000)),
        blob_bytes(b"\xff\xfe", b"x"),
        UNFINISHED,
        b"\x00\x10\x00\x00",  # 4096: more bytes than follow
        b"\xff\xff\xff\x7f",
    ]

    def overwrite() -> None:
        with (
            open(os.path.join(map_directory(), name), "r+b") as file,
            mmap.mmap(file.fileno(), size) as memory,
        ):
            while not done.is_set():
                blob = numbers.choice(blobs)
                memory[: len(blob)] = blob

    writer = threading.Thread(target=overwrite)
    writer.start()
    try:
        outcomes = [
            outcome
            for _ in range(10)
            for outcome in pair.consumer.request(
                *[{"do": "read-image", "helper": "m"}] * 100, on_error="continue"
            )
        ]
    finally:
        done.set()
        writer.join()
    kinds = {outcome["error"]["kind"] for outcome in outcomes if "error" in outcome}
    assert kinds <= ALLOWED
    assert pair.consumer.request({"do": "ping"}) == [{"value": "pong"}]


def test_a_writer_that_is_killed_in_the_middle_leaves_an_unfinished_blob(
    pair: Pair, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    size = 64 * 1024 * 1024
    source = tmp_path_factory.mktemp("torn") / "large.bin"
    source.write_bytes(b"\x5a" * (size - 100))
    name = place.name()
    pair.consumer.request(helper("create-or-open", name, size))
    write = {"do": "write-image", "helper": "m", "path": "large", "file": str(source)}
    path = os.path.join(map_directory(), name)
    caught = False
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as memory:
        for _ in range(10):
            pair.producer.request(helper("open", name, size))
            # Twice: if the first write was too fast to be seen, the second one is.
            pair.producer.send(write, write)
            deadline = time.monotonic() + 60
            while memory[:4] != UNFINISHED and time.monotonic() < deadline:
                pass
            pair.producer.kill()
            caught = memory[:4] == UNFINISHED
            if caught:
                break
    assert caught, "in ten attempts, the writer was not killed in the middle of a write"
    outcome = pair.consumer.request({"do": "read-image", "helper": "m"}, on_error="continue")[0]
    assert outcome["error"]["kind"] == "negative-length"
    # The next writer replaces it.
    pair.producer.request(
        helper("open", name, size),
        {"do": "write-image", "helper": "m", "path": "p", "bytes": "0102"},
    )
    assert pair.consumer.request({"do": "read-image", "helper": "m"})[0]["value"]["length"] == 2
