"""Fixtures for all tests: unique map names, and child processes under control."""

from __future__ import annotations

import itertools
import os
import queue
import secrets
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

# In every environment with pyshm installed, pytest loads this plugin, so these tests do it too.
pytest_plugins = ["pyshm.testing.plugin", "tests.limits"]

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 30.0  # seconds that a test waits for another process before it fails

_counter = itertools.count()


def files_beginning_with(prefix: str) -> list[Path]:
    """The files of named maps with that prefix; none on Windows."""
    if sys.platform == "win32":
        return []
    from pyshm.maps.posix.directory import shared_memory_directory

    directory = Path(shared_memory_directory())
    return sorted(path for path in directory.iterdir() if path.name.startswith(prefix))


@pytest.fixture
def map_name() -> Iterator[str]:
    """A unique map name. At the end, no file whose name begins with it may be left."""
    name = f"pyshm-test-{os.getpid()}-{next(_counter)}-{secrets.token_hex(6)}"
    try:
        yield name
    finally:
        left = files_beginning_with(name)
        for path in left:
            if path.is_dir() and not path.is_symlink():
                path.rmdir()
            else:
                path.unlink()
    assert not left, f"left in the shared-memory directory: {left}"


@pytest.fixture
def map_file(map_name: str) -> Path:
    """The path of the file of the named map ``map_name``."""
    from pyshm.maps.posix.directory import shared_memory_directory

    return Path(shared_memory_directory()) / map_name


def _started(command: list[str], **options: object) -> subprocess.Popen[str]:
    """Return Popen's result; try again after the "Internal error" that Wine sometimes raises."""
    for _ in range(4):
        try:
            return subprocess.Popen(command, **options)  # type: ignore[call-overload,no-any-return]
        except OSError as error:
            if getattr(error, "winerror", None) != 1359:
                raise
    return subprocess.Popen(command, **options)  # type: ignore[call-overload,no-any-return]


class Child:
    """Another Python process, which communicates in lines. Every wait has a timeout."""

    def __init__(self, command: list[str], **options: object) -> None:
        self.process = _started(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            **options,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._errors: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(self.process.stdout, self._lines.put)),
            threading.Thread(target=self._read, args=(self.process.stderr, self._errors.append)),
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, stream, store: Callable[[str], object]) -> None:
        for line in stream:
            store(line)
        store("")

    @property
    def pid(self) -> int:
        return self.process.pid

    def line(self) -> str:
        """Return the next line of its output without the newline; "" at the end."""
        try:
            return self._lines.get(timeout=PATIENCE).rstrip("\n")
        except queue.Empty:
            raise AssertionError(f"no line in {PATIENCE} s; {self.errors()}") from None

    def ready(self) -> Child:
        """Wait until it prints READY."""
        line = self.line()
        if line != "READY":
            self.process.kill()
            self.wait()
            raise AssertionError(f"READY expected, not {line!r}; {self.errors()}")
        return self

    def say(self, line: str) -> None:
        """Send it a line."""
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def ask(self, line: str) -> str:
        """Send it a line and return its answer."""
        self.say(line)
        return self.line()

    def end_input(self) -> None:
        try:
            self.process.stdin.close()
        except BrokenPipeError:
            pass  # it ended before it had read all that was said to it

    def send_signal(self, number: int) -> None:
        self.process.send_signal(number)

    def kill(self) -> None:
        """Kill it (SIGKILL), and wait until it has ended."""
        self.process.kill()
        self.wait()

    def wait(self) -> int:
        """Wait until it ends, and return its exit status."""
        status = self.process.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        return status

    def finish(self) -> int:
        """End its input and return its exit status."""
        self.end_input()
        return self.wait()

    def __enter__(self) -> Child:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """End its input. Unless the test has failed, the process must then exit with status 0."""
        status = self.finish()
        assert kind is not None or status == 0, self.errors()

    def errors(self) -> str:
        """Return what it has written to standard error; all of it after it has ended."""
        return "".join(self._errors)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.wait()
        self.end_input()
        self.process.stdout.close()
        self.process.stderr.close()


def environment(**more: str) -> dict[str, str]:
    """Return the environment of a child that imports pyshm from the checkout."""
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**os.environ, "PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", **more}


@pytest.fixture
def child_environment() -> dict[str, str]:
    """The environment for a test that starts a process itself."""
    return environment()


@pytest.fixture
def child() -> Iterator[Callable[..., Child]]:
    """``child(script, *arguments)`` starts Python with that script. It is killed at the end."""
    started: list[Child] = []

    def start(
        script: str,
        *arguments: str,
        env: dict[str, str] | None = None,
        ready: bool = True,
        **options: object,
    ) -> Child:
        command = [sys.executable, "-c", script, *arguments]
        process = Child(command, env=environment(**(env or {})), **options)
        started.append(process)
        return process.ready() if ready else process

    try:
        yield start
    finally:
        for process in started:
            process.close()


@pytest.fixture
def command() -> Iterator[Callable[..., Child]]:
    """``command(*arguments)`` starts ``python -m pyshm`` with them. It is killed at the end."""
    started: list[Child] = []

    def start(*arguments: str, env: dict[str, str] | None = None, **options: object) -> Child:
        line = [sys.executable, "-m", "pyshm", *arguments]
        process = Child(line, env=environment(**(env or {})), **options)
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.close()


class Result:
    """The output of a command, its exit status and its errors."""

    def __init__(self, process: Child) -> None:
        self.out: list[str] = []
        while line := process.line():
            self.out.append(line)
        self.status = process.wait()
        self.errors = process.errors()


@pytest.fixture
def run(command: Callable[..., Child]) -> Callable[..., Result]:
    """``run(*arguments)`` returns the Result of ``python -m pyshm`` with them and empty input."""

    def running(*arguments: object, **options: object) -> Result:
        process = command(*map(str, arguments), **options)
        process.end_input()
        return Result(process)

    return running


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let children react to SIGINT; in the background of a shell, they would ignore it."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


HOLDER = """
import sys
from pyshm import MemoryMappedFile
holder = MemoryMappedFile.create_or_open(sys.argv[1], int(sys.argv[2]))
print("READY", flush=True)
sys.stdin.readline()
holder.close()
"""


@pytest.fixture
def holder(child) -> Callable[..., Child]:
    """``holder(name, capacity)`` starts a process that holds that map until it gets a line."""

    def hold(name: str, capacity: int = 64, **options: object) -> Child:
        return child(HOLDER, name, str(capacity), **options)

    return hold


@pytest.fixture
def dead_map(map_name: str, map_file: Path, holder) -> Iterator[Path]:
    """The file of a map whose only holder was killed."""
    holder(map_name).kill()
    assert map_file.exists()
    yield map_file
    map_file.unlink(missing_ok=True)


def descriptors_in(folder: Path) -> set[str]:
    """Return the descriptors that a folder such as /proc/self/fd lists, and their files."""
    found = set()
    for link in folder.iterdir():
        try:
            found.add(f"{link.name} -> {link.readlink()}")
        except OSError:
            pass  # the descriptor of the listing itself
    return found


@pytest.fixture
def open_descriptors() -> Callable[[], set[str]]:
    """A function that returns the open descriptors of this process, and their files."""
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system has no /proc/self/fd")
    return partial(descriptors_in, folder)
