"""Output for people: styled lines, tables and progress bars, drawn by rich if it is installed.

A line has the same text with and without styles. Styles are off if the stream is not a terminal or
if NO_COLOR is set (https://no-color.org); FORCE_COLOR turns them on. Without rich, everything is
plain text. So a program that reads the output through a pipe gets plain text.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TextIO, TypeAlias

from .._support.text import columns, harmless, visible

if TYPE_CHECKING:
    import rich.console

__all__ = ["BAD", "DIM", "GOOD", "NAME", "WARN", "Console", "Part"]

# The styles that all commands share; any other rich style ("bold cyan on black") works too.
GOOD = "green"
WARN = "yellow"
BAD = "bold red"
DIM = "dim"
NAME = "bold"

Part: TypeAlias = str | tuple[str, str]
"""A part of a line: its text, or its text and its style."""


class Console:
    """Standard output (``Console.out()``) or standard error (``Console.err()``)."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.terminal = _is_terminal(stream)
        self.rich: rich.console.Console | None = None
        """The console of rich if styles are shown; None for plain text."""
        forced = bool(os.environ.get("FORCE_COLOR"))
        if forced or (self.terminal and not os.environ.get("NO_COLOR")):
            self.rich = _rich_console(stream)

    @classmethod
    def out(cls) -> Console:
        """Return the console for the result of a command."""
        return cls(sys.stdout)

    @classmethod
    def err(cls) -> Console:
        """Return the console for progress and notes."""
        return cls(sys.stderr)

    def line(self, *parts: Part) -> None:
        """Print one line, neither wrapped nor cut, and flush."""
        # Text from elsewhere must not control a terminal, now or when the output is shown later.
        parts = tuple(self._shown(part) for part in parts)
        if self.rich is None:
            print("".join(_text(part) for part in parts), file=self._stream, flush=True)
        else:
            from rich.text import Text

            self.rich.print(Text.assemble(*parts, end=""), soft_wrap=True)
            self._stream.flush()

    def table(self, rows: Sequence[Sequence[Part]]) -> None:
        """Print rows in aligned columns, separated by two spaces; the first row is the heading."""
        rows = [[self._shown(cell) for cell in row] for row in rows]  # before it is measured
        widths = [
            max(columns(_text(cell)) for cell in column) for column in zip(*rows, strict=True)
        ]
        for number, row in enumerate(rows):
            parts: list[Part] = []
            for cell, width in zip(row, widths, strict=True):
                if parts:
                    parts.append("  ")
                parts.append((cell, NAME) if number == 0 and isinstance(cell, str) else cell)
                parts.append(" " * (width - columns(_text(cell))))
            while parts and isinstance(parts[-1], str) and not parts[-1].strip():
                parts.pop()
            self.line(*parts)

    def _shown(self, part: Part) -> Part:
        """Return the part without what a terminal or a reader of lines takes for a command."""
        text = _text(part)
        text = visible(text, keep="\t") if self.terminal else harmless(text, keep="\t")
        return text if isinstance(part, str) else (text, part[1])

    @contextmanager
    def progress(
        self, what: str, total: int, *, drawn: bool = True
    ) -> Iterator[Callable[[int], None]]:
        """Show a progress bar for ``total`` bytes; the block calls the function that it gets.

        The argument of that function is the number of bytes done since the last call. The bar
        needs rich and a terminal, and is hidden unless ``drawn``. Only for Console.err().
        """
        console = _rich_console(self._stream) if self.terminal and drawn else None
        if console is None:
            yield lambda _: None
            return
        from rich import progress

        columns = (
            progress.TextColumn("{task.description}"),
            progress.BarColumn(),
            progress.DownloadColumn(),
            progress.TransferSpeedColumn(),
            progress.TimeRemainingColumn(),
        )
        with progress.Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task(what, total=total)
            yield lambda done: bar.advance(task, done)


def _rich_console(stream: TextIO) -> rich.console.Console | None:
    try:
        import rich.console
    except ImportError:
        return None
    return rich.console.Console(file=stream, highlight=False, markup=False, emoji=False)


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty() and os.environ.get("TERM") != "dumb"
    except (AttributeError, ValueError):  # None (pythonw), closed
        return False


def _text(part: Part) -> str:
    return part if isinstance(part, str) else part[0]
