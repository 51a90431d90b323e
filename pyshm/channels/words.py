"""Single loads and stores of shared words, and the fence (docs/channels.md, "Loads and stores").

CPython moves an aligned item of a ``memoryview`` of format Q or I with one instruction. On x86-64
such a load acquires and such a store releases, and a lock's acquire is a full fence. Other
processors promise less: there every access goes through the package ``atomicshm``.
"""

from __future__ import annotations

import platform
import sys
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from ..errors import PlatformError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["LOW_56", "ClosedWords", "Memory", "Words", "memory_words"]

LOW_56 = (1 << 56) - 1
"""The bits of the word ``latest`` that are the number of a value; the others are its slot."""

_X86_64 = ("x86_64", "AMD64", "amd64")


class Words(Protocol):
    """The words of a channel's map, by their index: the offset divided by the word's size."""

    def __getitem__(self, index: int, /) -> int: ...
    def __setitem__(self, index: int, value: int, /) -> None: ...


class Memory(NamedTuple):
    """How the shared words of one map are read and written."""

    words: Words
    """The 64-bit words."""
    halves: Words
    """The 32-bit words."""
    fence: Callable[[], object]
    weak: bool
    """Whether the processor can exchange the order of two loads, so that R4 needs a fence."""


def memory_words(memory: memoryview) -> Memory:
    """Return the access to the words of ``memory``, whose length is a multiple of 8.

    Raises PlatformError on a processor that needs ``atomicshm`` where it is not installed, and on
    a big-endian one.
    """
    if sys.byteorder != "little":
        raise PlatformError("a channel needs a little-endian processor")
    atomic = _atomicshm()
    if platform.machine() in _X86_64:
        fence = _lock_fence() if atomic is None else atomic.fence
        return Memory(memory.cast("Q"), memory.cast("I"), fence, weak=False)
    if atomic is None:
        raise PlatformError(
            f"on a processor of type {platform.machine()} a channel needs the package atomicshm; "
            "install it with: pip install 'pyshm-dotnet[channels]'"
        )
    view = atomic.AtomicView(memory)
    return Memory(
        _AtomicWords(view.load_u64, view.store_u64, 8),
        _AtomicWords(view.load_u32, view.store_u32, 4),
        atomic.fence,
        weak=True,
    )


def _atomicshm() -> Any:
    try:
        import atomicshm
    except ImportError:
        return None
    return atomicshm


def _lock_fence() -> Callable[[], object]:
    """Return a full fence: to take a free lock is an instruction with the prefix ``lock``."""
    lock = Lock()
    acquire, release = lock.acquire, lock.release

    def fence() -> None:
        # KeyboardInterrupt between the two calls leaves the lock taken: the next call must not
        # wait for it. Its release is then the fence. Two threads can also release it twice: one
        # of them was waiting for the interpreter's lock meanwhile, which is a fence too.
        acquire(False)
        try:
            release()
        except RuntimeError:
            pass

    return fence


class _AtomicWords:
    """Words that are loaded and stored in sequentially consistent order, by ``atomicshm``."""

    __slots__ = ("_load", "_size", "_store")

    def __init__(
        self, load: Callable[[int], int], store: Callable[[int, int], object], size: int
    ) -> None:
        self._load = load
        self._store = store
        self._size = size

    def __getitem__(self, index: int, /) -> int:
        return self._load(index * self._size)

    def __setitem__(self, index: int, value: int, /) -> None:
        self._store(index * self._size, value)


class ClosedWords:
    """Words that can't be used any more. Every access raises ``error``."""

    __slots__ = ("_error",)

    def __init__(self, error: Callable[[], Exception]) -> None:
        self._error = error

    def __getitem__(self, index: int, /) -> int:
        raise self._error()

    def __setitem__(self, index: int, value: int, /) -> None:
        raise self._error()
