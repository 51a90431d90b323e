"""Stop this process after a numbered store of a channel (docs/channels.md, "Loads and stores").

pyshm marks each store by its number in a comment at the end of the line, as in ``# W2``. While the
stepping is armed, Python reports each line that it begins in pyshm.channels. The line before is
then done, and so is the step of the last comment that was passed.
"""

from __future__ import annotations

import os
import re
import signal
import sys
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import pyshm.channels

__all__ = ["Stepping"]

_FOLDER = str(Path(pyshm.channels.__file__).parent)
_STEP = re.compile(r"# ([A-Z]\d+)\b")


@cache
def _steps_of(file: str) -> dict[int, str]:
    """Return the step of each line that has one."""
    lines = Path(file).read_text(encoding="utf-8").splitlines()
    return {
        number: found[1] for number, line in enumerate(lines, 1) if (found := _STEP.search(line))
    }


class Stepping:
    """Notes the steps that this thread carries out, and stops the process after one of them."""

    def __init__(self) -> None:
        self.done: list[str] = []
        """The steps that were carried out since the last call of :meth:`begin`."""
        self._step: str | None = None
        self._after = 0

    def begin(self, after: int = 0) -> None:
        """Begin to note the steps; with ``after``, stop when so many places were passed.

        The process stops with SIGSTOP, and goes on after SIGCONT.
        """
        self.done = []
        self._step = None
        self._after = after
        sys.settrace(self._call)

    def end(self) -> list[str]:
        """End. Return the step of each place that was passed."""
        sys.settrace(None)
        self._pass()
        return self.done

    def _call(self, frame: FrameType, _event: str, _argument: object) -> Any:
        return self._line if frame.f_code.co_filename.startswith(_FOLDER) else None

    def _line(self, frame: FrameType, event: str, _argument: object) -> Any:
        if event == "line":
            self._pass()
            self._step = _steps_of(frame.f_code.co_filename).get(frame.f_lineno, self._step)
        return self._line

    def _pass(self) -> None:
        if self._step is not None:
            self.done.append(self._step)
            if len(self.done) == self._after:
                os.kill(os.getpid(), signal.SIGSTOP)
