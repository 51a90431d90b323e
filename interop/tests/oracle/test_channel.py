"""The harness's own channels have the bytes that docs/channels.md gives them, counted by hand."""

from __future__ import annotations

import hashlib

import pytest

from interop.cases.golden_channels import CHANNELS
from interop.oracle.channel import read_channel, without_chance

BY_NAME = {golden.name: golden for golden in CHANNELS}


def test_a_latest_channel_of_structs() -> None:
    data = BY_NAME["latest-struct"].data
    # 4 slots of 16 bytes, 128 apart; 4 descriptors at 512; 2 reader entries at 1024.
    assert len(data) == 65536
    text = b"struct 16\n0 f8 topspeed\n8 f4 x\n12 u2 id\n14 i2 kind\n"
    header = data[61440:]
    assert header[:72].hex(" ", 8) == (
        "505953484d43484e 0100000000000000 0000000004000000 1000000000000000 8000000000000000 "
        "0000000000000000 0002000000000000 0004000000000000 0200000002000000"
    )
    assert header[72:80].hex() == "0200000000000000"
    assert header[80:88] == hashlib.sha256(text).digest()[:8]
    assert header[88:104].hex(" ", 8) == "8877665544332211 0000000000000000"
    # The second value is in slot 2; the first writer has closed.
    assert header[128:136].hex() == "0200000000000002"
    assert header[384:400].hex(" ", 4) == "01000000 00000000 92100000 02000000"
    assert header[1024:1028] == bytes([len(text), 0, 0, 0])
    assert header[1028 : 1028 + len(text)] == text
    # Value 1 is in slot 1: -2.25, 1.5, 65535 and -1.
    assert data[128:144].hex(" ", 4) == "00000000 000002c0 0000c03f ffffffff"
    assert data[512 + 128 : 512 + 160].hex(" ", 8) == (
        "0200000000000000 1000000000000000 0807060504030201 0100000000000000"
    )
    # All other bytes are 0.
    used = [(128, 16), (256, 16), (512 + 128, 32), (512 + 256, 32), (61440, 4096)]
    rest = bytearray(data)
    for at, size in used:
        rest[at : at + size] = bytes(size)
    assert not any(rest)


def test_a_queue_uses_the_slot_of_the_number() -> None:
    data = BY_NAME["queue-bytes"].data
    # 2 slots of 300 bytes, so each has 384; descriptors at 768, one reader entry at 1024.
    header = data[61440:]
    assert header[16:24].hex(" ", 4) == "01000000 02000000"
    assert header[32:72].hex(" ", 8) == (
        "8001000000000000 0000000000000000 0003000000000000 0004000000000000 0100000000000000"
    )
    # Values 3 and 4 of 4: 256 and 300 bytes, in slots 1 and 0.
    assert header[128:136].hex() == "0400000000000000"
    assert data[384 : 384 + 256] == bytes(range(256))
    assert data[:300] == b"\xff" * 300
    assert data[768:784].hex(" ", 8) == "0800000000000000 2c01000000000000"
    assert data[896:912].hex(" ", 8) == "0600000000000000 0001000000000000"


def test_an_array_has_its_type_and_shape_in_the_descriptor() -> None:
    golden = BY_NAME["latest-array"]
    # 3 slots of 512 bytes; value 1, <f4 of shape (2, 3), is overwritten in slot 1 by value 4.
    at = 3 * 512 + 128
    assert golden.data[at : at + 8].hex() == "0800000000000000"
    assert golden.data[at + 32 : at + 72].hex(" ", 8) == (
        "3c66340000000000 0300000000000000 0400000000000000 0000000000000000 0200000000000000"
    )


def test_a_plain_area_has_the_last_value() -> None:
    data = BY_NAME["latest-image"].data
    # The area has 8192 bytes for values of at most 5000.
    found = read_channel(data)
    assert (found.plain, found.slots_at, found.stride) == (8192, 8192, 8192)
    assert data[:4] == bytes([15, 0, 0, 0])
    assert data[4:19] == "größe ✓.bin".encode()


@pytest.mark.parametrize("golden", CHANNELS, ids=lambda golden: golden.name)
def test_what_is_written_is_read(golden: object) -> None:
    data = golden.data  # type: ignore[attr-defined]
    found = read_channel(data)
    assert without_chance(data) == data
    assert found.number == len(golden.case.slots)  # type: ignore[attr-defined]
    assert found.newest is not None
    assert found.newest.data == golden.case.slots[-1]  # type: ignore[attr-defined]


def test_a_number_that_is_not_set_is_found() -> None:
    golden = BY_NAME["queue-bytes"]
    changed = bytearray(golden.data)
    changed[61440 + 88 : 61440 + 96] = bytes(8)
    with pytest.raises(AssertionError, match="is not set"):
        without_chance(bytes(changed))
