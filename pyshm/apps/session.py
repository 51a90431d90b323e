"""The base of both programs' sessions: one use of a map at a time, none after the end."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from .._support.closing import Closing
from ..errors import ClosedError
from .messages import explain

__all__ = ["Session"]


class Session(Closing):
    """The maps of one window. Its methods block, so windows call them on another thread.

    :meth:`close` can be called on any thread at any time. It waits while a map is in use, but not
    for slower work such as reading a file. After it, a method that needs a map raises ClosedError.
    """

    advice: ClassVar[Mapping[str, str]] = {}
    """What the user can do about an error, by the error's kind."""

    def __init__(self) -> None:
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def explain(self, error: BaseException, more: Mapping[str, str] | None = None) -> str:
        """Return what is wrong and what to do; ``more`` has priority over ``advice``."""
        return explain(error, {**self.advice, **(more or {})})

    def close(self) -> None:
        """Release the maps for good."""
        self._closing.set()
        with self._lock:
            self._release()

    def _release(self) -> None:
        """Release what the session holds; called when no other thread uses it."""

    def _pause(self, seconds: float) -> None:
        """Wait inside :meth:`_exclusive`. Raises ClosedError at once when the window closes."""
        if self._closing.wait(seconds):
            raise ClosedError("the window was closed")

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Let one thread at a time use maps."""
        with self._lock:
            self._pause(0)
            yield
