"""Speed of channels, compared with a Unix domain socket, TCP, a pipe and multiprocessing.Queue.

Blocking round trips are measured with both processes on one processor, spinning ones on two. Each
round measures every way once, in a new random order.
"""

from __future__ import annotations

import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from pyshm import LatestChannel, QueueChannel
from pyshm.testing import sdk

from ..peers.compile import compile_program
from .measure import Aim, Effort, Topic, at_most, in_turn, make_row
from .transports import FRAME, KINDS, MESSAGE, SPINNING, Link, listen

__all__ = ["channels"]

SOURCE = Path(__file__).parent / "channels.cs"
_DATA = bytes(range(MESSAGE))
_EXCHANGES = 50  # in one measurement of a round
_FRAMES = 3
_RATES = ((60, 120), (1000, 1000))  # values in a second, and how many of them


def channels(effort: Effort) -> Iterator[Topic]:
    """Measure channels between two Python processes, and between Python and C#."""
    if sys.platform != "linux":
        yield Topic("channels", [], ["skipped: channels need Linux"])
        return
    processors = sorted(os.sched_getaffinity(0))[:2]
    try:
        with tempfile.TemporaryDirectory() as folder:
            for language, command in _programs(Path(folder)):
                for used in ([processors[0]], processors):
                    yield from _of_peer(language, command, used, effort)
    finally:
        os.sched_setaffinity(0, set(os.sched_getaffinity(0)) | set(processors))


def _programs(folder: Path) -> Iterator[tuple[str, list[str]]]:
    yield "Python", [sys.executable, "-m", "interop.bench.echo"]
    try:
        sdk.find_dotnet()
    except sdk.ToolchainError:
        return
    source = SOURCE.read_text(encoding="utf-8")
    yield "C#", compile_program("Channels", source, folder)


@contextmanager
def _on(processor: int) -> Iterator[None]:
    """Let the processes that are started in the block run on one processor."""
    own = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {processor})
    try:
        yield
    finally:
        os.sched_setaffinity(0, own)


class _Peer:
    """The other process, and the links to it."""

    def __init__(self, command: Sequence[str], processor: int, stack: ExitStack) -> None:
        self.name = f"pyshm-bench-{uuid.uuid4().hex[:8]}"
        self.folder = Path(stack.enter_context(tempfile.TemporaryDirectory()), self.name)
        self.folder.mkdir()
        accepting = {kind: listen(kind, self.folder) for kind in KINDS}
        self.processor = processor
        with _on(processor):
            self._process = subprocess.Popen(
                [*command, str(self.folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        stack.callback(self._end)
        self.links: dict[str, Link] = {kind: accept() for kind, accept in accepting.items()}
        self.answer()

    def ask(self, command: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()

    def answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("the other process of the benchmark has ended")
        return line.strip()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
        for link in self.links.values():
            link.close()


def _of_peer(
    language: str, command: Sequence[str], processors: Sequence[int], effort: Effort
) -> Iterator[Topic]:
    with ExitStack() as stack:
        os.sched_setaffinity(0, {processors[0]})
        peer = _Peer(command, processors[-1], stack)
        where = "one processor" if len(processors) == 1 else "two processors"
        yield _round_trips(peer, language, where, effort)
        if len(processors) > 1:
            yield _frames(peer, language, effort)
            yield _one_way(peer, language)
            yield _throughput(peer, language, effort)


def _round_trips(peer: _Peer, language: str, where: str, effort: Effort) -> Topic:
    spinning = where == "two processors"
    names = [*KINDS, *([SPINNING] if spinning else [])]
    measures = [_round_trip(peer, name) for name in names]
    with _queue_echo(peer.processor) as queue:
        if language == "Python":
            names.append("multiprocessing.Queue")
            measures.append(queue)
        times = in_turn(measures, max(5, effort.copies))
    aims = {"channel": at_most(1.05) if not spinning else at_most(1.0), SPINNING: at_most(0.2)}
    return _topic(f"round trip of 48 bytes with {language}, on {where}", names, times, aims)


def _topic(
    title: str, names: Sequence[str], times: Sequence[Sequence[float]], aims: dict[str, Aim]
) -> Topic:
    base = min(times[0]), statistics.median(times[0])
    rows = [
        make_row(
            name if own is not times[0] else f"{name} (baseline)",
            "ns",
            [min(own), base[0]],
            [statistics.median(own), base[1]],
            aims.get(name),
        )
        for name, own in zip(names, times, strict=True)
    ]
    return Topic(title, rows)


def _round_trip(peer: _Peer, name: str) -> Callable[[], float]:
    send, receive, _ = peer.links["channel" if name == SPINNING else name]
    wait: Any = receive.__self__.wait if name == SPINNING else None  # type: ignore[attr-defined]

    def measure() -> float:
        peer.ask(f"{name} {_EXCHANGES}")
        began = time.perf_counter_ns()
        for _ in range(_EXCHANGES):
            send(_DATA)
            if wait is not None:
                while not wait(0):
                    pass
            receive()
        taken = time.perf_counter_ns() - began
        peer.answer()
        return taken / _EXCHANGES

    return measure


@contextmanager
def _queue_echo(processor: int) -> Iterator[Callable[[], float]]:
    """Yield a measure of round trips through two queues of multiprocessing."""
    context = multiprocessing.get_context("spawn")
    there, back = context.Queue(), context.Queue()
    process = context.Process(target=_echo_queue, args=(there, back), daemon=True)
    with _on(processor):
        process.start()

    def measure() -> float:
        began = time.perf_counter_ns()
        for _ in range(_EXCHANGES):
            there.put(_DATA)
            back.get()
        return (time.perf_counter_ns() - began) / _EXCHANGES

    try:
        yield measure
    finally:
        there.put(None)
        process.join()


def _echo_queue(there: Any, back: Any) -> None:
    while (data := there.get()) is not None:
        back.put(data)


def _frames(peer: _Peer, language: str, effort: Effort) -> Topic:
    """Measure frames that are made, sent, looked at, and answered."""
    source = memoryview(os.urandom(FRAME))
    target = bytearray(FRAME)
    send, receive, _ = peer.links["unix socket"]

    def by_socket() -> float:
        peer.ask(f"frames by unix socket {_FRAMES}")
        peer.answer()
        began = time.perf_counter_ns()
        for _ in range(_FRAMES):
            target[:] = source  # the frame is made
            send(target)  # type: ignore[arg-type]
            receive()
        return _ended(began)

    def by_channel() -> float:
        peer.ask(f"frames by channel {_FRAMES}")
        peer.answer()
        began = time.perf_counter_ns()
        for _ in range(_FRAMES):
            with writer.loan() as loan:
                loan.data[:] = source  # the frame is made in place
            receive()
        return _ended(began)

    def by_copy() -> float:
        began = time.perf_counter_ns()
        for _ in range(_FRAMES):
            target[:] = source
        return (time.perf_counter_ns() - began) / _FRAMES

    def _ended(began: int) -> float:
        taken = time.perf_counter_ns() - began
        peer.answer()
        return taken / _FRAMES

    with (
        LatestChannel.create(f"{peer.name}-frames", capacity=FRAME) as channel,
        channel.writer() as writer,
    ):
        times = in_turn([by_socket, by_channel, by_copy], max(5, effort.copies // 5))
    title = f"frame of 8 MB, made, viewed by {language} and answered, on two processors"
    names = ["unix socket", "channel, in place", "memcpy alone"]
    found = _topic(title, names, times, {"channel, in place": at_most(0.75)})
    ratio = min(times[1]) / min(times[2])
    found.notes.append(f"the channel takes {ratio:.2f} times as long as memcpy; the aim is 2")
    return found


def _one_way(peer: _Peer, language: str) -> Topic:
    """Measure how old values are when the other process gets them, at a steady rate."""
    notes = []
    for rate, count in _RATES:
        with (
            LatestChannel.create(f"{peer.name}-one-way", capacity=MESSAGE) as channel,
            channel.writer() as writer,
        ):
            peer.ask(f"one way {count}")
            peer.answer()
            due = time.monotonic()
            for _ in range(count):
                due += 1 / rate
                time.sleep(max(0.0, due - time.monotonic()))
                writer.publish(_DATA)
            writer.close()
            p50, p99, used = peer.answer().split()
        aim = {60: "100 µs, 1 %", 1000: "40 µs, 5 %"}[rate]
        notes.append(
            f"{rate} values a second for {count / rate:.0f} s: p50 {int(p50) / 1000:.0f} µs, "
            f"p99 {int(p99) / 1000:.0f} µs, "
            f"reader's CPU {float(used):.1%} (aim: p50 and CPU at most {aim})"
        )
    return Topic(f"one way to {language}, 48 bytes", [], notes)


def _throughput(peer: _Peer, language: str, effort: Effort) -> Topic:
    count = 5000 if effort.copies < 100 else 50_000
    with (
        QueueChannel.create(f"{peer.name}-queue", capacity=MESSAGE, slots=64) as channel,
        channel.writer() as writer,
    ):
        peer.ask(f"queue {count}")
        peer.answer()
        began = time.perf_counter()
        for _ in range(count):
            writer.publish(_DATA)
        peer.answer()
        taken = time.perf_counter() - began
    note = f"{count / taken:,.0f} values a second (aim: at least 40,000)"
    return Topic(f"queue to {language}, 48 bytes, on two processors", [], [note])
