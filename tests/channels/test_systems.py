"""Races of several openers, and what a processor or a system must have."""

from __future__ import annotations

import gc
import threading

import pytest

from pyshm import LatestChannel, QueueChannel
from pyshm.channels import linux, words
from pyshm.errors import MapNotFoundError, PlatformError

from .test_life import parts

# Races.

RACE = """
import sys
from pyshm import LatestChannel
print("READY", flush=True)
for line in sys.stdin:
    with LatestChannel.create_or_open(line.strip(), capacity=16) as channel:
        print(channel.slots, flush=True)
        sys.stdin.readline()
    print("closed", flush=True)
"""


def test_several_processes_create_or_open_a_channel(map_name, child):
    processes = [child(RACE) for _ in range(3)]
    for number in range(25):
        name = f"{map_name}-{number}"
        for process in processes:
            process.say(name)
        assert [process.line() for process in processes] == ["3"] * 3
        with LatestChannel.open(name) as channel:
            assert channel.epoch == 0
        for process in processes:
            process.say("close")
        assert [process.line() for process in processes] == ["closed"] * 3
        with pytest.raises(MapNotFoundError):
            LatestChannel.open(name)


def test_threads_create_or_open_a_channel(map_name):
    found: list[object] = []

    def work():
        for _ in range(20):
            try:
                with LatestChannel.create_or_open(map_name, capacity=16) as channel:
                    found.append(channel.slots)
            except BaseException as error:  # noqa: BLE001 - the assertion below reports it
                found.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [3] * 80


def test_two_threads_close_a_part_and_a_channel(map_name):
    for _ in range(30):
        channel = LatestChannel.create(map_name, capacity=16)
        made = parts(channel)
        errors = []

        def close(each, errors=errors):
            try:
                each.close()
            except BaseException as error:  # noqa: BLE001 - the assertion below reports it
                errors.append(error)

        threads = [
            threading.Thread(target=close, args=(each,))
            for each in [*made, *made, channel, channel]
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        channel.close()


# Processors and systems.


class Machine:
    def __init__(self, name: str) -> None:
        self.name = name

    def machine(self) -> str:
        return self.name


def exchange(map_name) -> None:
    for kind in (LatestChannel, QueueChannel):
        channel = kind.create(map_name, capacity=16)
        with channel, channel.writer() as writer, channel.reader() as reader:
            for number in range(1, 50):
                assert writer.publish(b"%d" % number) == number
                assert reader.next(0) == b"%d" % number
            assert (channel.published, channel.epoch) == (49, 1)


@pytest.mark.parametrize("installed", [False, True])
def test_values_are_exchanged_with_and_without_atomicshm(map_name, monkeypatch, installed):
    if installed:
        pytest.importorskip("atomicshm")
    else:
        monkeypatch.setattr(words, "_atomicshm", lambda: None)
    exchange(map_name)
    with LatestChannel.create(map_name, capacity=16) as channel:
        assert (channel._opened.fence.__module__ == "pyshm.channels.words") is not installed
        assert not channel._opened.weak


def test_a_weak_processor_uses_atomicshm_for_every_word(map_name, monkeypatch):
    pytest.importorskip("atomicshm")
    monkeypatch.setattr(words, "platform", Machine("aarch64"))
    exchange(map_name)
    with LatestChannel.create(map_name, capacity=16) as channel, channel.viewer() as viewer:
        opened = channel._opened
        assert type(opened.words) is type(opened.halves) is words._AtomicWords
        assert opened.weak
        fences = []
        viewer._fence = lambda: fences.append(1)
        with channel.writer() as writer:
            writer.publish(b"1", tag=7)
            assert viewer.latest() == b"1"
            assert len(fences) == 1  # R4
            with viewer.hold() as frame:
                assert (frame.copy(), frame.tag) == (b"1", 7)
    monkeypatch.undo()
    with LatestChannel.create(map_name, capacity=16) as strong:
        monkeypatch.setattr(words, "platform", Machine("aarch64"))
        with LatestChannel.open(map_name) as weak, strong.writer() as writer:
            writer.publish(b"1")
            assert (weak.published, weak.reader().latest()) == (1, b"1")


def test_a_weak_processor_needs_atomicshm(map_name, monkeypatch, open_descriptors):
    gc.collect()
    before = open_descriptors()
    monkeypatch.setattr(words, "platform", Machine("aarch64"))
    monkeypatch.setattr(words, "_atomicshm", lambda: None)
    with pytest.raises(PlatformError, match="pip install"):
        LatestChannel.create(map_name, capacity=16)
    gc.collect()
    assert open_descriptors() == before


@pytest.mark.parametrize(
    ("system", "machine"),
    [("win32", "AMD64"), ("darwin", "arm64"), ("freebsd14", "amd64"), ("linux", "riscv64")],
)
def test_another_system_is_refused(map_name, monkeypatch, system, machine):
    class System:
        platform = system

    monkeypatch.setattr(linux, "sys", System)
    monkeypatch.setattr(linux, "platform", Machine(machine))
    for use in (
        lambda: LatestChannel.create(map_name, capacity=16),
        lambda: QueueChannel.create_or_open(map_name, capacity=16),
        lambda: LatestChannel.open(map_name),
    ):
        with pytest.raises(PlatformError, match=machine) as caught:
            use()
        assert isinstance(caught.value, NotImplementedError)


def test_a_big_endian_processor_is_refused(map_name, monkeypatch):
    class Big:
        byteorder = "big"

    monkeypatch.setattr(words, "sys", Big)
    with pytest.raises(PlatformError, match="little-endian"):
        LatestChannel.create(map_name, capacity=16)
