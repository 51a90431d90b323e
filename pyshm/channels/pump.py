"""Waiting in asyncio: a thread waits for the reader, and reports to the event loop."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .waiting import WaitingPart

__all__ = ["Pump"]


class _Request(NamedTuple):
    loop: asyncio.AbstractEventLoop
    done: asyncio.Future[bool]
    timeout: float | None


class Pump:
    """A thread that waits for one reader. It ends with the reader."""

    def __init__(self, reader: WaitingPart) -> None:
        self._reader = reader
        self._requests: SimpleQueue[_Request | None] = SimpleQueue()
        thread = threading.Thread(target=self._run, name="pyshm channel", daemon=True)
        thread.start()

    async def wait(self, timeout: float | None) -> bool:
        """Wait as ``reader.wait(timeout)`` does. Raises what it raises."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[bool] = loop.create_future()
        self._requests.put(_Request(loop, done, timeout))
        try:
            return await done
        except asyncio.CancelledError:
            self._reader.cancel_wait()
            raise

    def close(self) -> None:
        """Let the thread end."""
        self._requests.put(None)

    def _run(self) -> None:
        while (request := self._requests.get()) is not None:
            if request.done.cancelled():
                continue
            found: bool | BaseException
            try:
                found = self._reader.wait(request.timeout)
            except Exception as error:  # noqa: BLE001 - the task that waits gets it
                found = error
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
