"""What both programs' sessions share: one thing at a time, and nothing after the window closed."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

from .._support.closing import Closing
from ..errors import ClosedError
from .sentences import explain

__all__ = ["Session"]


class Session(Closing):
    """The maps of one window. Its methods block, so windows call them on another thread.

    :meth:`close` may come from any thread at any time. It waits for a map that is in use, but for
    nothing slower; whoever comes for a map after it gets a ClosedError.
    """

    advice: ClassVar[Mapping[str, str]] = {}
    """What to do about an error in this program, by the error's kind."""

    def __init__(self) -> None:
        self._closing = threading.Event()
        self._lock = threading.Lock()

    def explain(self, error: BaseException, more: Mapping[str, str] | None = None) -> str:
        """What went wrong and what to do, in plain sentences; ``more`` goes before ``advice``."""
        return explain(error, {**self.advice, **(more or {})})

    def close(self) -> None:
        """Let go of what is held, for good."""
        self._closing.set()
        with self._lock:
            self._let_go()

    def _let_go(self) -> None:
        """Close what the session keeps open; called once it is certain that nobody uses it."""

    def _pause(self, seconds: float) -> None:
        """Wait inside :meth:`_alone`; ends at once, with a ClosedError, when the window closes."""
        if self._closing.wait(seconds):
            raise ClosedError("the window was closed")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Whoever is inside may use maps."""
        with self._lock:
            self._pause(0)
            yield
