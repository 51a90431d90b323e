"""Dates and times that know the ticks of 100 ns which Python's own types do not have.

Such a value is the one of Python, in whole microseconds, and is equal to it. It also has the bytes
that it was read from: a program that stores it again stores them. What a program computes from it
is an ordinary value.
"""

# ruff: noqa: DTZ001 - the ticks of .NET have no time zone

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

__all__ = ["exact_bytes", "exactly"]


class _Exact:
    __slots__ = ()

    kept: tuple[str, bytes]
    """The type of the field that the value was read from, and its bytes."""
    digit: int
    """The seventh decimal place of its seconds."""

    def __eq__(self, other: object) -> Any:
        if isinstance(other, _Exact) and other.kept[0] == self.kept[0]:
            return self.kept == other.kept
        return super().__eq__(other)

    def __ne__(self, other: object) -> Any:
        return not self == other

    def __hash__(self) -> int:
        return super().__hash__()

    def __repr__(self) -> str:
        return f"<{type(self).__mro__[2].__name__} {self}>"

    # That of a time would not call __new__.
    def replace(self, /, *arguments: Any, **named: Any) -> Any:
        return _plain(self).replace(*arguments, **named)

    __replace__ = replace

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        return exactly, (_plain(self), self.digit, *self.kept)


class _DateTime(_Exact, datetime):
    __slots__ = ("digit", "kept")

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return datetime(*arguments, **named)  # the result of a computation, or of replace

    def __str__(self) -> str:
        text = self.isoformat(" ", "microseconds")
        return f"{text[:26]}{self.digit}{text[26:]}"


class _Time(_Exact, time):
    __slots__ = ("digit", "kept")

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return time(*arguments, **named)

    def __str__(self) -> str:
        return f"{self.isoformat('microseconds')}{self.digit}"


class _TimeSpan(_Exact, timedelta):
    __slots__ = ("digit", "kept")

    def __new__(cls, *arguments: Any, **named: Any) -> Any:
        return timedelta(*arguments, **named)

    def __str__(self) -> str:
        text = str(_plain(self))
        return f"{text}{'' if '.' in text else '.000000'}{self.digit}"


def exactly(value: Any, digit: int, name: str, raw: bytes) -> Any:
    """Return ``value`` with the bytes ``raw`` of a field of the type ``name``."""
    found: Any
    if isinstance(value, timedelta):
        found = timedelta.__new__(_TimeSpan, value.days, value.seconds, value.microseconds)
    elif isinstance(value, datetime):
        found = datetime.__new__(
            _DateTime, *_date_parts(value), *_time_parts(value), value.tzinfo, fold=value.fold
        )
    else:
        found = time.__new__(_Time, *_time_parts(value))
    found.digit = digit
    found.kept = (name, raw)
    return found


def exact_bytes(value: Any, name: str) -> bytes | None:
    """Return the bytes that ``value`` was read from, if by a field of the type ``name``."""
    if isinstance(value, _Exact) and value.kept[0] == name:
        return value.kept[1]
    return None


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, datetime):
        return datetime(*_date_parts(value), *_time_parts(value), value.tzinfo, fold=value.fold)
    return time(*_time_parts(value))


def _date_parts(value: date) -> tuple[int, int, int]:
    return value.year, value.month, value.day


def _time_parts(value: time | datetime) -> tuple[int, int, int, int]:
    return value.hour, value.minute, value.second, value.microsecond
