"""A peer: a process that carries out the requests of the harness (docs/protocol.md, "serve").

One process serves many requests. Every wait has a limit. If a peer breaks the protocol, crashes or
is too slow, the request raises :class:`PeerFailure` with one of the :class:`Outcome` values. The
process is then killed, and the next request starts a new one, so that one failure can't cause
another.
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
_TAIL = 2000  # characters of a peer's standard error that the message of a failure shows
_DRAIN_TIMEOUT = 2.0  # seconds to read the rest of the output of a process that has ended


class Outcome(Enum):
    """The result of a case or a request."""

    PASSED = "passed"
    FAILED = "failed"
    CRASHED = "crashed"
    TIMED_OUT = "timed out"
    GARBAGE = "garbage"
    SKIPPED = "skipped"
    COULD_NOT_START = "could not start"


class PeerFailure(PyshmError, RuntimeError):
    """A peer did not answer, or not as the protocol says.

    Attributes:
        peer: the name of the peer.
        outcome: the kind of failure.
        detail: what happened, with the end of the peer's standard error.
    """

    def __init__(self, peer: str, outcome: Outcome, detail: str) -> None:
        super().__init__(f"{peer}: {outcome.value}: {detail}")
        self.peer = peer
        self.outcome = outcome
        self.detail = detail

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.peer, self.outcome, self.detail)

    @property
    def story(self) -> str:
        """The old name of ``detail``."""
        from .._support.deprecated import warn_deprecated

        warn_deprecated("PeerFailure.story", "PeerFailure.detail")
        return self.detail


class Peer:
    """A process that starts with the first request, and again with the first after a failure."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        environment: Mapping[str, str] | None = None,
        timeout: float = 60.0,
    ) -> None:
        """Describe the process without starting it.

        Args:
            name: how messages call the peer.
            command: the program with its arguments.
            environment: variables in addition to those of this process.
            timeout: the limit of each wait, in seconds.
        """
        self.name = name
        self.command = list(command)
        self.environment = dict(environment or {})
        self.timeout = timeout
        self.hello: dict[str, Any] = {}
        self.starts = 0
        # Called after every request with its steps and its outcomes (none if the peer failed).
        self.listener: Callable[[Sequence[Mapping[str, Any]], list[dict[str, Any]]], None] = _ignore
        self._process: subprocess.Popen[bytes] | None = None
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self._errors: deque[bytes] = deque()
        self._readers: list[threading.Thread] = []
        self._number = 0

    def start(self) -> Self:
        """Start the process unless it runs, check its first message, and return this object."""
        if self._process is not None:
            return self
        self._errors = deque(maxlen=_TAIL)
        self._lines = queue.SimpleQueue()
        try:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # A pipe, as Python under Wine does not start with a file here.
                stderr=subprocess.PIPE,
                env={**os.environ, **self.environment},
                # A process group of its own, so that kill() also ends the processes that it starts.
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
                raise self._failure(Outcome.GARBAGE, f"its first message is {message!r}")
        except BaseException:
            self.kill()
            raise
        return self

    def request(
        self, *steps: Mapping[str, Any], on_error: str = "stop", timeout: float | None = None
    ) -> list[dict[str, Any]]:
        """Have the peer carry out ``steps``, and return their outcomes, one for each step done.

        Raises PeerFailure, after the process was killed, if there is no valid response.
        """
        self.send(*steps, on_error=on_error)
        return self.receive(timeout)

    def send(self, *steps: Mapping[str, Any], on_error: str = "stop") -> None:
        """Send a request without waiting for the response: the first half of :meth:`request`.

        With this, two peers can work at the same time.
        """
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
            # The process has ended; receive() finds that and reports the exit status.
            pass

    def receive(self, timeout: float | None = None) -> list[dict[str, Any]]:
        """Return the outcomes of the request that was sent: the second half of :meth:`request`."""
        try:
            outcomes = self._checked(self._receive(Outcome.CRASHED, timeout))
        except BaseException:
            self.kill()
            self.listener(self._sent["steps"], [])
            raise
        self.listener(self._sent["steps"], outcomes)
        return outcomes

    def kill(self) -> None:
        """Kill the process and everything that it started."""
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
        """Close the process's standard input, and wait until the process ends.

        Raises PeerFailure if it does not end in time, or with another status than 0.
        """
        if self._process is None:
            return
        assert self._process.stdin is not None
        try:
            self._process.stdin.close()
            status = self._process.wait(self.timeout)
            if status != 0:
                raise self._failure(Outcome.CRASHED, f"ended with status {status}")
        except subprocess.TimeoutExpired:
            raise self._failure(
                Outcome.TIMED_OUT, "did not end after its standard input was closed"
            ) from None
        finally:
            self.kill()

    @property
    def pid(self) -> int:
        """The id of the running process; 0 if none runs."""
        return self._process.pid if self._process is not None else 0

    def _receive(self, at_end: Outcome, timeout: float | None = None) -> dict[str, Any]:
        timeout = self.timeout if timeout is None else timeout
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise self._failure(Outcome.TIMED_OUT, f"no response for {timeout:g} s") from None
        if not line:
            raise self._failure(at_end, self._how_it_ended())
        try:
            message = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise self._failure(Outcome.GARBAGE, f"{error}: {line[:200]!r}") from error
        if not isinstance(message, dict):
            raise self._failure(Outcome.GARBAGE, f"not a JSON object: {line[:200]!r}")
        return message

    def _checked(self, response: dict[str, Any]) -> list[dict[str, Any]]:
        for key in ("id", "nonce"):
            if response.get(key) != self._sent[key]:
                raise self._failure(
                    Outcome.GARBAGE,
                    f"the response has {key} {response.get(key)!r}, the request has "
                    f"{self._sent[key]!r} ({response.get('fatal')})",
                )
        outcomes = response.get("outcomes")
        steps = len(self._sent["steps"])
        if not isinstance(outcomes, list) or not all(
            isinstance(item, dict) and len({"value", "error"} & set(item)) == 1 for item in outcomes
        ):
            raise self._failure(Outcome.GARBAGE, f"not a list of outcomes: {str(response)[:300]}")
        stopped = self._sent["on_error"] == "stop" and outcomes and "error" in outcomes[-1]
        if len(outcomes) > steps or (len(outcomes) < steps and not stopped):
            raise self._failure(Outcome.GARBAGE, f"{len(outcomes)} outcomes for {steps} steps")
        return outcomes

    def _how_it_ended(self) -> str:
        assert self._process is not None
        try:
            status = self._process.wait(5)
        except subprocess.TimeoutExpired:
            return "closed its output but did not end"
        if status < 0:
            return f"killed by signal {-status}"
        return f"ended with status {status} before it answered"

    def _failure(self, outcome: Outcome, detail: str) -> PeerFailure:
        if self._process is not None and self._process.poll() is not None:
            for reader in self._readers:
                reader.join(_DRAIN_TIMEOUT)
        printed = b"".join(self._errors.copy()).decode("utf-8", "replace").strip()[-_TAIL:]
        if printed:
            detail += f"\nits standard error:\n{printed}"
        return PeerFailure(self.name, outcome, detail)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None and process.stdin is not None:
            try:
                process.stdin.close()
            except OSError:
                pass


def _ignore(steps: Sequence[Mapping[str, Any]], outcomes: list[dict[str, Any]]) -> None:
    """Do nothing."""


def _pump(source: IO[bytes], store: Callable[[bytes], object]) -> None:
    """Pass each line of a pipe to ``store``, and b"" at the end.

    A thread does this because there is no portable way to wait for a pipe with a timeout. The pipe
    is closed only here: a close in another thread waits for the read in progress. That read can
    last, as Wine's server keeps the pipes of a program open for a while after its end.
    """
    with source:
        for line in source:
            store(line)
    store(b"")
