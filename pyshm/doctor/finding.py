"""The result of one check."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Finding"]


class Finding(NamedTuple):
    """The result of one check.

    ``remedy`` is the command that helps, "" if nothing is missing. ``needed`` is True if pyshm
    does not work without what is missing.
    """

    subject: str
    state: str
    remedy: str = ""
    needed: bool = False

    @property
    def status(self) -> Literal["ok", "optional", "MISSING"]:
        """MISSING if pyshm does not work without it, optional if only a part does not work."""
        return "MISSING" if self.needed else "optional" if self.remedy else "ok"

    def __str__(self) -> str:
        line = f"{self.status:8} {self.subject}: {self.state}"
        return f"{line}\n         {self.remedy}" if self.remedy else line
