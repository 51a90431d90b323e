"""A case: what is written, what must be read, and which bytes are then in the map.

A case does not know the languages of its peers. Its steps are those of docs/protocol.md, on one
open map called ``m``. What it expects is written down from docs/format.md, by hand or with
``interop/oracle/memory.py``, never with the code that is tested.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from ..oracle.memory import blob_bytes, struct_bytes

__all__ = [
    "INT32_MAX",
    "INT32_MIN",
    "READ_IMAGE",
    "READ_STRUCT",
    "STANDARD",
    "TINY",
    "Case",
    "Expected",
    "Step",
    "blob_case",
    "error",
    "image_value",
    "matches",
    "picture_case",
    "struct_case",
    "value",
    "write_image",
    "write_struct",
]

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
STANDARD = (100, 20, tuple(range(60, 70)))
TINY = bytes.fromhex(  # a GIF89a picture of one transparent pixel, written by hand
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)


Step = dict[str, Any]
Expected = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One exchange between a producer and a consumer.

    Attributes:
        group: the column of the matrix.
        name: unique within the group.
        writes: the producer's steps.
        reads: the consumer's steps.
        expected: their outcomes, one for each of ``reads``.
        memory: the first bytes in the map afterwards.
        capacity: of the map, in bytes.
        written: the outcomes of ``writes``; None for one that may be anything but an error.
        backing: how the map is made: "named", "file" or "stream".
        extra: what is added to the name of a named map, as "prefix" and "suffix".
    """

    group: str
    name: str
    writes: tuple[Step, ...]
    reads: tuple[Step, ...]
    expected: tuple[Expected, ...]
    memory: bytes
    capacity: int = 65_536
    written: tuple[Expected | None, ...] = ()
    backing: str = "named"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The group and the name, unique among all cases."""
        return f"{self.group}-{self.name}"


def value(**parts: Any) -> Expected:
    """Return the outcome of a step that succeeds with a value that has these parts."""
    return {"value": parts}


def error(kind: str, **parts: Any) -> Expected:
    """Return the outcome of a step that fails with this error."""
    return {"error": {"kind": kind, **parts}}


def matches(expected: Expected | None, found: dict[str, Any]) -> bool:
    """Return whether an outcome is the expected one; only expected keys are compared."""
    if expected is None:
        return "error" not in found
    for key, wanted in expected.items():
        if key not in found:
            return False
        got = found[key]
        if isinstance(wanted, dict) and isinstance(got, dict):
            if any(name not in got or got[name] != item for name, item in wanted.items()):
                return False
        elif got != wanted:
            return False
    return True


# --- TestData -----------------------------------------------------------------------------

READ_STRUCT: Step = {"do": "read-struct", "helper": "m"}


def write_struct(id: Any, age: Any, scores: Any) -> Step:  # noqa: A002 - the field's name
    """Return the step that writes a TestData."""
    return {"do": "write-struct", "helper": "m", "id": id, "age": age, "scores": scores}


def struct_case(
    name: str,
    id: int,  # noqa: A002 - the field's name
    age: int,
    scores: tuple[int, ...],
    **others: Any,
) -> Case:
    """Return a case that writes a TestData and reads it; ``others`` are attributes of the case."""
    text = f"Id={id},Age={age},Scores={','.join(map(str, scores))}"
    return Case(
        others.pop("group", "struct"),
        name,
        (write_struct(id, age, list(scores)),),
        (READ_STRUCT,),
        (value(id=id, age=age, scores=list(scores), text=text),),
        struct_bytes(id, age, scores),
        **others,
    )


# --- blobs --------------------------------------------------------------------------------

READ_IMAGE: Step = {"do": "read-image", "helper": "m"}


def write_image(path: str, content: bytes) -> Step:
    """Return the step that writes an image blob."""
    return {"do": "write-image", "helper": "m", "path": path, "bytes": content.hex()}


def image_value(path: str, content: bytes) -> Expected:
    """Return the outcome of reading an image blob."""
    return value(path=path, length=len(content), sha256=sha256(content).hexdigest())


def blob_case(name: str, path: str, content: bytes, **others: Any) -> Case:
    """Return a case that writes an image blob and reads it, as :func:`struct_case`."""
    memory = blob_bytes(path, content)
    others.setdefault("capacity", max(65_536, len(memory)))
    return Case(
        others.pop("group", "blob"),
        name,
        (write_image(path, content),),
        (READ_IMAGE,),
        (image_value(path, content),),
        memory,
        **others,
    )


def picture_case(name: str, file: str, content: bytes) -> Case:
    """Return a case about a picture that the producer reads from its file."""
    memory = blob_bytes(file, content)
    return Case(
        "picture",
        name,
        ({"do": "write-image", "helper": "m", "path": file, "file": file},),
        (READ_IMAGE,),
        (image_value(file, content),),
        memory,
        capacity=max(10 * 1024 * 1024, len(memory)),
    )
