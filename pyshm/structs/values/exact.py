"""Dates and times with the ticks of 100 ns, which Python's own types do not have.

Such a value is equal to Python's value in whole microseconds. It keeps the bytes that it was read
from; a program that stores it again stores the same bytes. The result of a computation with it is
an ordinary value.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

__all__ = ["exact_bytes", "exactly"]


class _Exact:
    __slots__ = ()

    kept: tuple[str, bytes]
    """The type of the field that the value was read from, and its bytes."""
    digit: int
    """The seventh decimal place of its seconds."""

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return _standard(cls)(*arguments, **named)  # the result of a computation, or of replace

    def __eq__(self, other: object) -> Any:
        if isinstance(other, _Exact) and other.kept[0] == self.kept[0]:
            return self.kept == other.kept
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __repr__(self) -> str:
        return f"<{_standard(type(self)).__name__} {self}>"

    # time.replace would not call __new__.
    def replace(self, /, *arguments: Any, **named: Any) -> Any:
        return _plain(self).replace(*arguments, **named)

    __replace__ = replace

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return exactly, (_plain(self), self.digit, *self.kept)


class _DateTime(_Exact, datetime):
    __slots__ = ("digit", "kept")

    def __str__(self) -> str:
        text = self.isoformat(" ", "microseconds")
        return f"{text[:26]}{self.digit}{text[26:]}"


class _Time(_Exact, time):
    __slots__ = ("digit", "kept")

    def __str__(self) -> str:
        return f"{self.isoformat('microseconds')}{self.digit}"


class _TimeSpan(_Exact, timedelta):
    __slots__ = ("digit", "kept")

    def __str__(self) -> str:
        text = str(_plain(self))
        return f"{text}{'' if '.' in text else '.000000'}{self.digit}"


def exactly(value: Any, digit: int, name: str, raw: bytes) -> Any:
    """Return ``value`` with the bytes ``raw`` of a field of the type ``name``."""
    found = _rebuilt(value, exact=True)
    found.digit = digit
    found.kept = (name, raw)
    return found


def exact_bytes(value: Any, name: str) -> bytes | None:
    """Return the bytes that ``value`` was read from, if by a field of the type ``name``."""
    if isinstance(value, _Exact) and value.kept[0] == name:
        return value.kept[1]
    return None


def _plain(value: Any) -> Any:
    return _rebuilt(value, exact=False)


def _standard(exact: Any) -> Any:
    """Return the class of Python that an exact one derives from."""
    return exact.__mro__[2]


def _rebuilt(value: Any, *, exact: bool) -> Any:
    """Return ``value`` as an object of the standard class or of the exact one."""
    kind: Any
    if isinstance(value, timedelta):
        kind = _TimeSpan if exact else timedelta
        return timedelta.__new__(kind, value.days, value.seconds, value.microseconds)
    clock = value.hour, value.minute, value.second, value.microsecond
    if isinstance(value, datetime):
        kind = _DateTime if exact else datetime
        day = value.year, value.month, value.day
        return datetime.__new__(kind, *day, *clock, value.tzinfo, fold=value.fold)
    return time.__new__(_Time if exact else time, *clock)
