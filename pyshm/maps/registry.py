"""The maps that this process has open."""

from __future__ import annotations

import atexit
from weakref import ref

from ..errors import MapIOError

TYPE_CHECKING = False  # type checkers take it for True; importing typing is slow
if TYPE_CHECKING:
    from typing import Any, Protocol

    class Registered(Protocol):
        """An open map."""

        def owns(self, number: int) -> bool:
            """Return whether closing the map closes this descriptor or handle."""


__all__ = ["Claim", "add", "close_all", "handles", "keep", "remove"]

# Each operation on a dict is atomic. A set of weak references is not: it is Python code.
_open: dict[int, ref[Registered]] = {}
_kept: dict[ref[object], Registered] = {}
_claims: dict[int, list[ref[Claim]]] = {}  # for each number, in the order of arrival
_at_exit = False


def add(handle: Registered) -> None:
    """Add a map that was opened. It is closed when the interpreter ends."""
    global _at_exit
    _open[id(handle)] = ref(handle)
    if not _at_exit:
        _at_exit = True
        atexit.register(close_all)


def keep(handle: Registered, owner: object) -> None:
    """Keep a map as long as its ``owner`` exists.

    If both were garbage, the collector could close the descriptor before it closes the map. The
    callback has no Python code, which an interruption could hit.
    """
    _kept[ref(owner, _kept.pop)] = handle


def remove(handle: Registered) -> None:
    """Remove a map that is being closed. Another call does nothing."""
    _open.pop(id(handle), None)


def handles() -> list[Any]:
    """Return the open maps, which are objects of the system's MapHandle."""
    return [handle for each in list(_open.values()) if (handle := each()) is not None]


def close_all() -> None:
    """Close every map, the latest first. An error, such as that of a file, stops none."""
    errors = []
    for handle in reversed(handles()):
        try:
            handle.close()
        except Exception as error:  # noqa: BLE001 - raised below
            errors.append(error)
    if errors:
        raise errors[0]


class Claim:
    """The right to take over a descriptor or handle that a number names.

    Raises MapIOError if an open map owns it, or another thread is taking it over. Closing it
    twice would close something else, because its number can be used again after the first time.
    """

    __slots__ = ("__weakref__", "_waiting")

    def __init__(self, number: int, what: str) -> None:
        self._waiting = waiting = _claims.setdefault(number, [])
        # A claim that nothing refers to any more, as after an interruption, is removed. The
        # callback has no Python code, which another interruption could hit.
        waiting.append(ref(self, waiting.remove))
        if waiting[0]() is not self or any(handle.owns(number) for handle in handles()):
            self.end()
            raise MapIOError(
                f"{what} {number} belongs to an open map of this process already, and can be "
                f"closed only once; use that map, or duplicate the {what}",
                field="handle",
                value=number,
            )

    def end(self) -> None:
        """Give up the right, because a map owns the number now."""
        self._waiting.remove(ref(self))
