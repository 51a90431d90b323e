"""Which pictures are opened, and that no content starts a program or takes much memory."""

from __future__ import annotations

import io
import re
import struct
import sys
import zlib
from pathlib import Path

import pytest
from PIL import EpsImagePlugin, FitsImagePlugin, Image

import pyshm
from pyshm import ImageData, ShareMemoryHelper, dump
from pyshm.apps.reading import Reading
from pyshm.apps.writing import Writing
from pyshm.cli import main
from pyshm.dump.watching import watch
from pyshm.errors import PictureError, PyshmError
from pyshm.formats.pictures import FORMATS
from pyshm.listing import list_maps

from . import contents
from .contents import dib, icns, ico, old_dib, png, tiff

CONTENTS = contents.contents()
EXTERNAL = ["BUFR", "EPS", "FITS", "GRIB", "HDF5", "IPTC", "MPEG", "WMF"]

# Every program that Pillow starts in some version, and those that decode pictures.
PROGRAMS = [
    "gs", "gswin32c", "gswin64c", "convert", "magick", "identify", "display", "gm", "djpeg",
    "cjpeg", "eog", "xv", "xdg-open", "open", "ppmquant", "ppmtogif",
    "rsvg-convert", "inkscape", "ffmpeg",
]  # fmt: skip

_events: list[str] | None = None  # what the audit hook has seen


def _watch_for_programs(event, arguments):
    if _events is not None and event in (
        "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "os.startfile",
    ):  # fmt: skip
        _events.append(f"{event} {arguments!r}")


sys.addaudithook(_watch_for_programs)  # a hook can't be removed


@pytest.fixture
def started(tmp_path, monkeypatch):
    """The programs that were started; stand-ins for all of them are first in PATH."""
    global _events
    folder = tmp_path / "programs"
    folder.mkdir()
    log = tmp_path / "started"
    for name in PROGRAMS:
        program = folder / name
        program.write_text(f'#!/bin/sh\necho "{name} $*" >> "{log}"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    # Pillow looks for Ghostscript once.
    monkeypatch.setattr(EpsImagePlugin, "gs_binary", None, raising=False)
    _events = []
    try:
        yield lambda: _events + (log.read_text().splitlines() if log.exists() else [])
    finally:
        _events = None


@pytest.mark.parametrize("name", EXTERNAL)
def test_pillow_alone_would_open_the_content(name):
    if name == "FITS" and not hasattr(FitsImagePlugin, "FitsGzipDecoder"):
        pytest.skip("this Pillow does not decompress FITS")
    with Image.open(io.BytesIO(CONTENTS[name])) as picture:
        assert picture.format == name


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")
def test_pillow_alone_would_start_ghostscript(started):
    with pytest.raises(Exception), Image.open(io.BytesIO(CONTENTS["EPS"])) as picture:  # noqa: B017, PT011
        picture.load()
    assert any("gs" in line for line in started())


def use_in_every_way(content, name, folder):
    """Use the content of a blob as every part of pyshm does that looks at pictures."""
    file = folder / "picture"
    file.write_bytes(content)
    image = ImageData("picture", content)
    with Reading() as reading, Writing() as writing:
        ways = [
            image.picture,
            image.check_picture,
            lambda: ImageData.from_picture(image.picture(), "again"),
            lambda: dump.describe(memoryview(content)),
            lambda: writing.load(str(file)),
            lambda: reading.picture(name),
            lambda: reading.new_picture(name),
            lambda: next(watched(image.to_bytes())),
            list_maps,
        ]
        for way in ways:
            try:
                way()
            except (PyshmError, OSError):
                pass
    for arguments in (
        ["read-image", name],
        ["dump", name],
        ["dump", name, "--json"],
        ["dump", name, "--html", str(folder / "page.html"), "--png", str(folder / "dump.png")],
        ["list"],
    ):
        main(arguments)


def watched(data):
    from contextlib import nullcontext

    return watch(lambda: nullcontext(memoryview(data)), lambda: None)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some contents
@pytest.mark.parametrize("form", sorted(CONTENTS))
def test_no_content_starts_a_program(form, started, map_name, tmp_path):
    with ShareMemoryHelper(map_name, 1_000_000).create_or_open() as memory:
        memory.write_image(ImageData("picture", CONTENTS[form]))
        use_in_every_way(CONTENTS[form], map_name, tmp_path)
    assert started() == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs a viewer found through PATH")
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("form", sorted(CONTENTS))
def test_show_gives_the_viewer_decoded_pixels_or_starts_nothing(
    form, started, map_name, tmp_path, monkeypatch
):
    from PIL import ImageShow

    # The name of a stored picture must not become an argument of the viewer.
    monkeypatch.setattr(ImageShow, "_viewers", [ImageShow.DisplayViewer()])
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with ShareMemoryHelper(map_name, 1_000_000).create_or_open() as memory:
        memory.write_image(ImageData("@/etc/passwd", CONTENTS[form]))
        status = main(["read-image", map_name, "--show"])
    shown = [line for line in started() if line.startswith("subprocess.Popen")]
    if status == 0:
        assert form in FORMATS
        (line,) = shown
        (path,) = re.findall(r"\['display', '([^']+)'\]", line)
        assert Path(path).read_bytes().startswith(b"\x89PNG")
    else:
        assert shown == []


@pytest.mark.parametrize("name", [name for name in CONTENTS if name.split("-")[0] in EXTERNAL])
def test_a_format_that_pillow_does_not_decode_itself_is_refused(name):
    image = ImageData("p", CONTENTS[name])
    with pytest.raises(
        PictureError, match="not a picture in a format that pyshm decodes"
    ) as caught:
        image.picture()
    assert (caught.value.kind, caught.value.field) == ("not-a-picture", "content")
    assert "no picture" in str(dump.describe(memoryview(CONTENTS[name])))


@pytest.mark.parametrize("form", [form for form in FORMATS if form in CONTENTS])
def test_each_format_of_the_list_is_decoded(form):
    picture = ImageData("p", CONTENTS[form]).check_picture()
    assert picture.format == form


def test_the_page_names_each_format_of_the_list():
    page = (Path(__file__).parents[2] / "docs" / "format.md").read_text("utf-8")
    (sentence,) = re.findall(r"Python decodes ([^.]+)\.", page)
    assert tuple(re.findall(r"[A-Z0-9]{3,}", sentence)) == FORMATS


def test_the_formats_of_dotnet_are_in_the_list():
    # System.Drawing.Imaging.ImageFormat, without EMF and WMF: those are drawing commands.
    assert {"BMP", "GIF", "ICO", "JPEG", "PNG", "TIFF", "WEBP"} <= set(FORMATS)


def test_one_function_alone_opens_pictures():
    package = Path(pyshm.__file__).parent
    found = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if re.search(r"\bImage\.open\(", path.read_text("utf-8"))
    }
    assert found == {"formats/pictures.py"}


# --- pictures that are larger than they look ---

BOMBS = {
    "an ICO with a PNG": ico(png(5000, 5000)),
    "an ICO whose second picture is the large one": ico(png(256, 256), png(5000, 5000)),
    "an ICO with a PNG of two headers": ico(png(5000, 5000, first=(16, 16))),
    "an ICO with a DIB": ico(dib(60000, 60000)),
    "an ICO with a DIB from top to bottom": ico(dib(60000, -60000)),
    "an ICO with an old DIB": ico(old_dib(60000, 60000)),
    "an ICNS with a PNG": icns(png(5000, 5000)),
    "a TIFF with a tile": tiff(16, 16, 10016),
    "a PNG": png(10000, 10000),
}


@pytest.mark.parametrize("name", sorted(BOMBS))
def test_the_size_is_checked_before_a_pixel_is_decoded(name, monkeypatch):
    from PIL import ImageFile, TiffImagePlugin

    def never(*_):
        raise AssertionError("a pixel was decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load_prepare", never)
    monkeypatch.setattr(TiffImagePlugin.TiffImageFile, "_load_libtiff", never)
    with pytest.raises(PictureError) as caught:
        ImageData("p", BOMBS[name]).check_picture()
    assert (caught.value.kind, caught.value.field) == ("picture-too-large", "content")
    assert str(dump.describe(memoryview(BOMBS[name]))).startswith("the picture is too large: ")


def test_a_jpeg_2000_in_an_icns_is_checked():
    if "JPEG2000" not in CONTENTS:
        pytest.skip("this Pillow has no JPEG 2000")
    target = io.BytesIO()
    Image.new("L", (5000, 5000)).save(target, "JPEG2000")
    with pytest.raises(PictureError) as caught:
        ImageData("p", icns(target.getvalue())).picture()
    assert caught.value.kind == "picture-too-large"


def test_an_icon_has_a_limited_number_of_pictures():
    with pytest.raises(PictureError, match="more than 256 pictures"):
        ImageData("p", ico(*[png(1, 1)] * 257)).picture()


def test_the_walk_through_the_pictures_of_an_icon_is_bounded():
    # All entries of an icon can lead to the same PNG with any number of chunks.
    picture = png(256, 256)
    begin, pixels = picture[:33], picture[33:]
    text = struct.pack(">I4sI", 0, b"prVt", zlib.crc32(b"prVt"))
    ImageData("p", ico(begin + text * 255 + pixels)).check_picture()
    with pytest.raises(PictureError, match="a PNG in the icon has more than 256 chunks"):
        ImageData("p", ico(begin + text * 256 + pixels)).picture()


def test_the_header_of_a_jpeg_2000_in_an_icon_is_at_its_beginning():
    # All blocks of an icon can lead to the same boxes, and each look would walk through them.
    boxes = b"\0\0\0\x0cjP  \r\n\x87\n" + struct.pack(">I4s", 8, b"free") * 20_000
    with pytest.raises(PictureError, match="a JPEG 2000 in the icon"):
        ImageData("p", icns(boxes)).picture()


@pytest.mark.parametrize("cut", [1, 5, 6, 7, 21, 22, 23, 30, 40, 45])
@pytest.mark.parametrize("icon", [ico(png(256, 256)), ico(dib(8, 16)), icns(png(256, 256))])
def test_an_icon_that_is_cut_off_is_an_error(icon, cut):
    with pytest.raises(PictureError):
        ImageData("p", icon[:cut]).check_picture()


@pytest.mark.parametrize("make", [ico, icns])
def test_an_ordinary_icon_is_decoded(make):
    assert ImageData("p", make(png(256, 256))).check_picture().size == (256, 256)


@pytest.mark.filterwarnings("ignore:Image was not the expected size")
def test_without_pillows_limit_large_pictures_are_opened(monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    assert ImageData("p", png(10000, 10000)).picture().size == (10000, 10000)
    assert ImageData("p", ico(png(300, 300))).picture().size == (300, 300)
    assert dump.describe(memoryview(png(10000, 10000)))[2:4] == (10000, 10000)
    assert isinstance(dump.describe(memoryview(png(4, 3))), dump.Picture)


# --- pictures that are sent again ---


def animation():
    target = io.BytesIO()
    frames = [Image.new("RGB", (8, 6), color) for color in ("red", "green", "blue")]
    frames[0].save(target, "GIF", save_all=True, append_images=frames[1:])
    return target.getvalue()


def photo(form="JPEG"):
    exif = Image.Exif()
    exif[0x0112] = 6
    target = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(target, form, exif=exif, quality=60)
    return target.getvalue()


UNTOUCHED = {"GIF": animation(), "JPEG": photo(), "PNG": png(4, 4), "EPS": contents.eps()}


@pytest.mark.parametrize("form", sorted(UNTOUCHED))
def test_an_opened_file_is_sent_as_it_is(form, tmp_path, started):
    path = tmp_path / "picture"
    path.write_bytes(UNTOUCHED[form])
    with Image.open(path) as picture:
        assert ImageData.from_picture(picture, "p").content == UNTOUCHED[form]
    with path.open("rb") as file, Image.open(file) as picture:
        place = file.tell()
        assert ImageData.from_picture(picture, "p").content == UNTOUCHED[form]
        assert file.tell() == place
    assert started() == []


@pytest.mark.parametrize("form", ["GIF", "JPEG", "PNG"])
def test_an_opened_file_is_sent_as_it_is_after_its_pixels_were_used(form, tmp_path):
    path = tmp_path / "picture"
    path.write_bytes(UNTOUCHED[form])
    with Image.open(path) as picture:
        picture.load()
        assert ImageData.from_picture(picture, "p").content == UNTOUCHED[form]
    received = ImageData("p", UNTOUCHED[form]).check_picture()
    assert ImageData.from_picture(received, "p").content == UNTOUCHED[form]


def test_a_changed_picture_is_encoded_with_its_change(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(png(4, 4))
    with Image.open(path) as picture:
        picture.putpixel((1, 2), 200)
        again = ImageData.from_picture(picture, "p").check_picture()
    assert (again.format, again.getpixel((1, 2)), again.getpixel((0, 0))) == ("PNG", 200, 0)


def test_a_file_that_was_replaced_after_it_was_opened_is_not_sent(tmp_path):
    path = tmp_path / "p.png"
    path.write_bytes(png(4, 4))
    with Image.open(path) as picture:
        picture.load()
        path.write_bytes(png(9, 9))
        assert ImageData.from_picture(picture, "p").picture().size == (4, 4)


def test_a_changed_jpeg_keeps_its_orientation_and_its_compression(tmp_path):
    path = tmp_path / "p.jpg"
    path.write_bytes(photo())
    with Image.open(path) as picture:
        picture.putpixel((0, 0), (1, 2, 3))
        before = picture.quantization
        again = ImageData.from_picture(picture, "p").picture()
    assert again.getexif()[0x0112] == 6
    assert again.quantization == before


def test_a_warning_says_that_frames_are_lost(tmp_path):
    path = tmp_path / "p.gif"
    path.write_bytes(animation())
    with Image.open(path) as picture:
        picture.seek(1)
        with pytest.warns(UserWarning, match="only the current frame of 3 is stored"):
            again = ImageData.from_picture(picture, "p").picture()
    assert again.n_frames == 1


def test_a_reduced_picture_is_encoded(tmp_path):
    path = tmp_path / "p.jpg"
    path.write_bytes(photo())
    with Image.open(path) as picture:
        picture.draft("RGB", (64, 64))
        size = picture.size
        assert size != (256, 256)
        assert ImageData.from_picture(picture, "p").picture().size == size
