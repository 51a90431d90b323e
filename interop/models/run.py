"""Run the models and their mutations; print what each run found, and whether it is what must be.

A model must hold, with a minimum of states, and with each of its statements executed. Each mutation
must have the violation that mutations.toml names for it. Everything else is a surprise.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from .catalog import TOOLS, Case, all_cases
from .tools import ModelError, Runs, Verdict, missing

__all__ = ["Result", "add_arguments", "judge", "main"]


class Result(NamedTuple):
    """One case: what was found, and what is wrong with it."""

    case: Case
    found: str
    states: int
    seconds: float
    surprise: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``python -m interop models``."""
    parser.add_argument(
        "--list", action="store_true", help="print the models and mutations; run nothing"
    )
    parser.add_argument(
        "--tool", action="append", choices=TOOLS, help="only the models of this tool (repeatable)"
    )
    parser.add_argument(
        "--only", metavar="TEXT", help="only runs whose name contains TEXT, such as a model's name"
    )
    parser.add_argument(
        "--large",
        action="store_true",
        help="with larger bounds of the models, which take minutes and gigabytes",
    )
    parser.add_argument(
        "--jobs",
        type=int,
        default=os.cpu_count() or 1,
        metavar="N",
        help="how many runs there are at the same time (default: %(default)s)",
    )


def main(arguments: argparse.Namespace, log: Callable[[str], None]) -> int:
    """Run ``python -m interop models``; return the exit status."""
    cases = [case for case in all_cases() if _is_chosen(case, arguments)]
    if not cases:
        log("there is no such model; --list prints their names")
        return 2
    if arguments.list:
        for case in cases:
            print(_description(case))
        return 0
    reasons = [missing(tool) for tool in TOOLS if any(case.model.tool == tool for case in cases)]
    if any(reasons):
        for reason in filter(None, reasons):
            log(reason)
        return 1
    # By default SIGTERM ends the process without "finally", and its children would go on.
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    results = run_all(cases, arguments.jobs, large=arguments.large)
    print(_summary(results))
    return 1 if any(result.surprise for result in results) else 0


def run_all(cases: Sequence[Case], jobs: int, *, large: bool = False) -> list[Result]:
    """Run all cases, print a line for each, and return the results in the order of the cases."""
    printing = threading.Lock()

    def run(case: Case) -> Result:
        result = run_one(runs, case)
        with printing:
            print(_line(result), flush=True)
        return result

    with (
        tempfile.TemporaryDirectory(prefix="pyshm-models-") as folder,
        ThreadPoolExecutor(jobs) as pool,
    ):
        runs = Runs(Path(folder), large=large)
        try:
            return list(pool.map(run, cases))
        except BaseException:
            # Interrupted: leave nothing that runs, and no folder.
            pool.shutdown(wait=False, cancel_futures=True)
            runs.end()
            raise


def run_one(runs: Runs, case: Case) -> Result:
    """Run one case and judge it."""
    began = time.monotonic()
    try:
        verdict = runs.run(case)
    except ModelError as error:
        return Result(case, "error", 0, time.monotonic() - began, str(error))
    seconds = time.monotonic() - began
    return Result(case, verdict.found, verdict.states, seconds, judge(case, verdict))


def judge(case: Case, verdict: Verdict) -> str | None:
    """Return why a verdict is not the one that the case must have, or None."""
    if verdict.found != case.expected:
        return f"expected: {case.expected}"
    if case.mutation is None and verdict.states < case.model.minimum:
        return f"only {verdict.states:,} states; at least {case.model.minimum:,}"
    if case.mutation is None and verdict.never:
        return "\n".join(["never or seldom:", *verdict.never])
    return None


def _is_chosen(case: Case, arguments: argparse.Namespace) -> bool:
    tools: Iterable[str] = arguments.tool or TOOLS
    return case.model.tool in tools and (arguments.only or "") in case.name


def _description(case: Case) -> str:
    if case.mutation is None:
        return f"{case.name}: {case.model.shows}"
    steps = f" ({', '.join(case.mutation.steps)})" if case.mutation.steps else ""
    return f"{case.name}{steps}: {case.mutation.why}\n    {case.expected}"


def _line(result: Result) -> str:
    text = (
        f"{'WRONG' if result.surprise else 'ok':6}{result.case.model.tool:9}{result.states:>11,} "
        f"states{result.seconds:6.1f} s  {result.case.name}: {result.found}"
    )
    details = (result.surprise or "").splitlines()
    return "\n".join([text, *(f"    {line}" for line in details)])


def _summary(results: Sequence[Result]) -> str:
    """Return how many runs there were of each tool, and the surprises."""
    runs = Counter(result.case.model.tool for result in results)
    mutated = Counter(result.case.model.tool for result in results if result.case.mutation)
    wrong = Counter(result.case.model.tool for result in results if result.surprise)
    lines = ["", f"{'tool':10}{'models':>8}{'mutations':>11}{'wrong':>7}"]
    for tool in filter(runs.__contains__, TOOLS):
        lines.append(f"{tool:10}{runs[tool] - mutated[tool]:8}{mutated[tool]:11}{wrong[tool]:7}")
    lines += [f"WRONG: {result.case.name}" for result in results if result.surprise]
    return "\n".join(lines)
