"""The annotated dump (docs/protocol.md, "dump")."""

from __future__ import annotations

import io
import json

import pytest
from PIL import Image

from pyshm import ImageData, TestData, dump
from pyshm.errors import LengthError, TruncatedError


def lines(data, kind=None, title="map"):
    buffer = memoryview(data)
    return list(dump.as_text(buffer, dump.annotate(buffer, kind), title))


def test_the_text_of_a_small_blob():
    assert lines(ImageData('é"', b"xyz").to_bytes() + b"\xff", "blob") == [
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
    found = lines(TestData.standard().to_bytes(), "TestData")
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
    found = lines(ImageData("p" * 20, b"x").to_bytes(), "blob")
    assert found[2] == (
        "00000004  70 70 70 70 70 70 70 70 70 70 70 70 70 70 70 70  pppppppppppppppp  "
        f'path = "{"p" * 20}"'
    )
    assert found[3] == ("00000014  70 70 70 70                                      pppp")


@pytest.mark.parametrize(("size", "rows", "more"), [(64, 4, None), (65, 4, 1), (200, 4, 136)])
def test_the_first_64_bytes_of_content_are_shown(size, rows, more):
    found = lines(ImageData("p", b"c" * size).to_bytes(), "blob")
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
    found = lines(ImageData("p" * 100, b"x").to_bytes(), "blob")
    assert "more bytes" not in "\n".join(found)


def blob_of(path, content):
    """A blob, written by hand."""
    lengths = [len(part).to_bytes(4, "little") for part in (path, content)]
    return lengths[0] + path + lengths[1] + content


def pictures():
    """The name and the bytes of a picture in each format that pyshm recognizes."""
    for name in ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "TIFF", "WEBP"):
        target = io.BytesIO()
        try:
            Image.new("RGB", (3, 2)).save(target, name)
        except (KeyError, OSError):  # this Pillow was built without it
            continue
        yield pytest.param(target.getvalue(), id=name)


@pytest.mark.parametrize("picture", list(pictures()))
@pytest.mark.parametrize("path", [b"", "é.png".encode(), b"p" * 4096])
def test_a_blob_with_a_picture_is_recognized(path, picture):
    data = blob_of(path, picture)
    assert dump.annotate(memoryview(data)).kind == "blob"
    assert dump.recognize(memoryview(data + bytes(100))) == "blob"


PNG = b"\x89PNG\r\n\x1a\n"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x",
        ImageData("p", b"x").to_bytes(),
        ImageData("p", b"").to_bytes(),
        ImageData("p", b"BM" + bytes(range(40))).to_bytes(),
        TestData.standard().to_bytes(),
        TestData(7, 20, list(range(60, 70))).to_bytes(),
        TestData(20, 0, list(range(10))).to_bytes(),
        b"\xff" * 4,
        b"\xff" * 48,
        b"\xfe" + b"\xff" * 47,
        bytes(47) + b"x",
        bytes(199_999) + b"x",
        blob_of(b"a\0b", PNG),
        blob_of(b"\xff", PNG),
        blob_of(b"p" * 4097, PNG),
        blob_of(b"p", PNG)[:-1],
        blob_of(b"p", PNG[:7]) + PNG[7:],
        b"\xff\xff\xff\xff" + blob_of(b"p", PNG)[4:],
        PNG,
    ],
)
def test_bytes_that_prove_nothing_are_shown_as_they_are(data):
    found = dump.annotate(memoryview(data))
    assert (found.kind, found.content) == ("raw", None)
    assert "--as reads them as blob, TestData, module:Class or My.dll:Full.Name" in found.remark


@pytest.mark.parametrize("size", [1, 48, 200_000])
def test_zeros_are_recognized(size):
    assert dump.annotate(memoryview(bytes(size))).kind == "empty"


def test_raw_bytes_are_a_plain_hex_dump_without_a_hint():
    assert lines(bytes(range(60, 80)), "raw") == [
        "map: raw, 20 bytes",
        "00000000  3c 3d 3e 3f 40 41 42 43 44 45 46 47 48 49 4a 4b  <=>?@ABCDEFGHIJK",
        "00000010  4c 4d 4e 4f                                      LMNO",
    ]
    assert lines(bytes(8), "raw")[0] == "map: raw, 8 bytes"


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
    assert lines(b"\xff" * 4 + b"a" * 66, "blob")[-1] == "          … 2 more bytes"


def test_a_map_of_zeros_is_empty():
    assert lines(bytes(20))[:2] == [
        "map: empty, 20 bytes; all bytes are zero",
        (
            "00000000  00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00  ................  "
            "empty (20 bytes)"
        ),
    ]


def test_bytes_of_an_unknown_kind_are_shown_with_the_reason():
    found = dump.annotate_anything(memoryview(b"abc"), "TestData")
    assert (found.kind, found.size) == ("unknown", 3)
    assert found.remark == "TestData needs 48 bytes; there are 3"
    assert [(region.name, region.size) for region in found.regions] == [("bytes", 3)]


def test_without_a_limit_everything_is_shown():
    buffer = memoryview(ImageData("p", b"c" * 100).to_bytes() + b"s" * 100)
    found = list(dump.as_text(buffer, dump.annotate(buffer, "blob"), "map", limit=None))
    assert "more bytes" not in "\n".join(found)
    assert "".join(line[59:75] for line in found[4:]) == "c" * 100 + "s" * 100


@pytest.mark.parametrize("size", [0, 47])
def test_too_few_bytes_are_an_error(size):
    with pytest.raises(TruncatedError) as caught:
        dump.annotate(memoryview(b"x" * size), "TestData")
    assert (caught.value.value, caught.value.limit) == (size, 48)


def test_invalid_utf8_in_a_path_is_shown_as_replacement_characters():
    found = lines(bytes.fromhex("01000000 ff 01000000 78"), "blob")
    assert found[2].endswith('path = "\ufffd"')


@pytest.mark.parametrize(
    ("byte", "shown"), [(31, "."), (32, " "), (126, "~"), (127, "."), (255, ".")]
)
def test_only_printable_ascii_is_shown_as_itself(byte, shown):
    found = lines(bytes.fromhex("00000000 02000000") + bytes([byte, ord("x")]), "blob")
    assert found[-1][59:61] == shown + "x"


def test_the_json_of_a_blob():
    data = memoryview(ImageData("é", b"xyz").to_bytes() + b"!")
    assert dump.as_json(dump.annotate(data, "blob"), "map") == {
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
    fields = dump.as_json(dump.annotate(data, "TestData"), "m")["fields"]
    assert fields[0] == {"name": "Id", "offset": 0, "size": 4, "value": 100}
    assert fields[11] == {"name": "Scores[9]", "offset": 44, "size": 4, "value": 69}
    assert json.dumps(fields)


def test_a_line_break_in_a_remark_is_escaped():
    found = dump.Regions("Mine", 0, [], "no value of A: 1\n2\x1b[2J")
    assert list(dump.as_text(memoryview(b""), found, "m")) == [
        "m: Mine, 0 bytes; no value of A: 1\\n2\\x1b[2J"
    ]
