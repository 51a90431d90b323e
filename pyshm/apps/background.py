"""Run jobs on another thread, and deliver their results on the window's thread."""

from __future__ import annotations

import itertools
import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

__all__ = ["Background"]

_T = TypeVar("_T")
_POLL = 10  # milliseconds between two checks for results, while jobs are running

Later = Callable[[int, Callable[[], Any]], Any]
_Job = tuple[int, Callable[[], Any]]
_Result = tuple[int, Any, Exception | None]


class Background:
    """A thread that runs one job after the other.

    ``later(milliseconds, function)`` calls ``function`` on the window's thread, as Tk's ``after``
    does; it is called only on that thread. The background thread starts with the first job, and
    does not keep the program alive.

    The background thread, and so every job, has no reference to a widget. If it had the last one,
    it would destroy the widget, which only the window's thread may do.
    """

    def __init__(self, later: Later) -> None:
        self._later = later
        self._numbers = itertools.count()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._pending: dict[int, tuple[Callable[[Any], object], Callable[[Exception], object]]] = {}
        self._stopped = False
        self._thread: threading.Thread | None = None

    @property
    def busy(self) -> bool:
        """Whether a result is still to be delivered."""
        return bool(self._pending)

    def run(
        self,
        job: Callable[[], _T],
        done: Callable[[_T], object],
        failed: Callable[[Exception], object],
    ) -> None:
        """Run ``job`` on the thread, then call ``done`` or ``failed`` on the window's thread."""
        if self._stopped:
            return
        if self._thread is None:
            queues = (self._jobs, self._results)
            self._thread = threading.Thread(target=_work, args=queues, daemon=True)
            self._thread.start()
        if not self._pending:
            self._later(_POLL, self._deliver)
        number = next(self._numbers)
        self._pending[number] = done, failed
        self._jobs.put((number, job))

    def stop(self) -> None:
        """Deliver nothing from now on, and drop the jobs that have not begun."""
        self._stopped = True
        while not self._jobs.empty():
            try:
                self._jobs.get_nowait()
            except queue.Empty:
                pass  # the thread took the last job meanwhile
        self._jobs.put(None)

    def _deliver(self) -> None:
        if self._stopped:
            return
        try:
            number, result, error = self._results.get_nowait()
        except queue.Empty:
            self._later(_POLL, self._deliver)
            return
        done, failed = self._pending.pop(number)
        if self._pending:
            # Before the delivery, which may open a dialog and return only when the user closes it.
            self._later(_POLL, self._deliver)
        if error is None:
            done(result)
        else:
            failed(error)


def _work(jobs: queue.SimpleQueue[_Job | None], results: queue.SimpleQueue[_Result]) -> None:
    """Run jobs until there is None instead of a job."""
    while (given := jobs.get()) is not None:
        number, job = given
        try:
            results.put((number, job(), None))
        except Exception as error:  # noqa: BLE001 - delivered to the caller of run()
            results.put((number, None, error))
        del given, job  # no reference is kept while waiting for the next job
