"""Plant faults, run their tests, and print which faults they notice.

The tests of a fault must pass without it (each test runs once without any fault), and at least one
of them must fail with it. Every other result is reported: a fault that no test notices survived; a
test that is skipped, hangs or does not start is an error, because it proves nothing.
"""

from __future__ import annotations

import argparse
import os
import queue
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from .catalog import LANGUAGES, Mutant, all_mutants, problems
from .copy import BuildFailed, Checkout

__all__ = ["add_arguments", "main"]

NOTICED = "noticed"
SURVIVED = "SURVIVED"
ERROR = "ERROR"

_SHOWN = 15  # lines of a command's output that an error shows


@dataclass(frozen=True)
class Result:
    """What became of one fault."""

    mutant: Mutant
    outcome: str
    seconds: float
    detail: str = ""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``python -m interop mutants``."""
    parser.add_argument(
        "--list", action="store_true", help="print the faults and their tests; run nothing"
    )
    parser.add_argument(
        "--only", action="append", metavar="NAME", help="only this fault (may be repeated)"
    )
    parser.add_argument("--language", choices=LANGUAGES, help="only the faults in this language")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="only N faults, evenly from both languages"
    )
    parser.add_argument(
        "--seed", default="0", metavar="S", help="selects the sample (default: %(default)s)"
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many faults are tested at the same time (default: %(default)s)",
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="SECONDS",
        help="the time limit for the tests of one fault (default: %(default)s)",
    )


def main(arguments: argparse.Namespace, log: Callable[[str], None]) -> int:
    """Run ``python -m interop mutants``; return the exit status."""
    mutants = all_mutants()
    if arguments.only:
        unknown = set(arguments.only) - {mutant.name for mutant in mutants}
        if unknown:
            log(f"there is no fault {', '.join(sorted(unknown))}; --list prints their names")
            return 2
        mutants = [mutant for mutant in mutants if mutant.name in arguments.only]
    if arguments.language:
        mutants = [mutant for mutant in mutants if mutant.language == arguments.language]
    if arguments.sample is not None:
        mutants = _sample(mutants, arguments.sample, arguments.seed)
    if arguments.list:
        for mutant in mutants:
            print(f"{mutant.name} ({mutant.file}): {mutant.why}")
            print(*(f"    {test}" for test in mutant.tests), sep="\n")
        return 0
    stale = [f"{mutant.name}: {problem}" for mutant in mutants for problem in problems(mutant)]
    for line in stale:
        log(line)
    if stale or not mutants:
        log(f"{len(mutants)} faults, {len(stale)} out of date")
        return 1
    # By default SIGTERM ends the process without "finally", and its children would go on.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    results = Runner(mutants, arguments.jobs, arguments.timeout).results()
    print(_table(results))
    return 0 if all(result.outcome == NOTICED for result in results) else 1


def _sample(mutants: Sequence[Mutant], count: int, seed: str) -> list[Mutant]:
    """Return ``count`` of the faults, half of them in each language where there are enough."""
    chance = random.Random(seed)
    groups = [[m for m in mutants if m.language == language] for language in LANGUAGES]
    for group in groups:
        chance.shuffle(group)
    alternating = [
        group[index] for index in range(len(mutants)) for group in groups if index < len(group)
    ]
    chosen = set(alternating[:count])
    return [mutant for mutant in mutants if mutant in chosen]


class Runner:
    """Runs each fault in one of several copies of the checkout."""

    def __init__(self, mutants: Sequence[Mutant], jobs: int, timeout: float) -> None:
        self._mutants = mutants
        self._jobs = min(jobs, len(mutants))
        self._timeout = timeout
        self._copies: queue.SimpleQueue[Checkout] = queue.SimpleQueue()
        # The library's tests never use the C# peer.
        self._needs_peer = any(
            mutant.needs_peer and (mutant.language == "C#" or test.startswith("interop/"))
            for mutant in mutants
            for test in mutant.tests
        )
        self._needs_mono = any(mutant.needs_mono for mutant in mutants)
        self._all_copies: list[Checkout] = []
        self._refused: dict[str, str] = {}
        self._printing = threading.Lock()

    def results(self) -> list[Result]:
        """Run all; return the results in the order of the faults."""
        with (
            tempfile.TemporaryDirectory(prefix="pyshm-mutants-") as folder,
            ThreadPoolExecutor(self._jobs) as pool,
        ):
            folders = [Path(folder) / str(number) for number in range(self._jobs)]
            tests = list(dict.fromkeys(test for mutant in self._mutants for test in mutant.tests))
            shares = [tests[number :: self._jobs] for number in range(self._jobs)]
            try:
                for refused in pool.map(self._prepare, folders, shares):
                    self._refused |= refused
                return list(pool.map(self._run, self._mutants))
            except BaseException:
                # Interrupted: leave nothing that runs, and no folder.
                pool.shutdown(wait=False, cancel_futures=True)
                for copy in self._all_copies:
                    copy.end()
                raise

    def _prepare(self, folder: Path, tests: Iterable[str]) -> dict[str, str]:
        """Make a copy, and run tests without any fault; return why tests can't be used."""
        copy = Checkout(folder)
        copy.build(peer=self._needs_peer, mono=self._needs_mono)
        self._all_copies.append(copy)
        self._copies.put(copy)
        tests = list(tests)
        together = copy.test(tests, self._timeout * max(1, len(tests)))
        refused = {}
        for test in tests:
            # pytest runs none of the tests if one of them does not exist.
            run = together if together.outcomes else copy.test([test], self._timeout)
            found = run.of(test)
            if "failed" in found or "passed" not in found:
                kinds = ", ".join(sorted(found)) or f"not run\n{_end(run.output)}"
                refused[test] = f"{test} does not pass without the fault: {kinds}"
        return refused

    def _run(self, mutant: Mutant) -> Result:
        began = time.monotonic()
        copy = self._copies.get()
        try:
            outcome, detail = self._judge(copy, mutant)
        finally:
            self._copies.put(copy)
        result = Result(mutant, outcome, time.monotonic() - began, detail)
        with self._printing:
            print(_line(result), flush=True)
        return result

    def _judge(self, copy: Checkout, mutant: Mutant) -> tuple[str, str]:
        for test in mutant.tests:
            if test in self._refused:
                return ERROR, self._refused[test]
        try:
            with copy.planted(mutant):
                run = copy.test(mutant.tests, self._timeout, "--exitfirst")
        except BuildFailed as error:
            return ERROR, f"the C# sources with the fault do not compile\n{_end(str(error))}"
        found = set(run.outcomes.values())
        if run.status is None:
            return ERROR, f"the tests hang instead of failing ({self._timeout:.0f} seconds)"
        # A signal that ends pytest itself, such as SIGBUS, is noticed by everybody.
        if "failed" in found or run.status < 0:
            return NOTICED, ""
        if run.status == 0 and "passed" in found:
            return SURVIVED, f"passed: {', '.join(mutant.tests)}"
        if run.status == 0:
            return ERROR, f"tests were skipped: {', '.join(mutant.tests)}"
        return ERROR, f"pytest ended with status {run.status}\n{_end(run.output)}"


def _line(result: Result) -> str:
    mutant = result.mutant
    text = f"{result.outcome:8} {mutant.language:6} {result.seconds:5.1f} s  {mutant.name}"
    if result.outcome == NOTICED:
        return text
    return "\n".join([text, f"    {mutant.why}", *_indented(result.detail)])


def _indented(text: str) -> list[str]:
    return [f"    {line}" for line in text.splitlines()]


def _end(output: str) -> str:
    return "\n".join(output.splitlines()[-_SHOWN:])


def _table(results: Sequence[Result]) -> str:
    """Return how many faults of each language were noticed, survived, or could not be tested."""
    counts = Counter((result.mutant.language, result.outcome) for result in results)
    lines = ["", f"{'language':10}{'faults':>8}{'noticed':>10}{'survived':>10}{'errors':>8}"]
    for language in LANGUAGES:
        row = [counts[language, outcome] for outcome in (NOTICED, SURVIVED, ERROR)]
        lines.append(f"{language:10}{sum(row):8}{row[0]:10}{row[1]:10}{row[2]:8}")
    wrong = [result for result in results if result.outcome != NOTICED]
    lines += [f"{result.outcome}: {result.mutant.name}" for result in wrong]
    return "\n".join(lines)
