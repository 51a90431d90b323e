"""Ask .NET how it lays out a type: one that is described, or the types of a real assembly.

These are the steps ``define`` and ``reflect`` of the protocol (docs/protocol.md), with typed
requests and answers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import PyshmError
from .process import Peer, PeerFailure

__all__ = [
    "Bytes",
    "Definition",
    "DotNetError",
    "DotNetStepError",
    "DotNetTypes",
    "Question",
    "ReflectedField",
    "ReflectedType",
    "Value",
    "error_from_json",
    "reflected_from_json",
]

_UNFINISHED = ".part"  # the suffix of a file that the peer is writing


class DotNetError(NamedTuple):
    """A .NET exception: the name of its class without the namespace, and its message."""

    type: str
    message: str


class DotNetStepError(PyshmError, RuntimeError):
    """The peer refused a whole step: the request is malformed, or the assembly is unreadable."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['type']}: {error['message']}", kind=error["kind"])
        self.error = dict(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.error,)


class Question(NamedTuple):
    """One item of ``define``.

    ``types`` is what pyshm.layout.to_json returns. .NET converts ``values`` to bytes
    in both layouts, and ``data`` (native) and ``managed_data`` to values. With ``accessor`` the
    managed bytes go through a real MemoryMappedViewAccessor, which is slow.
    """

    types: Sequence[Mapping[str, Any]]
    values: Sequence[Any] = ()
    data: Sequence[bytes] = ()
    managed_data: Sequence[bytes] = ()
    accessor: bool = False


class Bytes(NamedTuple):
    """A value as bytes, or the error. ``overrun``: .NET also wrote outside of these bytes."""

    data: bytes | None
    overrun: bool
    error: DotNetError | None


class Value(NamedTuple):
    """Bytes as a value (in the JSON form of docs/protocol.md), or the error."""

    value: Any
    error: DotNetError | None


class Definition(NamedTuple):
    """The answer of .NET to one :class:`Question`; sizes, offsets and alignments in bytes.

    Offsets are those of the root type's fields in the order of their declaration; the fields of a
    base class come first. ``stride`` is the documented stride of ReadArray; ``accessor_stride`` is
    the measured one, if the question asked for the ``accessor``.
    """

    native_size: int | None
    native_error: DotNetError | None
    native_alignment: int | None
    native_offsets: list[int | None] | None
    managed_size: int | None
    managed_error: DotNetError | None
    managed_alignment: int | None
    managed_offsets: list[int] | None
    stride: int | None
    accessor_stride: int | None
    structure_to_ptr_error: DotNetError | None
    to_bytes: list[Bytes]
    from_bytes: list[Value]
    managed_to_bytes: list[Bytes]
    managed_from_bytes: list[Value]


class ReflectedField(NamedTuple):
    """A field of a :class:`ReflectedType`; offsets in bytes, None if .NET gives no offset."""

    name: str
    native_offset: int | None
    managed_offset: int | None


class ReflectedType(NamedTuple):
    """What .NET reports about one type of an assembly; ``type`` is its reflection full name."""

    type: str
    kind: str
    generic: bool
    by_ref_like: bool
    layout: str
    native_size: int | None
    native_error: DotNetError | None
    native_alignment: int | None
    managed_size: int | None
    managed_error: DotNetError | None
    managed_alignment: int | None
    stride: int | None
    structure_to_ptr_error: DotNetError | None
    fields: list[ReflectedField]


class DotNetTypes:
    """The type system of a .NET peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def define(self, questions: Sequence[Question]) -> list[Definition]:
        """Have .NET build the described types, and return what it reports about each.

        One call with many questions is faster than many calls. Raises DotNetStepError for a
        description that breaks the protocol, PeerFailure if a type crashes the process.
        """
        batch = [_question_to_json(question) for question in questions]
        return [_definition(answer) for answer in self._value({"do": "define", "batch": batch})]

    def reflect(
        self,
        assembly: str | PathLike[str],
        *,
        references: Sequence[str | PathLike[str]] = (),
        types: Sequence[str] | None = None,
    ) -> list[ReflectedType]:
        """Return what .NET reports about the types with layout of an assembly: all, or ``types``.

        ``references`` are folders with assemblies that it needs. No code of the assembly runs.
        Raises DotNetStepError if the file is not an assembly.
        """
        step = {
            "do": "reflect",
            "assembly": fspath(assembly),
            "references": [fspath(folder) for folder in references],
            "types": types if types is None else list(types),
            "out": None,
        }
        return [reflected_from_json(answer) for answer in self._value(step)]

    def reflect_to_file(
        self,
        assembly: str | PathLike[str],
        out: str | PathLike[str],
        *,
        references: Sequence[str | PathLike[str]] = (),
        types: Sequence[str] | None = None,
    ) -> int:
        """Write what :meth:`reflect` returns to a file of JSON lines, and return their number.

        If the call fails, there is no file. :func:`reflected_from_json` reads the lines.
        """
        step = {
            "do": "reflect",
            "assembly": fspath(assembly),
            "references": [fspath(folder) for folder in references],
            "types": types if types is None else list(types),
            "out": fspath(out),
        }
        try:
            count: int = self._value(step)
        except PeerFailure:
            # The process could not remove it.
            Path(f"{fspath(out)}{_UNFINISHED}").unlink(missing_ok=True)
            raise
        return count

    def _value(self, step: Mapping[str, Any]) -> Any:
        (outcome,) = self.peer.request(step)
        if "error" in outcome:
            raise DotNetStepError(outcome["error"])
        return outcome["value"]


def _question_to_json(question: Question) -> dict[str, Any]:
    item: dict[str, Any] = {"types": list(question.types)}
    if question.values:
        item["values"] = list(question.values)
    if question.data:
        item["bytes"] = [data.hex() for data in question.data]
    if question.managed_data:
        item["managed_bytes"] = [data.hex() for data in question.managed_data]
    if question.accessor:
        item["accessor"] = True
    return item


def error_from_json(answer: Mapping[str, Any], name: str) -> DotNetError | None:
    """Return the exception that an answer has under that name, or None."""
    error = answer.get(name)
    return None if error is None else DotNetError(error["type"], error["message"])


def _bytes(answer: Mapping[str, Any]) -> Bytes:
    text = answer.get("bytes")
    data = None if text is None else bytes.fromhex(text)
    return Bytes(data, answer.get("overrun", False), error_from_json(answer, "error"))


def _value(answer: Mapping[str, Any]) -> Value:
    return Value(answer.get("value"), error_from_json(answer, "error"))


def _definition(answer: Mapping[str, Any]) -> Definition:
    return Definition(
        native_size=answer["native_size"],
        native_error=error_from_json(answer, "native_error"),
        native_alignment=answer["native_alignment"],
        native_offsets=answer["native_offsets"],
        managed_size=answer["managed_size"],
        managed_error=error_from_json(answer, "managed_error"),
        managed_alignment=answer["managed_alignment"],
        managed_offsets=answer["managed_offsets"],
        stride=answer["stride"],
        accessor_stride=answer.get("accessor_stride"),
        structure_to_ptr_error=error_from_json(answer, "structure_to_ptr_error"),
        to_bytes=[_bytes(item) for item in answer.get("to_bytes", ())],
        from_bytes=[_value(item) for item in answer.get("from_bytes", ())],
        managed_to_bytes=[_bytes(item) for item in answer.get("managed_to_bytes", ())],
        managed_from_bytes=[_value(item) for item in answer.get("managed_from_bytes", ())],
    )


def reflected_from_json(answer: Mapping[str, Any]) -> ReflectedType:
    """Return the type that one object of the answer to ``reflect`` describes."""
    return ReflectedType(
        type=answer["type"],
        kind=answer["kind"],
        generic=answer["generic"],
        by_ref_like=answer["by_ref_like"],
        layout=answer["layout"],
        native_size=answer["native_size"],
        native_error=error_from_json(answer, "native_error"),
        native_alignment=answer["native_alignment"],
        managed_size=answer["managed_size"],
        managed_error=error_from_json(answer, "managed_error"),
        managed_alignment=answer["managed_alignment"],
        stride=answer["stride"],
        structure_to_ptr_error=error_from_json(answer, "structure_to_ptr_error"),
        fields=[
            ReflectedField(field["name"], field["native_offset"], field["managed_offset"])
            for field in answer["fields"]
        ],
    )
