"""Jobs on another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from pyshm.apps.background import Background
from tests.apps.sessions import TIMEOUT


class Loop:
    """The loop of a window; ``turn`` calls the functions that ``later`` got."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.delivered: list[object] = []

    def later(self, _: int, function: Callable[[], None]) -> None:
        self.waiting.append(function)

    def turn(self, until: Callable[[], bool]) -> None:
        end = threading.Event()
        timer = threading.Timer(TIMEOUT, end.set)
        timer.start()
        try:
            while not until():
                assert not end.is_set(), "no result came"
                for function in [self.waiting.pop(0) for _ in self.waiting[:]]:
                    function()
        finally:
            timer.cancel()


def test_results_and_errors_arrive_on_the_loops_thread_in_order() -> None:
    loop, threads = Loop(), []
    background = Background(loop.later)

    def job() -> int:
        threads.append(threading.get_ident())
        return 7

    background.run(job, lambda it: loop.delivered.append((it, threading.get_ident())), pytest.fail)
    background.run(lambda: 1 // 0, pytest.fail, lambda error: loop.delivered.append(type(error)))
    assert background.busy
    loop.turn(lambda: len(loop.delivered) == 2)
    here = threading.get_ident()
    assert loop.delivered == [(7, here), ZeroDivisionError]
    assert threads != [here]
    assert not background.busy
    assert not loop.waiting  # an idle window has no timers
    background.stop()


def test_a_delivery_that_opens_a_dialog_does_not_delay_the_next() -> None:
    loop = Loop()
    background = Background(loop.later)

    def dialog(_: object) -> None:
        loop.turn(lambda: "second" in loop.delivered)
        loop.delivered.append("first")

    background.run(lambda: None, dialog, pytest.fail)
    background.run(lambda: None, lambda _: loop.delivered.append("second"), pytest.fail)
    loop.turn(lambda: "first" in loop.delivered)
    assert loop.delivered == ["second", "first"]
    background.stop()


def test_nothing_is_delivered_after_the_stop() -> None:
    loop, ran = Loop(), threading.Event()
    background = Background(loop.later)
    background.run(ran.set, pytest.fail, pytest.fail)
    assert ran.wait(TIMEOUT)
    background.stop()
    background.run(lambda: pytest.fail("ran"), pytest.fail, pytest.fail)
    while loop.waiting:
        loop.waiting.pop()()
    assert background._thread is not None
    background._thread.join(TIMEOUT)
    assert not background._thread.is_alive()
