"""Speed of the copies in the C# library, compared with Span.CopyTo, and what they allocate."""

from __future__ import annotations

import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pyshm.testing import sdk

from ..peers.compile import compile_program
from .measure import Effort, Topic, at_most, make_row

__all__ = ["copies"]

PICTURE = 2_000_000  # bytes
TITLE = "picture of 2 MB, copied by .NET"
SOURCE = Path(__file__).parent / "copies.cs"
_AIM = at_most(2.0)
# The baselines, and what is slower by design: a new array, and the methods of the accessor.
WITHOUT_AIM = (
    "Span.CopyTo, view to array (baseline)",
    "Span.CopyTo, array to view",
    "helper.ReadImage(), a new array",
    "accessor.ReadArray",
    "accessor.WriteArray",
)


def copies(effort: Effort) -> Iterator[Topic]:
    """Measure the C# program copies.cs. Without .NET, the topic has no rows."""
    try:
        sdk.find_dotnet()
    except sdk.ToolchainError as error:
        yield Topic(TITLE, [], [f"skipped: {error}"])
        return
    with tempfile.TemporaryDirectory() as folder:
        program = compile_program("Copies", SOURCE.read_text(encoding="utf-8"), Path(folder))
        command = [*program, str(PICTURE), str(effort.copies)]
        printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = [line.split("\t") for line in printed.splitlines()]
    times = [[int(number) for number in numbers] for _, _, *numbers in found]
    base = (min(times[0]), statistics.median(times[0]))
    rows = [
        make_row(
            name,
            "ns",
            [min(own), base[0]],
            [statistics.median(own), base[1]],
            None if name in WITHOUT_AIM else _AIM,
        )
        for (name, *_), own in zip(found, times, strict=True)
    ]
    notes = [
        f"{name}: {allocated} bytes allocated a frame{_judged(name, int(allocated))}"
        for name, allocated, *_ in found
    ]
    yield Topic(TITLE, rows, notes)


def _judged(name: str, allocated: int) -> str:
    if name in WITHOUT_AIM:
        return ""
    return f", aim 0, met: {'no' if allocated else 'yes'}"
