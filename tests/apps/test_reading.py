"""The work of the Reader, without its window; interop tests the windows."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from pyshm import ImageData, ShareMemoryHelper
from pyshm.apps.reading import Reading
from pyshm.apps.writing import Target, Writing
from pyshm.errors import ClosedError
from tests.apps.sessions import NUMBERS, is_gone, message_of


def test_the_reader_shows_the_path_and_the_picture(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    found = reader.picture(target.name)
    assert found.path == photo
    assert found.picture.tobytes() == Image.open(photo).tobytes()
    assert str(found).startswith(f"Read 64 x 48, {Path(photo).stat().st_size:,} bytes in ")


def test_the_reader_shows_the_struct_as_its_text(
    writer: Writing, reader: Reading, target: Target
) -> None:
    writer.send_struct(NUMBERS, target)
    numbers = reader.struct(target.name)
    assert numbers.text == "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"
    assert numbers.message == f"Read 48 bytes from the map “{target.name}” as a TestData."


def test_the_reader_says_that_the_numbers_are_bytes_of_a_picture(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert "these numbers are its bytes" in reader.struct(target.name).message


def test_without_a_map_the_message_says_how_to_start(reader: Reading, map_name: str) -> None:
    for look in (reader.picture, reader.struct, reader.new_picture):
        message = message_of(reader, lambda look=look: look(map_name))
        assert message.startswith(f"No map named '{map_name}'. Start the Writer")


def test_a_map_without_contents_has_a_message(
    writer: Writing, reader: Reading, target: Target
) -> None:
    writer.open(target)
    message = message_of(reader, lambda: reader.picture(target.name))
    assert "exists, but nothing was written to it yet. Press Blip in the Writer" in message


def test_live_shows_each_picture_once(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert reader.new_picture(target.name) is not None
    assert reader.new_picture(target.name) is None
    Image.new("RGB", (5, 5), "red").save(photo)
    writer.send_picture(photo, target)
    found = reader.new_picture(target.name)
    assert found is not None
    assert found.picture.getpixel((0, 0)) == (255, 0, 0)
    assert reader.new_picture(target.name) is None


def test_live_does_not_decode_the_same_picture_again(
    writer: Writing,
    reader: Reading,
    target: Target,
    photo: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer.send_picture(photo, target)
    assert reader.new_picture(target.name) is not None
    monkeypatch.setattr(ImageData, "check_picture", lambda image: pytest.fail("decoded"))
    assert reader.new_picture(target.name) is None


def test_blip_shows_the_picture_of_live_again(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert reader.new_picture(target.name) is not None
    assert reader.picture(target.name).path == photo


def test_live_notices_when_a_writer_ends_and_another_starts(
    reader: Reading, target: Target, photo: str
) -> None:
    for _ in range(2):
        with Writing() as writer:
            writer.send_picture(photo, target)
            assert reader.new_picture(target.name) is not None
        message = message_of(reader, lambda: reader.new_picture(target.name))
        assert message.startswith(
            f"The map “{target.name}” no longer exists: the Writer was closed."
        )


def test_the_reader_does_not_keep_the_map_open(reader: Reading, target: Target, photo: str) -> None:
    with Writing() as writer:
        writer.send_picture(photo, target)
        reader.new_picture(target.name)
    assert is_gone(target.name)


def test_the_same_picture_after_an_error_is_shown_again(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    reader.new_picture(target.name)
    writer.send_struct(["-9", *NUMBERS[1:]], target)
    message = message_of(reader, lambda: reader.new_picture(target.name))
    assert f"The map “{target.name}” holds no picture: path_length at 0 is -9" in message
    assert message.endswith(
        "Press Blip in the Writer to send a picture, or press Struct here to show a struct."
    )
    writer.send_picture(photo, target)
    assert reader.new_picture(target.name) is not None


def test_a_damaged_picture_is_an_error_once(reader: Reading, map_name: str) -> None:
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.write_image(ImageData("p", b"no picture"))
        message = message_of(reader, lambda: reader.new_picture(map_name))
        assert (
            "holds no picture that can be shown: the content (10 bytes) is not a picture" in message
        )
        assert reader.new_picture(map_name) is None


def test_the_reader_waits_for_the_end_of_a_write(
    reader: Reading, map_name: str, photo: str
) -> None:
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.write_image(ImageData.from_file(photo))
        length = bytes(memory.buffer[:4])
        memory.buffer[:4] = b"\xff" * 4
        waits = []

        def finish(seconds: float) -> None:
            waits.append(seconds)
            if seconds and len(waits) > 2:
                memory.buffer[:4] = length

        reader._pause = finish  # type: ignore[method-assign]
        assert reader.picture(map_name).path == photo
        assert len(waits) > 2


def test_an_unfinished_picture_is_an_error_after_a_while(
    reader: Reading, map_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyshm.apps.reading._WRITE_TIMEOUT", 0.02)
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.buffer[:4] = b"\xff" * 4
        message = message_of(reader, lambda: reader.new_picture(map_name))
        assert "a write is in progress, or the writer was killed during it" in message


def test_a_picture_that_changes_while_it_is_copied_is_copied_again(
    reader: Reading, map_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = (tmp_path / name for name in ("old.bmp", "new.bmp"))
    Image.new("RGB", (40, 40), "red").save(old)
    Image.new("RGB", (40, 40), "blue").save(new)
    monkeypatch.setattr("pyshm.apps.reading._PIECE", 1000)
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.write_image(ImageData("p", old.read_bytes()))
        overwritten = []

        class Torn(bytearray):
            """The copy; after its first piece, a writer changes the map."""

            def __setitem__(self, place, piece) -> None:
                super().__setitem__(place, piece)
                if not overwritten:
                    overwritten.append(memory.write_image(ImageData("p", new.read_bytes())))

        monkeypatch.setattr("pyshm.apps.reading.bytearray", Torn, raising=False)
        found = reader.picture(map_name)
        assert overwritten
        assert found.picture.getcolors() == [(1600, (0, 0, 255))]


def test_invalid_characters_in_a_path_are_replaced(reader: Reading, map_name: str) -> None:
    content = png()
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        path = b"a\xff\nb"
        blob = len(path).to_bytes(4, "little") + path + len(content).to_bytes(4, "little")
        memory.write_bytes(blob + content)
        assert reader.picture(map_name).path == "a\ufffd\ufffdb"


def png() -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", (2, 2)).save(stream, "PNG")
    return stream.getvalue()


def test_a_closed_session_opens_no_map(map_name: str) -> None:
    reader = Reading()
    reader.close()
    with ShareMemoryHelper(map_name).create_or_open(), pytest.raises(ClosedError):
        reader.picture(map_name)
