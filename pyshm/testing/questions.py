"""Ask .NET what it makes of a type: one from a description, or all of a real assembly's.

The peer's steps ``define`` and ``reflect`` (docs/protocol.md) with typed requests and answers.
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

_UNFINISHED = ".part"  # behind the name of a file that the peer is writing


class DotNetError(NamedTuple):
    """An exception: the name of its class without namespace, and its message."""

    type: str
    message: str


class DotNetStepError(PyshmError, RuntimeError):
    """The peer could not do the step as a whole: a malformed request, an unreadable assembly."""

    def __init__(self, error: Mapping[str, Any]) -> None:
        super().__init__(f"{error['type']}: {error['message']}", kind=error["kind"])
        self.error = dict(error)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.error,)


class Question(NamedTuple):
    """One item of ``define``. ``types`` is what pyshm.layout.to_json gives.

    ``values`` go to bytes in both layouts; ``data`` (native) and ``managed_data`` become values.
    With ``accessor`` the managed bytes go through a real MemoryMappedViewAccessor, which is slow.
    """

    types: Sequence[Mapping[str, Any]]
    values: Sequence[Any] = ()
    data: Sequence[bytes] = ()
    managed_data: Sequence[bytes] = ()
    accessor: bool = False


class Bytes(NamedTuple):
    """A value as bytes, or the reason why not. ``overrun``: bytes around them were touched."""

    data: bytes | None
    overrun: bool
    error: DotNetError | None


class Value(NamedTuple):
    """Bytes as a value (encoded as docs/protocol.md says), or the reason why not."""

    value: Any
    error: DotNetError | None


class Definition(NamedTuple):
    """What .NET says of one :class:`Question`; sizes, offsets and alignments in bytes.

    Offsets are those of the root's fields in the order of their declaration, a base class's first.
    ``stride`` is that of ReadArray by the rule, ``accessor_stride`` measured, for an ``accessor``.
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
    """A field of a :class:`ReflectedType`; offsets in bytes, None where .NET gives none."""

    name: str
    native_offset: int | None
    managed_offset: int | None


class ReflectedType(NamedTuple):
    """What .NET says of one type of an assembly; ``type`` is its reflection full name."""

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
    """The type system behind a .NET peer."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer

    def define(self, questions: Sequence[Question]) -> list[Definition]:
        """Have the types built, and tell what .NET makes of each; many at once are faster.

        Raises DotNetStepError for a description that breaks the protocol, PeerFailure if the
        process died of a type.
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
        """Tell what .NET makes of every type with layout of an assembly file, or of some.

        ``references`` are folders where assemblies that it needs may lie. The user's code is not
        run. Raises DotNetStepError if the file is no assembly.
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
        """Like :meth:`reflect`, into a file of JSON lines; returns how many there are.

        The file is there as a whole or not at all; :func:`reflected_from_json` reads its lines.
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
            # It could not tidy up.
            Path(f"{fspath(out)}{_UNFINISHED}").unlink(missing_ok=True)
            raise
        return count

    def _value(self, step: Mapping[str, Any]) -> Any:
        (outcome,) = self.peer.request(step)
        if "error" in outcome:
            raise DotNetStepError(outcome["error"])
        return outcome["value"]


def _question_to_json(question: Question) -> dict[str, Any]:
    made: dict[str, Any] = {"types": list(question.types)}
    if question.values:
        made["values"] = list(question.values)
    if question.data:
        made["bytes"] = [data.hex() for data in question.data]
    if question.managed_data:
        made["managed_bytes"] = [data.hex() for data in question.managed_data]
    if question.accessor:
        made["accessor"] = True
    return made


def error_from_json(answer: Mapping[str, Any], name: str) -> DotNetError | None:
    """The exception that an answer tells under that name, if there was one."""
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
    """One object that ``reflect`` answered, or one line of its file."""
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
