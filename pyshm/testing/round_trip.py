"""Send a value to .NET and back, and compare the values and the bytes of both sides.

Python writes the bytes. .NET reads them into the real type of the user's assembly and writes that
value again. This is done with a copy of the bytes, in a named map that both processes have open,
and in that map with ``accessor.Read<T>`` and ``Write<T>``.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from typing import Any

from .._support.names import written_name
from ..errors import ArgumentError, FormatError
from ..layout.compare import paired
from ..layout.declarations import Array, Nullable, TypeDeclaration, TypeReference
from ..layout.forms import Inline, Layout, Sequence, round_up
from ..layout.traits import is_reference
from ..maps.mapping import MemoryMappedFile
from ..structs.struct import Struct
from .process import Peer
from .questions import DotNetStepError
from .values import all_fields, from_python, is_address, normal

__all__ = ["round_trip_differences"]

_ACCESSOR = "with accessor.Read<T> and Write<T>: "
_CAUSE = (
    "these methods of .NET are the cause, and not a difference of the types: .NET copies the same "
    "value in memory without a change. Some runtimes copy wrongly a struct that ends with a float "
    "and whose [StructLayout] Size is not a multiple of 8. Change the Size in both languages, or "
    "use the marshalled layout, and managed=False here"
)
_ALIGNMENT = 16  # the largest alignment of any type, in bytes


def round_trip_differences(
    peer: Peer, value: Struct, where: Mapping[str, Any], *, marshalled: bool, managed: bool
) -> list[str]:
    """Return a sentence for everything that changed on the way through .NET.

    ``where`` names the type: the arguments ``assembly``, ``references`` and ``type`` of the peer's
    steps. ``marshalled`` and ``managed`` select the layouts. Raises ArgumentError for a value that
    holds addresses, StructValueError for one that its type can't hold.
    """
    data = value.to_bytes()
    _refuse_addresses(value, data)
    step = {"do": "marshal", **where}
    found: list[str] = []
    if marshalled:
        layout = type(value).layout
        (copied,) = _values(peer.request({**step, "bytes": data.hex()}))
        found += _compared(value, data, layout, copied, "")
        answer, written = _through_map(peer, step, data)
        found += _compared(value, data, layout, answer, "through a named map: ", written)
    if managed:
        found += _through_accessor(peer, value, {**step, "managed": True})
    return list(dict.fromkeys(found))


def _through_accessor(peer: Peer, value: Struct, step: Mapping[str, Any]) -> list[str]:
    packing = type(value).managed
    data, layout = packing.to_bytes(value), packing.layout
    answer, written = _through_map(peer, step, data)
    found = list(_compared(value, data, layout, answer, _ACCESSOR, written))
    if not found or not any(_compared(value, data, layout, answer, "")):
        return found
    # Some runtimes copy some types wrongly in these methods alone.
    (copied,) = _values(peer.request({**step, "bytes": data.hex()}))
    if any(_compared(value, data, layout, copied, "")):
        return found
    return [f"{sentence}; {_CAUSE}" for sentence in found]


def _values(outcomes: list[dict[str, Any]]) -> list[Any]:
    for outcome in outcomes:
        if "error" in outcome:
            raise DotNetStepError(outcome["error"])
    return [outcome["value"] for outcome in outcomes]


def _through_map(peer: Peer, step: Mapping[str, Any], data: bytes) -> tuple[Any, bytes]:
    """Have the peer read ``data`` from a map that both have open, and write a copy after it.

    Returns the peer's answer, and the bytes of the copy.
    """
    name = f"pyshm-proof-{os.getpid()}-{secrets.token_hex(6)}"
    copy = round_up(len(data), _ALIGNMENT)  # the offset of the copy
    with (
        MemoryMappedFile.create_new(name, 2 * copy) as shared,
        shared.create_view_accessor() as view,
    ):
        view.buffer[: len(data)] = data
        opened = {"do": "open-existing", "as": "proof-map", "name": name}
        viewed = {"do": "view", "as": "proof-view", "map": "proof-map"}
        copied = {**step, "view": "proof-view", "position": 0, "to": copy}
        outcomes = peer.request(opened, viewed, copied, {"do": "reset"}, on_error="continue")
        answer = _values(outcomes)[2]
        return answer, bytes(view.buffer[copy : copy + len(data)])


# --- comparing ----------------------------------------------------------------------------


def _compared(
    value: Struct,
    data: bytes,
    layout: Layout,
    answer: Mapping[str, Any],
    way: str,
    written: bytes | None = None,
) -> Iterator[str]:
    declaration = layout.declaration
    for sentence in _value_differences(declaration, value, answer["value"]):
        yield way + sentence
    back = bytes.fromhex(answer["bytes"])
    if back != data:
        yield way + _byte_difference(layout, data, back)
    elif written is not None and written != back:
        yield f"{way}the map holds {written.hex(' ')} where .NET wrote {back.hex(' ')}"
    if answer["overrun"]:
        yield f"{way}.NET wrote beyond the end of the type"


def _value_differences(declaration: TypeDeclaration, value: Struct, theirs: Any) -> Iterator[str]:
    """Yield a sentence for each field that has another value in .NET."""
    renamed = _renamed(declaration, theirs)
    for field in type(value).layout.fields:
        if is_address(field.declaration):
            continue
        found = renamed.get(field.dotnet_name, _NOTHING)
        if found is _NOTHING:
            continue  # the comparison of the layouts reports a missing field
        reference = field.declaration.type
        try:
            ours = from_python(reference, getattr(value, field.name))
        except FormatError:
            continue  # the bytes of another field, which overlaps this one and was set
        if normal(reference, found) != ours:
            yield (
                f"field {written_name(field.dotnet_name)}: {getattr(value, field.name)!r} here is "
                f"{found!r} in .NET"
            )


_NOTHING = object()


def _renamed(reference: TypeReference, theirs: Any) -> Any:
    """Return the value of .NET with the field names of our declaration."""
    if isinstance(reference, Nullable):
        reference = reference.value
    if isinstance(reference, Array) and isinstance(theirs, list):
        return [_renamed(reference.element, item) for item in theirs]
    if not isinstance(reference, TypeDeclaration):
        return theirs
    if isinstance(theirs, list) and reference.fields:
        return [_renamed(reference.fields[0].type, item) for item in theirs]
    if not isinstance(theirs, dict):
        return theirs
    fields = all_fields(reference)
    names = list(theirs)
    return {
        fields[ours].name: _renamed(fields[ours].type, theirs[names[mine]])
        for mine, ours in paired(names, [field.name for field in fields])
        if mine is not None and ours is not None
    }


def _byte_difference(layout: Layout, ours: bytes, theirs: bytes) -> str:
    if len(ours) != len(theirs):
        return f".NET wrote {len(theirs)} bytes, Python wrote {len(ours)}"
    first = next(index for index in range(len(ours)) if ours[index] != theirs[index])
    for path, start, end in _leaves(layout, 0, ""):
        if start <= first < end:
            wrote = (
                f".NET wrote {theirs[start:end].hex(' ')}, Python wrote {ours[start:end].hex(' ')}"
            )
            return f"field {path} (bytes {start} to {end - 1}): {wrote}"
    return f"padding at {first}: .NET wrote {theirs[first]:02x}, Python wrote {ours[first]:02x}"


def _leaves(layout: Layout, start: int, prefix: str) -> Iterator[tuple[str, int, int]]:
    """Yield every field that has no fields of its own: its path, its begin and its end."""
    for field in layout.fields:
        path, at = f"{prefix}{written_name(field.dotnet_name)}", start + field.offset
        form = field.form
        if isinstance(form, Inline):
            yield from _leaves(form.layout, at, f"{path}.")
        elif isinstance(form, Sequence) and isinstance(form.element, Inline):
            for index in range(form.count):
                begin = at + index * form.stride
                yield from _leaves(form.element.layout, begin, f"{path}[{index}].")
        else:
            yield path, at, at + field.size


# --- what can't be sent -------------------------------------------------------------------


def _refuse_addresses(value: Struct, data: bytes) -> None:
    """Raise ArgumentError for an address: it belongs to this process, and .NET would use it."""
    for path, start, end in _addresses(type(value).layout, 0, ""):
        if any(data[start:end]):
            raise ArgumentError(
                f"field {path} holds an address, {int.from_bytes(data[start:end], 'little'):#x}, "
                "which is not valid in the .NET process; set the field to 0",
                field=path,
                offset=start,
            )


def _addresses(layout: Layout, start: int, prefix: str) -> Iterator[tuple[str, int, int]]:
    for field in layout.fields:
        path, at = f"{prefix}{written_name(field.dotnet_name)}", start + field.offset
        kind, form = field.declaration.type, field.form
        if is_address(field.declaration) or (
            isinstance(kind, Array) and is_reference(kind.element)
        ):
            yield path, at, at + field.size
        elif isinstance(form, Inline):
            yield from _addresses(form.layout, at, f"{path}.")
        elif isinstance(form, Sequence) and isinstance(form.element, Inline):
            for index in range(form.count):
                begin = at + index * form.stride
                yield from _addresses(form.element.layout, begin, f"{path}[{index}].")
