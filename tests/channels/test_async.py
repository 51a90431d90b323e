"""Readers in asyncio: a thread waits for them, and only as long as a task does."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.channels import waiting
from pyshm.errors import ArgumentError, ChannelEndedError, ChannelTimeoutError, ClosedError

BOTH = pytest.mark.parametrize("kind", [LatestChannel, QueueChannel])
LIMIT = 30  # seconds; no test needs them


def run(coroutine):
    async def limited():
        return await asyncio.wait_for(coroutine, LIMIT)

    return asyncio.run(limited())


def pumps() -> int:
    return sum(thread.name == "pyshm channel" for thread in threading.enumerate())


@pytest.fixture
def scene(map_name):
    channel = QueueChannel.create(map_name, capacity=16)
    with channel, channel.writer() as writer, channel.reader() as reader:
        yield channel, writer, reader
    deadline = time.monotonic() + LIMIT
    while pumps():
        assert time.monotonic() < deadline, "the thread of a closed reader has not ended"
        time.sleep(0.001)


async def waits(reader) -> None:
    """Return when the reader's thread waits."""
    while reader._pump is None or reader._pump._current is None:
        await asyncio.sleep(0)


def in_thread(function) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def test_async_for_gets_every_value_and_ends(scene):
    _, writer, reader = scene
    values = [b"%d" % number for number in range(100)]

    def publish():
        for value in values:
            writer.publish(value, LIMIT)
        writer.close()

    async def read():
        thread = in_thread(publish)
        found = [value async for value in reader]
        thread.join()
        return found

    assert run(read()) == values


def test_the_event_loop_runs_on_meanwhile(scene):
    _, writer, reader = scene

    async def read():
        task = asyncio.create_task(reader.next_async())
        for _ in range(1000):
            await asyncio.sleep(0)
        assert not task.done()
        writer.publish(b"1")
        return await task

    assert run(read()) == b"1"


def test_a_value_that_is_there_needs_no_thread(scene):
    _, writer, reader = scene
    writer.publish(b"1")
    assert run(reader.next_async(0)) == b"1"
    assert pumps() == 0


def test_a_timeout(scene):
    _, writer, reader = scene
    for seconds in (0, 0.01):
        with pytest.raises(ChannelTimeoutError):
            run(reader.next_async(seconds))
    with pytest.raises(ArgumentError):
        run(reader.next_async("1"))
    writer.publish(b"1")
    assert run(reader.next_async(0)) == b"1"


def test_the_end(scene):
    _, writer, reader = scene

    async def read():
        task = asyncio.create_task(reader.next_async())
        await waits(reader)
        writer.close()
        with pytest.raises(ChannelEndedError):
            await task

    run(read())


def test_cancellation_ends_the_wait_and_loses_no_value(scene):
    _, writer, reader = scene

    async def read():
        for _ in range(50):
            task = asyncio.create_task(reader.next_async())
            await waits(reader)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert reader._pump._current is None
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(reader.next_async(), 0.01)
        with pytest.raises(ChannelTimeoutError):  # no wait of before delays this one
            await reader.next_async(0.01)
        writer.publish(b"1")
        return await reader.next_async(0)

    assert run(read()) == b"1"
    assert pumps() == 1


def test_cancellation_before_the_wait_begins_is_not_lost(scene):
    """The task is cancelled while its request is on the way to the thread."""
    _, __, reader = scene

    async def read():
        for _ in range(200):
            task = asyncio.create_task(reader.next_async())
            await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        with pytest.raises(ChannelTimeoutError):
            await reader.next_async(0.01)

    run(read())


def test_cancellation_ends_no_other_wait(scene):
    _, writer, reader = scene

    async def read():
        first = asyncio.create_task(reader.next_async())
        await waits(reader)
        second = asyncio.create_task(reader.next_async())
        await asyncio.sleep(0)
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        for _ in range(100):
            await asyncio.sleep(0)
        assert not first.done()
        writer.publish(b"1")
        return await first

    assert run(read()) == b"1"


def test_tasks_share_a_reader(scene):
    """Each value goes to one of them."""
    _, writer, reader = scene

    async def read():
        tasks = [asyncio.create_task(reader.next_async()) for _ in range(5)]
        await waits(reader)
        for number in range(5):
            writer.publish(b"%d" % number)
            await asyncio.sleep(0)
        return sorted(await asyncio.gather(*tasks))

    assert run(read()) == [b"0", b"1", b"2", b"3", b"4"]


def test_two_event_loops_use_a_reader_one_after_the_other(scene):
    _, writer, reader = scene
    for number in range(3):
        writer_thread = []

        async def read(number=number, started=writer_thread):
            task = asyncio.create_task(reader.next_async())
            await waits(reader)
            started.append(in_thread(lambda: writer.publish(b"%d" % number)))
            return await task

        assert run(read()) == b"%d" % number
        writer_thread[0].join()
    assert pumps() == 1


def test_an_event_loop_that_was_closed_does_not_hold_the_reader(scene):
    """It is closed while a task still waits, so the task is never cancelled."""
    _, writer, reader = scene
    loop = asyncio.new_event_loop()
    task = loop.create_task(reader.next_async())
    loop.run_until_complete(waits(reader))
    loop.close()
    task._log_destroy_pending = False
    del task
    gc.collect()
    with pytest.raises(ChannelTimeoutError):
        run(reader.next_async(0.01))
    writer.publish(b"1")
    assert run(reader.next_async(0)) == b"1"


def test_two_event_loops_use_two_readers_at_once(map_name):
    channel = LatestChannel.create(map_name, capacity=16)
    with channel, channel.writer() as writer:
        readers = [channel.reader() for _ in range(2)]
        found = []

        async def read(reader):
            found.append(await reader.next_async())

        threads = [in_thread(lambda reader=reader: run(read(reader))) for reader in readers]
        while any(reader._pump is None for reader in readers):
            time.sleep(0.001)
        writer.publish(b"1")
        for thread in threads:
            thread.join()
        assert found == [b"1", b"1"]


@pytest.mark.parametrize("of_another_thread", [False, True])
def test_a_reader_that_is_closed_raises(scene, of_another_thread):
    _, __, reader = scene

    async def read():
        task = asyncio.create_task(reader.next_async())
        await waits(reader)
        if of_another_thread:
            in_thread(reader.close).join()
        else:
            reader.close()
        with pytest.raises(ClosedError):
            await task
        with pytest.raises(ClosedError):
            await reader.next_async()

    run(read())


def test_a_request_to_a_thread_that_has_ended_is_refused(scene):
    _, __, reader = scene

    async def read():
        with pytest.raises(ChannelTimeoutError):
            await reader.next_async(0)
        pump = reader._pump
        reader.close()
        with pytest.raises(ClosedError):
            await pump.wait(reader, None)

    run(read())


def test_a_forgotten_reader_is_collected_with_its_thread(scene):
    channel, writer, reader = scene
    reader.close()

    async def read(forgotten):
        with pytest.raises(ChannelTimeoutError):
            await forgotten.next_async(0)

    forgotten = channel.reader()
    run(read(forgotten))
    assert pumps() == 1
    gone = weakref.ref(forgotten)
    del forgotten
    deadline = time.monotonic() + LIMIT
    while gone() is not None:  # the thread may still have it
        gc.collect()
        assert time.monotonic() < deadline
    for number in range(20):  # the writer does not wait for it
        writer.publish(b"%d" % number, 0)


def test_a_waiting_task_does_not_loop(scene, monkeypatch):
    _, __, reader = scene
    sleeps = []
    wait = waiting.Futex.wait
    monkeypatch.setattr(
        waiting.Futex, "wait", lambda *arguments: sleeps.append(1) or wait(*arguments)
    )

    async def read():
        with pytest.raises(ChannelTimeoutError):
            await reader.next_async(0.3)

    run(read())
    assert len(sleeps) <= 2


@BOTH
def test_an_error_of_the_wait_reaches_the_task(map_name, kind, child):
    from pyshm.errors import WriterDiedError

    from .test_waiting import WRITER

    with kind.create(map_name, capacity=16) as channel, channel.reader() as reader:
        process = child(WRITER, map_name, kind.__name__)
        process.ask("1")
        process.kill()
        assert run(reader.next_async()) == b"1"
        with pytest.raises(WriterDiedError):
            run(reader.next_async())
        with pytest.raises(ChannelTimeoutError):
            run(reader.next_async(0))
