"""The annotated dump (docs/protocol.md, "dump")."""

from __future__ import annotations

import json

import pytest

from pyshm import ImageData, TestData, dump
from pyshm.errors import LengthError, TruncatedError


def lines(data, kind=None, title="map"):
    buffer = memoryview(data)
    return list(dump.as_text(buffer, dump.annotate(buffer, kind), title))


def test_the_text_of_a_small_blob():
    assert lines(ImageData('é"', b"xyz").to_bytes() + b"\xff") == [
        "map: blob, 15 bytes",
        (
            "00000000  03 00 00 00                                      ....              "
            "path_length = 3"
        ),
        (
            '00000004  c3 a9 22                                         .."               '
            'path = "é\\""'
        ),
        (
            "00000007  03 00 00 00                                      ....              "
            "content_length = 3"
        ),
        (
            "0000000b  78 79 7a                                         xyz               "
            "content (3 bytes)"
        ),
        (
            "0000000e  ff                                               .                 "
            "stale (1 bytes)"
        ),
    ]


def test_the_text_of_a_struct():
    found = lines(TestData.standard().to_bytes())
    assert found[:3] == [
        "map: TestData, 48 bytes",
        "00000000  64 00 00 00                                      d...              Id = 100",
        "00000004  14 00 00 00                                      ....              Age = 20",
    ]
    assert found[-1] == (
        "0000002c  45 00 00 00                                      E...              "
        "Scores[9] = 69"
    )
    assert len(found) == 13


def test_a_long_field_has_its_note_on_its_first_row_and_no_trailing_spaces():
    found = lines(ImageData("p" * 20, b"x").to_bytes())
    assert found[2] == (
        "00000004  70 70 70 70 70 70 70 70 70 70 70 70 70 70 70 70  pppppppppppppppp  "
        f'path = "{"p" * 20}"'
    )
    assert found[3] == ("00000014  70 70 70 70                                      pppp")


@pytest.mark.parametrize(("size", "rows", "more"), [(64, 4, None), (65, 4, 1), (200, 4, 136)])
def test_the_first_64_bytes_of_content_are_shown(size, rows, more):
    found = lines(ImageData("p", b"c" * size).to_bytes())
    content = [line for line in found[4:] if "cc" in line]
    assert len(content) == rows
    assert (
        found[-1].endswith("cccc")
        if more is None
        else found[-1] == (f"          … {more} more bytes")
    )


def test_the_first_64_stale_bytes_are_shown():
    found = lines(bytes(48) + b"s" * 100, "TestData")
    assert found[-5].endswith("stale (100 bytes)")
    assert found[-1] == "          … 36 more bytes"


def test_the_first_row_of_stale_bytes_has_their_note():
    found = lines(bytes(48) + b"s" * 100, "TestData")
    assert (
        found[13] == "00000030  " + " ".join(["73"] * 16) + "  " + "s" * 16 + "  stale (100 bytes)"
    )


def test_a_long_path_is_shown_whole():
    found = lines(ImageData("p" * 100, b"x").to_bytes())
    assert "more bytes" not in "\n".join(found)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (ImageData("p", b"x").to_bytes(), "blob"),
        (ImageData("p", b"").to_bytes().ljust(48, b"\0"), "TestData"),
        (TestData.standard().to_bytes(), "TestData"),
        (b"\xfe" + b"\xff" * 47, "TestData"),
        (b"\xff" * 4, "blob"),
        (b"\xff" * 48, "blob"),
        (bytes(1), "empty"),
        (bytes(48), "empty"),
        (bytes(200_000), "empty"),
        (bytes(47) + b"x", "TestData"),
        (bytes(199_999) + b"x", "TestData"),
    ],
)
def test_without_a_kind_the_bytes_decide(data, kind):
    assert dump.annotate(memoryview(data)).kind == kind


def test_an_empty_blob_is_shown_if_the_kind_is_given():
    found = lines(bytes(8), "blob")
    assert found == [
        "map: blob, 8 bytes",
        (
            "00000000  00 00 00 00                                      ....              "
            "path_length = 0"
        ),
        '00000004                                                                     path = ""',
        (
            "00000004  00 00 00 00                                      ....              "
            "content_length = 0"
        ),
        (
            "00000008                                                                     "
            "content (0 bytes)"
        ),
    ]


def test_bytes_that_are_not_a_blob_are_an_error():
    with pytest.raises(LengthError):
        dump.annotate(memoryview(b"\xfe" + b"\xff" * 7), "blob")


def test_an_unfinished_blob_is_shown_with_a_remark():
    remark = "unfinished: a write is in progress, or the writer was killed during it"
    assert lines(b"\xff" * 4 + b"abc", "blob") == [
        f"map: blob, 7 bytes; {remark}",
        (
            "00000000  ff ff ff ff                                      ....              "
            "path_length = -1"
        ),
        (
            "00000004  61 62 63                                         abc               "
            "unfinished (3 bytes)"
        ),
    ]


def test_the_first_64_bytes_of_an_unfinished_blob_are_shown():
    assert lines(b"\xff" * 4 + b"a" * 66)[-1] == "          … 2 more bytes"


def test_the_remark_says_how_to_show_an_unfinished_blob_as_a_struct():
    assert "--as TestData" in lines(b"\xff" * 48)[0]
    assert lines(b"\xff" * 48, "TestData")[:2] == [
        "map: TestData, 48 bytes",
        "00000000  ff ff ff ff                                      ....              Id = -1",
    ]


def test_a_map_of_zeros_is_empty():
    assert lines(bytes(20))[:2] == [
        "map: empty, 20 bytes; all bytes are zero",
        (
            "00000000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................  "
            "empty (20 bytes)"
        ),
    ]


def test_bytes_of_an_unknown_kind_are_shown_with_the_reason():
    found = dump.annotate_anything(memoryview(b"abc"))
    assert (found.kind, found.size) == ("unknown", 3)
    assert found.remark == "TestData needs 48 bytes; there are 3"
    assert [(region.name, region.size) for region in found.regions] == [("bytes", 3)]


def test_without_a_limit_everything_is_shown():
    buffer = memoryview(ImageData("p", b"c" * 100).to_bytes() + b"s" * 100)
    found = list(dump.as_text(buffer, dump.annotate(buffer), "map", limit=None))
    assert "more bytes" not in "\n".join(found)
    assert "".join(line[59:75] for line in found[4:]) == "c" * 100 + "s" * 100


@pytest.mark.parametrize("size", [0, 47])
def test_too_few_bytes_are_an_error(size):
    with pytest.raises(TruncatedError) as caught:
        dump.annotate(memoryview(b"x" * size))
    assert (caught.value.value, caught.value.limit) == (size, 48)


def test_invalid_utf8_in_a_path_is_shown_as_replacement_characters():
    found = lines(bytes.fromhex("01000000 ff 01000000 78"))
    assert found[2].endswith('path = "\ufffd"')


@pytest.mark.parametrize(
    ("byte", "shown"), [(31, "."), (32, " "), (126, "~"), (127, "."), (255, ".")]
)
def test_only_printable_ascii_is_shown_as_itself(byte, shown):
    found = lines(bytes.fromhex("00000000 02000000") + bytes([byte, ord("x")]), "blob")
    assert found[-1][59:61] == shown + "x"


def test_the_json_of_a_blob():
    data = memoryview(ImageData("é", b"xyz").to_bytes() + b"!")
    assert dump.as_json(dump.annotate(data), "map") == {
        "map": "map",
        "kind": "blob",
        "size": 14,
        "fields": [
            {"name": "path_length", "offset": 0, "size": 4, "value": 2},
            {"name": "path", "offset": 4, "size": 2, "value": "é"},
            {"name": "content_length", "offset": 6, "size": 4, "value": 3},
            {"name": "content", "offset": 10, "size": 3, "value": None},
            {"name": "stale", "offset": 13, "size": 1, "value": None},
        ],
    }


def test_the_json_of_a_struct():
    data = memoryview(TestData.standard().to_bytes())
    fields = dump.as_json(dump.annotate(data), "m")["fields"]
    assert fields[0] == {"name": "Id", "offset": 0, "size": 4, "value": 100}
    assert fields[11] == {"name": "Scores[9]", "offset": 44, "size": 4, "value": 69}
    assert json.dumps(fields)


def test_a_line_break_in_a_remark_is_escaped():
    found = dump.Regions("Mine", 0, [], "no value of A: 1\n2\x1b[2J")
    assert list(dump.as_text(memoryview(b""), found, "m")) == [
        "m: Mine, 0 bytes; no value of A: 1\\n2\\x1b[2J"
    ]
