"""The report of a run: JSON lines, a header, one line a case, a footer (docs/report.md).

It is written while the run goes on, and the footer comes last: a report without one is that of a
run that was killed, and reading it is an error. So is reading one in which nothing ran.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from pyshm.testing.process import Outcome

from ..exchange.memory import Memory
from ..exchange.record import CONSUMER, PRODUCER, Entry
from .matrix import Matrix

__all__ = ["FORMAT", "Report", "ReportError", "ReportWriter", "Run", "read"]

# Format 2 called "message" "story". Format 1 also had no "format", "test" and "record", and no
# "peers" in its footer.
FORMAT = 3


class ReportError(ValueError):
    """A file that is no whole report; the message names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Run:
    """One case with one pair of peers."""

    case: str
    group: str
    producer: str
    consumer: str
    outcome: Outcome
    seconds: float
    message: str = ""  # what was wrong, or why it was skipped
    test: str = ""  # pytest's name of it; empty in reports of format 1
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Neither passed nor skipped."""
        return self.outcome not in (Outcome.PASSED, Outcome.SKIPPED)

    @property
    def pair(self) -> str:
        """As the matrix calls it."""
        return f"{self.producer} -> {self.consumer}"

    def steps(self, by: str) -> list[Entry]:
        """What the producer or the consumer was asked, and answered."""
        return [
            Entry(by, step["step"], step.get("outcome"), step.get("expected"))
            for step in self.record.get("steps", [])
            if step["by"] == by
        ]

    @property
    def left_out(self) -> int:
        """How many steps the record does not hold."""
        return int(self.record.get("left_out", 0))

    @cached_property
    def memory(self) -> Memory | None:
        """The bytes that lay in the map."""
        item = self.record.get("memory")
        return Memory.from_json(item) if item else None

    def as_json(self) -> dict[str, Any]:
        """As its line says it."""
        return {
            "case": self.case,
            "group": self.group,
            "producer": self.producer,
            "consumer": self.consumer,
            "outcome": self.outcome.value,
            "seconds": self.seconds,
            "message": self.message,
            "test": self.test,
            "record": self.record,
        }

    @classmethod
    def from_json(cls, line: Mapping[str, Any]) -> Run:
        """The opposite. Raises KeyError and ValueError for a line that is none."""
        return cls(
            line["case"],
            line["group"],
            line["producer"],
            line["consumer"],
            Outcome(line["outcome"]),
            float(line["seconds"]),
            line["message"] if "message" in line else line["story"],
            line.get("test", ""),
            line.get("record") or {},
        )


@dataclass(frozen=True)
class Report:
    """A whole run. ``peers`` are what the peers said of themselves, by label."""

    header: Mapping[str, Any]
    runs: list[Run]
    footer: Mapping[str, Any]

    @property
    def peers(self) -> Mapping[str, Mapping[str, Any]]:
        """The hello of each peer (docs/protocol.md), by label."""
        peers: Mapping[str, Mapping[str, Any]] = self.footer.get("peers", {})
        return peers

    @cached_property
    def matrix(self) -> Matrix:
        """The counts."""
        return Matrix((run.producer, run.consumer, run.group, run.outcome) for run in self.runs)

    @property
    def failures(self) -> list[Run]:
        """The runs that went wrong, in the order in which they did."""
        return [run for run in self.runs if run.failed]

    @property
    def passed(self) -> bool:
        """Whether pytest was content; it is not where cases are missing."""
        return self.footer["status"] == 0 and not self.failures


class ReportWriter:
    """Gathers a report, and writes it line by line."""

    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        """Make the file, its folder too, and write the header; what was there is gone.

        Without ``path`` the report is only gathered.
        """
        self.header = {"format": FORMAT, **header}
        self.runs: list[Run] = []
        self._file: TextIO | None = None
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("w", encoding="utf-8", newline="\n")
        self._line({"header": self.header})

    def add(self, run: Run) -> None:
        """Write one case."""
        self.runs.append(run)
        self._line(run.as_json())

    def finish(
        self, *, whole: bool, status: int, seconds: float, peers: Mapping[str, Any]
    ) -> Report:
        """Write the footer, close the file; the report."""
        footer = {
            "cases": len(self.runs),
            "outcomes": Counter(run.outcome.value for run in self.runs),
            "whole": whole,
            "status": status,
            "seconds": round(seconds, 3),
            "peers": peers,
        }
        self._line({"footer": footer})
        self.close()
        return Report(self.header, self.runs, footer)

    def close(self) -> None:
        """Let go of the file; without a footer in it, it is that of a run that was killed."""
        if self._file is not None:
            self._file.close()

    def _line(self, item: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(item) + "\n")
            self._file.flush()  # a run that is killed leaves what it had


def read(path: Path) -> Report:
    """The report in ``path``.

    Raises ReportError for one that is not whole, in which nothing ran, or that is no report;
    OSError where the file can't be read.
    """
    try:
        lines = list(_objects(path))
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: no text in UTF-8: {error}") from error
    if not lines or "header" not in lines[0]:
        raise ReportError(f"{path}: the first line is no header: this is no report of a run")
    if "footer" not in lines[-1]:
        raise ReportError(f"{path}: there is no footer: the run did not come to its end")
    runs = []
    for number, line in enumerate(lines[1:-1], 2):
        try:
            run = Run.from_json(line)
            _ = run.memory, run.steps(PRODUCER), run.steps(CONSUMER)  # well-formed, or no report
            runs.append(run)
        except (KeyError, TypeError, ValueError) as error:
            raise ReportError(f"{path}, line {number}: no case: {error!r}") from error
    footer = lines[-1]["footer"]
    if not isinstance(footer, dict) or not {"cases", "status"} <= footer.keys():
        raise ReportError(f"{path}: the footer lacks cases or status: {footer!r}")
    if footer["cases"] != len(runs):
        raise ReportError(f"{path}: the footer counts {footer['cases']} cases; it has {len(runs)}")
    if not runs:
        raise ReportError(f"{path}: no case ran")
    return Report(lines[0]["header"], runs, footer)


def _objects(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            try:
                item = json.loads(line)
            except ValueError as error:
                raise ReportError(f"{path}, line {number}: no JSON: {error}") from error
            if not isinstance(item, dict):
                raise ReportError(f"{path}, line {number}: no object: {line[:80]!r}")
            yield item
