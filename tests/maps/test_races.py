"""Threads that close a map or a view while others use it, beside a file that is none of theirs.

A number of a descriptor can be used again at once. The threads switch after a microsecond.
"""

from __future__ import annotations

import errno
import mmap
import os
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pyshm import (
    HandleInheritability,
    ImageData,
    MemoryMappedFile,
    MemoryMappedViewAccessor,
    ShareMemoryHelper,
    TestData,
)
from pyshm.errors import ClosedError, MapIOError
from pyshm.maps import registry

if sys.platform != "win32":
    from pyshm.maps.posix import locks

ROUNDS = 60
CANARY = b"c" * 4096


@pytest.fixture(autouse=True)
def quick_switches() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def _named(name: str, _: Path) -> MemoryMappedFile:
    return MemoryMappedFile.create_new(name, 4096)


def _inheritable(name: str, _: Path) -> MemoryMappedFile:
    inheritable = HandleInheritability.INHERITABLE
    return MemoryMappedFile.create_new(name, 4096, inheritability=inheritable)


def _anonymous(_: str, __: Path) -> MemoryMappedFile:
    return MemoryMappedFile.create_new(None, 4096)


def _of_path(_: str, path: Path) -> MemoryMappedFile:
    return MemoryMappedFile.create_from_file(path)


def _of_file(_: str, path: Path) -> MemoryMappedFile:
    return MemoryMappedFile.create_from_file(path.open("r+b"))


def run_until_closed(uses: list[Callable[[], object]], close: Callable[[], object]) -> list[str]:
    """Repeat each of ``uses`` in a thread until ClosedError, and close. Return other errors."""
    wrong: list[str] = []
    used = threading.Event()

    def repeat(use: Callable[[], object]) -> None:
        try:
            while True:
                use()
                used.set()
        except ClosedError:
            pass
        except BaseException as error:  # noqa: BLE001 - the test reports it
            wrong.append(repr(error))
        used.set()

    threads = [threading.Thread(target=repeat, args=(use,)) for use in uses]
    for thread in threads:
        thread.start()
    used.wait()
    close()
    for thread in threads:
        thread.join()
    return wrong


@pytest.mark.parametrize("kind", ["accessor", "stream"])
@pytest.mark.parametrize("make", [_named, _inheritable, _anonymous, _of_path, _of_file])
def test_a_view_made_while_the_map_is_closed_is_never_one_of_another_file(
    make: Callable[[str, Path], MemoryMappedFile], kind: str, map_name: str, tmp_path: Path
) -> None:
    path, canary = tmp_path / "map", tmp_path / "canary"
    path.write_bytes(bytes(4096))
    wrong: list[str] = []
    for _ in range(ROUNDS):
        canary.write_bytes(CANARY)
        opened = make(map_name, path)

        def use(opened: MemoryMappedFile = opened) -> None:
            if kind == "accessor":
                with opened.create_view_accessor() as view:
                    view.write_int32(0, 7)
            else:
                with opened.create_view_stream() as stream:
                    stream.write(b"7")

        others: list[Any] = []

        def close(opened: MemoryMappedFile = opened, others: list[Any] = others) -> None:
            opened.close()
            others.append(canary.open("r+b"))  # with the number that was closed

        wrong += run_until_closed([use, use], close)
        others[0].close()
        assert canary.read_bytes() == CANARY
    assert wrong == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows maps handles, not descriptors")
@pytest.mark.parametrize("make", [_named, _inheritable, _anonymous, _of_path, _of_file])
def test_the_file_that_is_being_mapped_is_not_closed_with_the_map(
    make: Callable[[str, Path], MemoryMappedFile],
    map_name: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, canary = tmp_path / "map", tmp_path / "canary"
    path.write_bytes(bytes(4096))
    canary.write_bytes(CANARY)
    opened = make(map_name, path)
    others: list[Any] = []
    mapped = mmap.mmap

    def close_and_map(number: int, *arguments: Any, **options: Any) -> mmap.mmap:
        opened.close()
        others.append(canary.open("r+b"))  # with the number, if that was closed
        return mapped(number, *arguments, **options)

    monkeypatch.setattr(mmap, "mmap", close_and_map)
    with opened.create_view_accessor() as view:
        view.write_int32(0, 7)
    others[0].close()
    assert canary.read_bytes() == CANARY


USES: dict[str, Callable[[Any], object]] = {
    "read": lambda view: view.read_int32(0),
    "write": lambda view: view.write_int32(0, 1),
    "decimal": lambda view: view.read_decimal(16),
    "array": lambda view: view.read_array(0, bytearray(64)),
    "write array": lambda view: view.write_array(0, bytes(64)),
    "buffer": lambda view: view.buffer[0],
    "flush": lambda view: view.flush(),
    "check": lambda view: view.check_backed(),
}


@pytest.mark.parametrize("use", USES)
def test_a_view_that_another_thread_closes_is_closed_and_nothing_else(use: str) -> None:
    wrong = []
    with MemoryMappedFile.create_new(None, 4096) as opened:
        for _ in range(ROUNDS):
            view = opened.create_view_accessor()
            action = partial(USES[use], view)
            wrong += run_until_closed([action, action], view.close)
    assert wrong == []


STREAM_USES: dict[str, Callable[[Any], object]] = {
    "read": lambda stream: (stream.seek(0), stream.read(8)),
    "read all": lambda stream: (stream.seek(0), stream.readall()),
    "write": lambda stream: (stream.seek(0), stream.write(b"12345678")),
    "lines": lambda stream: (stream.seek(0), stream.writelines([b"1", b"2"])),
    "flush": lambda stream: stream.flush(),
    "enter": lambda stream: stream.__enter__(),
    "iterate": iter,
    "terminal": lambda stream: stream.isatty(),
    "length": len,
}


@pytest.mark.parametrize("use", STREAM_USES)
def test_a_stream_that_another_thread_closes_is_closed_and_nothing_else(use: str) -> None:
    wrong = []
    with MemoryMappedFile.create_new(None, 4096) as opened:
        for _ in range(ROUNDS):
            stream = opened.create_view_stream()
            wrong += run_until_closed([partial(STREAM_USES[use], stream)], stream.close)
    assert wrong == []


PICTURE = ImageData("a.png", bytes(2000))
HELPER_USES: dict[str, Callable[[Any], object]] = {
    "read bytes": lambda helper: helper.read_bytes(),
    "write bytes": lambda helper: helper.write_bytes(bytes(64), 2048),
    "read struct": lambda helper: helper.read_struct(TestData),
    "write struct": lambda helper: helper.write_struct(TestData()),
    "view struct": lambda helper: helper.view_struct(TestData).age,
    "read image": lambda helper: helper.read_image(strict=False),
    "write image": lambda helper: helper.write_image(PICTURE),
    "buffer": lambda helper: helper.buffer[0],
    "accessor": lambda helper: helper.accessor.read_int32(0),
}


@pytest.mark.parametrize("use", HELPER_USES)
def test_a_helper_that_another_thread_closes_is_closed_and_nothing_else(
    use: str, map_name: str
) -> None:
    wrong = []
    for _ in range(ROUNDS):
        helper = ShareMemoryHelper(map_name, 4096).create_or_open()
        helper.write_image(PICTURE)
        action = partial(HELPER_USES[use], helper)
        wrong += run_until_closed([action, action], helper.close)
    assert wrong == []


def test_a_helper_that_is_closed_before_its_rights_are_checked_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def close_first(accessor: MemoryMappedViewAccessor) -> bool:
        accessor.close()
        return False

    for name, use in (("can_read", "read bytes"), ("can_write", "write image")):
        with ShareMemoryHelper("unused", 4096) as helper, monkeypatch.context() as patch:
            helper._use(MemoryMappedFile.create_new(None, 4096))
            patch.setattr(MemoryMappedViewAccessor, name, property(close_first))
            with pytest.raises(ClosedError):
                HELPER_USES[use](helper)


@pytest.mark.parametrize("kind", ["map", "accessor", "stream", "helper"])
def test_threads_that_close_one_object_close_it_once(kind: str, map_name: str) -> None:
    wrong: list[str] = []
    for _ in range(ROUNDS * 4):
        with MemoryMappedFile.create_new(map_name, 4096) as opened:
            helper = ShareMemoryHelper(map_name, 4096).open()
            things = {
                "map": lambda opened=opened: opened,
                "accessor": opened.create_view_accessor,
                "stream": opened.create_view_stream,
                "helper": lambda helper=helper: helper,
            }
            thing = things[kind]()
            start = threading.Barrier(3)

            def close(thing: Any = thing, start: threading.Barrier = start) -> None:
                start.wait()
                try:
                    thing.close()
                except BaseException as error:  # noqa: BLE001 - the test reports it
                    wrong.append(repr(error))

            threads = [threading.Thread(target=close) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert thing.closed
            helper.close()
    assert wrong == []


def test_a_descriptor_that_other_code_closed_gives_no_view_of_another_file(tmp_path: Path) -> None:
    if sys.platform == "win32":
        pytest.skip("on Windows a map has no descriptor")
    canary = tmp_path / "canary"
    canary.write_bytes(CANARY)
    opened = MemoryMappedFile.create_new(None, 4096)
    spare = os.dup(opened.fileno())
    with canary.open("r+b") as other:
        os.dup2(other.fileno(), opened.fileno())
        with pytest.raises(ClosedError, match="another file"):
            opened.create_view_accessor()
        os.dup2(spare, opened.fileno())
    os.close(spare)
    opened.close()
    assert canary.read_bytes() == CANARY


def test_one_handle_is_taken_over_once() -> None:
    with MemoryMappedFile.create_new(None, 4096) as opened:
        with pytest.raises(MapIOError, match="belongs to an open map"):
            MemoryMappedFile.from_handle(opened.handle)
        opened.create_view_accessor().close()


def test_a_claim_that_was_interrupted_is_forgotten() -> None:
    number = 1 << 20  # of no open map
    for _ in range(3):
        registry.Claim(number, "descriptor")
    claim = registry.Claim(number, "descriptor")
    assert len(registry._claims[number]) == 1
    claim.end()
    assert registry._claims.pop(number) == []


def test_a_handle_that_could_not_be_taken_over_is_not_claimed(
    map_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = 1 << 20  # of no handle
    errors = []
    for _ in range(2):
        with pytest.raises(MapIOError, match="not an inherited map") as caught:
            MemoryMappedFile.from_handle(number)
        errors.append(caught)  # its traceback has the frame that claimed the number
    if sys.platform == "win32":
        return
    from pyshm.maps.posix import named

    inheritable = HandleInheritability.INHERITABLE
    with MemoryMappedFile.create_new(map_name, 64, inheritability=inheritable) as opened:
        inherited = os.dup(opened.handle)
        for module, name in ((named, "open_another_holder"), (os, "scandir")):
            with monkeypatch.context() as patch:
                patch.setattr(module, name, _no_descriptors)
                with pytest.raises(MapIOError, match=r"taking over .* Too many open") as caught:
                    MemoryMappedFile.from_handle(inherited)
            errors.append(caught)
        MemoryMappedFile.from_handle(inherited).close()
        MemoryMappedFile.open_existing(map_name).close()


def _no_descriptors(*_: Any) -> None:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.skipif(sys.platform == "win32", reason="a descriptor is duplicated")
def test_of_threads_that_take_over_one_descriptor_one_succeeds() -> None:
    with MemoryMappedFile.create_new(None, 4096) as opened:
        for _ in range(ROUNDS):
            number = os.dup(opened.fileno())
            registry.Claim(number, "descriptor")  # of a thread that was interrupted
            start = threading.Barrier(3)
            taken: list[MemoryMappedFile] = []

            def take(
                number: int = number,
                start: threading.Barrier = start,
                taken: list[MemoryMappedFile] = taken,
            ) -> None:
                start.wait()
                try:
                    taken.append(MemoryMappedFile.from_handle(number))
                except MapIOError:
                    pass

            threads = [threading.Thread(target=take) for _ in range(3)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert len(taken) == 1
            taken[0].close()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have another lock")
def test_a_map_that_is_closed_during_a_wait_that_fails_is_released(
    map_name: str, map_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A finalizer or a signal handler closes a map while its thread waits for another map's lock.
    closed_meanwhile = MemoryMappedFile.create_new(f"{map_name}-2", 64)
    monkeypatch.setattr(locks, "TIMEOUT", 0.1)
    waits = locks.attempts

    def attempts(*arguments: Any) -> Iterator[None]:
        closed_meanwhile.close()
        yield from waits(*arguments)

    monkeypatch.setattr(locks, "attempts", attempts)
    with MemoryMappedFile.create_new(map_name, 64), map_file.open("r+b") as file:
        assert locks.try_lock_byte(file, 0)
        with pytest.raises(MapIOError, match="transition lock"):
            MemoryMappedFile.open_existing(map_name)
        assert closed_meanwhile.closed
        assert not map_file.with_name(f"{map_name}-2").exists()


@pytest.mark.filterwarnings("ignore:MemoryMappedFile.fileno")  # deprecated on Windows
def test_the_handle_of_a_map_that_another_thread_closes_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    opened = MemoryMappedFile.create_new(None, 64)
    really = MemoryMappedFile.closed.fget
    assert really is not None

    def closed(self: MemoryMappedFile) -> bool:
        result: bool = really(self)
        self.close()  # another thread does it
        return result

    monkeypatch.setattr(MemoryMappedFile, "closed", property(closed))
    numbers = []
    for use in (lambda: opened.handle, opened.fileno):
        try:
            numbers.append(use())
        except ClosedError:
            continue
    assert -1 not in numbers
    monkeypatch.undo()
    opened.close()
    with pytest.raises(ClosedError):
        opened.fileno()
