"""The work of the Writer, without its window; interop tests the windows."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from PIL import Image

from pyshm import ImageData, ShareMemoryHelper, TestData
from pyshm.apps import writing
from pyshm.apps.reading import Reading
from pyshm.apps.writing import Target, Writing
from pyshm.errors import ArgumentError, ClosedError
from tests.apps.sessions import NUMBERS, TIMEOUT, is_gone, message_of


def test_the_writer_writes_the_path_and_the_file(
    writer: Writing, target: Target, photo: str
) -> None:
    loaded, written = writer.send_picture(photo, target)
    with ShareMemoryHelper(target.name).open() as memory:
        image = memory.read_image()
        assert (image.path, bytes(image.content)) == (photo, Path(photo).read_bytes())
    size = 8 + len(photo.encode()) + Path(photo).stat().st_size
    assert written.size == size
    assert str(written).startswith(f"Wrote photo é.png: {size:,} bytes in ")
    assert str(written).endswith(f" ms, to the map “{target.name}”.")
    assert loaded.picture.size == (64, 48)


def test_the_writer_writes_the_numbers(writer: Writing, target: Target) -> None:
    written = writer.send_struct(NUMBERS, target)
    assert written.size == 48
    with ShareMemoryHelper(target.name).open() as memory:
        assert memory.read_struct(TestData) == TestData.standard()


def test_the_writer_holds_its_map_until_it_is_closed(map_name: str) -> None:
    writer = Writing()
    assert str(writer.open(Target(map_name, "8192"))).endswith("is open, 8,192 bytes.")
    ShareMemoryHelper(map_name).open().close()
    writer.close()
    assert is_gone(map_name)


def test_another_name_releases_the_previous_map(writer: Writing, map_name: str) -> None:
    writer.open(Target(map_name, "5000"))
    writer.open(Target(map_name + "-2", "5000"))
    assert is_gone(map_name)
    assert not is_gone(map_name + "-2")


def test_an_invalid_name_keeps_the_previous_map(writer: Writing, map_name: str) -> None:
    writer.open(Target(map_name, "5000"))
    with pytest.raises(ArgumentError):
        writer.open(Target("", "5000"))
    assert not is_gone(map_name)


def test_another_capacity_creates_a_new_map(writer: Writing, map_name: str) -> None:
    writer.open(Target(map_name, "5000"))
    opened = writer.open(Target(map_name, "9000"))
    assert opened.capacity >= 9000
    assert not opened.other_size


def test_the_same_target_keeps_the_contents(writer: Writing, target: Target) -> None:
    writer.send_struct(NUMBERS, target)
    writer.open(target)
    with ShareMemoryHelper(target.name).open() as memory:
        assert memory.read_struct(TestData).id == 100


def test_a_map_that_another_program_holds_keeps_its_capacity_with_a_message(
    writer: Writing, map_name: str
) -> None:
    with ShareMemoryHelper(map_name, 4096).create_or_open():
        opened = writer.open(Target(map_name, "100000"))
        assert (opened.capacity, opened.requested) == (4096, 100000)
        assert "exists already, with 4,096 bytes, not 100,000" in str(opened)
        assert "4,096 bytes, not 100,000" in str(writer.send_struct(NUMBERS, opened_as(opened)))


def opened_as(opened: writing.Opened) -> Target:
    return Target(opened.name, str(opened.requested))


def test_a_look_of_a_reader_does_not_prevent_a_change_of_capacity(
    writer: Writing, map_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.open(Target(map_name, "4096"))
    looker = ShareMemoryHelper(map_name).open()

    def wait(seconds: float) -> None:
        looker.close()  # the look ends between two attempts

    monkeypatch.setattr(writer, "_pause", lambda seconds: wait(seconds) if seconds else None)
    assert not writer.open(Target(map_name, "100000")).other_size


def test_a_changed_file_is_read_again(
    writer: Writing, target: Target, photo: str, reader: Reading
) -> None:
    first = writer.load(photo)
    assert writer.load(photo) is first
    Image.new("RGB", (3, 2)).save(photo)
    writer.send_picture(photo, target)
    assert reader.picture(target.name).picture.size == (3, 2)


def test_a_writer_that_is_closed_while_it_reads_a_file_opens_no_map(
    target: Target, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    read = ImageData.from_file

    def slow(path: str) -> ImageData:
        reading.set()
        assert go_on.wait(TIMEOUT)
        return read(path)

    monkeypatch.setattr(ImageData, "from_file", slow)
    writer, failures = Writing(), []

    def send() -> None:
        try:
            writer.send_picture(photo, target)
        except ClosedError as error:
            failures.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    assert reading.wait(TIMEOUT)
    writer.close()  # without waiting for the file
    go_on.set()
    thread.join(TIMEOUT)
    assert len(failures) == 1
    assert is_gone(target.name)


@pytest.mark.parametrize(
    ("numbers", "expected"),
    [
        (["x", *NUMBERS[1:]], "Id must be a whole number, not “x”."),
        (["", *NUMBERS[1:]], "Id must be a whole number, not “”."),
        (["1", "1.5", *NUMBERS[2:]], "Age must be a whole number, not “1.5”."),
        (
            [*NUMBERS[:-1], "2147483648"],
            "Scores[9] must be a whole number from -2,147,483,648 to 2,147,483,647, not 2,147,",
        ),
        (["9" * 5000, *NUMBERS[1:]], "…"),
    ],
)
def test_the_message_names_the_field_with_an_invalid_number(
    writer: Writing, target: Target, numbers: list[str], expected: str
) -> None:
    message = message_of(writer, lambda: writer.send_struct(numbers, target))
    assert expected in message
    assert len(message) < 500
    assert is_gone(target.name)  # the map was not opened


def test_the_message_for_a_large_picture_says_which_capacity_it_needs(
    writer: Writing, map_name: str, tmp_path: Path
) -> None:
    photo = str(tmp_path / "photo.bmp")
    Image.new("RGB", (100, 100)).save(photo)
    size = 8 + len(photo.encode()) + Path(photo).stat().st_size
    message = message_of(writer, lambda: writer.send_picture(photo, Target(map_name, "100")))
    assert f"Set the capacity to {size} or more" in message
    writer.send_picture(photo, Target(map_name, str(size)))


def test_a_file_that_is_not_a_picture_is_not_written(
    writer: Writing, reader: Reading, target: Target, photo: str, tmp_path: Path
) -> None:
    writer.send_picture(photo, target)
    bad = tmp_path / "bad.png"
    bad.write_text("text")
    message = message_of(writer, lambda: writer.send_picture(str(bad), target))
    assert message.startswith(
        f"“{bad}” is not a picture that can be shown: the content (4 bytes) is not a picture"
    )
    assert message.endswith("Choose a PNG, a JPG or another picture that pyshm can decode.")
    assert reader.picture(target.name).path == photo


def test_a_missing_file_and_a_folder_have_clear_messages(writer: Writing, tmp_path: Path) -> None:
    gone = str(tmp_path / "gone.png")
    assert message_of(writer, lambda: writer.load(gone)) == f"There is no file “{gone}”."
    message = message_of(writer, lambda: writer.load(str(tmp_path)))
    assert message == f"“{tmp_path}” is a folder; choose a picture in it."
