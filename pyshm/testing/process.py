"""A peer is a process that does what the harness tells it (docs/protocol.md, "serve").

One process stays alive for many requests. Every wait is bounded; whatever a peer does wrong is
a :class:`PeerFailure` with one of the :class:`Outcome` values, and a peer that failed is killed
and started anew for the next request, so that nothing of the failure survives.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import IO, Any, Self

from ..errors import PyshmError

__all__ = ["Outcome", "Peer", "PeerFailure"]

PROTOCOL = 1
_TAIL = 2000  # characters of a peer's standard error that a failure quotes
_LAST_WORDS = 2.0  # seconds that a dead peer's output may take to come to its end


class Outcome(Enum):
    """How a case, or a request, ended."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    GARBAGE = "garbage"
    SKIPPED = "skipped"
    COULD_NOT_START = "could not start"


class PeerFailure(PyshmError, RuntimeError):
    """A peer that did not answer as the protocol says."""

    def __init__(self, peer: str, outcome: Outcome, story: str) -> None:
        super().__init__(f"{peer}: {outcome.value}: {story}")
        self.peer = peer
        self.outcome = outcome
        self.story = story

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.peer, self.outcome, self.story)


class Peer:
    """One testee: started when first needed, restarted after a failure, ended by ``close``."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        patience: float = 60.0,
    ) -> None:
        """``command`` is the program with its arguments; ``patience`` bounds each wait (s)."""
        self.name = name
        self.command = list(command)
        self.environment = dict(environment or {})
        self.patience = patience
        self.hello: dict[str, Any] = {}
        self.starts = 0
        # Told of every request: its steps, and its outcomes (none of them where the peer failed).
        self.listener: Callable[[Sequence[Mapping[str, Any]], list[dict[str, Any]]], None] = _deaf
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors: deque[bytes] = deque()
        self._readers: list[threading.Thread] = []
        self._number = 0

    def start(self) -> Self:
        """Start the process, unless it runs, and check its hello."""
        if self._process is not None:
            return self
        self._errors = deque(maxlen=_TAIL)
        self._lines = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Not a file, which is simpler: Wine's Python does not start with one.
                stderr=subprocess.PIPE,
                env={**os.environ, **self.environment},
                # A group of its own, so that whatever it starts ends with it.
                start_new_session=sys.platform != "win32",
            )
        except OSError as error:
            self._end()
            raise PeerFailure(self.name, Outcome.COULD_NOT_START, str(error)) from error
        stores = {self._process.stdout: self._lines.put, self._process.stderr: self._errors.append}
        self._readers = [
            threading.Thread(target=_pump, args=item, daemon=True) for item in stores.items()
        ]
        for reader in self._readers:
            reader.start()
        self.starts += 1
        try:
            message = self._receive(Outcome.COULD_NOT_START)
            self.hello = message.get("hello") or {}
            if self.hello.get("protocol") != PROTOCOL:
                raise self._failure(Outcome.GARBAGE, f"said {message!r} where a hello belongs")
        except BaseException:
            self.kill()
            raise
        return self

    def request(
        self, *steps: Mapping[str, Any], on_error: str = "stop", patience: float | None = None
    ) -> list[dict[str, Any]]:
        """Have ``steps`` carried out; the outcomes, as many as the protocol promises.

        Raises PeerFailure, after killing the process, for everything but a proper response.
        """
        self.send(*steps, on_error=on_error)
        return self.receive(patience)

    def send(self, *steps: Mapping[str, Any], on_error: str = "stop") -> None:
        """The first half of :meth:`request`, so that two peers can work at the same time."""
        self.start()
        assert self._process is not None
        assert self._process.stdin is not None
        self._number += 1
        self._sent: dict[str, Any] = {
            "id": self._number,
            "nonce": uuid.uuid4().hex,
            "steps": steps,
            "on_error": on_error,
        }
        try:
            self._process.stdin.write(json.dumps(self._sent).encode("ascii") + b"\n")
            self._process.stdin.flush()
        except OSError:
            # Its death is told by the end of its output, with the exit status.
            pass

    def receive(self, patience: float | None = None) -> list[dict[str, Any]]:
        """The second half of :meth:`request`."""
        try:
            outcomes = self._checked(self._receive(Outcome.CRASHED, patience))
        except BaseException:
            self.kill()
            self.listener(self._sent["steps"], [])
            raise
        self.listener(self._sent["steps"], outcomes)
        return outcomes

    def kill(self) -> None:
        """End the process at once, and everything it started."""
        if self._process is not None:
            if sys.platform == "win32":
                self._process.kill()
            else:
                try:
                    os.killpg(self._process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass
            self._process.wait()
        self._end()

    def close(self) -> None:
        """End the process in peace: its standard input ends, and it has to follow."""
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            status = self._process.wait(self.patience)
            if status != 0:
                raise self._failure(Outcome.CRASHED, f"ended with status {status}")
        except subprocess.TimeoutExpired:
            raise self._failure(Outcome.TIMED_OUT, "did not end with its input") from None
        finally:
            self.kill()

    @property
    def pid(self) -> int:
        """The running process's number; 0 without one."""
        return self._process.pid if self._process is not None else 0

    def _receive(self, at_end: Outcome, patience: float | None = None) -> dict[str, Any]:
        patience = self.patience if patience is None else patience
        try:
            line = self._lines.get(timeout=patience)
        except queue.Empty:
            raise self._failure(Outcome.TIMED_OUT, f"silent for {patience:g} s") from None
        if not line:
            raise self._failure(at_end, self._death())
        try:
            message = json.loads(line)
        except ValueError as error:
            raise self._failure(Outcome.GARBAGE, f"{error}: {line[:200]!r}") from error
        if not isinstance(message, dict):
            raise self._failure(Outcome.GARBAGE, f"no object: {line[:200]!r}")
        return message

    def _checked(self, response: dict[str, Any]) -> list[dict[str, Any]]:
        for key in ("id", "nonce"):
            if response.get(key) != self._sent[key]:
                raise self._failure(
                    Outcome.GARBAGE,
                    f"answered {key} {response.get(key)!r}, asked was {self._sent[key]!r} "
                    f"({response.get('fatal')})",
                )
        outcomes = response.get("outcomes")
        steps = len(self._sent["steps"])
        if not isinstance(outcomes, list) or not all(
            isinstance(item, dict) and len({"value", "error"} & set(item)) == 1 for item in outcomes
        ):
            raise self._failure(Outcome.GARBAGE, f"no list of outcomes: {str(response)[:300]}")
        stopped = self._sent["on_error"] == "stop" and outcomes and "error" in outcomes[-1]
        if len(outcomes) > steps or (len(outcomes) < steps and not stopped):
            raise self._failure(Outcome.GARBAGE, f"{len(outcomes)} outcomes for {steps} steps")
        return outcomes

    def _death(self) -> str:
        assert self._process is not None
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "closed its output and runs on"
        if status < 0:
            return f"killed by signal {-status}"
        return f"ended with status {status} before it answered"

    def _failure(self, outcome: Outcome, story: str) -> PeerFailure:
        if self._process is not None and self._process.poll() is not None:
            for reader in self._readers:
                reader.join(_LAST_WORDS)
        said = b"".join(self._errors.copy()).decode("utf-8", "replace").strip()[-_TAIL:]
        return PeerFailure(
            self.name, outcome, f"{story}\nits standard error:\n{said}" if said else story
        )

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            try:
                process.stdin.close()
            except OSError:
                pass


def _deaf(steps: Sequence[Mapping[str, Any]], outcomes: list[dict[str, Any]]) -> None:
    """Listen to nothing."""


def _pump(source: IO[bytes], store: Callable[[bytes], object]) -> None:
    """Move whole lines from a pipe to a store; empty is its end. Pipes have no portable wait.

    The pipe is closed here and nowhere else: closing it elsewhere waits for the read that goes on,
    and its end may come late, as Wine's server keeps a dead program's pipes for a while.
    """
    with source:
        for line in source:
            store(line)
    store(b"")
