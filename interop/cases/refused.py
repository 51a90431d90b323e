"""Cases about bytes that readers must refuse, and values that writers must refuse."""

from __future__ import annotations

from collections.abc import Iterator

from ..oracle.memory import blob_bytes
from .case import (
    INT32_MAX,
    INT32_MIN,
    READ_IMAGE,
    READ_STRUCT,
    STANDARD,
    Case,
    Expected,
    Step,
    error,
    image_value,
    write_image,
    write_struct,
)

__all__ = ["malformed_blobs", "refusals", "refused_writes", "short_structs"]


# --- bytes --------------------------------------------------------------------------------


def _i(number: int) -> bytes:
    return (number & 0xFFFF_FFFF).to_bytes(4, "little")


def _malformed(name: str, data: bytes, *expected: Expected, replace: str | None = None) -> Case:
    """Return a case with these bytes in a map of exactly their size.

    They are read from the map and from a buffer, and with ``replace`` also with that option.
    """
    decode: Step = {"do": "decode-image", "bytes": data.hex()}
    reads = [READ_IMAGE, decode]
    outcomes = [expected[0], expected[0]]
    if replace is not None:
        reads.append({**READ_IMAGE, "replace": True})
        outcomes.append({"value": {"path": replace}})
    # After an error, the peer has to answer the next request.
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


def malformed_blobs() -> Iterator[Case]:
    """Yield cases whose bytes are not an image blob, and a few at the limit that are."""
    size = 64
    room = size - 4  # what is left after path_length
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
        yield _malformed(f"blob-content-length-{name}-is-fine", data, image_value("path", b"c" * m))
    yield _malformed("blob-all-zero", bytes(64), image_value("", b""))
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
    yield _malformed("blob-capacity-8", bytes(8), image_value("", b""))
    whole = blob_bytes("path", b"content")
    yield _malformed("blob-capacity-exact", whole, image_value("path", b"content"))
    yield _malformed(
        "blob-capacity-exact-minus-1",
        whole[:-1],
        error("length-exceeds-buffer", field="content_length", offset=8, value=7, limit=6),
    )
    yield from _malformed_utf8()


def _malformed_utf8() -> Iterator[Case]:
    """Yield each invalid sequence between two letters, with its offset and .NET's replacement."""
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


def short_structs() -> Iterator[Case]:
    """Yield cases with too few bytes for a TestData."""
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


def refused_writes() -> Iterator[Case]:
    """Yield cases whose write is refused; the bytes in the map must not change."""
    before = b"\x2a" * 64
    fill: Step = {"do": "write-bytes", "helper": "m", "bytes": before.hex()}
    for short in (1, 4, 5000):
        # A whole page, because on Windows a view always has whole pages.
        room = 4096
        content = bytes(index % 251 for index in range(room + short - len("path") - 8))
        blob = blob_bytes("path", content)
        old = b"\x2a" * room
        yield Case(
            "limits",
            f"blob-too-large-by-{short}",
            (
                {"do": "write-bytes", "helper": "m", "bytes": old.hex()},
                write_image("path", content),
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


def refusals() -> Iterator[tuple[str, Step, Expected]]:
    """Yield writes that must be refused because of a value: name, step and expected error."""
    for bad, limit in ((INT32_MAX + 1, INT32_MAX), (INT32_MIN - 1, INT32_MIN)):
        sign = "high" if bad > 0 else "low"
        yield (
            f"struct-range-id-{sign}",
            write_struct(bad, 20, list(STANDARD[2])),
            error("out-of-range", field="Id", offset=0, value=bad, limit=limit),
        )
        yield (
            f"struct-range-age-{sign}",
            write_struct(1, bad, list(STANDARD[2])),
            error("out-of-range", field="Age", offset=4, value=bad, limit=limit),
        )
        yield (
            f"struct-range-score-{sign}",
            write_struct(1, 2, [0, 0, 0, bad, 0, 0, 0, 0, 0, 0]),
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
            write_struct(1, 2, scores),
            error("wrong-count", field="Scores", offset=8, value=count, limit=10),
        )
    yield (
        "struct-range-before-count",
        write_struct(2**40, 2, [1] * 9),
        error("out-of-range", field="Id", value=2**40),
    )
    for name, path, unit, offset in (
        ("high", "a\ud800b", 0xD800, 5),
        ("low", "\udc00", 0xDC00, 4),
        ("after-accent", "é\udfff", 0xDFFF, 6),
    ):
        yield (
            f"blob-surrogate-{name}",
            write_image(path, b"\0"),
            error("invalid-utf8", field="path", offset=offset, value=unit),
        )
