"""The other end of the benchmarks of channels: ``python -m interop.bench.echo FOLDER``.

It carries out the commands that it reads, each on a line, and prints a line after each. channels.cs
is the same program in C#.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from pyshm import LatestChannel, QueueChannel

from .transports import FRAME, KINDS, MESSAGE, SPINNING, Link, connect

__all__ = ["main"]

_ANSWER = bytes(MESSAGE)


def main() -> int:
    """Carry out commands until standard input ends."""
    folder = Path(sys.argv[1])
    links = {kind: connect(kind, folder) for kind in KINDS}
    print("READY", flush=True)
    for line in sys.stdin:
        kind, _, count = line.strip().rpartition(" ")
        print(_carry_out(kind, int(count), folder, links), flush=True)
    return 0


def _carry_out(kind: str, count: int, folder: Path, links: dict[str, Link]) -> str:
    if kind in links:
        send, receive, _ = links[kind]
        for _ in range(count):
            send(receive())
    elif kind == SPINNING:
        _echo_spinning(links["channel"], count)
    elif kind == "frames by channel":
        with LatestChannel.open(f"{folder.name}-frames") as channel, channel.viewer() as viewer:
            if channel.published:
                viewer.hold().release()  # the last frame of the round before
            print("READY", flush=True)
            for _ in range(count):
                with viewer.hold_next() as frame:
                    links["unix socket"].send(_ANSWER[:-1] + frame.data[-1:].tobytes())
    elif kind == "frames by unix socket":
        return _frames_by_socket(count, links["unix socket"])
    elif kind == "one way":
        return _one_way(folder)
    elif kind == "queue":
        with QueueChannel.open(f"{folder.name}-queue") as queue, queue.reader() as values:
            print("READY", flush=True)
            for _ in range(count):
                values.next()
    return "done"


def _echo_spinning(link: Link, count: int) -> None:
    wait = link.receive.__self__.wait  # type: ignore[attr-defined]
    for _ in range(count):
        while not wait(0):
            pass
        link.send(link.receive())


def _frames_by_socket(count: int, link: Link) -> str:
    connected = link.send.__self__  # type: ignore[attr-defined]
    buffer = memoryview(bytearray(FRAME))
    print("READY", flush=True)
    for _ in range(count):
        received = 0
        while received < FRAME:
            received += connected.recv_into(buffer[received:])
        link.send(_ANSWER[:-1] + buffer[-1:].tobytes())
    return "done"


def _one_way(folder: Path) -> str:
    with LatestChannel.open(f"{folder.name}-one-way") as channel, channel.reader() as reader:
        print("READY", flush=True)
        ages = []
        reader.next()
        began, cpu = time.monotonic(), time.process_time()
        for _ in reader:  # until the writer closes
            ages.append(time.monotonic_ns() - reader.published_at)
        used = (time.process_time() - cpu) / (time.monotonic() - began)
    ages.sort()
    return f"{ages[len(ages) // 2]} {ages[len(ages) * 99 // 100]} {used:.4f}"


if __name__ == "__main__":
    sys.exit(main())
