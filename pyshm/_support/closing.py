"""The base of objects with a ``close`` method: ``with`` closes them, as .NET's using disposes."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

__all__ = ["NO_BYTES", "Closing"]

NO_BYTES = memoryview(b"")
"""The memory of a closed view."""


class Closing:
    """An object that a ``with`` block closes at its end."""

    __slots__ = ()

    def close(self) -> None:
        """Release what the object holds."""
        raise NotImplementedError

    def _check_open(self) -> None:
        """Raise ClosedError if the object can't be used any more. By default it always can."""

    def __enter__(self) -> Self:
        self._check_open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
