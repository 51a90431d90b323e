"""Explore every execution of short programs that a processor with weak memory order allows.

A program has threads, and a thread is a list of operations without jumps. The explorer performs the
operations one after the other on one memory, in every order that the processor allows: an operation
may come before an earlier one of its thread unless a rule of :func:`_waits_for` forbids it. This is
the memory of x86-64 and of ARMv8, on which a store is visible to all other processors at once.

Some executions that the explorer allows are impossible on a processor: an acquiring load may pass
an earlier releasing store, and a store is never delayed by the address of another store. A program
that holds here holds there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

__all__ = [
    "ARCHITECTURES",
    "ARMV8",
    "X86_64",
    "Check",
    "Exploration",
    "Kind",
    "Operation",
    "Program",
    "Registers",
    "explore",
    "fence",
    "futex_wait",
    "futex_wake",
    "load",
    "store",
]

X86_64 = "x86-64"
ARMV8 = "ARMv8"
ARCHITECTURES = (X86_64, ARMV8)

_MOST_STATES = 1_000_000

Registers = Mapping[str, int]


class Kind(enum.Enum):
    """What an operation does."""

    LOAD = "load"
    STORE = "store"
    FENCE = "fence"
    WAIT = "wait"  # compare in the kernel, then sleep
    WAKE = "wake"


_FULL = frozenset({Kind.FENCE, Kind.WAIT, Kind.WAKE})


@dataclass(frozen=True)
class Operation:
    """One operation of a thread.

    ``needs`` are the registers that ``value`` and ``condition`` read. An operation whose condition
    is false does nothing. A processor performs a load before it knows the load's condition.
    """

    step: str
    kind: Kind
    variable: str = ""
    register: str = ""
    value: int | Callable[[Registers], int] = 0
    condition: Callable[[Registers], bool] | None = None
    needs: tuple[str, ...] = ()
    ordered: bool = False  # a load that acquires, a store that releases

    def result(self, registers: Registers) -> int:
        """Return the value that a store stores, or that a wait compares with."""
        return self.value(registers) if callable(self.value) else self.value


def load(step: str, register: str, variable: str, *, acquire: bool = False) -> Operation:
    """Return a load of ``variable`` into ``register``."""
    return Operation(step, Kind.LOAD, variable, register, ordered=acquire)


def store(
    step: str,
    variable: str,
    value: int | Callable[[Registers], int],
    *,
    release: bool = False,
    condition: Callable[[Registers], bool] | None = None,
    needs: tuple[str, ...] = (),
) -> Operation:
    """Return a store to ``variable``."""
    return Operation(step, Kind.STORE, variable, "", value, condition, needs, ordered=release)


def fence(step: str) -> Operation:
    """Return a full barrier."""
    return Operation(step, Kind.FENCE)


def futex_wait(
    step: str,
    variable: str,
    value: int | Callable[[Registers], int],
    *,
    condition: Callable[[Registers], bool] | None = None,
    needs: tuple[str, ...] = (),
) -> Operation:
    """Return a FUTEX_WAIT: sleep if ``variable`` has ``value``. It is a barrier too."""
    return Operation(step, Kind.WAIT, variable, "", value, condition, needs)


def futex_wake(
    step: str,
    variable: str,
    *,
    condition: Callable[[Registers], bool] | None = None,
    needs: tuple[str, ...] = (),
) -> Operation:
    """Return a FUTEX_WAKE of all that sleep on ``variable``."""
    return Operation(step, Kind.WAKE, variable, "", 0, condition, needs)


class End(NamedTuple):
    """An execution at its end: the memory, each thread's registers, and which threads sleep."""

    memory: Mapping[str, int]
    registers: Sequence[Registers]
    sleeping: Sequence[bool]


Check = Callable[[End], str | None]


@dataclass(frozen=True)
class Program:
    """Threads, the memory before them, and a check that names the violation of an execution."""

    threads: Sequence[Sequence[Operation]]
    memory: Mapping[str, int]
    check: Check


class Exploration(NamedTuple):
    """All violations of a program, and how many states it has."""

    violations: frozenset[str]
    states: int


class _Thread(NamedTuple):
    done: frozenset[int] = frozenset()
    registers: tuple[tuple[str, int], ...] = ()
    sleeps_on: str | None = None


class _State(NamedTuple):
    memory: tuple[tuple[str, int], ...]
    threads: tuple[_Thread, ...]


def explore(program: Program, architecture: str) -> Exploration:
    """Return the violations among all executions of a program.

    Raises:
        ValueError: there are more than a million states.
    """
    order = [_predecessors(thread, architecture) for thread in program.threads]
    start = _State(tuple(sorted(program.memory.items())), (_Thread(),) * len(program.threads))
    seen, waiting, violations = {start}, [start], set()
    while waiting:
        state = waiting.pop()
        following = list(_successors(program, order, state))
        if not following:
            violations.add(program.check(_end(state)))
        new = set(following) - seen
        seen |= new
        waiting += new
        if len(seen) > _MOST_STATES:
            raise ValueError(f"more than {_MOST_STATES} states")
    return Exploration(frozenset(filter(None, violations)), len(seen))


def _predecessors(thread: Sequence[Operation], architecture: str) -> list[frozenset[int]]:
    """Return, for each operation, the numbers of the operations that must be done before it."""
    return [
        frozenset(n for n in range(number) if _waits_for(later, thread[n], architecture))
        for number, later in enumerate(thread)
    ]


def _waits_for(later: Operation, earlier: Operation, architecture: str) -> bool:
    """Return whether ``later`` is always performed after ``earlier``."""
    if earlier.kind in _FULL or later.kind in _FULL or earlier.variable == later.variable:
        return True
    if earlier.kind is Kind.LOAD and (earlier.ordered or _uses(later, earlier)):
        return True
    if later.kind is Kind.STORE and later.ordered:
        return True
    # On x86-64 only a load can pass, and only an earlier store.
    passes = earlier.kind is Kind.STORE and later.kind is Kind.LOAD
    return architecture == X86_64 and not passes


def _uses(later: Operation, earlier: Operation) -> bool:
    """Return whether a store needs the result of a load; a load is performed speculatively."""
    return later.kind is Kind.STORE and earlier.register in later.needs


def _successors(
    program: Program, order: Sequence[Sequence[frozenset[int]]], state: _State
) -> Iterator[_State]:
    """Yield each state after one more operation."""
    for number, thread in enumerate(state.threads):
        if thread.sleeps_on is not None:
            continue
        for index, operation in enumerate(program.threads[number]):
            if index not in thread.done and order[number][index] <= thread.done:
                after = thread._replace(done=thread.done | {index})
                yield _perform(operation, state, number, after)


def _perform(operation: Operation, state: _State, number: int, thread: _Thread) -> _State:
    """Return the state after an operation of a thread; ``thread`` has it as done already."""
    registers, memory = dict(thread.registers), dict(state.memory)
    threads = list(state.threads)
    kind, variable = operation.kind, operation.variable
    if operation.condition is None or operation.condition(registers):
        if kind is Kind.LOAD:
            registers[operation.register] = memory[variable]
            thread = thread._replace(registers=tuple(sorted(registers.items())))
        elif kind is Kind.STORE:
            memory[variable] = operation.result(registers)
        elif kind is Kind.WAIT and memory[variable] == operation.result(registers):
            thread = thread._replace(sleeps_on=variable)
        elif kind is Kind.WAKE:
            threads = [_woken(other, variable) for other in threads]
    threads[number] = thread
    return _State(tuple(sorted(memory.items())), tuple(threads))


def _woken(thread: _Thread, variable: str) -> _Thread:
    return thread._replace(sleeps_on=None) if thread.sleeps_on == variable else thread


def _end(state: _State) -> End:
    return End(
        dict(state.memory),
        [dict(thread.registers) for thread in state.threads],
        [thread.sleeps_on is not None for thread in state.threads],
    )
