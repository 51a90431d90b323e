"""The error for an object that is a part of this process and can't be pickled or copied."""

from __future__ import annotations

from ..errors import UnsupportedError

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from typing import NoReturn

__all__ = ["refuse_copy"]


class _NoCopyError(UnsupportedError, TypeError):
    """What ``copy`` and ``pickle`` raise for such an object is a TypeError."""


def refuse_copy(what: str, instead: str) -> NoReturn:
    """Raise the error for ``what``; ``instead`` says what to send to another process."""
    raise _NoCopyError(f"{what} can't be pickled or copied: it belongs to this process; {instead}")
