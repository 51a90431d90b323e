"""The real windows of both desktop programs on a display, with a peer of each language."""

from __future__ import annotations

import os
import signal
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from interop.cases.case import STANDARD, struct_case
from interop.cases.pictures import make_picture
from interop.desktop.app import App
from interop.desktop.display import virtual_display
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, path_of, read_map, struct_bytes
from interop.peers.start import python_peer
from pyshm.testing.process import Peer, PeerFailure

GROUP = "programs"
pytestmark = [pytest.mark.slow, pytest.mark.display, pytest.mark.posix]

TEXT = "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"
BOX = ".__tk__messagebox"
FILES = ".__tk_filedialog"
PATIENCE = 20.0  # seconds to wait for a change that no text reports


@pytest.fixture
def app(display: str) -> Iterator[Callable[..., App]]:
    """``app("writer", "--map", name)`` starts a program; at the end all windows are closed.

    The fixture ``place`` fails at the end of the session if a program left a map.
    """
    started: list[App] = []

    def start(program: str, *options: str, on: str = display, **environment: str) -> App:
        started.append(App(program, on, *options, **environment))
        return started[-1]

    yield start
    for each in started:
        each.peer.close()


@pytest.fixture
def photo(picture_folder: str) -> str:
    return make_picture("photo-2-megapixels.jpg", picture_folder)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A picture with a color in each corner, so that it looks different when it is rotated."""
    path = tmp_path / "four corners é.png"
    picture = Image.new("RGB", (120, 80), "white")
    for place, color in [((0, 0), "red"), ((60, 0), "lime"), ((0, 40), "blue")]:
        picture.paste(color, (*place, place[0] + 60, place[1] + 40))
    picture.save(path)
    return path


def shown_as(path: str | Path, screen: Image.Image) -> Image.Image:
    """Return what the screen must show: the picture as large as possible, in the middle."""
    picture = Image.open(path).convert("RGB")
    scale = min(screen.width / picture.width, screen.height / picture.height)
    size = (round(picture.width * scale), round(picture.height * scale))
    scaled = picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    expected = Image.new("RGB", screen.size, screen.getpixel((0, 0)))
    expected.paste(scaled, ((screen.width - size[0]) // 2, (screen.height - size[1]) // 2))
    return expected


def assert_shows(app: App, path: str | Path) -> None:
    screen = app.picture().convert("RGB")
    expected = shown_as(path, screen)
    assert screen.tobytes() == expected.tobytes()
    assert len(screen.resize((8, 8)).getcolors() or ()) > 4  # not only one color on both sides


def read_image(peer: Peer, name: str) -> Any:
    opened = {"do": "helper", "as": "m", "how": "open", "name": name}
    outcomes = peer.request(opened, {"do": "read-image", "helper": "m"})
    assert "value" in outcomes[-1], outcomes
    return outcomes[-1]["value"]


def write_image(peer: Peer, name: str, path: str | Path, how: str = "create-or-open") -> None:
    opened = {"do": "helper", "as": "m", "how": how, "name": name}
    written = {"do": "write-image", "helper": "m", "path": str(path), "file": str(path)}
    outcomes = peer.request(opened, written)
    assert all("value" in outcome for outcome in outcomes), outcomes


# --- with a peer --------------------------------------------------------------------------


def test_a_peer_reads_a_picture_that_the_writer_sends(
    app: Callable[..., App], peer: Peer, place: Place, photo: str
) -> None:
    import hashlib

    name = place.name()
    writer = app("writer", "--map", name)
    writer.type("path", photo, "<Return>")
    writer.wait_for_text("1920 x 1080")
    writer.press("blip")
    said = writer.wait_for_text("Wrote photo-2-megapixels.jpg: ")
    content = Path(photo).read_bytes()
    assert f"{8 + len(os.fsencode(photo)) + len(content):,} bytes in " in said
    assert f"to the map “{name}”" in said
    found = read_image(peer, name)
    assert found["path"] == photo
    assert found["sha256"] == hashlib.sha256(content).hexdigest()


def test_the_reader_shows_every_pixel_of_a_picture_that_a_peer_sends(
    app: Callable[..., App], peer: Peer, place: Place, photo: str
) -> None:
    name = place.name()
    write_image(peer, name, photo)
    reader = app("reader", "--map", name)
    reader.press("blip")
    reader.wait_for_text("Read 1920 x 1080")
    assert reader.text("path") == photo
    assert_shows(reader, photo)


def test_a_peer_reads_a_struct_that_the_writer_sends(
    app: Callable[..., App], peer: Peer, place: Place
) -> None:
    name = place.name()
    writer = app("writer", "--map", name)
    writer.type("id", "-7")
    writer.type("score9", "2147483647")
    writer.press("struct")
    assert "48 bytes" in writer.wait_for_text("Wrote Id=-7, Age=20")
    opened = {"do": "helper", "as": "m", "how": "open", "name": name}
    found = peer.request(opened, {"do": "read-struct", "helper": "m"})[-1]["value"]
    assert (found["id"], found["age"]) == (-7, 20)
    assert found["scores"] == [60, 61, 62, 63, 64, 65, 66, 67, 68, 2147483647]


def test_the_reader_shows_a_struct_that_a_peer_sends_in_a_message_box(
    app: Callable[..., App], peer: Peer, place: Place
) -> None:
    name = place.name()
    opened = {"do": "helper", "as": "m", "how": "create-or-open", "name": name}
    peer.request(opened, struct_case("standard", *STANDARD).writes[0])
    reader = app("reader", "--map", name)
    reader.press("struct")
    reader.wait_for_dialog(BOX)
    assert reader.text(f"{BOX}.msg") == TEXT
    reader.do("key", key="<Escape>", widget=f"{BOX}.ok")
    reader.wait_for("0", "winfo", "exists", BOX)


# --- the two programs together ------------------------------------------------------------


def test_both_programs_work_together(
    app: Callable[..., App], place: Place, photo: str, small: Path
) -> None:
    name = place.name()
    reader = app("reader", "--map", name)
    reader.do("tcl", words=["wm", "geometry", ".", "+0+600"])
    reader.press("blip")
    assert "Start the Writer" in reader.wait_for_text(f"No map named '{name}'")
    reader.press("live")
    reader.wait_for_text("Live shows it")

    writer = app("writer", "--map", name)
    assert writer.wait_for_text("is open, 10,485,760 bytes")
    reader.wait_for_text("nothing was written to it yet")
    for path, size in ((photo, "1920 x 1080"), (str(small), "120 x 80")):
        writer.type("path", path)
        writer.press("blip")
        writer.wait_for_text(f"Wrote {os.path.basename(path)}")
        reader.wait_for_text(f"Read {size}")
        assert reader.text("path") == path
        assert_shows(reader, path)
        assert_shows(writer, path)

    writer.press("struct")
    reader.wait_for_text("holds no picture")
    writer.press("blip")
    reader.wait_for_text("Read 120 x 80")

    writer.peer.close()
    reader.wait_for_text("no longer exists: the Writer was closed")
    assert existing_maps(name) == []
    again = app("writer", "--map", name, photo)
    again.wait_for_text("Blip sends it")
    again.press("blip")
    reader.wait_for_text("Read 1920 x 1080")
    reader.do("key", key="<Escape>", widget="blip")
    reader.wait_for_text("Live is off")
    again.peer.close()
    reader.peer.close()
    assert existing_maps(name) == []


def test_live_shows_a_picture_that_differs_in_one_pixel(
    app: Callable[..., App], place: Place, small: Path, tmp_path: Path
) -> None:
    name, one, other = place.name(), tmp_path / "one.bmp", tmp_path / "other.bmp"
    with Image.open(small) as picture:
        picture.save(one)
        picture.putpixel((119, 79), (1, 2, 3))
        picture.save(other)
    reader = app("reader", "--map", name, "--live")
    reader.wait_for_text("Live shows it")
    source = python_peer()
    source.request({"do": "helper", "as": "m", "how": "create-or-open", "name": name})
    try:
        for path in (one, other, one):
            step = {"do": "write-image", "helper": "m", "path": "the same", "file": str(path)}
            source.request(step)
            # The texts are the same for all pictures, so wait until the screen has changed.
            until = time.monotonic() + PATIENCE
            while time.monotonic() < until:
                screen = reader.picture().convert("RGB")
                if screen == shown_as(path, screen):
                    break
            else:
                pytest.fail(f"{path} was not shown within {PATIENCE} s")
    finally:
        source.close()


def test_the_message_box_does_not_stop_live(
    app: Callable[..., App], place: Place, photo: str, small: Path
) -> None:
    name = place.name()
    writer = app("writer", "--map", name, photo)
    writer.press("blip")
    writer.wait_for_text("Wrote")
    reader = app("reader", "--map", name, "--live")
    reader.wait_for_text("Read 1920 x 1080")
    reader.press("struct")
    reader.wait_for_dialog(BOX)
    assert "these numbers are its bytes" in reader.text("status")
    writer.type("path", str(small))
    writer.press("blip")
    reader.wait_for_text("Read 120 x 80")
    reader.press(f"{BOX}.ok")
    reader.wait_for("0", "winfo", "exists", BOX)


# --- mistakes of the user -----------------------------------------------------------------


def test_the_window_reports_a_picture_that_is_larger_than_the_map(
    app: Callable[..., App], place: Place, photo: str
) -> None:
    name = place.name()
    writer = app("writer", "--map", name, "--capacity", "4096", photo)
    writer.wait_for_text("Blip sends it")
    writer.press("blip")
    said = writer.wait_for_text("the buffer has 4096")
    assert "Set the capacity to" in said
    needed = said.split("Set the capacity to ")[1].split()[0]
    writer.wait_for_focus("capacity")
    writer.type("capacity", needed, "<Return>")
    writer.wait_for_text(f"is open, {int(needed):,} bytes")
    writer.press("blip")
    writer.wait_for_text("Wrote")
    assert os.path.getsize(path_of(name)) == int(needed)


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "Choose a picture first. Browse for one (Ctrl+O)"),
        ("no such file.png", "There is no file “no such file.png”."),
        ("{folder}", "is a folder"),
        ("{folder}/text.png", "is not a picture in a format that pyshm decodes"),
        ("{folder}/pipe.png", "is a pipe or a device"),
        ("{folder}/cut.png", "is not a picture that can be shown: the picture is damaged"),
    ],
)
def test_the_window_reports_a_file_that_is_not_a_picture(
    app: Callable[..., App],
    place: Place,
    tmp_path: Path,
    small: Path,
    path: str,
    message: str,
) -> None:
    (tmp_path / "text.png").write_text("no picture")
    (tmp_path / "cut.png").write_bytes(small.read_bytes()[:200])
    os.mkfifo(tmp_path / "pipe.png")
    writer = app("writer", "--map", place.name())
    writer.wait_for_text("is open")
    writer.type("path", path.format(folder=tmp_path))
    writer.press("blip")
    writer.wait_for_text(message)
    writer.wait_for_focus("path")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("id", "2147483648", "Id must be a whole number from -2,147,483,648 to 2,147,483,647"),
        ("score3", "-3000000000", "Scores[3] must be a whole number from -2,147,483,648"),
        ("age", "young", "Age must be a whole number, not “young”."),
        ("capacity", "much", "Capacity must be a whole number, not “much”."),
        ("capacity", "0", "Capacity must be at least 1, not 0."),
        ("capacity", "9" * 15, "bytes are free there. Set a smaller capacity."),
        ("name", "a/b", "must not contain a separator (/ or \\). Choose another map name."),
    ],
)
def test_the_window_reports_an_invalid_value(
    app: Callable[..., App], place: Place, field: str, value: str, message: str
) -> None:
    writer = app("writer", "--map", place.name())
    writer.wait_for_text("is open")
    writer.type(field, value)
    writer.press("struct")
    writer.wait_for_text(message)
    writer.wait_for_focus(field)


def test_the_window_reports_a_map_of_another_capacity_and_uses_it(
    app: Callable[..., App], place: Place
) -> None:
    name, source = place.name(), python_peer()
    try:
        source.request({"do": "create-new", "as": "map", "name": name, "capacity": 4096})
        writer = app("writer", "--map", name, "--capacity", "8192")
        writer.wait_for_text(
            "exists already, with 4,096 bytes, not 8,192. It keeps this size until"
        )
        writer.press("struct")
        writer.wait_for_text("48 bytes in ")
        assert read_map(name, 48) == struct_bytes(*STANDARD)
    finally:
        source.close()


def test_the_window_reports_a_map_without_a_blob(app: Callable[..., App], place: Place) -> None:
    name = place.name()
    writer = app("writer", "--map", name)
    writer.type("id", "123456789")
    writer.press("struct")
    writer.wait_for_text("Wrote")
    reader = app("reader", "--map", name)
    reader.press("blip")
    said = reader.wait_for_text(
        f"The map “{name}” holds no picture: path_length at 0 is 123456789;"
    )
    assert "Press Blip in the Writer" in said
    assert reader.text("label") == said


# --- keyboard, size, display --------------------------------------------------------------


def test_the_file_dialog_has_a_title_and_its_choice_is_loaded(
    app: Callable[..., App], place: Place, small: Path
) -> None:
    writer = app("writer", "--map", place.name())
    writer.wait_for_text("is open")
    writer.do("key", key="<Control-o>", widget="path")
    writer.wait_for_dialog(FILES)
    assert writer.do("tcl", words=["wm", "title", FILES]) == "Select an image"
    kinds = writer.do("tcl", words=[f"{FILES}.contents.f2.menu", "cget", "-text"])
    assert kinds.startswith("PNG and JPG (*.png,*.jpg")
    writer.type(f"{FILES}.contents.f2.ent", str(small))
    writer.press(f"{FILES}.contents.f2.ok")
    writer.wait_for_text("120 x 80")
    assert writer.text("path") == str(small)
    assert_shows(writer, small)
    writer.press("browse")
    writer.wait_for_dialog(FILES)
    writer.do("key", key="<Escape>", widget=f"{FILES}.contents.f2.ent")
    writer.wait_for("0", "winfo", "viewable", FILES)
    assert writer.text("path") == str(small)


def test_tab_moves_through_the_widgets_in_their_order_in_the_window(
    app: Callable[..., App], place: Place
) -> None:
    scores = [f"score{i}" for i in range(10)]
    orders = {
        "writer": ["name", "capacity", "path", "browse", "blip", "id", "age", *scores, "struct"],
        "reader": ["name", "live", "path", "blip", "struct"],
    }
    for program, order in orders.items():
        window = app(program, "--map", place.name())
        window.do("key", key="<Tab>", widget="name")
        for widget in [*order[1:], order[0]]:
            window.wait_for_focus(widget)
            window.do("key", key="<Tab>")


def test_enter_presses_a_button_and_escape_restores_a_value(
    app: Callable[..., App], place: Place, small: Path
) -> None:
    name = place.name()
    writer = app("writer", "--map", name)
    writer.wait_for_text("is open")
    writer.type("id", "5", "<Escape>")
    writer.do("wait", **{"for": {"do": "text", "widget": "id"}, "is": "100"})
    writer.type("age", "21", "<Return>")
    writer.wait_for_text("Wrote Id=100, Age=21")
    writer.type("path", str(small), "<Return>")
    writer.wait_for_text("120 x 80")
    writer.do("key", key="<Return>", widget="blip")
    writer.wait_for_text("Wrote four corners é.png")
    writer.do("key", key="<Alt-s>", widget="blip")
    writer.wait_for_text("Wrote Id=100")


@pytest.mark.parametrize("program", ["writer", "reader"])
def test_control_q_closes_the_window(app: Callable[..., App], place: Place, program: str) -> None:
    name = place.name()
    window = app(program, "--map", name)
    window.do("key", key="<Control-q>", widget="name")
    with pytest.raises(PeerFailure, match="ended with status 0"):
        window.do("wait", **{"for": {"do": "focus"}, "is": "no such thing"})
    assert existing_maps(name) == []


def test_the_picture_grows_and_shrinks_with_the_window(
    app: Callable[..., App], place: Place, photo: str
) -> None:
    writer = app("writer", "--map", place.name(), photo)
    before = writer.picture().size
    for size in ("1500x1000", "900x620"):
        writer.do("tcl", words=["wm", "geometry", ".", size])
        writer.wait_for(size.split("x")[0], "winfo", "width", ".")
        assert writer.picture().size != before
        assert_shows(writer, photo)
    smallest = writer.do("tcl", words=["wm", "minsize", "."])
    assert [int(pixels) for pixels in smallest.split()] == requested_size(writer)


@pytest.mark.parametrize("program", ["writer", "reader"])
def test_on_a_display_of_twice_the_density_the_window_is_twice_as_large(
    app: Callable[..., App], place: Place, program: str
) -> None:
    sizes = []
    for dpi in ("96", "192"):
        with virtual_display("-dpi", dpi) as display:
            window = app(program, "--map", place.name(), on=display)
            sizes.append(requested_size(window))
            window.peer.close()
    assert sizes[1] == pytest.approx([2 * pixels for pixels in sizes[0]], rel=0.08)


def test_the_density_of_the_desktop_is_used_if_it_is_larger(
    app: Callable[..., App], place: Place, tmp_path: Path
) -> None:
    sizes = []
    for dpi in (96, 192):
        # Without a resource database in the X server, this file is used in its place.
        (tmp_path / ".Xdefaults").write_text(f"Xft.dpi: {dpi}\n")
        window = app("reader", "--map", place.name(), HOME=str(tmp_path))
        sizes.append(requested_size(window))
        window.peer.close()
    assert sizes[1] == pytest.approx([2 * pixels for pixels in sizes[0]], rel=0.12)


def requested_size(window: App) -> list[int]:
    """Return the width and height that the contents of the window request."""
    return [int(window.do("tcl", words=["winfo", it, "."])) for it in ("reqwidth", "reqheight")]


# --- threads and the end ------------------------------------------------------------------


def test_the_window_answers_while_a_file_is_read(
    app: Callable[..., App], place: Place, small: Path
) -> None:
    writer = app("writer", "--map", place.name())
    writer.wait_for_text("is open")
    writer.do("hold")
    writer.type("path", str(small))
    writer.press("blip")
    # If the window's thread read the file, the window would not answer from here on.
    writer.wait_for_text("Sending four corners é.png")
    writer.type("id", "6")
    writer.do("release")
    writer.wait_for_text("Wrote four corners é.png")


def test_a_window_closed_while_it_reads_a_file_leaves_no_map(
    app: Callable[..., App], place: Place, small: Path
) -> None:
    name = place.name()
    writer = app("writer", "--map", name)
    writer.wait_for_text("is open")
    writer.do("hold")
    writer.type("path", str(small))
    writer.press("blip")
    writer.wait_for_text("Sending")
    writer.peer.close()
    assert existing_maps(name) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_closes_the_writer_with_status_0(
    app: Callable[..., App], place: Place, number: signal.Signals
) -> None:
    name = place.name()
    writer = app("writer", "--map", name)
    writer.wait_for_text("is open")
    mode = os.stat(path_of(name)).st_mode
    assert stat.S_IMODE(mode) == 0o600
    os.kill(writer.peer.pid, number)
    with pytest.raises(PeerFailure, match="ended with status 0"):
        writer.wait_for_text("no such thing")
    assert existing_maps(name) == []


def test_a_map_of_another_name_replaces_the_first(app: Callable[..., App], place: Place) -> None:
    first, second = place.name("-first"), place.name("-second")
    writer = app("writer", "--map", first)
    writer.wait_for_text(first)
    writer.type("name", second, "<Return>")
    writer.wait_for_text(f"The map “{second}” is open")
    assert existing_maps(first) == []
    assert existing_maps(second) == [second]
    writer.peer.close()
    assert existing_maps(second) == []
