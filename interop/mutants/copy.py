"""A copy of the checkout in which one fault at a time is planted and its tests run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pyshm.testing import sdk

from ..checkout import CHECKOUT
from . import outcomes, peer
from .catalog import Mutant

__all__ = ["BuildFailed", "Checkout", "Run"]

_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".tox", ".*_cache", "__pycache__", "*.egg-info", "bin", "obj", "build", "dist", "*venv"
)
_BUILD_TIMEOUT = 600.0
_BUILDER = peer.__name__


class BuildFailed(Exception):
    """A C# program does not build; the text is the compiler's output."""


@dataclass(frozen=True)
class Run:
    """One run of pytest: the outcome of each test, the end of its output, and its exit status.

    The status is None if the run exceeded its time limit.
    """

    outcomes: dict[str, str]
    output: str
    status: int | None

    def of(self, test: str) -> set[str]:
        """Return the outcomes of a test: one for each of its parameters."""
        return {
            outcome
            for node, outcome in self.outcomes.items()
            if node == test or node.startswith((f"{test}[", f"{test}::"))
        }


class Checkout:
    """A copy of the checkout with its own cache of builds.

    Args:
        folder: the folder for the copy; it must not exist.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._root = folder / "checkout"
        shutil.copytree(CHECKOUT, self._root, symlinks=True, ignore=_NOT_COPIED)
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(self._root),
            "PYSHM_CACHE": str(folder / "cache"),
            outcomes.VARIABLE: str(folder / "outcomes.json"),
        }
        self._environment.pop("PYTEST_ADDOPTS", None)
        self._stamp = int(time.time())
        self._process: subprocess.Popen[bytes] | None = None

    def end(self) -> None:
        """End the command that runs in another thread, if there is one."""
        if self._process is not None:
            _end(self._process, self._root)

    def build(self, *, peer: bool = True, mono: bool = False) -> None:
        """Build from the sources of the copy, if there is a .NET SDK.

        Args:
            peer: build the C# peer.
            mono: build the program that Mono runs, if there is a Mono.

        Raises:
            BuildFailed: it does not compile.
        """
        try:
            sdk.find_dotnet()
        except sdk.ToolchainError:
            return
        if peer:
            self._build("artifacts")
        if mono and shutil.which("mono"):
            self._build("mono", "mono")

    def _build(self, folder: str, *kind: str) -> None:
        command = [sys.executable, "-m", _BUILDER, str(self._folder / folder), *kind]
        status, output = self._run(command, _BUILD_TIMEOUT)
        if status != 0:
            raise BuildFailed(output)

    def test(self, tests: Iterable[str], seconds: float, *options: str) -> Run:
        """Run tests, for at most that many seconds, and return their outcomes."""
        written = Path(self._environment[outcomes.VARIABLE])
        written.unlink(missing_ok=True)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
        command += ["-p", outcomes.__name__, *options, *tests]
        status, output = self._run(command, seconds)
        found = json.loads(written.read_text(encoding="utf-8")) if written.exists() else {}
        return Run(found, output, status)

    @contextmanager
    def planted(self, mutant: Mutant) -> Iterator[None]:
        """Plant a fault; remove it at the end. A fault in C# is compiled."""
        path = self._root / mutant.file
        original = path.read_bytes()
        text = original.decode("utf-8")
        self._write(path, text.replace(mutant.find, mutant.replace).encode("utf-8"))
        try:
            if mutant.language == "C#":
                self.build(peer=mutant.needs_peer, mono=mutant.needs_mono)
            yield
        finally:
            self._write(path, original)

    def _write(self, path: Path, data: bytes) -> None:
        # Python takes a compiled module for the present one if its source has the same size and the
        # same second of its last change.
        self._stamp = max(self._stamp + 1, int(time.time()))
        path.write_bytes(data)
        os.utime(path, (self._stamp, self._stamp))

    def _run(self, command: list[str], seconds: float) -> tuple[int | None, str]:
        """Run a command in the copy; return its exit status (None: too slow) and its output."""
        log = self._folder / "output.txt"
        with log.open("wb") as output:
            process = self._process = subprocess.Popen(
                command,
                cwd=self._root,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            status: int | None
            try:
                status = process.wait(seconds)
            except subprocess.TimeoutExpired:
                status = None
            finally:
                _end(process, self._root)
        return status, log.read_text(encoding="utf-8", errors="replace")


def _end(process: subprocess.Popen[bytes], root: Path) -> None:
    """Kill a command and what it started, and remove the maps of its tests.

    The fixtures remove them, unless pytest itself was killed. Their names contain the process id
    of pytest.
    """
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for number in _working_in(root):  # peers have sessions of their own
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        for path in Path("/dev/shm").glob(f"pyshm-*-{process.pid}-*"):
            if path.is_dir():  # a test of odd files has made one
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _working_in(root: Path) -> Iterator[int]:
    """Yield the processes whose current directory is in ``root``."""
    for entry in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):  # it has ended, or it is another user's
            if entry.readlink().is_relative_to(root):
                yield int(entry.parent.name)
