"""Waiting in asyncio: a thread waits for the reader, and reports to the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from time import sleep
from typing import TYPE_CHECKING

from ..errors import ClosedError

if TYPE_CHECKING:
    from .waiting import WaitingPart

__all__ = ["Pump"]

_BETWEEN_WAKES = 0.0005  # seconds


class _Request:
    """A wait that a task asks for."""

    def __init__(self, reader: WaitingPart, timeout: float | None) -> None:
        self.reader = reader
        self.timeout = timeout
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[bool] = self.loop.create_future()
        self.given_up = False

    def is_given_up(self) -> bool:
        # A task of a loop that was closed is not cancelled.
        return self.given_up or self.loop.is_closed()


class Pump:
    """A thread that waits for one reader. It ends with the reader.

    It has no reference to the reader while no task waits, so that a forgotten reader is collected.
    """

    def __init__(self) -> None:
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        self._current: _Request | None = None
        self._closing = threading.RLock()  # a reader can be collected in a thread that has it
        self._closed = False
        thread = threading.Thread(target=self._run, name="pyshm channel", daemon=True)
        thread.start()

    async def wait(self, reader: WaitingPart, timeout: float | None) -> bool:
        """Wait as ``reader.wait(timeout)`` does. Raises what it raises."""
        request = _Request(reader, timeout)
        with self._closing:
            if self._closed:
                raise ClosedError("the reader is closed")
            self._requests.put(request)
        before = self._current
        if before is not None and before.is_given_up():
            reader.wake()
        try:
            return await request.done
        except BaseException:  # cancelled, or the event loop was closed
            request.given_up = True
            # A single wake can come before the sleep. Waits of other tasks go on.
            while self._current is request:
                reader.wake()
                sleep(_BETWEEN_WAKES)
            raise

    def close(self) -> None:
        """Let the thread end."""
        with self._closing:
            self._closed = True
            self._requests.put(None)

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            self._current = request
            found: bool | BaseException
            try:
                found = request.reader.wait_unless(request.is_given_up, request.timeout)
            except Exception as error:  # noqa: BLE001 - the task that waits gets it
                found = error
            self._current = None
            with suppress(RuntimeError):  # the event loop is closed
                request.loop.call_soon_threadsafe(_finish, request.done, found)
            del request, found


def _finish(done: asyncio.Future[bool], found: bool | BaseException) -> None:
    if done.done():
        return
    if isinstance(found, BaseException):
        done.set_exception(found)
    else:
        done.set_result(found)
