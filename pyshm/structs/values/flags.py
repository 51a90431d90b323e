"""Flags enums that have every number, as in .NET.

Python's IntFlag can't represent every number of a signed type: it takes a negative one for the
complement of positive flags and drops the bits that have no name, so that ``F(-2)`` is 2 in an enum
of the flags 1 and 2. Python also loses a flag with a negative value (``1 << 31`` of an int) when it
is combined with another one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import KEEP, EnumType, Flag
from functools import cache, reduce
from operator import and_, or_, xor
from typing import Any

__all__ = ["combines_exactly", "flags_of"]

_SIGN_BITS = frozenset(-(1 << bit) for bit in (7, 15, 31, 63))


def flags_of(enum: Any, number: int, *, keep: bool = True) -> Any:
    """Return the value of a flags enum whose int is exactly ``number``.

    It is ``number`` itself if the enum does not keep bits without a name (``boundary=STRICT``).
    Python keeps each combination that it makes until the program ends; with ``keep=False``
    nothing is kept.
    """
    exact = enum._boundary_ is KEEP
    if exact and not keep and number not in enum._value2member_map_:
        return _exact(enum, number)
    try:
        found = enum(number)
    except (ValueError, TypeError):  # a strict boundary, or an enum without members
        return number
    if int(found) == number:
        return found
    return _exact(enum, number) if exact else number


def combines_exactly(enum: Any) -> None:
    """Let ``|``, ``&``, ``^`` and ``~`` of an enum with negative flags return exact values.

    Other enums combine their own flags as Python does.
    """
    members = enum.__members__.values()
    standard = getattr(enum._missing_, "__func__", None) is Flag.__dict__["_missing_"].__func__
    if not standard or enum._boundary_ is not KEEP or all(int(member) >= 0 for member in members):
        return
    missing = enum._missing_

    def _missing_(cls: Any, value: Any) -> Any:
        if isinstance(value, int) and value < 0:
            return _exact(cls, value)
        return missing(value)

    enum._missing_ = classmethod(_missing_)
    enum.__iter__ = _each_flag
    found = enum._value2member_map_
    for value, member in list(found.items()):
        member._inverted_ = None  # what Python found for ~ before
        if value != int(member):
            del found[value]  # a combination that Python 3.11.2 changed


def _exact(enum: Any, number: int) -> Any:
    """Return a value of ``enum`` for a number that Python would change."""
    value = int.__new__(_exact_type(enum), number)
    value._value_ = number
    flags = _flags_in(enum, number)
    rest = number & ~reduce(or_, map(int, flags), 0)
    value._name_ = "|".join(
        [flag._name_ for flag in flags] + [str(rest)] * (not flags or rest != 0)
    )
    return value


def _flags_in(enum: Any, number: int) -> list[Any]:
    """Return the members of one bit that ``number`` has, each once, as declared."""
    members = dict.fromkeys(enum.__members__.values())
    return [flag for flag in members if _is_one_bit(int(flag)) and int(flag) & number == int(flag)]


def _each_flag(value: Any) -> Iterator[Any]:
    return iter(_flags_in(value.__class__, int(value)))


def _is_one_bit(number: int) -> bool:
    return number in _SIGN_BITS or (number > 0 and number & (number - 1) == 0)


@cache
def _exact_type(enum: Any) -> Any:
    """Return the hidden subclass whose operators return exact values.

    Python does not let a class statement derive from an enum with members.
    """

    def operation(combine: Callable[[int, int], int]) -> Callable[[Any, Any], Any]:
        def apply(value: Any, other: Any) -> Any:
            if not isinstance(other, int):
                return NotImplemented
            return flags_of(enum, combine(int(value), int(other)))

        return apply

    namespace: dict[str, Any] = {
        "__module__": enum.__module__,
        "__qualname__": enum.__qualname__,
        "__class__": property(lambda _: enum),
        "__iter__": _each_flag,
        "__len__": lambda value: len(_flags_in(enum, int(value))),
        "__invert__": lambda value: flags_of(enum, ~int(value)),
        "__reduce_ex__": lambda value, _: (flags_of, (enum, int(value))),
        "__hash__": enum.__hash__,
    }
    for name, combine in (("or", or_), ("and", and_), ("xor", xor)):
        namespace[f"__{name}__"] = namespace[f"__r{name}__"] = operation(combine)
    return type.__new__(EnumType, enum.__name__, (enum,), namespace)
