"""Run a model with its tool: the explorer, spin and a C compiler, or relacy and a C++ compiler."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pyshm.doctor.remedies import install

from .catalog import EXPLORER, FOLDER, HOLDS, RELACY, SPIN, STUCK, Case
from .changes import changed
from .explorer import explore
from .weak_orders import PROGRAMS

__all__ = ["ModelError", "Runs", "Verdict", "missing"]

_TIMEOUT = 1200.0  # seconds for one command; a large bound takes minutes
_DEPTH = 1_000_000  # steps of one execution that spin follows
_MEMORY = 8_000  # MB that spin may use
_SCHEDULES = 200_000  # of relacy; the rarest violation takes about 11,000

_SPIN_PACKAGES = {"debian": "spin gcc", "ubuntu": "spin gcc", "arch": "spin gcc"}
_SPIN_HOME = "https://spinroot.com/"
_RELACY_PACKAGES = {"debian": "relacy-dev g++", "ubuntu": "relacy-dev g++"}
_RELACY_HOME = "https://github.com/dvyukov/relacy"
_RELACY_HEADER = "/usr/include/relacy/relacy.hpp"

_PAN_ERROR = re.compile(r"^pan: ?\d+: (.*?) ?\(at depth \d+\)", re.MULTILINE)
_PAN_ASSERTION = re.compile(r"assertion violated +!\( ?(\w+) ?\)")
_PAN_STATES = re.compile(r"^ *([\d.e+]+) states, stored", re.MULTILINE)
_PAN_UNREACHED = re.compile(r'^\t\S+:(\d+), state \d+, "(.*)"$', re.MULTILINE)
_PAN_INCOMPLETE = re.compile(r"^(error: max search depth.*|.*MEMLIM.*|Warning: Search not.*)", re.M)
_ORDERS = re.compile(
    r"^(\w+): (\d+) schedules, (\d+) copies, (\d+) holds, (\d+) retries$", re.MULTILINE
)


class ModelError(Exception):
    """A model could not be run: it does not compile, or its search is not complete."""


class Verdict(NamedTuple):
    """What a run found: "holds" or the violations; how much it explored; what it never did."""

    found: str
    states: int
    never: tuple[str, ...] = ()


def missing(tool: str) -> str | None:
    """Return what a tool lacks, with the command that installs it; None if it is complete."""
    if tool == SPIN and not (shutil.which("spin") and shutil.which("gcc")):
        return f"spin or gcc is missing: {install(_SPIN_PACKAGES, _SPIN_HOME)}"
    if tool == RELACY and not (os.path.isfile(_RELACY_HEADER) and shutil.which("g++")):
        return f"relacy or g++ is missing: {install(_RELACY_PACKAGES, _RELACY_HOME)}"
    return None


class Runs:
    """Runs cases; ``folder`` holds what is compiled. Threads may share it."""

    def __init__(self, folder: Path, *, large: bool = False) -> None:
        self._folder = folder
        self._large = large
        self._orders: Path | None = None
        self._compiling = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._ended = False

    def end(self) -> None:
        """Kill the programs that run, and start no others. A run that goes on raises ModelError."""
        self._ended = True
        for process in list(self._running):
            process.kill()

    def run(self, case: Case) -> Verdict:
        """Run one case.

        Raises:
            ModelError: it could not be run to its end.
        """
        if case.model.tool == EXPLORER:
            return _explored(case)
        return self._checked(case) if case.model.tool == SPIN else self._scheduled(case)

    def _bounds(self, case: Case) -> dict[str, int]:
        if case.mutation:
            return dict(case.mutation.define)
        return dict(case.model.large) if self._large else {}

    def _checked(self, case: Case) -> Verdict:
        """Return what spin finds."""
        options = [f"-D{name}={value}" for name, value in self._bounds(case).items()]
        with tempfile.TemporaryDirectory(dir=self._folder) as name:
            folder = Path(name)
            (folder / "model.pml").write_text(case.source(), encoding="utf-8")
            self._output(["spin", *options, "-a", "model.pml"], folder)
            compiler = ["gcc", "-O2", "-w", "-DSAFETY", f"-DMEMLIM={_MEMORY}"]
            self._output([*compiler, "-o", "pan", "pan.c"], folder)
            return pan_verdict(self._output([str(folder / "pan"), f"-m{_DEPTH}"], folder))

    def _scheduled(self, case: Case) -> Verdict:
        """Return what relacy finds."""
        schedules = self._bounds(case).get("SCHEDULES", _SCHEDULES)
        steps = case.mutation.change if case.mutation else ()
        program = str(self._compiled(case.model.source))
        return orders_verdict(self._output([program, str(schedules), *steps], self._folder))

    def _compiled(self, source: str) -> Path:
        with self._compiling:
            if self._orders is None:
                path = self._folder / "orders"
                self._output(
                    ["g++", "-O2", "-w", "-o", str(path), str(FOLDER / source)], self._folder
                )
                self._orders = path
            return self._orders

    def _output(self, command: Sequence[str], folder: Path) -> str:
        """Run a program in ``folder``; return its output. Raises ModelError."""
        with subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        ) as process:
            self._running.add(process)
            try:
                if self._ended:
                    process.kill()
                output, _ = process.communicate(timeout=_TIMEOUT)
            except subprocess.TimeoutExpired as error:
                raise ModelError(str(error)) from error
            finally:
                process.kill()
                self._running.discard(process)
        if process.returncode != 0:
            raise ModelError(f"{' '.join(command)} ended with {process.returncode}:\n{output}")
        return output


def _explored(case: Case) -> Verdict:
    program = PROGRAMS[case.model.name]()
    if case.mutation:
        program = changed(program, case.mutation.change)
    found = explore(program, case.variant)
    return Verdict(", ".join(sorted(found.violations)) or HOLDS, found.states)


def pan_verdict(output: str) -> Verdict:
    """Return what the output of spin's verifier says.

    Raises:
        ModelError: the search is not complete, or the output is not understood.
    """
    states = _PAN_STATES.search(output)
    error = _PAN_ERROR.search(output)
    incomplete = _PAN_INCOMPLETE.search(output)
    if states is None or (incomplete and not error):
        raise ModelError(incomplete[0] if incomplete else f"not understood:\n{output}")
    count = int(float(states[1]))
    if error is None:
        never = [f"line {line}: {text}" for line, text in _PAN_UNREACHED.findall(output)]
        return Verdict(HOLDS, count, tuple(never))
    assertion = _PAN_ASSERTION.match(error[1])
    if assertion is not None:
        return Verdict(assertion[1], count)
    return Verdict(STUCK if error[1] == "invalid end state" else error[1], count)


def orders_verdict(output: str) -> Verdict:
    """Return what the output of orders.cpp says.

    Raises:
        ModelError: the output is not understood.
    """
    match = _ORDERS.search(output)
    if match is None:
        raise ModelError(f"not understood:\n{output}")
    schedules, *counts = map(int, match.groups()[1:])
    done: Mapping[str, int] = dict(zip(("copies", "holds", "retries"), counts, strict=True))
    seldom = [f"{name} ({count})" for name, count in done.items() if count < schedules // 100]
    return Verdict(match[1], schedules, tuple(seldom))
