"""A Python peer that is wrong on purpose, in one of many ways that people are wrong by accident.

    python -m interop.peers.faulty FAULT serve

The harness's own tests make sure that each fault is caught (interop/tests/exchange/test_self.py).
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

from .python import PythonPeer, Step, _digest, _errors, _image, answer, hello, serve

__all__ = ["CONVERSATION_FAULTS", "LAYOUT_FAULTS", "MODEL_FAULTS", "main"]

Response = dict[str, Any]


class _StructPeer(PythonPeer):
    """A peer with a layout of its own for TestData, the same for writing and reading."""

    code = "<12i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return values

    def from_flat(self, values: list[Any]) -> list[int]:
        return values

    def _do_write_struct(self, step: Step) -> dict[str, Any]:
        target = self._memory(step)
        super()._do_write_struct(step)  # the refusals are right, and so is the answer
        values = [step["id"], step["age"], *step["scores"]]
        struct.pack_into(self.code, target, 0, *self.to_flat(values))
        return _digest("bytes", target[:48])

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        super()._do_read_struct(step)
        flat = list(struct.unpack_from(self.code, self._memory(step), 0))
        values = self.from_flat(flat)
        text = f"Id={values[0]},Age={values[1]},Scores={','.join(map(str, values[2:]))}"
        return {"id": values[0], "age": values[1], "scores": values[2:], "text": text}


class FieldsSwapped(_StructPeer):
    """Age before Id."""

    def _do_manifest(self, step: Step) -> list[dict[str, Any]]:
        if step.get("type") == "TestData":
            step = {"types": to_json(TestData.declaration)}
            _swap(step["types"])
        return super()._do_manifest(step)

    def to_flat(self, values: list[int]) -> list[Any]:
        return [values[1], values[0], *values[2:]]

    from_flat = to_flat


class BigEndian(_StructPeer):
    """Network byte order."""

    code = ">12i"


class Unsigned(_StructPeer):
    """uint where int is meant: the same bytes, other values."""

    code = "<12I"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [value & 0xFFFF_FFFF for value in values]


class ShortScores(_StructPeer):
    """short[] where int[] is meant, with the right size in all: a wrong stride."""

    code = "<ii10h20x"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [*values[:2], *((value + 2**15) % 2**16 - 2**15 for value in values[2:])]


class NinthScoreLost(_StructPeer):
    """SizeConst = 9."""

    code = "<11i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return values[:11]


class CountInFront(_StructPeer):
    """A length before the array, as serializers have it."""

    code = "<13i"

    def to_flat(self, values: list[int]) -> list[Any]:
        return [*values[:2], 10, *values[2:]]

    def from_flat(self, values: list[Any]) -> list[int]:
        return [*values[:2], *values[3:]]


class _BlobPeer(PythonPeer):
    """A peer with a blob format of its own: another ``encode``."""

    def _do_write_image(self, step: Step) -> dict[str, Any]:
        image = _image(step)
        super()._do_write_image(step)
        data = self.encode(image.path.encode("utf-8", "replace").decode(), bytes(image.content))
        target = self._memory(step)
        data = data[: len(target)]
        target[: len(data)] = data
        return _digest("bytes", data)


def _packed(*parts: bytes) -> bytes:
    return b"".join(struct.pack("<i", len(part)) + part for part in parts)


class Pack4(_BlobPeer):
    """Fields aligned to four bytes, as Pack = 4 would."""

    def encode(self, path: str, content: bytes) -> bytes:
        text = path.encode()
        padded = text.ljust(-(-len(text) // 4) * 4, b"\0")
        lengths = struct.pack("<i", len(text)), struct.pack("<i", len(content))
        return lengths[0] + padded + lengths[1] + content


class ByteOrderMark(_BlobPeer):
    """A StreamWriter's byte order mark in front of the path."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode("utf-8-sig"), content)


class Utf16(_BlobPeer):
    """Encoding.Unicode, the wrong one of the two."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode("utf-16-le"), content)


class CountsCharacters(_BlobPeer):
    """The path's length in characters instead of bytes."""

    def encode(self, path: str, content: bytes) -> bytes:
        head = struct.pack("<i", len(path)) + path.encode()
        return head + struct.pack("<i", len(content)) + content


class Terminated(_BlobPeer):
    """A NUL behind the path, counted in."""

    def encode(self, path: str, content: bytes) -> bytes:
        return _packed(path.encode() + b"\0", content)


class LengthOffByOne(_BlobPeer):
    """The content's length one too large."""

    def encode(self, path: str, content: bytes) -> bytes:
        text = path.encode()
        head = struct.pack("<i", len(text)) + text
        return head + struct.pack("<i", len(content) + 1) + content


class SevenBit(_BlobPeer):
    """BinaryWriter's variable-length prefix for the path."""

    def encode(self, path: str, content: bytes) -> bytes:
        text, length, prefix = path.encode(), len(path.encode()), b""
        while length > 127:
            prefix += bytes([length & 127 | 128])
            length >>= 7
        return prefix + bytes([length]) + text + struct.pack("<i", len(content)) + content


class ClearsBehind(PythonPeer):
    """Zeroes what lies behind a write, which belongs to nobody but was somebody's."""

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


class WritesBeforeItChecks(PythonPeer):
    """Has written half of a value when it finds that the rest does not fit."""

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
    """Reads invalid UTF-8 as U+FFFD without being asked to."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        return super()._do_read_image({**step, "replace": True})

    def _do_decode_image(self, step: Step) -> dict[str, Any]:
        return super()._do_decode_image({**step, "replace": True})


class Clips(PythonPeer):
    """Takes what is there when a length says more, as Take() does."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        memory = bytes(self._memory(step))
        length = int.from_bytes(memory[:4], "little", signed=True)
        if length < 0 or len(memory) < 8 + length:
            return super()._do_read_image(step)
        content_length = int.from_bytes(memory[4 + length : 8 + length], "little")
        content = memory[8 + length : 8 + length + content_length]
        image = ImageData.from_bytes(_packed(memory[4 : 4 + length], content), errors=_errors(step))
        return {"path": image.path, **_digest("length", content)}


class ReadsTheWholeMap(PythonPeer):
    """Takes everything behind the second length for the picture."""

    def _do_read_image(self, step: Step) -> dict[str, Any]:
        result = super()._do_read_image(step)
        start = 8 + len(result["path"].encode())
        return {**result, **_digest("length", bytes(self._memory(step))[start:])}


class SaysStandard(PythonPeer):
    """Reports what is usually there without a look."""

    def _do_read_struct(self, step: Step) -> dict[str, Any]:
        scores = list(range(60, 70))
        text = f"Id=100,Age=20,Scores={','.join(map(str, scores))}"
        return {"id": 100, "age": 20, "scores": scores, "text": text}


class KeepsItToItself(PythonPeer):
    """Writes into a private copy."""

    def _memory(self, step: Step) -> memoryview:
        return memoryview(self.__dict__.setdefault("private", bytearray(65_536)))


class NeverLetsGo(PythonPeer):
    """Forgets to dispose."""

    def _do_reset(self, step: Step) -> None:
        self.__dict__.setdefault("forgotten", []).extend(self.objects.values())
        self.objects.clear()


class OpensWhatIsNotThere(PythonPeer):
    """CreateOrOpen where OpenExisting is meant, with its own idea of the name."""

    def _do_helper(self, step: Step) -> None:
        if step["how"] == "open":
            step = {**step, "how": "create-or-open", "name": step["name"] + "-mine"}
        super()._do_helper(step)


class RoundsUpTheCapacity(PythonPeer):
    """Makes the map a whole page, so that more fits than was asked for."""

    def _do_helper(self, step: Step) -> None:
        if step.get("name") and step["how"] == "create-or-open":
            step = {**step, "capacity": -(-step["capacity"] // 4096) * 4096}
        super()._do_helper(step)


# --- faults of a layout: of whatever type is described -----------------------------------


def _swap(types: list[dict[str, Any]]) -> None:
    """The first two fields of the type change places."""
    fields = types[-1]["fields"]
    fields[0], fields[1] = fields[1], fields[0]


def _pack_4(types: list[dict[str, Any]]) -> None:
    """Pack = 4 is believed to be the default."""
    for described in types:
        described.setdefault("pack", 4)


def _bool_of_one_byte(types: list[dict[str, Any]]) -> None:
    """A bool is taken for a byte, as in C++."""
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
    """Lays out types that are described to it in a way of its own."""

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
    "count-in-front": CountInFront,
    "pack-4": Pack4,
    "byte-order-mark": ByteOrderMark,
    "utf-16": Utf16,
    "counts-characters": CountsCharacters,
    "terminated": Terminated,
    "length-off-by-one": LengthOffByOne,
    "seven-bit-length": SevenBit,
    "clears-behind": ClearsBehind,
    "writes-before-it-checks": WritesBeforeItChecks,
    "lenient-utf-8": Lenient,
    "clips": Clips,
    "reads-the-whole-map": ReadsTheWholeMap,
    "says-standard": SaysStandard,
    "keeps-it-to-itself": KeepsItToItself,
    "never-lets-go": NeverLetsGo,
    "opens-what-is-not-there": OpensWhatIsNotThere,
    "rounds-up-the-capacity": RoundsUpTheCapacity,
}


# --- faults of the conversation -----------------------------------------------------------


def _say(message: Response, target: BinaryIO) -> None:
    target.write(json.dumps(message).encode() + b"\n")
    target.flush()


def _silent(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    answer(peer, line)


def _late(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    time.sleep(30)  # longer than the test's patience; its end is the kill
    _say(answer(peer, line), target)


def _crashes(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    os.abort()


def _exits_with_0(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    os._exit(0)


def _garbage(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    target.write(b"Unhandled exception. System.AccessViolationException\n")
    target.flush()


def _half_a_line(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    target.write(json.dumps(answer(peer, line)).encode()[:-7])
    target.flush()
    os._exit(3)


def _yesterdays_nonce(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    _say({**answer(peer, line), "nonce": "0" * 32}, target)


def _wrong_number(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    _say({**response, "id": response["id"] + 1}, target)


def _drops_outcomes(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    _say({**response, "outcomes": response["outcomes"][:-1]}, target)


def _answers_twice(line: bytes, peer: PythonPeer, target: BinaryIO) -> None:
    response = answer(peer, line)
    _say(response, target)
    _say(response, target)


CONVERSATION_FAULTS: dict[str, Callable[[bytes, PythonPeer, BinaryIO], None]] = {
    "silent": _silent,
    "late": _late,
    "crashes": _crashes,
    "exits-with-0": _exits_with_0,
    "garbage": _garbage,
    "half-a-line": _half_a_line,
    "yesterdays-nonce": _yesterdays_nonce,
    "wrong-number": _wrong_number,
    "drops-outcomes": _drops_outcomes,
    "answers-twice": _answers_twice,
}


def _converse(fault: str, source: BinaryIO, target: BinaryIO) -> int:
    peer = PythonPeer()
    _say(hello(), target)
    for line in source:
        CONVERSATION_FAULTS[fault](line, peer, target)
    return 0


def main() -> int:
    """Be wrong in the way that the first argument names."""
    fault = sys.argv[1]
    if fault == "no-hello":
        return 0
    if fault == "other-protocol":
        _say({"hello": {**hello()["hello"], "protocol": 99}}, sys.stdout.buffer)
        sys.stdin.buffer.read()
        return 0
    if fault in CONVERSATION_FAULTS:
        return _converse(fault, sys.stdin.buffer, sys.stdout.buffer)
    if fault in LAYOUT_FAULTS:
        return serve(sys.stdin.buffer, sys.stdout.buffer, WrongLayout(LAYOUT_FAULTS[fault]))
    return serve(sys.stdin.buffer, sys.stdout.buffer, MODEL_FAULTS.get(fault, PythonPeer)())


if __name__ == "__main__":
    sys.exit(main())
