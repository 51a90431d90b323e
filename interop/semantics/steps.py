"""The parts of a sequence: functions that return a step of docs/protocol.md.

The map is called ``m``, its view ``v`` and its stream ``s`` unless a step says otherwise. ``{a}``
and ``{b}`` in a step are paths of files, ``{name}`` is the name of a map; a run fills them in.
"""

from __future__ import annotations

from typing import Any, NamedTuple

__all__ = [
    "BIG",
    "COPY",
    "CREATE",
    "CREATE_NEW",
    "DELAY_ALLOCATE_PAGES",
    "OPEN",
    "OPEN_OR_CREATE",
    "READ",
    "READ_EXECUTE",
    "READ_WRITE",
    "READ_WRITE_EXECUTE",
    "WRITE",
    "Lifetime",
    "Sequence",
    "Step",
    "dispose",
    "file",
    "flush",
    "from_stream",
    "get",
    "named",
    "new",
    "read",
    "read_array",
    "stream",
    "view",
    "write",
    "write_array",
]

Step = dict[str, Any]

# System.IO.MemoryMappedFiles.MemoryMappedFileAccess
READ_WRITE, READ, WRITE, COPY, READ_EXECUTE, READ_WRITE_EXECUTE = range(6)
# System.IO.FileMode
CREATE_NEW, CREATE, OPEN, OPEN_OR_CREATE = range(1, 5)
# System.IO.MemoryMappedFiles.MemoryMappedFileOptions
DELAY_ALLOCATE_PAGES = 0x4000000
BIG = 2**63 - 1


class Sequence:
    """Calls that one process makes, by a name.

    ``files`` are the files that exist before, by the letter of their path; None means that the
    file does not exist.
    """

    def __init__(
        self, name: str, steps: list[Step], files: dict[str, bytes | None] | None = None
    ) -> None:
        self.name = name.replace("--", "-minus-")  # a name ends in an argument, which may be < 0
        self.steps = steps
        self.files = {"a": None, **(files or {})}

    @property
    def names_maps(self) -> bool:
        """Whether a call creates or opens a map by its name."""
        return any(map(_names_a_map, self.steps))

    def of_named_map(self) -> Sequence:
        """Return the same calls, made by the C# class NamedMap on Windows too."""
        return Sequence(self.name, list(map(_of_named_map, self.steps)), self.files)


class Lifetime(NamedTuple):
    """Calls that two processes, ``A`` and ``B``, make in turn. A step None kills the process."""

    name: str
    steps: list[tuple[str, Step | None]]

    @property
    def names_maps(self) -> bool:
        """Whether a call creates or opens a map by its name."""
        return True

    def of_named_map(self) -> Lifetime:
        """Return the same calls, made by the C# class NamedMap on Windows too."""
        return self._replace(
            steps=[(process, step and _of_named_map(step)) for process, step in self.steps]
        )


def _names_a_map(step: Step) -> bool:
    do = step["do"]
    return do in ("create-or-open", "open-existing") or (
        do == "create-new" and step["name"] is not None
    )


def _of_named_map(step: Step) -> Step:
    return {**step, "named_map": True} if _names_a_map(step) else step


def new(capacity: int = 10, **others: Any) -> Step:
    """Return the step to create the unnamed map ``m``."""
    return {"do": "create-new", "as": "m", "name": None, "capacity": capacity, **others}


def view(offset: int = 0, size: int = 0, **others: Any) -> Step:
    """Return the step to create the view accessor ``v``."""
    return {"do": "view", "as": "v", "map": "m", "offset": offset, "size": size, **others}


def stream(offset: int = 0, size: int = 0, **others: Any) -> Step:
    """Return the step to create the view stream ``s``."""
    return {"do": "view-stream", "as": "s", "map": "m", "offset": offset, "size": size, **others}


def get(name: str, target: str = "v") -> Step:
    """Return the step to read a property."""
    return {"do": "get", "target": target, "property": name}


def read(kind: str, position: int) -> Step:
    """Return the step to read one value."""
    return {"do": "read", "view": "v", "type": kind, "position": position}


def write(kind: str, position: int, value: Any) -> Step:
    """Return the step to write one value."""
    return {"do": "write", "view": "v", "type": kind, "position": position, "value": value}


def read_array(kind: str, position: int, count: int, **others: Any) -> Step:
    """Return the step to read an array."""
    head = {"do": "read-array", "view": "v", "type": kind}
    return {**head, "position": position, "count": count, **others}


def write_array(kind: str, position: int, items: Any, **others: Any) -> Step:
    """Return the step to write an array."""
    head = {"do": "write-array", "view": "v", "type": kind}
    return {**head, "position": position, "items": items, **others}


def file(mode: int = OPEN, capacity: int = 0, path: str = "{a}", **others: Any) -> Step:
    """Return the step to map the file at ``path``."""
    head = {"do": "create-from-file", "as": "m", "path": path}
    return {**head, "mode": mode, "capacity": capacity, **others}


def from_stream(capacity: int = 0, mode: int = OPEN, path: str = "{a}", **others: Any) -> Step:
    """Return the step to map an open file."""
    head = {"do": "create-from-stream", "as": "m", "path": path}
    return {**head, "mode": mode, "capacity": capacity, **others}


def named(do: str, as_: str = "m", name: str = "{name}", **others: Any) -> Step:
    """Return the step to create or open a named map: ``do`` says which."""
    step = {"do": do, "as": as_, "name": name, "capacity": 100, **others}
    if do == "open-existing":
        del step["capacity"]
    return step


def flush(target: str = "v") -> Step:
    """Return the step to flush a view or a stream."""
    return {"do": "flush", "target": target}


def dispose(target: str) -> Step:
    """Return the step to dispose of a map, a view or a stream."""
    return {"do": "dispose", "target": target}
