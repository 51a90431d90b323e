"""The dump in colors: rows, the page, the picture, the terminal."""

from __future__ import annotations

import base64
import io
import re
from collections import Counter
from html.parser import HTMLParser

import pytest

from pyshm import ImageData, Struct, TestData, dump
from pyshm._support.palette import CONTENT, FIELD_COLORS, MARK
from pyshm._support.text import visible
from pyshm.dump import Region, html, png
from pyshm.dump.rows import More, Row, colors, rows, spans
from pyshm.errors import ArgumentError
from pyshm.types import Byte

STRUCT = TestData.standard().to_bytes()


def picture(kind="PNG", size=(3, 2)):
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", size, "red").save(target, kind)
    return target.getvalue()


def annotated(buffer, kind=None):
    """The fields of ``buffer``: by default a TestData that begins as STRUCT, or else a blob."""
    return dump.annotate(buffer, kind or ("TestData" if buffer[:4] == STRUCT[:4] else "blob"))


def view(data, regions=None, **options):
    buffer = memoryview(data)
    return list(rows(buffer, regions or annotated(buffer).regions, **options))


def shape(found):
    """Return offset, number of bytes and notes of each row, or the number of hidden bytes."""
    return [
        row.size
        if isinstance(row, More)
        else (
            row.offset,
            sum(len(piece.data) for piece in row.pieces),
            " | ".join(
                note.name + (" = " + ", ".join(text for text, _ in note.values)) * bool(note.values)
                for note in row.notes
            ),
        )
        for row in found
    ]


def marks(found):
    """Return the offsets of all marked bytes."""
    at = []
    for row in found:
        if isinstance(row, Row):
            offset = row.offset
            for piece in row.pieces:
                at += range(offset, offset + len(piece.data)) if piece.marked else ()
                offset += len(piece.data)
    return at


# --- rows ---


def test_elements_of_an_array_share_rows():
    assert shape(view(STRUCT + b"x")) == [
        (0, 4, "Id = 100"),
        (4, 4, "Age = 20"),
        (8, 16, "Scores[0…3] = 60, 61, 62, 63"),
        (24, 16, "Scores[4…7] = 64, 65, 66, 67"),
        (40, 8, "Scores[8…9] = 68, 69"),
        (48, 1, "stale (1 bytes)"),
    ]


def test_a_narrow_view_has_fewer_elements_in_a_row():
    assert shape(view(STRUCT, width=8))[2] == (8, 8, "Scores[0…1] = 60, 61")


def test_an_element_alone_in_its_row_has_its_own_name():
    regions = [Region(f"A[{i}]", 3 * i, 3, i, f"A[{i}] = {i}") for i in range(6)]
    assert shape(view(bytes(18), regions)) == [
        (0, 15, "A[0…4] = 0, 1, 2, 3, 4"),
        (15, 3, "A[5] = 5"),
    ]


@pytest.mark.parametrize(
    "second",
    [
        Region("A[2]", 4, 4, 0, "A[2] = 0"),
        Region("B[1]", 4, 4, 0, "B[1] = 0"),
        Region("A[1]", 5, 4, 0, "A[1] = 0"),
        Region("A[1]", 4, 2, 0, "A[1] = 0"),
    ],
)
def test_an_element_that_is_not_a_neighbor_begins_a_row(second):
    found = view(bytes(12), [Region("A[0]", 0, 4, 0, "A[0] = 0"), second])
    assert len(found) == 2


def test_content_is_cut_and_a_field_is_not():
    data = ImageData("p" * 100, b"c" * 100).to_bytes()
    found = view(data, dump.annotate(memoryview(data), "blob").regions)
    assert [row[1] for row in shape(found)[1:8]] == [16] * 6 + [4]
    assert shape(found)[-1] == 36
    assert shape(view(ImageData("p", b"c" * 100).to_bytes(), limit=None))[-1][1] == 4


def test_an_empty_field_still_has_its_note():
    assert shape(view(bytes(8), dump.annotate(memoryview(bytes(8)), "blob").regions)) == [
        (0, 4, "path_length = 0"),
        (4, 0, 'path = ""'),
        (4, 4, "content_length = 0"),
        (8, 0, "content (0 bytes)"),
    ]


def test_rows_with_marks_are_shown_after_the_limit():
    data = ImageData("", b"c" * 1000).to_bytes()
    found = view(data, marked=[(100, 101), (500, 503), (511, 514)])
    assert shape(found)[3:] == [
        (8, 16, "content (1000 bytes)"),
        (24, 16, ""),
        (40, 16, ""),
        (56, 16, ""),
        16,
        (88, 16, ""),
        384,
        (488, 16, ""),
        (504, 16, ""),
        488,
    ]
    assert marks(found) == [100, 500, 501, 502, 511, 512, 513]


def test_the_limit_also_applies_to_rows_with_marks():
    data = ImageData("", b"c" * 1000).to_bytes()
    found = view(data, marked=[(8, 1008)])
    assert sum(isinstance(row, Row) for row in found) == 3 + 4 + 4
    assert found[-1] == More(1000 - 128)


def test_every_byte_is_shown_once_or_counted():
    data = ImageData("p" * 20, bytes(range(256))).to_bytes() + bytes(300)
    for marked in ([], [(0, 1)], [(27, 30), (100, 101), (290, 400)], [(583, 584)]):
        at = 0
        for row in view(data, marked=marked):
            if isinstance(row, More):
                at += row.size
            else:
                assert row.offset == at
                shown = b"".join(piece.data for piece in row.pieces)
                assert shown == data[at : at + len(shown)]
                at += len(shown)
        assert at == len(data)


@pytest.mark.parametrize("marked", [[(0, 1)], [(1, 3)], [(3, 5)], [(0, 48)], [(2, 9), (44, 48)]])
def test_exactly_the_marked_bytes_are_marked(marked):
    assert marks(view(STRUCT, marked=marked)) == [i for a, b in marked for i in range(a, b)]


def test_each_field_has_its_own_color_and_elements_share_one():
    regions = annotated(memoryview(STRUCT + b"x")).regions
    assert colors(regions) == [0, 1, *[2] * 10, 0]


def test_positions_are_joined_to_runs():
    assert spans([3, 1, 2, 2, 7]) == [(1, 4), (7, 8)]


def test_control_characters_are_escaped():
    assert visible("a\x1b[2J\x9b\u202eé\ud800") == "a\\x1b[2J\\x9b\\u202eé\\ud800"


# --- palette ---


def luminance(color):
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("color", [*FIELD_COLORS, CONTENT])
def test_black_text_is_readable_on_each_color(color):
    # https://www.w3.org/TR/WCAG22/#contrast-minimum
    assert (luminance(color) + 0.05) / 0.05 >= 7


def test_white_text_is_readable_on_a_mark():
    assert 1.05 / (luminance(MARK) + 0.05) >= 7


# --- pictures ---


@pytest.mark.parametrize(
    ("kind", "mime", "shown"),
    [("PNG", "image/png", True), ("JPEG", "image/jpeg", True), ("TIFF", "image/tiff", False)],
)
def test_the_description_has_the_format_and_the_size(kind, mime, shown):
    found = dump.describe(memoryview(picture(kind)))
    assert found == (kind, mime, 3, 2, "RGB")
    assert found.shown_by_browsers is shown
    assert str(found) == f"{kind} picture, 3 x 2, RGB"


def test_a_picture_that_is_cut_off_after_its_header_is_described():
    assert dump.describe(memoryview(picture(size=(300, 200)))[:60])[2:4] == (300, 200)


def huge_png(width, height):
    import struct
    import zlib

    def chunk(kind, data):
        crc = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("side", [12_000, 100_000])
def test_a_decompression_bomb_is_harmless(side):
    found = dump.describe(memoryview(huge_png(side, side)))
    assert isinstance(found, str)
    assert found.startswith("the picture is too large: ")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no picture: the content is empty"),
        (b"hello", "not a picture in a format that pyshm decodes"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "picture"),
    ],
)
def test_the_description_says_why_there_is_no_picture(content, message):
    found = dump.describe(memoryview(content))
    assert isinstance(found, str)
    assert message in found


# --- HTML ---


class Page(HTMLParser):
    """Reads a page: its text, its spans by region; checks that all elements are closed."""

    VOID = {"meta", "img", "br", "link"}
    OPTIONAL = {"html", "tbody"}

    def __init__(self, text):
        super().__init__()
        self.open, self.spans, self.images, self.titles = [], [], [], []
        self.text = ""
        self.feed(text)
        self.close()
        assert [tag for tag in self.open if tag not in self.OPTIONAL] == []

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        if tag == "img":
            self.images.append(found["src"])
        if "title" in found:
            self.titles.append(found["title"])
        if tag not in self.VOID:
            self.open.append(tag)
        if tag == "span":
            self.spans.append([found.get("class"), found.get("data-r"), ""])

    def handle_endtag(self, tag):
        while self.open[-1] != tag:
            assert self.open.pop() in self.OPTIONAL
        self.open.pop()

    def handle_data(self, data):
        self.text += data
        if "span" in self.open:
            self.spans[-1][2] += data


def fragment(data, **options):
    buffer = memoryview(data)
    regions = options.pop("regions", None) or annotated(buffer).regions
    return Page(html.fragment(buffer, regions, **options))


def page(data, **options):
    buffer = memoryview(data)
    regions = annotated(buffer)
    region = regions.content
    found = dump.describe(buffer[region.offset : region.end]) if region else ""
    return html.as_html(buffer, regions, "a & <b>", picture=found, **options)


def test_the_bytes_the_text_and_the_name_of_a_field_are_linked():
    assert [span for span in fragment(STRUCT).spans if span[1] == "0"] == [
        ["f0", "0", "64 00 00 00"],
        ["f0", "0", "d..."],
        ["f0", "0", "Id"],
        [None, "0", "100"],
    ]


def test_the_value_of_an_element_is_linked_to_its_bytes():
    assert [span[2] for span in fragment(STRUCT).spans if span[1] == "3"] == [
        "3d 00 00 00",
        "=...",
        "61",
    ]


def test_the_base_is_added_to_offsets():
    assert "00001004" in fragment(STRUCT, base=0x1000).text


def test_marked_bytes_have_the_class_mark():
    found = fragment(STRUCT, marked={5, 6})
    assert [span[2] for span in found.spans if span[0] == "mark"] == ["00 00", ".."]


def test_bytes_that_differ_show_the_expected_bytes():
    wanted = bytearray(STRUCT)
    wanted[0], wanted[3] = 0x65, 0x3F
    found = fragment(STRUCT, expected=wanted)
    assert [span[2] for span in found.spans if span[0] == "mark"] == ["64", "00", "d", "."]
    assert found.titles == ["expected 65", "expected 3f"]


def test_extra_and_missing_bytes_are_shown():
    assert fragment(STRUCT, expected=STRUCT[:46]).titles == ["nothing expected"] * 2
    assert "2 bytes are missing: 61 62" in fragment(STRUCT, expected=STRUCT + b"ab").text


def test_expected_bytes_are_not_marked():
    assert [span for span in fragment(STRUCT, expected=STRUCT).spans if span[0] == "mark"] == []


def test_other_regions_can_be_shown():
    found = fragment(b"\x07", regions=[Region("<Size>", 0, 1, 7, "<Size> = 7")])
    assert found.spans[2][2] == "<Size>"


def test_the_page_is_well_formed_and_escaped():
    found = Page(page(ImageData('</script><img src="x">\x1b\u202e', b"x").to_bytes() + b"<<"))
    assert found.images == []
    assert "\\x1b" not in found.text  # JSON has escaped it already
    assert "\\u001b" in found.text
    assert "\\u202e" in found.text
    assert "a & <b>" in found.text


def test_the_page_needs_no_other_file():
    text = page(ImageData("http://example.com/a.png", picture()).to_bytes())
    assert re.findall(r'(?:src|href)="(?!data:)[^"]*"|url\(|@import|<link', text) == []
    assert "prefers-color-scheme: dark" in text


def test_the_page_contains_the_picture():
    (source,) = Page(page(ImageData("p", picture()).to_bytes())).images
    head, _, coded = source.partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(coded) == picture()


@pytest.mark.parametrize(
    "content",
    [picture("TIFF"), huge_png(20_000, 20_000), picture() + bytes(html.EMBEDDED), b"text"],
    ids=["no browser shows it", "a bomb", "large", "none"],
)
def test_the_page_does_not_contain_every_picture(content):
    assert Page(page(ImageData("p", content).to_bytes())).images == []


def test_the_page_shows_kind_size_picture_and_remark():
    data = ImageData("p", picture()).to_bytes()
    assert f"blob, {len(data)} bytes; PNG picture, 3 x 2, RGB" in page(data)
    assert "unfinished: a write is in progress" in page(b"\xff" * 60)


def test_long_content_is_cut_in_the_page():
    data = ImageData("p", b"x" * 5_000_000).to_bytes()
    assert len(page(data)) < 20_000


# --- PNG ---


def drawn(data, kind=None, **options):
    from PIL import Image

    buffer = memoryview(data)
    regions = png.as_png(buffer, annotated(buffer, kind), "title é圖", **options)
    with Image.open(io.BytesIO(regions)) as image:
        assert image.format == "PNG"
        return image.convert("RGB")


def pixels(image):
    """Return the number of pixels of each color."""
    found = image.getcolors(1 << 24)
    return Counter({"#{:02x}{:02x}{:02x}".format(*color): count for count, color in found})


def test_the_picture_has_the_color_of_each_field_and_no_other():
    found = pixels(drawn(STRUCT))
    present = {color for color in (*FIELD_COLORS, CONTENT, MARK) if found[color] > 300}
    assert present == set(FIELD_COLORS[:3])


def test_the_picture_grows_with_the_rows():
    line = drawn(STRUCT + bytes(16)).height - drawn(STRUCT).height
    assert drawn(STRUCT + bytes(32)).height - drawn(STRUCT).height == 2 * line > 0


def test_content_has_its_own_background():
    assert pixels(drawn(ImageData("p", b"x" * 64).to_bytes()))[CONTENT] > 5000
    assert pixels(drawn(STRUCT))[CONTENT] == 0


def test_padding_is_hatched():
    class Padded(Struct, size=16):
        a: Byte

    assert pixels(drawn(bytes(16), Padded))[png.HATCH] > 200
    assert pixels(drawn(STRUCT + bytes(16)))[png.HATCH] == 0


def test_a_picture_with_too_many_rows_is_refused():
    data = ImageData("p", b"x" * 16 * (png.MOST_ROWS + 1)).to_bytes()
    assert drawn(data).height < 1000
    with pytest.raises(ArgumentError, match="more than 2000 rows"):
        drawn(data, limit=None)


def test_the_picture_needs_no_outline_font(monkeypatch):
    from PIL import ImageFont

    try:
        bitmap = ImageFont.load_default_imagefont()
    except AttributeError:
        bitmap = ImageFont.load_default()  # before 10.1 there is no other

    def load_default(size=None):
        if size is not None:
            raise ImportError("no FreeType")
        return bitmap

    monkeypatch.setattr(ImageFont, "load_default", load_default)
    assert pixels(drawn(STRUCT))[FIELD_COLORS[0]] > 300


# --- the terminal ---


def printed(data, width=110, kind=None, *, html=False, **options):
    console = pytest.importorskip("rich.console")
    from pyshm.dump.terminal import draw

    buffer = memoryview(data)
    target = io.StringIO()
    screen = console.Console(
        file=target, width=width, force_terminal=True, highlight=False, record=True
    )
    draw(screen, buffer, annotated(buffer, kind), "map", **options)
    # The escape sequences depend on the colors of the terminal; HTML does not.
    return screen.export_html(inline_styles=True) if html else target.getvalue()


def plain(text):
    return [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()]


def test_the_terminal_shows_rows_with_names_and_values():
    assert plain(printed(STRUCT))[:4] == [
        "map: TestData, 48 bytes",
        "00000000  64 00 00 00                                      d...              Id = 100",
        "00000004  14 00 00 00                                      ....              Age = 20",
        (
            "00000008  3c 00 00 00 3d 00 00 00 3e 00 00 00 3f 00 00 00  <...=...>...?...  "
            "Scores[0…3] = 60, 61, 62, 63"
        ),
    ]


def test_a_narrow_terminal_has_8_bytes_in_a_row():
    assert plain(printed(STRUCT, 80))[3] == (
        "00000008  3c 00 00 00 3d 00 00 00  <...=...  Scores[0…1] = 60, 61"
    )


def test_the_terminal_gives_each_field_its_color():
    found = printed(STRUCT, html=True)
    assert [f"background-color: {color}" in found for color in FIELD_COLORS] == (
        [True] * 3 + [False] * 3
    )


def test_the_terminal_shows_the_picture_and_the_remark():
    found = plain(printed(b"\xff" * 60, picture="PNG picture, 3 x 2, RGB"))
    assert found[0] == "map: blob, 60 bytes; PNG picture, 3 x 2, RGB"
    assert found[1].startswith("unfinished: a write is in progress")


def test_control_characters_in_a_path_are_escaped():
    found = printed(ImageData("\x9b2J\u202e[red]", b"x").to_bytes())
    assert "\x9b" not in found
    assert "\u202e" not in found
    assert "[red]" in found


def test_a_long_dump_is_one_table():
    found = plain(printed(ImageData("p", b"x" * 16_000).to_bytes(), limit=None))
    assert len(found) == 1 + 3 + 1000
    assert len({line.index("78 78") for line in found[4:]}) == 1
