"""Python peers that are wrong on purpose: each has one of the usual mistakes.

    python -m interop.peers.faulty FAULT serve

The tests of the harness prove that the cases find each fault (interop/tests/exchange/).
"""

from __future__ import annotations

import json
import os
import struct
import sys
import time
from collections.abc import Callable
from typing import Any, BinaryIO

from pyshm.formats.image import ImageData
from pyshm.formats.testdata import TestData
from pyshm.layout.schema import to_json

from .python import PythonPeer
from .serve import Step, answer, hello, send, serve
from .values import digest, image_of, strict

__all__ = ["CONVERSATION_FAULTS", "LAYOUT_FAULTS", "MODEL_FAULTS", "main"]

Response = dict[str, Any]


class _StructPeer(PythonPeer):
    """A peer that writes and reads TestData in a layout of its own."""

    code = "<12i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return values

    def from_flat(self, values: list[Any]) -> list[int]:
        return values

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        super()._do_write_struct(step)  # its errors and its answer are right
        values = [step["id"], step["age"], *step["scores"]]
        struct.pack_into(self.code, target, 0, *self.to_flat(values))
        return digest("bytes", target[:48])

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        super()._do_read_struct(step)
        flat = list(struct.unpack_from(self.code, self._memory(step), 0))
        values = self.from_flat(flat)
        text = f"Id={values[0]},Age={values[1]},Scores={','.join(map(str, values[2:]))}"
        return {"id": values[0], "age": values[1], "scores": values[2:], "text": text}


class FieldsSwapped(_StructPeer):
    """Writes Age before Id."""

    def _do_manifest(self, step: Step) -> list[dict[str, Any]]:
        if step.get("type") == "TestData":
            step = {"types": to_json(TestData.layout.declaration)}
            _swap(step["types"])
        return super()._do_manifest(step)

    def to_flat(self, values: list[int]) -> list[Any]:
        return [values[1], values[0], *values[2:]]

    from_flat = to_flat


class BigEndian(_StructPeer):
    """Writes integers in network byte order."""

    code = ">12i"


class Unsigned(_StructPeer):
    """Reads int as uint: the bytes are right, negative values are not."""

    code = "<12I"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [value & 0xFFFF_FFFF for value in values]


class ShortScores(_StructPeer):
    """Writes scores as short: the size of the struct is right, the distance of elements is not."""

    code = "<ii10h20x"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [*values[:2], *((value + 2**15) % 2**16 - 2**15 for value in values[2:])]


class NinthScoreLost(_StructPeer):
    """Writes nine scores, as with SizeConst = 9."""

    code = "<11i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return values[:11]


class CountFirst(_StructPeer):
    """Writes the number of scores before them, as serializers do."""

    code = "<13i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [*values[:2], 10, *values[2:]]

    def from_flat(self, values: list[Any]) -> list[int]:
        return [*values[:2], *values[3:]]


class _BlobPeer(PythonPeer):
    """A peer with a blob format of its own: subclasses override ``encode``."""

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        image = image_of(step)
        super()._do_write_image(step)
        data = self.encode(image.path.encode("utf-8", "replace").decode(), bytes(image.content))
        target = self._memory(step)
        data = data[: len(target)]
        target[: len(data)] = data
        return digest("bytes", data)


def _packed(*parts: bytes) -> bytes:
    return b"".join(struct.pack("<i", len(part)) + part for part in parts)


class Pack4(_BlobPeer):
    """Aligns the fields of a blob to four bytes, as Pack = 4 does."""

    def encode(self, path: str, content: bytes) -> bytes:
        text = path.encode()
        padded = text.ljust(-(-len(text) // 4) * 4, b"\0")
        lengths = struct.pack("<i", len(text)), struct.pack("<i", len(content))
        return lengths[0] + padded + lengths[1] + content


class ByteOrderMark(_BlobPeer):
    """Writes a byte order mark before the path, as a StreamWriter does."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode("utf-8-sig"), content)


class Utf16(_BlobPeer):
    """Writes the path in UTF-16, as Encoding.Unicode does."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode("utf-16-le"), content)


class CountsCharacters(_BlobPeer):
    """Writes the length of the path in characters, not in bytes."""

    def encode(self, path: str, content: bytes) -> bytes:
        head = struct.pack("<i", len(path)) + path.encode()
        return head + struct.pack("<i", len(content)) + content


class Terminated(_BlobPeer):
    """Writes a NUL after the path and counts it."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode() + b"\0", content)


class LengthOffByOne(_BlobPeer):
    """Writes a content length that is too large by one."""

    def encode(self, path: str, content: bytes) -> bytes:
        text = path.encode()
        head = struct.pack("<i", len(text)) + text
        return head + struct.pack("<i", len(content) + 1) + content


class SevenBit(_BlobPeer):
    """Writes the length of the path in 7-bit groups, as BinaryWriter does."""

    def encode(self, path: str, content: bytes) -> bytes:
        text, length, prefix = path.encode(), len(path.encode()), b""
        while length > 127:
            prefix += bytes([length & 127 | 128])
            length >>= 7
        return prefix + bytes([length]) + text + struct.pack("<i", len(content)) + content


class ClearsTheRest(PythonPeer):
    """Sets all bytes after the written ones to zero; they must not change."""

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        result = super()._do_write_image(step)
        target = self._memory(step)
        target[result["bytes"] :] = bytes(len(target) - result["bytes"])
        return result

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        result = super()._do_write_struct(step)
        target = self._memory(step)
        target[48:] = bytes(len(target) - 48)
        return result


class WritesBeforeChecking(PythonPeer):
    """Writes the first part of a value before it finds that the rest does not fit."""

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        path = step["path"].encode("utf-8", "replace")[: max(len(target) - 4, 0)]
        if len(target) >= 4 + len(path):
            target[: 4 + len(path)] = struct.pack("<i", len(path)) + path
        return super()._do_write_image(step)

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        if len(target) >= 8 and step["scores"]:
            target[:8] = struct.pack("<q", step["id"])
        return super()._do_write_struct(step)


class Lenient(PythonPeer):
    """Reads invalid UTF-8 as U+FFFD, also without ``replace``."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        return super()._do_read_image({**step, "replace": True})

    def _do_decode_image(self, step: Step) -> dict[str, Any]:
        return super()._do_decode_image({**step, "replace": True})


class ReadsLess(PythonPeer):
    """Reads fewer bytes than a length says, where there are not enough, as Take() does."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        memory = bytes(self._memory(step))
        length = int.from_bytes(memory[:4], "little", signed=True)
        if length < 0 or len(memory) < 8 + length:
            return super()._do_read_image(step)
        content_length = int.from_bytes(memory[4 + length : 8 + length], "little")
        content = memory[8 + length : 8 + length + content_length]
        image = ImageData.from_bytes(_packed(memory[4 : 4 + length], content), strict=strict(step))
        return {"path": image.path, **digest("length", content)}


class ReadsTheWholeMap(PythonPeer):
    """Reads all bytes after the second length as content."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        result = super()._do_read_image(step)
        start = 8 + len(result["path"].encode())
        return {**result, **digest("length", bytes(self._memory(step))[start:])}


class AnswersStandard(PythonPeer):
    """Answers the standard values without reading the map."""

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        scores = list(range(60, 70))
        text = f"Id=100,Age=20,Scores={','.join(map(str, scores))}"
        return {"id": 100, "age": 20, "scores": scores, "text": text}


class WritesToACopy(PythonPeer):
    """Writes to private memory in place of the map."""

    def _memory(self, step: Step) -> memoryview:
        return memoryview(self.__dict__.setdefault("private", bytearray(65_536)))


class NeverDisposes(PythonPeer):
    """Keeps its maps when it has to dispose of them."""

    def _do_reset(self, step: Step) -> None:
        self.__dict__.setdefault("forgotten", []).extend(self.objects.values())
        self.objects.clear()


class CreatesInsteadOfOpening(PythonPeer):
    """Uses CreateOrOpen in place of OpenExisting, with another name."""

    def _do_helper(self, step: Step) -> None:
        if step["how"] == "open":
            step = {**step, "how": "create-or-open", "name": step["name"] + "-mine"}
        super()._do_helper(step)


class RoundsUpTheCapacity(PythonPeer):
    """Makes the map whole pages, so that more fits than the capacity that it was given."""

    def _do_helper(self, step: Step) -> None:
        if step.get("name") and step["how"] == "create-or-open":
            step = {**step, "capacity": -(-step["capacity"] // 4096) * 4096}
        super()._do_helper(step)


# --- faults of the layout of any described type -------------------------------------------


def _swap(types: list[dict[str, Any]]) -> None:
    """Exchange the first two fields of the type."""
    fields = types[-1]["fields"]
    fields[0], fields[1] = fields[1], fields[0]


def _pack_4(types: list[dict[str, Any]]) -> None:
    """Lay out types as if Pack = 4 were the default."""
    for described in types:
        described.setdefault("pack", 4)


def _bool_of_one_byte(types: list[dict[str, Any]]) -> None:
    """Lay out a bool as one byte, as C++ does."""
    for described in types:
        for field in described.get("fields", ()):
            if field["type"] == "bool":
                field.setdefault("marshal_as", {"unmanaged_type": "U1"})


LAYOUT_FAULTS: dict[str, Callable[[list[dict[str, Any]]], None]] = {
    "layout-fields-swapped": _swap,
    "layout-pack-4": _pack_4,
    "layout-bool-of-one-byte": _bool_of_one_byte,
}


class WrongLayout(PythonPeer):
    """Changes every type that is described to it before it lays it out."""

    def __init__(self, fault: Callable[[list[dict[str, Any]]], None]) -> None:
        super().__init__()
        self.fault = fault

    def _do_manifest(self, step: Step) -> list[dict[str, Any]]:
        if "types" in step:
            self.fault(step["types"])
        return super()._do_manifest(step)


MODEL_FAULTS: dict[str, type[PythonPeer]] = {
    "fields-swapped": FieldsSwapped,
    "big-endian": BigEndian,
    "unsigned": Unsigned,
    "short-scores": ShortScores,
    "ninth-score-lost": NinthScoreLost,
    "count-first": CountFirst,
    "pack-4": Pack4,
    "byte-order-mark": ByteOrderMark,
    "utf-16": Utf16,
    "counts-characters": CountsCharacters,
    "terminated": Terminated,
    "length-off-by-one": LengthOffByOne,
    "seven-bit-length": SevenBit,
    "clears-the-rest": ClearsTheRest,
    "writes-before-checking": WritesBeforeChecking,
    "lenient-utf-8": Lenient,
    "reads-less": ReadsLess,
    "reads-the-whole-map": ReadsTheWholeMap,
    "answers-standard": AnswersStandard,
    "writes-to-a-copy": WritesToACopy,
    "never-disposes": NeverDisposes,
    "creates-instead-of-opening": CreatesInsteadOfOpening,
    "rounds-up-the-capacity": RoundsUpTheCapacity,
}


# --- faults of the conversation -----------------------------------------------------------


def _silent(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    answer(peer, line)


def _late(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    time.sleep(30)  # longer than the test waits; the test kills this process
    send(answer(peer, line), target)


def _crashes(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    os.abort()


def _exits_with_0(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    os._exit(0)


def _garbage(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    target.write(b"Unhandled exception. System.AccessViolationException\n")
    target.flush()


def _nested(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    target.write(b"[" * 100_000 + b"\n")
    target.flush()


def _half_a_line(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    target.write(json.dumps(answer(peer, line)).encode()[:-7])
    target.flush()
    os._exit(3)


def _old_nonce(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    send({**answer(peer, line), "nonce": "0" * 32}, target)


def _wrong_number(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    send({**response, "id": response["id"] + 1}, target)


def _drops_outcomes(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    send({**response, "outcomes": response["outcomes"][:-1]}, target)


def _answers_twice(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    send(response, target)
    send(response, target)


CONVERSATION_FAULTS: dict[str, Callable[[bytes, PythonPeer, BinaryIO], None]] = {
    "silent": _silent,
    "late": _late,
    "crashes": _crashes,
    "exits-with-0": _exits_with_0,
    "garbage": _garbage,
    "nested": _nested,
    "half-a-line": _half_a_line,
    "old-nonce": _old_nonce,
    "wrong-number": _wrong_number,
    "drops-outcomes": _drops_outcomes,
    "answers-twice": _answers_twice,
}


def _converse(fault: str, source: BinaryIO, target: BinaryIO) -> int:
    peer = PythonPeer()
    send(hello(), target)
    for line in source:
        CONVERSATION_FAULTS[fault](line, peer, target)
    return 0


def main() -> int:
    """Run the peer with the fault that the first argument names."""
    fault = sys.argv[1]
    if fault == "no-hello":
        return 0
    if fault == "other-protocol":
        send({"hello": {**hello()["hello"], "protocol": 99}}, sys.stdout.buffer)
        sys.stdin.buffer.read()
        return 0
    if fault in CONVERSATION_FAULTS:
        return _converse(fault, sys.stdin.buffer, sys.stdout.buffer)
    if fault in LAYOUT_FAULTS:
        return serve(sys.stdin.buffer, sys.stdout.buffer, WrongLayout(LAYOUT_FAULTS[fault]))
    return serve(sys.stdin.buffer, sys.stdout.buffer, MODEL_FAULTS.get(fault, PythonPeer)())


if __name__ == "__main__":
    sys.exit(main())
