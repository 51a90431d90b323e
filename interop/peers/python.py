"""The Python peer: the ``pyshm`` command line, and ``serve`` (docs/protocol.md).

python -m interop.peers.python serve
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import signal
import struct
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, BinaryIO, Protocol

import pyshm
from pyshm.cli import program
from pyshm.cli.parser import build_parser
from pyshm.errors import PyshmError
from pyshm.formats.image import ImageData
from pyshm.formats.testdata import TestData
from pyshm.helper import DEFAULT_CAPACITY, ShareMemoryHelper
from pyshm.layout.schema import from_json
from pyshm.maps.accessor import MemoryMappedViewAccessor
from pyshm.maps.elements import ELEMENTS
from pyshm.maps.enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
    MemoryMappedFileRights,
)
from pyshm.maps.mapping import MemoryMappedFile
from pyshm.maps.stream import MemoryMappedViewStream
from pyshm.testing.manifest import manifest_json

from .stress import storm

PROTOCOL = 1

Step = dict[str, Any]

# Both lengths are odd, so that any padding shows.
_EXAMPLE_PATH = "abc"
_EXAMPLE_CONTENT = bytes.fromhex("a1a2a3a4a5")


class _Closable(Protocol):
    def close(self) -> None: ...


class BadStepError(Exception):
    """A step that this peer does not know or that lacks an argument: the harness's mistake."""


class NoObjectError(Exception):
    """A step uses an object that no earlier step made."""


class PythonPeer:
    """Carries out steps; keeps the objects that they make under the names they give."""

    def __init__(self) -> None:
        self.objects: dict[str, _Closable] = {}
        self.streams: dict[str, io.FileIO] = {}
        self.verbs: dict[str, Callable[[Step], Any]] = {
            name[4:].replace("_", "-"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_do_")
        }

    def outcome(self, step: Step) -> dict[str, Any]:
        """Carry out one step: ``{"value": ...}`` or ``{"error": ...}``."""
        try:
            verb = self.verbs.get(step["do"])
            if verb is None:
                raise BadStepError(f"no step {step['do']!r}")
            return {"value": verb(step)}
        except Exception as error:  # noqa: BLE001 - every outcome has to reach the harness
            return {"error": _report(error)}

    def close(self) -> None:
        """Let go of everything, the youngest first."""
        for name in reversed(list(self.objects)):
            self._drop(name)

    # --- System.IO.MemoryMappedFiles ---

    def _do_create_new(self, step: Step) -> None:
        self._keep(step, MemoryMappedFile.create_new(*_named(step), **_creation(step)))

    def _do_create_or_open(self, step: Step) -> None:
        self._keep(step, MemoryMappedFile.create_or_open(*_named(step), **_creation(step)))

    def _do_open_existing(self, step: Step) -> None:
        rights = step.get("rights", int(MemoryMappedFileRights.READ_WRITE))
        self._keep(
            step,
            MemoryMappedFile.open_existing(
                step["name"],
                MemoryMappedFileRights(rights) if 0 <= rights <= 0x1FFFFFF else rights,
                _enum(HandleInheritability, step, "inheritability", 0),
            ),
        )

    def _do_create_from_file(self, step: Step) -> None:
        self._keep(
            step,
            MemoryMappedFile.create_from_file(
                step["path"],
                _enum(FileMode, step, "mode", 3),
                step.get("map_name"),
                step.get("capacity", 0),
                _enum(MemoryMappedFileAccess, step, "access", 0),
            ),
        )

    def _do_create_from_stream(self, step: Step) -> None:
        stream = _open_stream(step)
        try:
            opened = MemoryMappedFile.create_from_file(
                stream,
                map_name=step.get("map_name"),
                capacity=step.get("capacity", 0),
                access=_enum(MemoryMappedFileAccess, step, "access", 0),
                inheritability=_enum(HandleInheritability, step, "inheritability", 0),
                leave_open=step.get("leave_open", False),
            )
        except BaseException:
            stream.close()
            raise
        self._keep(step, opened)
        self.streams[step["as"]] = stream

    def _do_stream_is_open(self, step: Step) -> bool:
        if step["map"] not in self.streams:
            raise NoObjectError(f"no stream under {step['map']!r}")
        return not self.streams[step["map"]].closed

    def _do_view(self, step: Step) -> None:
        self._keep(step, self._map(step).create_view_accessor(*_view(step)))

    def _do_view_stream(self, step: Step) -> None:
        self._keep(step, self._map(step).create_view_stream(*_view(step)))

    def _do_dispose(self, step: Step) -> None:
        self._object(step, "target").close()

    def _do_get(self, step: Step) -> Any:
        target = self._object(step, "target")
        name = step["property"]
        if isinstance(target, MemoryMappedViewStream):
            members: dict[str, Callable[[], Any]] = {
                "length": target.__len__,
                "position": target.tell,
                "can_read": target.readable,
                "can_write": target.writable,
                "can_seek": target.seekable,
            }
            if name in members:
                return members[name]()
        return getattr(target, name)

    def _do_read(self, step: Step) -> Any:
        value = getattr(self._view(step), f"read_{step['type']}")(step["position"])
        return _to_json(step["type"], value)

    def _do_write(self, step: Step) -> None:
        value = _from_json(step["type"], step["value"])
        getattr(self._view(step), f"write_{step['type']}")(step["position"], value)

    def _do_read_array(self, step: Step) -> dict[str, Any]:
        kind = step["type"]
        length = step.get("length", max(step["count"], 0))
        items: Any = bytearray(length) if kind == "byte" else [_default(kind)] * length
        count = self._view(step).read_array(
            step["position"],
            items,
            step.get("offset", 0),
            step["count"],
            element=ELEMENTS[kind],
        )
        if kind == "byte":
            return {"count": count, "items": items.hex()}
        return {"count": count, "items": [_to_json(kind, item) for item in items]}

    def _do_write_array(self, step: Step) -> None:
        kind = step["type"]
        items: Any
        if kind == "byte":
            items = bytes.fromhex(step["items"])
        else:
            items = [_from_json(kind, item) for item in step["items"]]
        self._view(step).write_array(
            step["position"],
            items,
            step.get("offset", 0),
            step.get("count"),
            element=ELEMENTS[kind],
        )

    def _do_flush(self, step: Step) -> None:
        target = self._object(step, "target")
        assert isinstance(target, (MemoryMappedViewAccessor, MemoryMappedViewStream))
        target.flush()

    def _do_stream_read(self, step: Step) -> str:
        target = bytearray(step["count"])
        count = self._stream(step).readinto(target)
        return target[:count].hex()

    def _do_stream_write(self, step: Step) -> None:
        self._stream(step).write(bytes.fromhex(step["bytes"]))

    def _do_stream_seek(self, step: Step) -> int:
        return self._stream(step).seek(step["offset"], step["origin"])

    def _do_stream_set_length(self, step: Step) -> None:
        self._stream(step).truncate(step["length"])

    # --- the models ---

    def _do_helper(self, step: Step) -> None:
        helper = ShareMemoryHelper(step.get("name"), step.get("capacity", DEFAULT_CAPACITY))
        how = step["how"]
        if how == "create-or-open":
            helper.create_or_open()
        elif how == "open":
            helper.open()
        else:
            helper.create_from_file(step["path"])
        self._keep(step, helper)

    def _do_write_bytes(self, step: Step) -> None:
        self._helper(step).write_bytes(bytes.fromhex(step["bytes"]), step.get("offset", 0))

    def _do_read_bytes(self, step: Step) -> dict[str, Any]:
        return _digest("length", self._helper(step).read_bytes())

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        size = _image(step).write_into(target, errors=_errors(step))
        return _digest("bytes", target[:size])

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        return _image_report(ImageData.from_bytes(self._memory(step), errors=_errors(step)))

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        _struct(step).pack_into(target)
        return _digest("bytes", target[: TestData.layout.size])

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        return _struct_report(TestData.unpack_from(self._memory(step)))

    # --- without a map ---

    def _do_layout(self, step: Step) -> dict[str, Any]:
        if step["type"] != "TestData":
            raise BadStepError(f"no type {step['type']!r}")
        layout = TestData.layout
        fields = [
            {"name": field.dotnet_name, "offset": field.offset, "size": field.size}
            for field in layout.fields
        ]
        return {"size": layout.size, "fields": fields}

    def _do_manifest(self, step: Step) -> list[dict[str, Any]]:
        if "types" in step:
            return manifest_json(from_json(step["types"]))
        if step["type"] == "TestData":
            return manifest_json(TestData.declaration)
        if step["type"] == "ImageData":
            return _blob_manifest(self.encode(_EXAMPLE_PATH, _EXAMPLE_CONTENT))
        raise BadStepError(f"no type {step['type']!r}")

    def encode(self, path: str, content: bytes) -> bytes:
        """A blob's bytes."""
        return ImageData(path, content).to_bytes()

    def _do_encode_image(self, step: Step) -> dict[str, str]:
        image = _image(step)
        if "length" not in step:
            return {"bytes": image.to_bytes(errors=_errors(step)).hex()}
        target = bytearray(step["length"])
        image.write_into(target, errors=_errors(step))
        return {"bytes": target.hex()}

    def _do_decode_image(self, step: Step) -> dict[str, Any]:
        content = bytes.fromhex(step["bytes"])
        return _image_report(ImageData.from_bytes(content, errors=_errors(step)))

    def _do_encode_struct(self, step: Step) -> dict[str, str]:
        target = bytearray(step.get("length", TestData.layout.size))
        _struct(step).pack_into(target)
        return {"bytes": target.hex()}

    def _do_decode_struct(self, step: Step) -> dict[str, Any]:
        return _struct_report(TestData.from_bytes(bytes.fromhex(step["bytes"])))

    def _do_storm(self, step: Step) -> dict[str, Any]:
        return storm(step["name"], step["rounds"], step["seed"], step["slot"])

    def _do_ping(self, step: Step) -> str:  # noqa: ARG002 - every verb takes its step
        return "pong"

    def _do_reset(self, step: Step) -> None:  # noqa: ARG002 - every verb takes its step
        self.close()

    # --- objects ---

    def _keep(self, step: Step, made: _Closable) -> None:
        self._drop(step["as"])
        self.objects[step["as"]] = made

    def _drop(self, name: str) -> None:
        made = self.objects.pop(name, None)
        if made is not None:
            made.close()
        stream = self.streams.pop(name, None)
        if stream is not None:
            stream.close()

    def _object(self, step: Step, key: str) -> _Closable:
        try:
            return self.objects[step[key]]
        except KeyError:
            raise NoObjectError(f"no object {step.get(key)!r}") from None

    def _map(self, step: Step) -> MemoryMappedFile:
        target = self._object(step, "map")
        assert isinstance(target, MemoryMappedFile)
        return target

    def _view(self, step: Step) -> MemoryMappedViewAccessor:
        target = self._object(step, "view")
        assert isinstance(target, MemoryMappedViewAccessor)
        return target

    def _stream(self, step: Step) -> MemoryMappedViewStream:
        target = self._object(step, "stream")
        assert isinstance(target, MemoryMappedViewStream)
        return target

    def _helper(self, step: Step) -> ShareMemoryHelper:
        target = self._object(step, "helper")
        assert isinstance(target, ShareMemoryHelper)
        return target

    def _memory(self, step: Step) -> memoryview:
        """The memory of a helper, or of an accessor."""
        if "helper" in step:
            helper = self._helper(step)
            helper.accessor.check_backed()
            return helper.buffer
        target = self._object(step, "map")
        assert isinstance(target, MemoryMappedViewAccessor)
        target.check_backed()
        return target.buffer


# --- arguments and values -----------------------------------------------------------------


def _enum(kind: type[Any], step: Step, key: str, default: int) -> Any:
    number = step.get(key, default)
    try:
        return kind(number)
    except ValueError:
        return number  # the library has to refuse it


def _named(step: Step) -> tuple[Any, int]:
    return step.get("name"), step["capacity"]


def _creation(step: Step) -> dict[str, Any]:
    return {
        "access": _enum(MemoryMappedFileAccess, step, "access", 0),
        "options": _enum(MemoryMappedFileOptions, step, "options", 0),
        "inheritability": _enum(HandleInheritability, step, "inheritability", 0),
    }


def _view(step: Step) -> tuple[int, int, Any]:
    access = _enum(MemoryMappedFileAccess, step, "access", 0)
    return step.get("offset", 0), step.get("size", 0), access


def _open_stream(step: Step) -> io.FileIO:
    """A FileStream's equivalent: opened by FileMode and FileAccess, unbuffered."""
    access = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[step.get("file_access", 3)]
    modes = {
        FileMode.CREATE_NEW: os.O_CREAT | os.O_EXCL,
        FileMode.CREATE: os.O_CREAT | os.O_TRUNC,
        FileMode.OPEN: 0,
        FileMode.OPEN_OR_CREATE: os.O_CREAT,
        FileMode.TRUNCATE: os.O_TRUNC,
    }
    flags = access | modes[FileMode(step.get("mode", 3))] | getattr(os, "O_BINARY", 0)
    descriptor = os.open(step["path"], flags, 0o666)
    return io.FileIO(descriptor, {1: "rb", 2: "wb", 3: "rb+"}[step.get("file_access", 3)])


def _blob_manifest(data: bytes) -> list[dict[str, Any]]:
    """The blob of the example as if it were a struct, measured in its bytes."""
    fields: list[dict[str, Any]] = []
    for name, part in (("path", _EXAMPLE_PATH.encode()), ("content", _EXAMPLE_CONTENT)):
        start = data.find(part)
        # The length stands in front of what it counts, if it is there at all.
        there = data[max(start - 4, 0) : start] == struct.pack("<i", len(part))
        place = {"native_offset": start - 4 if there else None, "native_size": 4 if there else None}
        fields.append({"name": f"{name}_length", "type": "int", **place})
        marshal_as = {"unmanaged_type": "ByValArray", "size_const": len(part)}
        whole = {"name": name, "type": {"array": "byte"}, "marshal_as": marshal_as}
        fields.append({**whole, "native_offset": start, "native_size": len(part)})
    head = {"name": "ImageData", "kind": "struct", "pack": 1}
    return [{**head, "fields": fields, "native_size": len(data)}]


def _errors(step: Step) -> Any:
    return "replace" if step.get("replace") else "strict"


def _image(step: Step) -> ImageData:
    if "file" in step:
        with open(step["file"], "rb") as file:
            return ImageData(step["path"], file.read())
    return ImageData(step["path"], bytes.fromhex(step["bytes"]))


def _struct(step: Step) -> TestData:
    value = TestData.standard()
    value.id, value.age, value.scores = step["id"], step["age"], step["scores"]
    return value


def _image_report(image: ImageData) -> dict[str, Any]:
    return {"path": image.path, **_digest("length", image.content)}


def _struct_report(value: TestData) -> dict[str, Any]:
    return {"id": value.id, "age": value.age, "scores": value.scores, "text": str(value)}


def _digest(key: str, data: Any) -> dict[str, Any]:
    return {key: len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _to_json(kind: str, value: Any) -> Any:
    if kind == "char":
        return ord(value)
    if kind in ("single", "double"):
        return struct.pack(">f" if kind == "single" else ">d", value).hex()
    return f"{value:f}" if kind == "decimal" else value


def _from_json(kind: str, value: Any) -> Any:
    if kind == "char":
        return chr(value)
    if kind in ("single", "double"):
        return struct.unpack(">f" if kind == "single" else ">d", bytes.fromhex(value))[0]
    return Decimal(value) if kind == "decimal" else value


def _default(kind: str) -> Any:
    return {"boolean": False, "char": "\0", "single": 0.0, "double": 0.0}.get(
        kind, Decimal(0) if kind == "decimal" else 0
    )


def _report(error: BaseException) -> dict[str, Any]:
    if isinstance(error, PyshmError):
        kind = error.kind
    elif isinstance(error, NoObjectError):
        kind = "no-object"
    elif isinstance(error, OSError):
        kind = _os_error_kind(error)
    else:
        kind = "unexpected"
    return {
        "kind": kind,
        "type": type(error).__name__,
        "message": str(error),
        "field": getattr(error, "field", None),
        "offset": getattr(error, "offset", None),
        "value": _plain(getattr(error, "value", None)),
        "limit": _plain(getattr(error, "limit", None)),
    }


def _os_error_kind(error: OSError) -> str:
    """What ``open`` raised before the library was even asked (create-from-stream, file)."""
    if isinstance(error, FileNotFoundError):
        return "not-found"
    if isinstance(error, FileExistsError):
        return "already-exists"
    if getattr(error, "winerror", None) == 32:  # ERROR_SHARING_VIOLATION, an IOException in .NET
        return "io"
    return "unauthorized" if isinstance(error, (PermissionError, IsADirectoryError)) else "io"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, str, type(None))) else str(value)


# --- the conversation ---------------------------------------------------------------------


def hello() -> dict[str, Any]:
    """What the peer says first."""
    return {
        "hello": {
            "protocol": PROTOCOL,
            "language": "python",
            "runtime": f"{platform.python_implementation()} {platform.python_version()}",
            "version": pyshm.__version__,
            "system": {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform),
            "pid": os.getpid(),
        }
    }


def answer(peer: PythonPeer, line: bytes) -> dict[str, Any]:
    """The response to one request line."""
    try:
        request = json.loads(line)
    except ValueError as error:
        return {"id": None, "nonce": None, "fatal": f"no JSON: {error}"}
    if not isinstance(request, dict):
        return {"id": None, "nonce": None, "fatal": "a request is a JSON object"}
    response: dict[str, Any] = {"id": request.get("id"), "nonce": request.get("nonce")}
    reason = _what_is_wrong(request)
    if reason is not None:
        return {**response, "fatal": reason}
    outcomes: list[dict[str, Any]] = []
    for step in request["steps"]:
        outcomes.append(peer.outcome(step))
        if "error" in outcomes[-1] and request.get("on_error", "stop") == "stop":
            break
    return {**response, "outcomes": outcomes}


def _what_is_wrong(request: Step) -> str | None:
    """Why none of the request's steps can be carried out; None if they can."""
    steps = request.get("steps")
    if not isinstance(steps, list):
        return 'a request has "steps", an array'
    if not all(isinstance(step, dict) and isinstance(step.get("do"), str) for step in steps):
        return 'a step is an object with "do", a string'
    if request.get("on_error", "stop") not in ("stop", "continue"):
        return '"on_error" is "stop" or "continue"'
    return None


def serve(source: BinaryIO, target: BinaryIO, peer: PythonPeer | None = None) -> int:
    """Answer request lines until ``source`` ends."""
    peer = peer or PythonPeer()

    def say(message: dict[str, Any]) -> None:
        target.write(json.dumps(message).encode("ascii") + b"\n")
        target.flush()

    try:
        say(hello())
        for line in source:
            say(answer(peer, line))
    finally:
        peer.close()
    return 0


def main(argv: Sequence[str] | None = None) -> int:
    """``serve``, or whatever the ``pyshm`` command does."""
    if (sys.argv[1:] if argv is None else list(argv)) == ["serve"]:
        # Nothing but the protocol may reach standard output.
        target = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        # Without these a signal would end the process with its maps still in the directory.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
        return serve(sys.stdin.buffer, target)
    return program.run(build_parser("python_peer"), argv)


if __name__ == "__main__":
    sys.exit(main())
