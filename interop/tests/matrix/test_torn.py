"""Reading while a writer is killed or bytes change gives a value or a documented error."""

from __future__ import annotations

import mmap
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from itertools import pairwise
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import blob_bytes, path_of
from interop.plugin.hooks import Pair
from pyshm.testing.process import Peer

GROUP = "torn"
pytestmark = pytest.mark.posix  # the harness writes to the file of the map

# The errors that a reader may report for any bytes (docs/format.md).
ALLOWED = {"truncated", "negative-length", "length-exceeds-buffer", "invalid-utf8"}
PATIENCE = 60.0  # seconds for two writes
UNFINISHED = b"\xff\xff\xff\xff"


def helper(how: str, name: str, capacity: int) -> dict[str, object]:
    return {"do": "helper", "as": "m", "how": how, "name": name, "capacity": capacity}


@contextmanager
def repeated(change: Callable[[mmap.mmap], object], name: str) -> Iterator[None]:
    """Change the bytes of a named map in another thread, again and again, until the block ends."""
    done = threading.Event()

    def run() -> None:
        with path_of(name).open("r+b") as file, mmap.mmap(file.fileno(), 0) as memory:
            while not done.is_set():
                change(memory)

    writer = threading.Thread(target=run)
    writer.start()
    try:
        yield
    finally:
        done.set()
        writer.join()


def test_a_blob_that_changes_while_it_is_read_is_read_or_refused(pair: Pair, place: Place) -> None:
    name, size = place.name(), 4096
    pair.producer.request(helper("create-or-open", name, size))
    pair.consumer.request(helper("open", name, size))
    numbers = random.Random(4096)
    blobs = [
        blob_bytes("path", bytes(100)),
        blob_bytes("a longer path", bytes(3000)),
        blob_bytes(b"\xff\xfe", b"x"),
        UNFINISHED,
        b"\x00\x10\x00\x00",  # 4096: more bytes than follow
        b"\xff\xff\xff\x7f",
    ]

    def overwrite(memory: mmap.mmap) -> None:
        blob = numbers.choice(blobs)
        memory[: len(blob)] = blob

    with repeated(overwrite, name):
        outcomes = [
            outcome
            for _ in range(10)
            for outcome in pair.consumer.request(
                *[{"do": "read-image", "helper": "m"}] * 100, on_error="continue"
            )
        ]
    kinds = {outcome["error"]["kind"] for outcome in outcomes if "error" in outcome}
    assert kinds <= ALLOWED
    for outcome in outcomes:
        if "value" in outcome:
            path, length = outcome["value"]["path"], outcome["value"]["length"]
            assert len(path.encode()) + length <= size - 8, outcome
    assert pair.consumer.request({"do": "ping"}) == [{"value": "pong"}]


@pytest.mark.parametrize(
    ("offset", "good", "bad"),
    [(0, 4, 0x7FFFFFFF), (0, 4, 4093), (0, 4, -2), (8, 7, 0x7FFFFFFF), (8, 7, 4085), (8, 7, -1)],
)
def test_a_length_that_changes_is_read_once(
    peer: Peer, place: Place, offset: int, good: int, bad: int
) -> None:
    """A second read of a length, after its check, would give the other value sooner or later."""
    name = place.name()
    peer.request(helper("create-or-open", name, 4096))
    one, other = (value.to_bytes(4, "little", signed=True) for value in (good, bad))
    with path_of(name).open("r+b") as file:
        file.write(blob_bytes("path", b"content"))

    def flip(memory: mmap.mmap) -> None:
        for _ in range(1000):
            memory[offset : offset + 4] = other
            memory[offset : offset + 4] = one

    outcomes: list[dict[str, Any]] = []
    with repeated(flip, name):
        # Two outcomes that differ show that the bytes change as fast as they are read. A busy
        # machine does not run both processes at the same time; then there are fewer of them.
        changes = 0
        while changes == 0 or (changes < 500 and len(outcomes) < 40_000):
            assert len(outcomes) < 400_000, "the bytes did not change while they were read"
            outcomes += peer.request(
                *[{"do": "read-image", "helper": "m"}] * 2000, on_error="continue"
            )
            changes = sum("value" in a and "error" in b for a, b in pairwise(outcomes))
    wrong = "negative-length" if bad < 0 else "length-exceeds-buffer"
    expected = {"path": "path", "length": 7, "sha256": sha256(b"content").hexdigest()}
    for outcome in outcomes:
        if "error" in outcome:
            assert outcome["error"]["kind"] == wrong
        else:
            assert outcome["value"] == expected


def test_a_writer_that_is_killed_in_the_middle_leaves_an_unfinished_blob(
    pair: Pair, place: Place, tmp_path_factory: pytest.TempPathFactory
) -> None:
    size = 64 * 1024 * 1024
    source = tmp_path_factory.mktemp("torn") / "large.bin"
    source.write_bytes(b"\x5a" * (size - 100))
    name = place.name()
    pair.consumer.request(helper("create-or-open", name, size))
    write = {"do": "write-image", "helper": "m", "path": "large", "file": str(source)}
    path = path_of(name)
    caught = False
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ) as memory:
        for attempt in range(10):
            pair.producer.request(helper("open", name, size))
            last = f"attempt {attempt}"
            # Twice: if the first write was too fast to be seen, the second one is.
            pair.producer.send(write, {**write, "path": last})
            finished = blob_bytes(last, b"")[: 4 + len(last)]
            deadline = time.monotonic() + PATIENCE
            while memory[:4] != UNFINISHED and memory[: len(finished)] != finished:
                assert time.monotonic() < deadline, f"no write in {PATIENCE:.0f} seconds"
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
