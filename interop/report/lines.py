"""The report of a run: JSON lines, a header, a line for each case, a footer (docs/report.md).

The lines are written during the run. A report without a footer is from a run that was killed, and
a report without a case is from a run that tested nothing. Reading either is an error.
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
    """A file is not a complete report. The message names the file, the line and the error."""


@dataclass(frozen=True)
class Run:
    """One case, run by one pair of peers."""

    case: str
    group: str
    producer: str
    consumer: str
    outcome: Outcome
    seconds: float
    message: str = ""  # what went wrong, or why it was skipped
    test: str = ""  # its name in pytest; empty in reports of format 1
    record: Mapping[str, Any] = field(default_factory=dict)

    @property
    def failed(self) -> bool:
        """Whether the case neither passed nor was skipped."""
        return self.outcome not in (Outcome.PASSED, Outcome.SKIPPED)

    @property
    def pair(self) -> str:
        """The name of the pair in the matrix."""
        return f"{self.producer} -> {self.consumer}"

    def steps(self, by: str) -> list[Entry]:
        """Return the steps of the producer or the consumer, with their outcomes."""
        return [
            Entry(by, step["step"], step.get("outcome"), step.get("expected"))
            for step in self.record.get("steps", [])
            if step["by"] == by
        ]

    @property
    def left_out(self) -> int:
        """The number of steps that the record leaves out."""
        return int(self.record.get("left_out", 0))

    @cached_property
    def memory(self) -> Memory | None:
        """The bytes of the map, or None."""
        item = self.record.get("memory")
        return Memory.from_json(item) if item else None

    def as_json(self) -> dict[str, Any]:
        """Return the content of its line."""
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
        """Return the run of a line. Raises KeyError or ValueError if the line is not a case."""
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
    """A whole run: its header, its cases and its footer."""

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
        """The number of each outcome, by pair and group."""
        return Matrix((run.producer, run.consumer, run.group, run.outcome) for run in self.runs)

    @property
    def failures(self) -> list[Run]:
        """The runs that failed, in the order of the report."""
        return [run for run in self.runs if run.failed]

    @property
    def passed(self) -> bool:
        """Whether pytest passed and no case failed. pytest fails if cases are missing."""
        return self.footer["status"] == 0 and not self.failures


class ReportWriter:
    """Collects a report, and writes it line by line."""

    def __init__(self, path: Path | None, header: Mapping[str, Any]) -> None:
        """Create or replace the file ``path`` and its folder, and write the header.

        Without ``path`` no file is written.
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
        """Write the footer, close the file and return the report."""
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
        """Close the file. Without a footer it is the report of a run that was killed."""
        if self._file is not None:
            self._file.close()

    def _line(self, item: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(item) + "\n")
            self._file.flush()  # so that a run that is killed leaves its lines


def read(path: Path) -> Report:
    """Return the report in ``path``.

    Raises ReportError if the file is not a report, not complete or has no case, OSError if it can't
    be read.
    """
    try:
        lines = list(_objects(path))
    except UnicodeDecodeError as error:
        raise ReportError(f"{path}: not text in UTF-8: {error}") from error
    if not lines or "header" not in lines[0]:
        raise ReportError(f"{path}: the first line is not the header of a report")
    if "footer" not in lines[-1]:
        raise ReportError(f"{path}: there is no footer, so the run did not end")
    runs = []
    for number, line in enumerate(lines[1:-1], 2):
        try:
            run = Run.from_json(line)
            _ = run.memory, run.steps(PRODUCER), run.steps(CONSUMER)  # raise if malformed
            runs.append(run)
        except (KeyError, TypeError, ValueError) as error:
            raise ReportError(f"{path}, line {number}: not a case: {error!r}") from error
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
                raise ReportError(f"{path}, line {number}: not JSON: {error}") from error
            if not isinstance(item, dict):
                raise ReportError(f"{path}, line {number}: not a JSON object: {line[:80]!r}")
            yield item
