"""docs/channels.md and the code have the same numbers."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import pytest

from pyshm.channels import geometry
from tests.conftest import ROOT

PAGE = (ROOT / "docs" / "channels.md").read_text(encoding="utf-8")
PACKAGE = Path(geometry.__file__).parent
SIZES = {"u32": 4, "u64": 8, "bytes": 8}


def rows(heading: str) -> list[list[str]]:
    """The cells of the table in a section."""
    [section] = re.findall(rf"^### {heading}$(.*?)(?=^##|\Z)", PAGE, re.M | re.S)
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")]
        for line in section.splitlines()
        if re.match(r"\| \d", line)
    ]


def offsets(heading: str) -> dict[str, int]:
    """The offset of each field in the table of a section."""
    return {re.split("[,:]", row[3])[0].strip("`"): int(row[0]) for row in rows(heading)}


HEADER = offsets("Header")


@pytest.mark.parametrize(
    ("field", "offset"),
    [
        ("latest", geometry.LATEST_WORD),
        ("sleepers", geometry.SLEEPERS),
        ("pinners", geometry.PINNERS),
        ("epoch", geometry.EPOCH),
        ("the writer's process", geometry.WRITER_PID),
        ("state", geometry.STATE),
        ("writer_waits", geometry.WRITER_WAITS),
    ],
)
def test_a_word_of_the_header_is_where_the_page_says(field, offset):
    assert HEADER[field] == offset


def test_the_fields_of_the_header_are_where_the_page_says():
    found = geometry.plan(
        discipline=1, slots=2, capacity=3, readers=4, viewers=0, content=2, type_hash=6,
        channel_id=7, plain=True,
    )  # fmt: skip
    memory = memoryview(bytearray(found.length))
    geometry.write_header(memory, found, b"text\n")
    header = memory[found.length - 4096 :]
    values = [
        int.from_bytes(header[int(at) : int(at) + int(size)], "little")
        for at, size, *_ in rows("Header")
        if size != "t"
    ]
    # The plain area is one page; slots of 128 bytes, descriptors and entries follow it.
    magic = struct.unpack("<Q", b"PYSHMCHN")[0]
    assert values[:16] == [
        magic, 1, 0, 1, 2, 3, 128, 4096, 4096 + 256, 4096 + 256 + 256, 4, 0, 2, 6, 7, 4096,
    ]  # fmt: skip
    assert values[16:] == [0, 0, 0, 0, 0, 0, 0, 5]
    assert bytes(header[1028:1034]) == b"text\n\0"
    assert found.length == 65536


def test_each_part_of_an_entry_is_where_the_page_says():
    entry = offsets("Reader entry")
    assert entry["cursor"] == geometry.CURSOR
    assert entry["pin"] == geometry.PIN
    assert entry["mode"] == geometry.ENTRY_MODE
    assert entry["the owner's process"] == geometry.ENTRY_PID


def test_the_code_marks_each_step_of_the_page():
    """Steps that are one instruction with another step have no mark of their own."""
    of_the_page = set(re.findall(r"^\| ([WGRPCST]\d+) \|", PAGE, re.M))
    source = "".join(path.read_text(encoding="utf-8") for path in PACKAGE.glob("*.py"))
    marked = set(re.findall(r"# ([WGRPCST]\d+)\b", source))
    assert marked == of_the_page
