"""What the parts of the Windows world share: running a program, and places in the cache."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from pyshm.testing.cache import cache_dir, key_of

__all__ = ["SETUP_COMMAND", "Log", "cache_place", "last_line", "run_command"]

SETUP_COMMAND = "python -m interop windows"

Log = Callable[[str], None]


def run_command(
    command: Sequence[str], environment: Mapping[str, str], timeout: float
) -> tuple[int, str]:
    """Run a program without input; return its exit status and its output.

    The status is 127 if the program could not be started, or took longer than ``timeout`` seconds;
    the output then ends with the reason.
    """
    # A file, because Wine's server stays in the background and would keep a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            status = subprocess.run(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=timeout,
                check=False,
                env=dict(environment),
            ).returncode
            reason = ""
        except (OSError, subprocess.TimeoutExpired) as error:
            status, reason = 127, f"\n{error}"
        output.seek(0)
        return status, output.read().decode("utf-8", "replace") + reason


def last_line(text: str) -> str:
    """Return the last line of ``text`` that is not blank, or an empty string."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else ""


def cache_place(kind: str, parts: Iterable[str | bytes]) -> Path:
    """Return the folder in the cache for the thing of that kind that is made from ``parts``.

    The name of the folder is a digest of the parts, so other parts get another folder.
    """
    data = (part.encode() if isinstance(part, str) else part for part in parts)
    return cache_dir() / "windows" / kind / key_of(data)
