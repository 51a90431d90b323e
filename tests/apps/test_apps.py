"""What the desktop programs do, without their windows; interop has tests with them."""

from __future__ import annotations

import io
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from pyshm import ImageData, ShareMemoryHelper, TestData
from pyshm.apps import pictures, sentences, writing
from pyshm.apps.background import Background
from pyshm.apps.reading import Reading
from pyshm.apps.writing import Target, Writing
from pyshm.errors import ArgumentError, ClosedError, DoesNotFitError, MapIOError, PyshmError

NUMBERS = ["100", "20", *map(str, range(60, 70))]
PATIENCE = 30.0


@pytest.fixture
def writer(map_name: str) -> Iterator[Writing]:
    with Writing() as session:
        yield session


@pytest.fixture
def reader(map_name: str) -> Iterator[Reading]:
    with Reading() as session:
        yield session


@pytest.fixture
def target(map_name: str) -> Target:
    return Target(map_name, "1000000")


@pytest.fixture
def photo(tmp_path: Path) -> str:
    path = tmp_path / "photo é.png"
    Image.linear_gradient("L").resize((64, 48)).convert("RGB").save(path)
    return str(path)


def is_gone(name: str) -> bool:
    """Whether nobody holds the map; ``map_name`` sees to it that nothing of it is left."""
    try:
        ShareMemoryHelper(name).open().close()
    except FileNotFoundError:
        return True
    return False


def story(session: Writing | Reading, act: Callable[[], object]) -> str:
    """What the window says when ``act`` fails."""
    with pytest.raises((PyshmError, OSError)) as failure:
        act()
    return session.explain(failure.value)


# --- the Writer ---------------------------------------------------------------------------


def test_the_writer_puts_path_and_file_into_the_map(
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


def test_the_writer_puts_the_numbers_into_the_map(writer: Writing, target: Target) -> None:
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


def test_another_name_lets_go_of_the_map_before(writer: Writing, map_name: str) -> None:
    writer.open(Target(map_name, "5000"))
    writer.open(Target(map_name + "-2", "5000"))
    assert is_gone(map_name)
    assert not is_gone(map_name + "-2")


def test_another_name_that_can_not_be_opened_keeps_the_map_before(
    writer: Writing, map_name: str
) -> None:
    writer.open(Target(map_name, "5000"))
    with pytest.raises(ArgumentError):
        writer.open(Target("", "5000"))
    assert not is_gone(map_name)


def test_another_capacity_makes_the_map_anew(writer: Writing, map_name: str) -> None:
    writer.open(Target(map_name, "5000"))
    opened = writer.open(Target(map_name, "9000"))
    assert opened.capacity >= 9000
    assert not opened.other_size


def test_the_same_target_again_keeps_what_is_written(writer: Writing, target: Target) -> None:
    writer.send_struct(NUMBERS, target)
    writer.open(target)
    with ShareMemoryHelper(target.name).open() as memory:
        assert memory.read_struct(TestData).id == 100


def test_a_map_that_somebody_else_holds_keeps_its_capacity_and_the_writer_says_so(
    writer: Writing, map_name: str
) -> None:
    with ShareMemoryHelper(map_name, 4096).create_or_open():
        opened = writer.open(Target(map_name, "100000"))
        assert (opened.capacity, opened.asked) == (4096, 100000)
        assert "was there already, with 4,096 bytes, not 100,000" in str(opened)
        assert "4,096 bytes, not 100,000" in str(writer.send_struct(NUMBERS, opened_as(opened)))


def opened_as(opened: writing.Opened) -> Target:
    return Target(opened.name, str(opened.asked))


def test_a_reader_that_only_looks_does_not_stop_a_change_of_capacity(
    writer: Writing, map_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.open(Target(map_name, "4096"))
    looker = ShareMemoryHelper(map_name).open()

    def wait(seconds: float) -> None:
        looker.close()  # between two attempts, as a look ends

    monkeypatch.setattr(writer, "_pause", lambda seconds: wait(seconds) if seconds else None)
    assert not writer.open(Target(map_name, "100000")).other_size


def test_a_file_that_has_changed_is_read_again(
    writer: Writing, target: Target, photo: str, reader: Reading
) -> None:
    first = writer.load(photo)
    assert writer.load(photo) is first
    Image.new("RGB", (3, 2)).save(photo)
    writer.send_picture(photo, target)
    assert reader.picture(target.name).picture.size == (3, 2)


def test_the_writer_closed_while_it_reads_a_file_opens_no_map(
    target: Target, photo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, go_on = threading.Event(), threading.Event()
    read = ImageData.from_file

    def slow(path: str) -> ImageData:
        reading.set()
        assert go_on.wait(PATIENCE)
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
    assert reading.wait(PATIENCE)
    writer.close()  # does not wait for the file
    go_on.set()
    thread.join(PATIENCE)
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
def test_a_number_that_is_none_is_named(
    writer: Writing, target: Target, numbers: list[str], expected: str
) -> None:
    said = story(writer, lambda: writer.send_struct(numbers, target))
    assert expected in said
    assert len(said) < 500
    assert is_gone(target.name)  # it was not even opened


def test_a_picture_that_does_not_fit_is_told_with_the_capacity_that_it_needs(
    writer: Writing, map_name: str, tmp_path: Path
) -> None:
    photo = str(tmp_path / "photo.bmp")
    Image.new("RGB", (100, 100)).save(photo)
    size = 8 + len(photo.encode()) + Path(photo).stat().st_size
    said = story(writer, lambda: writer.send_picture(photo, Target(map_name, "100")))
    assert f"Set the capacity to {size} or more" in said
    writer.send_picture(photo, Target(map_name, str(size)))


def test_what_is_no_picture_does_not_reach_the_map(
    writer: Writing, reader: Reading, target: Target, photo: str, tmp_path: Path
) -> None:
    writer.send_picture(photo, target)
    bad = tmp_path / "bad.png"
    bad.write_text("text")
    said = story(writer, lambda: writer.send_picture(str(bad), target))
    assert said.startswith(f"“{bad}” is no picture that can be shown: 4 bytes")
    assert said.endswith("Choose a PNG, a JPG or another picture that Pillow reads.")
    assert reader.picture(target.name).path == photo


def test_a_file_that_is_not_there_and_a_folder_are_told_plainly(
    writer: Writing, tmp_path: Path
) -> None:
    gone = str(tmp_path / "gone.png")
    assert story(writer, lambda: writer.load(gone)) == f"There is no file “{gone}”."
    said = story(writer, lambda: writer.load(str(tmp_path)))
    assert said == f"“{tmp_path}” is a folder; choose a picture in it."


# --- the Reader ---------------------------------------------------------------------------


def test_the_reader_shows_path_and_picture(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    seen = reader.picture(target.name)
    assert seen.path == photo
    assert seen.picture.tobytes() == Image.open(photo).tobytes()
    assert str(seen).startswith(f"Read 64 x 48, {Path(photo).stat().st_size:,} bytes in ")


def test_the_reader_shows_the_struct_as_its_text(
    writer: Writing, reader: Reading, target: Target
) -> None:
    writer.send_struct(NUMBERS, target)
    numbers = reader.struct(target.name)
    assert numbers.text == "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"
    assert numbers.story == f"Read 48 bytes from the map “{target.name}”."


def test_the_reader_says_when_the_numbers_are_a_pictures_bytes(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert "these numbers are its bytes" in reader.struct(target.name).story


def test_a_reader_that_comes_first_is_told_how_to_start(reader: Reading, map_name: str) -> None:
    for look in (reader.picture, reader.struct, reader.news):
        said = story(reader, lambda look=look: look(map_name))
        assert said.startswith(f"No map named '{map_name}'. Nothing is there yet. Start the Writer")


def test_a_map_that_nobody_wrote_to_is_told_as_such(
    writer: Writing, reader: Reading, target: Target
) -> None:
    writer.open(target)
    said = story(reader, lambda: reader.picture(target.name))
    assert "is there, but nothing was written to it yet. Press Blip in the Writer" in said


def test_live_tells_each_picture_once(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert reader.news(target.name) is not None
    assert reader.news(target.name) is None
    Image.new("RGB", (5, 5), "red").save(photo)
    writer.send_picture(photo, target)
    seen = reader.news(target.name)
    assert seen is not None
    assert seen.picture.getpixel((0, 0)) == (255, 0, 0)
    assert reader.news(target.name) is None


def test_live_does_not_decode_what_it_has_shown(
    writer: Writing,
    reader: Reading,
    target: Target,
    photo: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    writer.send_picture(photo, target)
    assert reader.news(target.name) is not None
    monkeypatch.setattr(ImageData, "check_picture", lambda image: pytest.fail("decoded"))
    assert reader.news(target.name) is None


def test_blip_shows_again_what_live_has_shown(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    assert reader.news(target.name) is not None
    assert reader.picture(target.name).path == photo


def test_live_notices_that_the_writer_goes_and_another_comes(
    reader: Reading, target: Target, photo: str
) -> None:
    for _ in range(2):
        with Writing() as writer:
            writer.send_picture(photo, target)
            assert reader.news(target.name) is not None
        said = story(reader, lambda: reader.news(target.name))
        assert said.startswith(f"The map “{target.name}” is gone: the Writer was closed.")


def test_the_reader_holds_no_map_between_two_looks(
    reader: Reading, target: Target, photo: str
) -> None:
    with Writing() as writer:
        writer.send_picture(photo, target)
        reader.news(target.name)
    assert is_gone(target.name)


def test_a_picture_after_an_error_is_news_though_it_is_the_same(
    writer: Writing, reader: Reading, target: Target, photo: str
) -> None:
    writer.send_picture(photo, target)
    reader.news(target.name)
    writer.send_struct(["-9", *NUMBERS[1:]], target)
    said = story(reader, lambda: reader.news(target.name))
    assert f"The map “{target.name}” holds no picture: path_length at 0 is -9" in said
    assert said.endswith("Press Blip in the Writer to put a picture there; Struct shows a struct.")
    writer.send_picture(photo, target)
    assert reader.news(target.name) is not None


def test_a_damaged_picture_is_told_once(reader: Reading, map_name: str) -> None:
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.write_image(ImageData("p", b"no picture"))
        said = story(reader, lambda: reader.news(map_name))
        assert "holds no picture that can be shown: 10 bytes that are no picture" in said
        assert reader.news(map_name) is None


def test_a_write_under_way_is_waited_for(reader: Reading, map_name: str, photo: str) -> None:
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


def test_a_write_that_died_is_told_after_a_while(
    reader: Reading, map_name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyshm.apps.reading._PATIENCE", 0.02)
    with ShareMemoryHelper(map_name).create_or_open() as memory:
        memory.buffer[:4] = b"\xff" * 4
        said = story(reader, lambda: reader.news(map_name))
        assert "a write is under way, or its writer died in it" in said


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
            """The copy; when a piece of it is there, a writer changes the map."""

            def __setitem__(self, place, piece) -> None:
                super().__setitem__(place, piece)
                if not overwritten:
                    overwritten.append(memory.write_image(ImageData("p", new.read_bytes())))

        monkeypatch.setattr("pyshm.apps.reading.bytearray", Torn, raising=False)
        seen = reader.picture(map_name)
        assert overwritten
        assert seen.picture.getcolors() == [(1600, (0, 0, 255))]


def test_a_path_that_is_no_text_is_shown_as_far_as_it_is(reader: Reading, map_name: str) -> None:
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


def test_a_closed_session_looks_at_nothing(map_name: str) -> None:
    reader = Reading()
    reader.close()
    with ShareMemoryHelper(map_name).create_or_open(), pytest.raises(ClosedError):
        reader.picture(map_name)


# --- work in the background ---------------------------------------------------------------


class Loop:
    """A window's loop: what ``later`` was given, called when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []
        self.told: list[object] = []

    def later(self, _: int, function: Callable[[], None]) -> None:
        self.waiting.append(function)

    def turn(self, until: Callable[[], bool]) -> None:
        end = threading.Event()
        timer = threading.Timer(PATIENCE, end.set)
        timer.start()
        try:
            while not until():
                assert not end.is_set(), "nothing came"
                for function in [self.waiting.pop(0) for _ in self.waiting[:]]:
                    function()
        finally:
            timer.cancel()


def test_results_and_errors_arrive_on_the_loops_thread_in_order() -> None:
    loop, threads = Loop(), []
    background = Background(loop.later)

    def job() -> int:
        threads.append(threading.get_ident())
        return 7

    background.run(job, lambda it: loop.told.append((it, threading.get_ident())), pytest.fail)
    background.run(lambda: 1 // 0, pytest.fail, lambda error: loop.told.append(type(error)))
    assert background.busy
    loop.turn(lambda: len(loop.told) == 2)
    here = threading.get_ident()
    assert loop.told == [(7, here), ZeroDivisionError]
    assert threads != [here]
    assert not background.busy
    assert not loop.waiting  # an idle window is not woken up
    background.stop()


def test_a_delivery_that_opens_a_dialog_does_not_hold_up_the_next() -> None:
    loop = Loop()
    background = Background(loop.later)

    def dialog(_: object) -> None:
        loop.turn(lambda: "second" in loop.told)
        loop.told.append("first")

    background.run(lambda: None, dialog, pytest.fail)
    background.run(lambda: None, lambda _: loop.told.append("second"), pytest.fail)
    loop.turn(lambda: "first" in loop.told)
    assert loop.told == ["second", "first"]
    background.stop()


def test_nothing_is_delivered_after_the_stop() -> None:
    loop, ran = Loop(), threading.Event()
    background = Background(loop.later)
    background.run(ran.set, pytest.fail, pytest.fail)
    assert ran.wait(PATIENCE)
    background.stop()
    background.run(lambda: pytest.fail("ran"), pytest.fail, pytest.fail)
    while loop.waiting:
        loop.waiting.pop()()
    assert background._thread is not None
    background._thread.join(PATIENCE)
    assert not background._thread.is_alive()


# --- pictures and sentences ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "room", "expected"),
    [
        ((400, 300), (200, 200), (200, 150)),
        ((300, 400), (200, 200), (150, 200)),
        ((20, 10), (200, 200), (200, 100)),
        ((1000, 1), (100, 100), (100, 1)),
        ((200, 100), (200, 100), (200, 100)),
    ],
)
def test_a_picture_is_as_large_as_it_goes_into_the_room(
    size: tuple[int, int], room: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert pictures.fitted(Image.new("RGB", size), *room).size == expected


@pytest.mark.parametrize(
    ("mode", "expected"),
    [("1", "RGB"), ("L", "RGB"), ("P", "RGB"), ("CMYK", "RGB"), ("LA", "RGBA"), ("I", "RGB"),
     ("F", "RGB"), ("I;16", "RGB"), ("RGBA", "RGBA")],
)  # fmt: skip
def test_every_kind_of_picture_can_be_shown(mode: str, expected: str) -> None:
    picture = pictures.upright(Image.new(mode, (4, 3)))
    assert (picture.mode, picture.size) == (expected, (4, 3))


def test_sixteen_bits_are_shown_from_the_darkest_to_the_lightest() -> None:
    deep = Image.new("I;16", (2, 1))
    deep.putpixel((0, 0), 1000)
    deep.putpixel((1, 0), 60000)
    shown = pictures.upright(deep)
    assert [shown.getpixel((x, 0)) for x in (0, 1)] == [(0, 0, 0), (255, 255, 255)]


def test_a_picture_is_turned_as_its_camera_was_held(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera lay on its right side
    Image.new("RGB", (30, 20)).save(tmp_path / "p.jpg", exif=exif)
    assert pictures.upright(Image.open(tmp_path / "p.jpg")).size == (20, 30)


def test_the_file_dialog_offers_what_pillow_reads() -> None:
    found = pictures.patterns()
    assert {"*.png", "*.jpg", "*.jpeg", "*.gif", "*.bmp", "*.webp"} <= set(found)
    assert found == sorted(found)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError(5, "Input/output error", "/x"), "“/x” can't be read: Input/output error."),
        (PermissionError(13, "no", "/x"), "“/x” can't be read: you have no permission to."),
        (MemoryError(), "There is not enough memory for that."),
        (
            DoesNotFitError("no room", field="blob", value=99),
            "No room. Set the capacity to 99 or more, or take a smaller picture.",
        ),
        (MapIOError("full", field="capacity"), "Full. Set a smaller capacity."),
        (KeyError("x"), "This should not have happened: KeyError: 'x'."),
        (ArgumentError("two\nlines"), "Two\ufffdlines. Choose another map name."),
    ],
)
def test_errors_are_told_in_whole_sentences(error: Exception, expected: str) -> None:
    assert sentences.explain(error, {}).startswith(expected)


def test_sizes_and_times_are_written_for_people() -> None:
    assert sentences.in_bytes(1) == "1 byte"
    assert sentences.in_bytes(10485760) == "10,485,760 bytes"
    assert sentences.in_time(0.00123) == "1.23 ms"
    assert sentences.in_time(1.5) == "1.50 s"


# --- starting -----------------------------------------------------------------------------


Start = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def start(child_environment: dict[str, str]) -> Start:
    """``start(program, *arguments, before="…")`` runs a program, after some code, to its end."""

    def run(program: str, *arguments: str, before: str = "") -> subprocess.CompletedProcess[str]:
        code = f"import sys\n{before}\nfrom pyshm.apps.{program} import main\nsys.exit(main())"
        return subprocess.run(
            [sys.executable, "-c", code, *arguments],
            env={**child_environment, "DISPLAY": ""},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE * 2,
            check=False,
        )

    return run


@pytest.mark.parametrize("program", ["writer", "reader"])
@pytest.mark.parametrize(
    ("module", "line"),
    [("tkinter", "tkinter"), ("PIL.ImageTk", "python3-pil.imagetk")],
)
def test_without_tk_or_imagetk_a_sentence_says_how_to_get_it(
    start: Start, program: str, module: str, line: str
) -> None:
    # Where there is no tkinter either, a stand-in: it is ImageTk that has to be missing.
    before = "import types\nsys.modules['tkinter'] = types.ModuleType('tkinter')\n"
    done = start(program, before=f"{before}sys.modules[{module!r}] = None")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pyshm-{program}: ")
    assert line in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.posix
@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has a display")
@pytest.mark.parametrize("program", ["writer", "reader"])
def test_without_a_display_a_sentence_says_so(start: Start, program: str, map_name: str) -> None:
    pytest.importorskip("tkinter")
    pytest.importorskip("PIL.ImageTk")
    done = start(program, "--map", map_name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"pyshm-{program}: there is no display to show a window on")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("program", ["writer", "reader"])
def test_help_needs_no_display_and_names_the_keys(start: Start, program: str) -> None:
    done = start(program, "--help", before="sys.modules['tkinter'] = None")
    assert (done.returncode, done.stderr) == (0, "")
    for word in ("--map NAME", "Ctrl+O", "Ctrl+Q", "Escape"):
        assert word in done.stdout


def test_the_logic_needs_no_tkinter(start: Start) -> None:
    done = start(
        "reader",
        "--version",
        before="sys.modules['tkinter'] = None\n"
        "from pyshm.apps import background, pictures, reading, sentences, writing",
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("pyshm ")
