"""What was found out about one thing."""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["Finding"]


class Finding(NamedTuple):
    """One thing looked at. ``needed`` is true for what is missing and can't be done without."""

    subject: str
    state: str
    remedy: str = ""
    needed: bool = False

    @property
    def status(self) -> Literal["ok", "optional", "MISSING"]:
        """MISSING if it is needed and not there, optional if only something else needs it."""
        return "MISSING" if self.needed else "optional" if self.remedy else "ok"

    def __str__(self) -> str:
        line = f"{self.status:8} {self.subject}: {self.state}"
        return f"{line}\n         {self.remedy}" if self.remedy else line
