"""All cases, and how many there must be.

The cases about errors are in refused.py. How to add a case: docs/harness.md.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from ..oracle.memory import blob_bytes, struct_bytes
from .case import (
    INT32_MAX,
    INT32_MIN,
    READ_IMAGE,
    READ_STRUCT,
    STANDARD,
    TINY,
    Case,
    blob_case,
    error,
    image_value,
    struct_case,
    value,
    write_image,
    write_struct,
)
from .refused import malformed_blobs, refused_writes, short_structs

__all__ = ["DEFAULT_SEED", "GROUPS", "MINIMUM_CASES", "PATHS", "all_cases"]

DEFAULT_SEED = 20_480_048
RANDOM_STRUCTS = 40
# The number of cases of each pair. A run with fewer fails, so that no case is lost; raise the
# numbers when you add a case. Windows has no cases about the files of named maps.
MINIMUM_CASES = {"windows": 178, "elsewhere": 193, "across": 29}
GROUPS = ("struct", "blob", "picture", "stale", "malformed", "limits", "maps", "torn")


def all_cases(seed: int = DEFAULT_SEED) -> list[Case]:
    """Return every case except those about pictures (which need files), always in this order."""
    cases = [
        *_structs(seed),
        *_blobs(),
        *_stale(),
        *malformed_blobs(),
        *short_structs(),
        *refused_writes(),
        *_backings(),
    ]
    names = [case.id for case in cases]
    assert len(set(names)) == len(names), "two cases have the same name"
    return cases


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
        ({**write_image("a\udc00b\ud800", b"\x01"), "replace": True},),
        (READ_IMAGE,),
        (image_value("a\ufffdb\ufffd", b"\x01"),),
        blob_bytes("a\ufffdb\ufffd", b"\x01"),
    )  # fmt: skip


def _stale() -> Iterator[Case]:
    long, short = blob_bytes("long path.png", b"L" * 500), blob_bytes("s", b"S" * 7)
    write_long, write_short = write_image("long path.png", b"L" * 500), write_image("s", b"S" * 7)
    struct = struct_bytes(*STANDARD)
    write_standard = write_struct(STANDARD[0], STANDARD[1], list(STANDARD[2]))
    standard = value(id=100, age=20, scores=list(range(60, 70)))
    yield Case(
        "stale", "short-blob-over-long", (write_long, write_short), (READ_IMAGE,),
        (image_value("s", b"S" * 7),), short + long[len(short):],
    )  # fmt: skip
    yield Case(
        "stale", "struct-over-blob", (write_long, write_standard), (READ_STRUCT,),
        (standard,), struct + long[48:],
    )  # fmt: skip
    yield Case(
        "stale", "blob-over-struct", (write_standard, write_short), (READ_IMAGE,),
        (image_value("s", b"S" * 7),), short + struct[len(short):],
    )  # fmt: skip
    yield Case(
        "stale", "blob-over-blob-of-the-same-size", (write_short, write_short), (READ_IMAGE,),
        (image_value("s", b"S" * 7),), short,
    )  # fmt: skip
    # A writer that is killed in the middle leaves the mark, and old bytes that look complete.
    interrupted = b"\xff\xff\xff\xff" + long[4:]
    yield Case(
        "stale", "blob-interrupted",
        (write_long, {"do": "write-bytes", "helper": "m", "bytes": "ffffffff"}),
        (READ_IMAGE,), (error("negative-length", field="path_length", value=-1),), interrupted,
    )  # fmt: skip


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
