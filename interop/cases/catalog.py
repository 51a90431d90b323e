"""The cases as data: what is written, what must be read, which bytes lie in the map.

A case knows nothing of languages. Its steps are those of docs/protocol.md on one opened map,
called ``m``; its expectations are written from docs/format.md, by hand or with
``oracle/memory.py``, never with the code under test.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ..oracle.memory import blob_bytes, struct_bytes

__all__ = ["DEFAULT_SEED", "GROUPS", "MINIMUM_CASES", "Case", "all_cases", "matches", "refusals"]

DEFAULT_SEED = 20_480_048
RANDOM_STRUCTS = 40
# A run with fewer cases a pair than this has lost some; raise it with every case that is added.
# Windows has no files behind named maps, and so no cases about them.
MINIMUM_CASES = {"windows": 178, "elsewhere": 193, "across": 29}
GROUPS = ("struct", "blob", "picture", "stale", "malformed", "limits", "maps", "torn")

INT32_MAX = 2**31 - 1
INT32_MIN = -(2**31)
STANDARD = (100, 20, tuple(range(60, 70)))

Step = dict[str, Any]
Expected = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One exchange. ``expected`` are the consumer's outcomes, one for each of ``reads``."""

    group: str
    name: str
    writes: tuple[Step, ...]
    reads: tuple[Step, ...]
    expected: tuple[Expected, ...]
    memory: bytes
    capacity: int = 65_536
    # What the producer's steps must give; None: anything but an error.
    written: tuple[Expected | None, ...] = ()
    backing: str = "named"
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Its name among all cases."""
        return f"{self.group}-{self.name}"


def value(**parts: Any) -> Expected:
    return {"value": parts}


def error(kind: str, **parts: Any) -> Expected:
    return {"error": {"kind": kind, **parts}}


def matches(expected: Expected | None, found: dict[str, Any]) -> bool:
    """Whether an outcome is the expected one; keys that are not expected are not compared."""
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


def all_cases(seed: int = DEFAULT_SEED) -> list[Case]:
    """Every case but the pictures' (which need files), the same in every process."""
    cases = [
        *_structs(seed),
        *_blobs(),
        *_stale(),
        *_malformed_blobs(),
        *_structs_that_do_not_fit(),
        *_limits(),
        *_backings(),
    ]
    names = [case.id for case in cases]
    assert len(set(names)) == len(names), "two cases of one name"
    return cases


# --- TestData -----------------------------------------------------------------------------


def _write_struct(id: Any, age: Any, scores: Any) -> Step:  # noqa: A002 - the field's name
    return {"do": "write-struct", "helper": "m", "id": id, "age": age, "scores": scores}


READ_STRUCT: Step = {"do": "read-struct", "helper": "m"}
READ_IMAGE: Step = {"do": "read-image", "helper": "m"}


def struct_case(
    name: str,
    id: int,  # noqa: A002 - the field's name
    age: int,
    scores: tuple[int, ...],
    **others: Any,
) -> Case:
    text = f"Id={id},Age={age},Scores={','.join(map(str, scores))}"
    return Case(
        others.pop("group", "struct"),
        name,
        (_write_struct(id, age, list(scores)),),
        (READ_STRUCT,),
        (value(id=id, age=age, scores=list(scores), text=text),),
        struct_bytes(id, age, scores),
        **others,
    )


def _structs(seed: int) -> Iterator[Case]:
    yield struct_case("standard", *STANDARD)
    yield struct_case("zero", 0, 0, (0,) * 10)
    yield struct_case("max", INT32_MAX, INT32_MAX, (INT32_MAX,) * 10)
    yield struct_case("min", INT32_MIN, INT32_MIN, (INT32_MIN,) * 10)
    yield struct_case("minus-one", -1, -1, (-1,) * 10)
    yield struct_case("each-byte-its-own", 0x03020100, 0x07060504, tuple(
        int.from_bytes(bytes(range(8 + 4 * i, 12 + 4 * i)), "little") for i in range(10)
    ))  # fmt: skip
    yield struct_case("mixed-signs", INT32_MIN, INT32_MAX, (-1, 1) * 5)
    yield struct_case("default-capacity", *STANDARD, capacity=10 * 1024 * 1024)
    yield struct_case("exact-capacity", *STANDARD, capacity=48)
    numbers = random.Random(seed)
    for index in range(RANDOM_STRUCTS):
        items = [numbers.randint(INT32_MIN, INT32_MAX) for _ in range(12)]
        yield struct_case(f"random-{index:02}", items[0], items[1], tuple(items[2:]))


def refusals() -> Iterator[tuple[str, Step, Expected]]:
    """Values that no writer may take, as name, step and expected error."""
    for bad, limit in ((INT32_MAX + 1, INT32_MAX), (INT32_MIN - 1, INT32_MIN)):
        sign = "high" if bad > 0 else "low"
        yield (
            f"struct-range-id-{sign}",
            _write_struct(bad, 20, list(STANDARD[2])),
            error("out-of-range", field="Id", offset=0, value=bad, limit=limit),
        )
        yield (
            f"struct-range-age-{sign}",
            _write_struct(1, bad, list(STANDARD[2])),
            error("out-of-range", field="Age", offset=4, value=bad, limit=limit),
        )
        yield (
            f"struct-range-score-{sign}",
            _write_struct(1, 2, [0, 0, 0, bad, 0, 0, 0, 0, 0, 0]),
            error("out-of-range", field="Scores[3]", offset=20, value=bad, limit=limit),
        )
    for name, scores, count in (
        ("null", None, 0),
        ("empty", [], 0),
        ("9", [1] * 9, 9),
        ("11", [1] * 11, 11),
    ):
        yield (
            f"struct-count-{name}",
            _write_struct(1, 2, scores),
            error("wrong-count", field="Scores", offset=8, value=count, limit=10),
        )
    yield (
        "struct-range-before-count",
        _write_struct(2**40, 2, [1] * 9),
        error("out-of-range", field="Id", value=2**40),
    )
    for name, path, unit, offset in (
        ("high", "a\ud800b", 0xD800, 5),
        ("low", "\udc00", 0xDC00, 4),
        ("behind-accent", "é\udfff", 0xDFFF, 6),
    ):
        yield (
            f"blob-surrogate-{name}",
            {"do": "write-image", "helper": "m", "path": path, "bytes": "00"},
            error("invalid-utf8", field="path", offset=offset, value=unit),
        )


# --- blobs --------------------------------------------------------------------------------

TINY = bytes.fromhex(  # a picture of one transparent pixel, written by hand as GIF89a
    "47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b"
)

PATHS = {
    "ascii": "C:\\Users\\someone\\picture.png",
    "posix": "/home/someone/picture.png",
    "accents": "C:\\Bilder\\Überfahrt über den Ärmelkanal é è ñ ç.png",
    "cjk": "D:\\圖片\\東京タワー.png",
    "emoji": "🛰️ orbit 👩‍🚀.png",
    "combining": "e\u0301a\u0308.png",
    "right-to-left": "صورة.png",
    "empty": "",
    "nul": "a\0b.png",
    "bom": "\ufeffpicture.png",
    "controls": "tab\tnewline\nbell\a.png",
    "last-code-point": "\U0010ffff\uffff\ue000.png",
    "32000": "p" * 31_996 + ".png",
    "32000-wide": "圖" * 32_000,
}


def _read(path: str, content: bytes) -> Expected:
    from hashlib import sha256

    return value(path=path, length=len(content), sha256=sha256(content).hexdigest())


def blob_case(name: str, path: str, content: bytes, **others: Any) -> Case:
    memory = blob_bytes(path, content)
    others.setdefault("capacity", max(65_536, len(memory)))
    return Case(
        others.pop("group", "blob"),
        name,
        ({"do": "write-image", "helper": "m", "path": path, "bytes": content.hex()},),
        (READ_IMAGE,),
        (_read(path, content),),
        memory,
        **others,
    )


def picture_case(name: str, file: str, content: bytes) -> Case:
    """A real picture, which the producer reads from its file by itself."""
    memory = blob_bytes(file, content)
    return Case(
        "picture",
        name,
        ({"do": "write-image", "helper": "m", "path": file, "file": file},),
        (READ_IMAGE,),
        (_read(file, content),),
        memory,
        capacity=max(10 * 1024 * 1024, len(memory)),
    )


def _blobs() -> Iterator[Case]:
    for name, path in PATHS.items():
        yield blob_case(f"path-{name}", path, TINY)
    yield blob_case("content-1-byte", "p", b"\x80")
    yield blob_case("content-empty", "p", b"")
    yield blob_case("both-empty", "", b"")
    yield blob_case("content-every-byte", "p", bytes(range(256)))
    yield blob_case("content-like-a-blob", "p", blob_bytes("q", b"inner"))
    yield blob_case("content-200-kB", "p", random.Random(1).randbytes(200_000))
    yield blob_case("exact-capacity", "p", bytes(4096 - 9), capacity=4096)
    yield Case(
        "blob",
        "surrogate-replaced",
        ({"do": "write-image", "helper": "m", "path": "a\udc00b\ud800", "bytes": "01",
          "replace": True},),
        (READ_IMAGE,),
        (_read("a\ufffdb\ufffd", b"\x01"),),
        blob_bytes("a\ufffdb\ufffd", b"\x01"),
    )  # fmt: skip


def _stale() -> Iterator[Case]:
    long, short = blob_bytes("long path.png", b"L" * 500), blob_bytes("s", b"S" * 7)
    write_long, write_short = (
        {"do": "write-image", "helper": "m", "path": path, "bytes": content.hex()}
        for path, content in (("long path.png", b"L" * 500), ("s", b"S" * 7))
    )
    struct = struct_bytes(*STANDARD)
    write_struct = _write_struct(STANDARD[0], STANDARD[1], list(STANDARD[2]))
    standard = value(id=100, age=20, scores=list(range(60, 70)))
    yield Case(
        "stale", "short-blob-over-long", (write_long, write_short), (READ_IMAGE,),
        (_read("s", b"S" * 7),), short + long[len(short):],
    )  # fmt: skip
    yield Case(
        "stale", "struct-over-blob", (write_long, write_struct), (READ_STRUCT,),
        (standard,), struct + long[48:],
    )  # fmt: skip
    yield Case(
        "stale", "blob-over-struct", (write_struct, write_short), (READ_IMAGE,),
        (_read("s", b"S" * 7),), short + struct[len(short):],
    )  # fmt: skip
    yield Case(
        "stale", "blob-over-blob-of-the-same-size", (write_short, write_short), (READ_IMAGE,),
        (_read("s", b"S" * 7),), short,
    )  # fmt: skip
    # What a writer that dies in the body leaves: the mark, and old bytes that look whole.
    interrupted = b"\xff\xff\xff\xff" + long[4:]
    yield Case(
        "stale", "blob-interrupted",
        (write_long, {"do": "write-bytes", "helper": "m", "bytes": "ffffffff"}),
        (READ_IMAGE,), (error("negative-length", field="path_length", value=-1),), interrupted,
    )  # fmt: skip


# --- malformed ----------------------------------------------------------------------------


def _i(number: int) -> bytes:
    return (number & 0xFFFF_FFFF).to_bytes(4, "little")


def _malformed(name: str, data: bytes, *expected: Expected, replace: str | None = None) -> Case:
    """Raw bytes in a map of exactly their size, read from the map and from bytes."""
    decode: Step = {"do": "decode-image", "bytes": data.hex()}
    reads = [READ_IMAGE, decode]
    outcomes = [expected[0], expected[0]]
    if replace is not None:
        reads.append({**READ_IMAGE, "replace": True})
        outcomes.append({"value": {"path": replace}})
    # Whoever refused one request still has to answer the next.
    reads.append({"do": "ping"})
    outcomes.append({"value": "pong"})
    return Case(
        "malformed",
        name,
        ({"do": "write-bytes", "helper": "m", "bytes": data.hex()},),
        tuple(reads),
        tuple(outcomes),
        data,
        capacity=len(data),
    )


def _malformed_blobs() -> Iterator[Case]:
    size = 64
    room = size - 4  # what is left behind path_length
    for name, n in (
        ("minus-1", -1),
        ("min", INT32_MIN),
        ("max", INT32_MAX),
        ("remaining", room),
        ("remaining-minus-1", room - 1),
        ("remaining-minus-3", room - 3),
        ("remaining-plus-1", room + 1),
        ("big-endian", 0x0100_0000),
        ("wraps-32-bits", INT32_MAX - 3),
    ):
        data = _i(n) + b"x" * room
        if n < 0:
            wanted = error("negative-length", field="path_length", offset=0, value=n, limit=0)
        elif n > room:
            wanted = error(
                "length-exceeds-buffer", field="path_length", offset=0, value=n, limit=room
            )
        else:
            wanted = error(
                "truncated", field="content_length", offset=4 + n, value=size, limit=8 + n
            )
        yield _malformed(f"blob-path-length-{name}", data, wanted)
    room = size - 8 - 4
    for name, m in (
        ("minus-1", -1),
        ("min", INT32_MIN),
        ("max", INT32_MAX),
        ("remaining-plus-1", room + 1),
        ("wraps-32-bits", INT32_MAX - 11),
        ("big-endian", 0x0100_0000),
    ):
        data = _i(4) + b"path" + _i(m) + b"c" * room
        kind, limit = ("negative-length", 0) if m < 0 else ("length-exceeds-buffer", room)
        wanted = error(kind, field="content_length", offset=8, value=m, limit=limit)
        yield _malformed(f"blob-content-length-{name}", data, wanted)
    for name, m in (("remaining", room), ("remaining-minus-1", room - 1)):
        data = _i(4) + b"path" + _i(m) + b"c" * room
        yield _malformed(f"blob-content-length-{name}-is-fine", data, _read("path", b"c" * m))
    yield _malformed("blob-all-zero", bytes(64), _read("", b""))
    yield _malformed("blob-all-ones", b"\xff" * 64, error("negative-length", field="path_length"))
    for count in (1, 3):
        yield _malformed(
            f"blob-capacity-{count}",
            bytes(count),
            error("truncated", field="path_length", offset=0, value=count, limit=4),
        )
    yield _malformed(
        "blob-capacity-4",
        bytes(4),
        error("truncated", field="content_length", offset=4, value=4, limit=8),
    )
    yield _malformed(
        "blob-capacity-7",
        bytes(7),
        error("truncated", field="content_length", offset=4, value=7, limit=8),
    )
    yield _malformed("blob-capacity-8", bytes(8), _read("", b""))
    whole = blob_bytes("path", b"content")
    yield _malformed("blob-capacity-exact", whole, _read("path", b"content"))
    yield _malformed(
        "blob-capacity-exact-minus-1",
        whole[:-1],
        error("length-exceeds-buffer", field="content_length", offset=8, value=7, limit=6),
    )
    yield from _malformed_utf8()


def _malformed_utf8() -> Iterator[Case]:
    """Each bad sequence between two good letters; where it is found, what replaces it in .NET."""
    one = "\ufffd"
    for name, sequence, at, replaced in (
        ("continuation", b"\x80", 0, one),
        ("two-continuations", b"\x80\xbf", 0, one * 2),
        ("ff", b"\xff", 0, one),
        ("latin-1", b"\xe9", 0, one),
        ("overlong-slash-2", b"\xc0\xaf", 0, one * 2),
        ("overlong-slash-3", b"\xe0\x80\xaf", 0, one * 3),
        ("overlong-nul", b"\xc0\x80", 0, one * 2),
        ("surrogate-high", b"\xed\xa0\x80", 0, one * 3),
        ("surrogate-pair-cesu", b"\xed\xa0\xbd\xed\xb8\x80", 0, one * 6),
        ("above-10ffff", b"\xf4\x90\x80\x80", 0, one * 4),
        ("five-bytes", b"\xf8\x88\x80\x80\x80", 0, one * 5),
        ("split-2", b"\xc3", 0, one),
        ("split-3", b"\xe2\x82", 0, one),
        ("split-4", b"\xf0\x9f\x98", 0, one),
        ("good-then-bad", "é".encode() + b"\xc3", 2, "é" + one),
    ):
        text = b"a" + sequence + b"z"
        yield _malformed(
            f"blob-utf8-{name}",
            blob_bytes(text, b"content"),
            error("invalid-utf8", field="path", offset=5 + at, value=sequence[at]),
            replace=f"a{replaced}z",
        )
    yield _malformed(
        "blob-utf8-split-at-the-end",
        blob_bytes(b"a\xf0\x9f\x98", b"\x80rest"),
        error("invalid-utf8", field="path", offset=5, value=0xF0),
        replace="a\ufffd",
    )


# --- limits -------------------------------------------------------------------------------


def _structs_that_do_not_fit() -> Iterator[Case]:
    for size in (1, 3, 4, 7, 47):
        data = b"\x2a" * size
        yield Case(
            "malformed",
            f"struct-capacity-{size}",
            ({"do": "write-bytes", "helper": "m", "bytes": data.hex()},),
            (READ_STRUCT, {"do": "decode-struct", "bytes": data.hex()}, {"do": "ping"}),
            (
                error("truncated", field="TestData", offset=0, value=size, limit=48),
                error("truncated", field="TestData", offset=0, value=size, limit=48),
                {"value": "pong"},
            ),
            data,
            capacity=size,
        )


def _limits() -> Iterator[Case]:
    """Writes that are refused; the map's bytes must be what they were."""
    before = b"\x2a" * 64
    fill: Step = {"do": "write-bytes", "helper": "m", "bytes": before.hex()}
    for short in (1, 4, 5000):
        # A whole page, so that the view has no more room than was asked for on Windows either.
        room = 4096
        content = bytes(index % 251 for index in range(room + short - len("path") - 8))
        blob = blob_bytes("path", content)
        old = b"\x2a" * room
        yield Case(
            "limits",
            f"blob-too-large-by-{short}",
            (
                {"do": "write-bytes", "helper": "m", "bytes": old.hex()},
                {"do": "write-image", "helper": "m", "path": "path", "bytes": content.hex()},
            ),
            ({"do": "ping"},),
            ({"value": "pong"},),
            old,
            capacity=room,
            written=(None, error("does-not-fit", field="blob", value=len(blob), limit=room)),
        )
    for name, step, wanted in refusals():
        yield Case(
            "limits",
            name,
            (fill, step),
            ({"do": "ping"},),
            ({"value": "pong"},),
            before,
            capacity=64,
            written=(None, wanted),
        )


# --- how the map came to be ---------------------------------------------------------------


def _backings() -> Iterator[Case]:
    for backing in ("file", "stream"):
        yield struct_case(
            f"struct-by-{backing}", *STANDARD, group="maps", backing=backing, capacity=4096
        )
        yield blob_case(
            f"blob-by-{backing}", "пут.png", TINY * 50, group="maps", backing=backing,
            capacity=100_000,
        )  # fmt: skip
        yield struct_case(
            f"struct-by-{backing}-of-48-bytes", *STANDARD, group="maps", backing=backing,
            capacity=48,
        )  # fmt: skip
    for prefix in ("Local\\", "Global\\"):
        yield struct_case(
            f"struct-in-{prefix[:-1].lower()}-namespace", *STANDARD, group="maps",
            extra={"prefix": prefix},
        )  # fmt: skip
    yield struct_case(
        "struct-in-a-map-with-a-unicode-name", *STANDARD, group="maps",
        extra={"suffix": "-картинка-圖"},
    )  # fmt: skip
