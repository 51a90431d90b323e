"""The Python peer: the ``pyshm`` command line, and ``serve`` (docs/protocol.md).

python -m interop.peers.python serve
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from pyshm.cli import program
from pyshm.cli.parser import build_parser
from pyshm.formats.image import ImageData
from pyshm.formats.testdata import TestData
from pyshm.helper import ShareMemoryHelper
from pyshm.layout.schema import from_json
from pyshm.maps.accessor import MemoryMappedViewAccessor
from pyshm.maps.elements import ELEMENTS
from pyshm.maps.enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileRights,
)
from pyshm.maps.mapping import MemoryMappedFile
from pyshm.maps.stream import MemoryMappedViewStream
from pyshm.testing.manifest import manifest_json

from . import values
from .channels import ChannelSteps
from .serve import Step, serve
from .stress import stress
from .values import BadStepError, NoObjectError, digest

__all__ = ["PythonPeer", "main"]

# Both lengths are odd, so that any padding shows.
_EXAMPLE_PATH = "abc"
_EXAMPLE_CONTENT = bytes.fromhex("a1a2a3a4a5")


class _Closable(Protocol):
    def close(self) -> None: ...


class PythonPeer:
    """The steps, by pyshm; the objects that they make are kept under the names that they give."""

    def __init__(self) -> None:
        self.objects: dict[str, _Closable] = {}
        self.streams: dict[str, io.FileIO] = {}
        self.steps: dict[str, Callable[[Step], Any]] = {
            name[4:].replace("_", "-"): getattr(self, name)
            for name in dir(self)
            if name.startswith("_do_")
        } | ChannelSteps(self).table()

    def outcome(self, step: Step) -> dict[str, Any]:
        """Carry out one step; return ``{"value": ...}`` or ``{"error": ...}``."""
        try:
            method = self.steps.get(step["do"])
            if method is None:
                raise BadStepError(f"there is no step {step['do']!r}")
            return {"value": method(step)}
        except Exception as error:  # noqa: BLE001 - every error is an answer
            return {"error": values.error_report(error)}

    def close(self) -> None:
        """Close every object, the newest first."""
        for name in reversed(list(self.objects)):
            self._drop(name)

    # --- System.IO.MemoryMappedFiles ---

    def _do_create_new(self, step: Step) -> None:
        self.keep(step, MemoryMappedFile.create_new(*values.named(step), **values.creation(step)))

    def _do_create_or_open(self, step: Step) -> None:
        self.keep(
            step, MemoryMappedFile.create_or_open(*values.named(step), **values.creation(step))
        )

    def _do_open_existing(self, step: Step) -> None:
        rights = step.get("rights", int(MemoryMappedFileRights.READ_WRITE))
        self.keep(
            step,
            MemoryMappedFile.open_existing(
                step["name"],
                MemoryMappedFileRights(rights) if 0 <= rights <= 0x1FFFFFF else rights,
                values.enum(HandleInheritability, step, "inheritability", 0),
            ),
        )

    def _do_create_from_file(self, step: Step) -> None:
        self.keep(
            step,
            MemoryMappedFile.create_from_file(
                step["path"],
                values.enum(FileMode, step, "mode", 3),
                step.get("map_name"),
                step.get("capacity", 0),
                values.enum(MemoryMappedFileAccess, step, "access", 0),
            ),
        )

    def _do_create_from_stream(self, step: Step) -> None:
        stream = values.open_stream(step)
        try:
            opened = MemoryMappedFile.create_from_file(
                stream,
                map_name=step.get("map_name"),
                capacity=step.get("capacity", 0),
                access=values.enum(MemoryMappedFileAccess, step, "access", 0),
                inheritability=values.enum(HandleInheritability, step, "inheritability", 0),
                leave_open=step.get("leave_open", False),
            )
        except BaseException:
            stream.close()
            raise
        self.keep(step, opened)
        self.streams[step["as"]] = stream

    def _do_stream_is_open(self, step: Step) -> bool:
        if step["map"] not in self.streams:
            raise NoObjectError(f"there is no stream under {step['map']!r}")
        return not self.streams[step["map"]].closed

    def _do_view(self, step: Step) -> None:
        self.keep(step, self._map(step).create_view_accessor(*values.view(step)))

    def _do_view_stream(self, step: Step) -> None:
        self.keep(step, self._map(step).create_view_stream(*values.view(step)))

    def _do_dispose(self, step: Step) -> None:
        self._object(step, "target").close()

    def _do_forget(self, step: Step) -> None:
        self._object(step, "target")
        del self.objects[step["target"]]
        gc.collect()

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
        return values.to_json(step["type"], value)

    def _do_write(self, step: Step) -> None:
        value = values.from_json(step["type"], step["value"])
        getattr(self._view(step), f"write_{step['type']}")(step["position"], value)

    def _do_read_array(self, step: Step) -> dict[str, Any]:
        kind = step["type"]
        length = step.get("length", max(step["count"], 0))
        items: Any = bytearray(length) if kind == "byte" else [values.default(kind)] * length
        count = self._view(step).read_array(
            step["position"],
            items,
            step.get("offset", 0),
            step["count"],
            element=ELEMENTS[kind],
        )
        if kind == "byte":
            return {"count": count, "items": items.hex()}
        return {"count": count, "items": [values.to_json(kind, item) for item in items]}

    def _do_write_array(self, step: Step) -> None:
        kind = step["type"]
        items: Any
        if kind == "byte":
            items = bytes.fromhex(step["items"])
        else:
            items = [values.from_json(kind, item) for item in step["items"]]
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
        capacity = step.get("capacity", ShareMemoryHelper.DEFAULT_CAPACITY)
        access = values.enum(MemoryMappedFileAccess, step, "access", 0)
        helper = ShareMemoryHelper(step.get("name"), capacity, access=access)
        how = step["how"]
        if how == "create-or-open":
            helper.create_or_open()
        elif how == "open":
            helper.open()
        else:
            helper.create_from_file(step["path"])
        self.keep(step, helper)

    def _do_write_bytes(self, step: Step) -> None:
        self._helper(step).write_bytes(bytes.fromhex(step["bytes"]), step.get("offset", 0))

    def _do_read_bytes(self, step: Step) -> dict[str, Any]:
        return digest("length", self._helper(step).read_bytes())

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        size = values.image_of(step).write_into(target, strict=values.strict(step))
        return digest("bytes", target[:size])

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        return values.image_report(
            ImageData.from_bytes(self._memory(step), strict=values.strict(step))
        )

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        values.struct_of(step).pack_into(target)
        return digest("bytes", target[: TestData.layout.size])

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        return values.struct_report(TestData.unpack_from(self._memory(step)))

    # --- without a map ---

    def _do_layout(self, step: Step) -> dict[str, Any]:
        if step["type"] != "TestData":
            raise BadStepError(f"there is no type {step['type']!r}")
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
            return manifest_json(TestData.layout.declaration)
        if step["type"] == "ImageData":
            return values.blob_manifest(
                _EXAMPLE_PATH, _EXAMPLE_CONTENT, self.encode(_EXAMPLE_PATH, _EXAMPLE_CONTENT)
            )
        raise BadStepError(f"there is no type {step['type']!r}")

    def encode(self, path: str, content: bytes) -> bytes:
        """Return the bytes of a blob."""
        return ImageData(path, content).to_bytes()

    def _do_encode_image(self, step: Step) -> dict[str, str]:
        image = values.image_of(step)
        if "length" not in step:
            return {"bytes": image.to_bytes(strict=values.strict(step)).hex()}
        target = bytearray(step["length"])
        image.write_into(target, strict=values.strict(step))
        return {"bytes": target.hex()}

    def _do_decode_image(self, step: Step) -> dict[str, Any]:
        content = bytes.fromhex(step["bytes"])
        return values.image_report(ImageData.from_bytes(content, strict=values.strict(step)))

    def _do_encode_struct(self, step: Step) -> dict[str, str]:
        target = bytearray(step.get("length", TestData.layout.size))
        values.struct_of(step).pack_into(target)
        return {"bytes": target.hex()}

    def _do_decode_struct(self, step: Step) -> dict[str, Any]:
        return values.struct_report(TestData.from_bytes(bytes.fromhex(step["bytes"])))

    def _do_stress(self, step: Step) -> dict[str, Any]:
        return stress(step["name"], step["rounds"], step["seed"], step["slot"])

    def _do_ping(self, step: Step) -> str:  # noqa: ARG002 - every method takes its step
        return "pong"

    def _do_reset(self, step: Step) -> None:  # noqa: ARG002 - every method takes its step
        self.close()

    # --- objects ---

    def keep(self, step: Step, target: _Closable) -> None:
        """Store an object under the name that the step gives."""
        self._drop(step["as"])
        self.objects[step["as"]] = target

    def _drop(self, name: str) -> None:
        target = self.objects.pop(name, None)
        if target is not None:
            target.close()
        stream = self.streams.pop(name, None)
        if stream is not None:
            stream.close()

    def find(self, name: str | None) -> _Closable:
        """Return the object that is stored under a name."""
        found = None if name is None else self.objects.get(name)
        if found is None:
            raise NoObjectError(f"there is no object {name!r}")
        return found

    def _object(self, step: Step, key: str) -> _Closable:
        return self.find(step.get(key))

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


def main(argv: Sequence[str] | None = None) -> int:
    """Run ``serve``, or a command of ``pyshm``; return the exit status."""
    if (sys.argv[1:] if argv is None else list(argv)) == ["serve"]:
        # Standard output carries the protocol; what else is printed goes to standard error.
        target = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        # By default these signals end the process before it can remove the files of its maps.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda number, _frame: sys.exit(128 + number))
        return serve(sys.stdin.buffer, target, PythonPeer())
    return program.run(build_parser("python_peer"), argv)


if __name__ == "__main__":
    sys.exit(main())
