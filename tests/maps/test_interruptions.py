"""An exception at every line and every instruction of create, open and close leaves nothing.

A signal handler can raise an exception between two instructions, as the one for Ctrl-C does. Here
a trace function raises it, once at each place. Then no descriptor and no lock may be left, at most
a dead file, and the next process can create the map.
"""

from __future__ import annotations

import gc
import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import pyshm
from pyshm import FileMode, HandleInheritability, MemoryMappedFile, ShareMemoryHelper
from tests.conftest import descriptors_in

if sys.platform == "win32":
    pytest.skip("the files of named maps are on POSIX systems only", allow_module_level=True)

import fcntl

from pyshm.maps.posix import locks, unnamed

SOURCES = str(Path(pyshm.__file__).parent)
INHERITABLE = HandleInheritability.INHERITABLE


class Interruption(BaseException):
    """What the trace function raises."""


def interrupted(action: Callable[[], object], at: int, *, opcodes: bool) -> str:
    """Run ``action``, and interrupt it at its place number ``at``.

    Return where that was, or "" if it has fewer places.
    """
    passed = 0
    where = ""

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal passed, where
        if not frame.f_code.co_filename.startswith(SOURCES):
            return None
        if opcodes:
            frame.f_trace_opcodes = True
        if event == ("opcode" if opcodes else "line"):
            passed += 1
            if passed == at + 1:
                code = frame.f_code
                where = f"{Path(code.co_filename).name}:{frame.f_lineno} in {code.co_qualname}"
                raise Interruption
        return trace

    def run() -> None:
        sys.settrace(trace)
        try:
            action()
        except Interruption:
            pass
        finally:
            sys.settrace(None)

    hook = sys.unraisablehook
    sys.unraisablehook = lambda _: None  # of a finalizer that is interrupted
    try:
        # A trace function can interrupt the end of an exception handler, which a signal can't.
        # The exception that was handled then belongs to the thread until it ends.
        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
    finally:
        sys.unraisablehook = hook
    return where


def descriptors() -> set[str]:
    return descriptors_in(Path("/proc/self/fd" if sys.platform == "linux" else "/dev/fd"))


class Scene:
    """A map's name and a file, for one interrupted action."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "file"
        self.kept: list[Any] = []

    def prepare(self) -> None:
        self.file.write_bytes(bytes(4096))

    def keep(self, thing: Any) -> Any:
        """Keep an object, as the variables of a program would."""
        self.kept.append(thing)
        return thing


def _held(scene: Scene) -> MemoryMappedFile:
    return scene.keep(MemoryMappedFile.create_new("map", 4096))


# What is prepared, and what is interrupted. The second function gets what the first one returns.
ACTIONS: dict[str, tuple[Callable[[Scene], Any], Callable[[Any, Scene], object]]] = {
    "create": (lambda _: None, lambda _, scene: MemoryMappedFile.create_new("map", 4096)),
    "create inheritable": (
        lambda _: None,
        lambda _, scene: MemoryMappedFile.create_new("map", 4096, inheritability=INHERITABLE),
    ),
    "create again": (_held, lambda _, scene: _refused(MemoryMappedFile.create_new, "map", 4096)),
    "create or open": (
        lambda _: None,
        lambda _, scene: MemoryMappedFile.create_or_open("map", 4096),
    ),
    "open": (_held, lambda _, scene: MemoryMappedFile.open_existing("map")),
    "open inheritable": (
        _held,
        lambda _, scene: MemoryMappedFile.open_existing("map", inheritability=INHERITABLE),
    ),
    "open missing": (
        lambda _: None,
        lambda _, scene: _refused(MemoryMappedFile.open_existing, "map"),
    ),
    "close": (_held, lambda held, _: held.close()),
    "close one of two": (
        lambda scene: (_held(scene), scene.keep(MemoryMappedFile.open_existing("map"))),
        lambda held, _: held[1].close(),
    ),
    "close inheritable": (
        lambda scene: scene.keep(
            MemoryMappedFile.create_new("map", 4096, inheritability=INHERITABLE)
        ),
        lambda held, _: held.close(),
    ),
    "with": (lambda _: None, lambda _, scene: _with_map()),
    "anonymous": (lambda _: None, lambda _, scene: MemoryMappedFile.create_new(None, 4096)),
    "close anonymous": (
        lambda scene: scene.keep(MemoryMappedFile.create_new(None, 4096)),
        lambda held, _: held.close(),
    ),
    "file": (lambda _: None, lambda _, scene: MemoryMappedFile.create_from_file(scene.file)),
    "open file": (lambda _: None, lambda _, scene: _of_open_file(scene.file)),
    "close file": (
        lambda scene: scene.keep(MemoryMappedFile.create_from_file(scene.file)),
        lambda held, _: held.close(),
    ),
    "new file": (
        lambda _: None,
        lambda _, scene: MemoryMappedFile.create_from_file(
            scene.folder / "new", FileMode.CREATE_NEW, None, 4096
        ),
    ),
    "view": (_held, lambda held, _: held.create_view_accessor()),
    "stream": (_held, lambda held, _: held.create_view_stream()),
    "close view": (
        lambda scene: scene.keep(_held(scene).create_view_accessor()),
        lambda view, _: view.close(),
    ),
    "close stream": (
        lambda scene: scene.keep(_held(scene).create_view_stream()),
        lambda view, _: view.close(),
    ),
    "helper": (lambda _: None, lambda _, scene: ShareMemoryHelper("map", 4096).create_or_open()),
    "close helper": (
        lambda scene: scene.keep(ShareMemoryHelper("map", 4096).create_or_open()),
        lambda helper, _: helper.close(),
    ),
    "kept helper": (
        lambda scene: scene.keep(ShareMemoryHelper("map", 4096)),
        lambda helper, _: helper.create_or_open(),
    ),
    "open helper again": (
        lambda scene: scene.keep(ShareMemoryHelper("map", 4096).create_or_open()),
        lambda helper, scene: helper.open_file(scene.file),
    ),
    "fork": (_held, lambda _, scene: _fork()),
    "adopt": (
        lambda scene: os.dup(_held(scene).fileno()),
        lambda number, scene: _adopted(number),
    ),
}


def _refused(function: Callable[..., object], *arguments: object) -> None:
    with pytest.raises(OSError, match="map"):
        function(*arguments)


def _with_map() -> None:
    with MemoryMappedFile.create_new("map", 4096) as opened, opened.create_view_accessor() as view:
        view.write_int32(0, 1)


def _of_open_file(path: Path) -> None:
    with path.open("r+b") as file:
        MemoryMappedFile.create_from_file(file, leave_open=True).close()


def _fork() -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)


def _adopted(number: int) -> None:
    """Take over a descriptor, which stays open if that is interrupted."""
    try:
        MemoryMappedFile.from_handle(number).close()
    finally:
        try:
            os.close(number)
        except OSError:
            pass


def check_nothing_left(scene: Scene, before: set[str], where: str) -> None:
    """Fail if the action left something, and remove a dead file."""
    if scene.kept and all(thing.closed for thing in scene.kept):
        assert descriptors() == before, f"closed, but {where}"
    for thing in scene.kept:
        thing.close()  # completes a call that was interrupted
        assert thing.closed, where
    if scene.kept:
        assert descriptors() == before, f"closed again, but {where}"
    scene.kept.clear()
    if descriptors() != before:
        gc.collect()  # slow
    assert descriptors() == before, where
    new = scene.folder / "new"
    if new.exists():
        # The file was complete, and the call was interrupted while it returned.
        assert new.stat().st_size == 4096, where
        new.unlink()
    for path in scene.folder.joinpath("maps").iterdir():
        # It has neither the lock of a holder nor the transition lock: it is dead.
        with path.open("r+b") as file, locks.transition_lock(file, str(path), 0):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.name != "map":
            path.unlink()  # a private name
    with MemoryMappedFile.create_new("map", 4096) as again:
        assert again.create_view_accessor().read_int32(0) == 0
    del again
    assert not list(scene.folder.joinpath("maps").iterdir()), where


def steps(action: str, scene: Scene, *, opcodes: bool) -> int:
    """Interrupt an action at each of its places. Return how many there are."""
    prepare, act = ACTIONS[action]
    MemoryMappedFile.create_new("map", 4096).close()  # what happens only once
    for number in range(100_000):
        scene.prepare()
        before = descriptors()
        made = prepare(scene)
        where = interrupted(lambda made=made: act(made, scene), number, opcodes=opcodes)
        del made
        if not where:
            scene.kept.clear()
            return number
        check_nothing_left(scene, before, f"{action}, interrupted at {where}")
    raise AssertionError("the action does not end")


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    """A directory for maps, in which a map named "map" is made."""
    folder = tmp_path / "maps"
    folder.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(folder))
    gc.disable()
    try:
        yield Scene(tmp_path)
    finally:
        gc.enable()


QUICK = {
    "create",
    "open",
    "close",
    "close inheritable",
    "close view",
    "close stream",
    "close helper",
    "kept helper",
    "fork",
    "new file",
}  # the others are slow
LINES = [
    pytest.param(action, marks=() if action in QUICK else pytest.mark.slow) for action in ACTIONS
]


@pytest.mark.parametrize("action", LINES)
def test_an_interruption_at_any_line_leaves_nothing(action: str, scene: Scene) -> None:
    assert steps(action, scene, opcodes=False) > 3


@pytest.mark.slow
@pytest.mark.parametrize("action", ACTIONS)
def test_an_interruption_at_any_instruction_leaves_nothing(action: str, scene: Scene) -> None:
    assert steps(action, scene, opcodes=True) > 20


@pytest.mark.slow
@pytest.mark.parametrize("action", ["create", "create or open", "create again", "close", "with"])
def test_an_interruption_leaves_nothing_where_there_is_no_o_tmpfile(
    action: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unnamed, "_O_TMPFILE", 0)
    assert steps(action, scene, opcodes=False) > 3
