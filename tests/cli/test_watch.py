"""``pyshm watch``: the changes of a map, shown while they happen."""

from __future__ import annotations

import io
import json
import re
import signal
import sys
from contextlib import contextmanager
from struct import pack_into

import pytest

from pyshm import ImageData, ShareMemoryHelper, TestData
from pyshm._support.palette import MARK
from pyshm.dump.changes import Snapshot
from pyshm.dump.watching import Appeared, BeingWritten, Changed, Rewritten, Waiting, watch
from pyshm.errors import (
    ArgumentError,
    MapAccessError,
    MapIOError,
    MapNotFoundError,
    NameRuleError,
)

STRUCT = TestData.standard().to_bytes()
OTHER = TestData(100, 21, list(range(60, 70))).to_bytes()


class Ended(Exception):
    """The test has no more contents for another look."""


def events(*looks, kind=None, **options):
    """Return the events for a map with the given contents (or errors), one for each look."""
    left = list(looks)
    waits = []

    @contextmanager
    def look():
        if not left:
            raise Ended
        found = left.pop(0)
        if isinstance(found, Exception):
            raise found
        yield memoryview(bytearray(found))

    seen = []
    watched = watch(look, lambda: waits.append(1), kind, **options)
    try:
        seen.extend(watched)
    except Ended:
        pass
    assert len(waits) == len(looks)
    return seen


def names(seen):
    return [type(event).__name__ for event in seen]


def test_the_first_contents_are_reported_once():
    (event,) = events(STRUCT, STRUCT, STRUCT)
    assert isinstance(event, Appeared)
    assert event.found.kind == "raw"
    assert event.data == STRUCT


def test_a_change_has_the_old_and_the_new_bytes():
    _, event = events(STRUCT, OTHER, OTHER, kind=TestData)
    assert isinstance(event, Changed)
    assert [(change.offset, change.old, change.new) for change in event.changes] == [
        (4, b"\x14", b"\x15")
    ]
    assert event.before.regions[1].value == 20
    assert event.found.regions[1].value == 21
    assert event.data == OTHER


def test_each_look_is_compared_with_the_previous_one():
    seen = events(STRUCT, OTHER, STRUCT, STRUCT, kind=TestData)
    assert [event.found.regions[1].value for event in seen] == [20, 21, 20]


MISSING = MapNotFoundError("no map named 'x'")


def test_a_missing_map_is_reported_once():
    seen = events(MISSING, MISSING, STRUCT)
    assert seen[0] == Waiting("no map named 'x'")
    assert names(seen) == ["Waiting", "Appeared"]


def test_another_reason_to_wait_is_reported():
    assert names(events(MISSING, MapIOError("truncated"), MISSING)) == ["Waiting"] * 3


def test_a_map_that_is_created_again_is_reported_again():
    seen = events(STRUCT, MISSING, STRUCT)
    assert names(seen) == ["Appeared", "Waiting", "Appeared"]


def test_a_map_of_another_size_is_reported_as_new():
    assert names(events(STRUCT, STRUCT + b"x", STRUCT)) == ["Appeared"] * 3


def test_an_empty_file_is_a_reason_to_wait():
    error = ArgumentError("an empty file needs a capacity above 0", field="capacity")
    assert names(events(error, STRUCT)) == ["Waiting", "Appeared"]


@pytest.mark.parametrize(
    "error", [NameRuleError("no such name"), MapAccessError("not yours"), ArgumentError("no")]
)
def test_other_errors_are_raised(error):
    @contextmanager
    def look():
        raise error
        yield

    with pytest.raises(type(error)):
        next(watch(look, lambda: None))


PNG = b"\x89PNG\r\n\x1a\n"  # without a picture signature, the bytes prove nothing
BLOB = ImageData("p", PNG + b"x" * 80).to_bytes()
NEW = ImageData("p", PNG + b"y" * 80).to_bytes()
UNFINISHED = b"\xff" * 4 + NEW[4:40] + BLOB[40:]


def test_a_blob_that_is_being_written_is_reported_without_its_contents():
    seen = events(BLOB, UNFINISHED, UNFINISHED, NEW)
    assert names(seen) == ["Appeared", "BeingWritten", "Changed"]
    assert (seen[2].changes[0].old, seen[2].changes[0].new) == (b"x" * 80, b"y" * 80)


def test_a_blob_that_is_written_again_with_the_same_bytes_is_reported():
    assert names(events(BLOB, UNFINISHED, BLOB, BLOB)) == ["Appeared", "BeingWritten", "Rewritten"]


def test_a_map_that_is_unfinished_at_first_is_shown():
    seen = events(UNFINISHED, UNFINISHED, NEW)
    assert names(seen) == ["Appeared", "Changed"]
    assert seen[0].found.kind == "raw"
    assert seen[-1].found.content.size == 88


@pytest.mark.parametrize("begin", [STRUCT, bytes(48)])
def test_minus_one_means_a_write_only_where_a_blob_has_been(begin):
    assert names(events(begin, b"\xff" * 4 + STRUCT[4:])) == ["Appeared", "Changed"]


def test_in_a_struct_minus_one_is_a_number():
    seen = events(STRUCT, b"\xff" * 4 + STRUCT[4:], kind=TestData)
    assert seen[1].found.regions[0].value == -1


def test_a_write_that_begins_during_a_look_is_not_shown(monkeypatch):
    compare = Snapshot.differing

    def interrupted(self, buffer):
        found = compare(self, buffer)
        buffer[:4] = b"\xff" * 4
        return found

    monkeypatch.setattr(Snapshot, "differing", interrupted)
    assert names(events(BLOB, NEW)) == ["Appeared", "BeingWritten"]


def test_bytes_of_another_kind_are_shown_with_the_reason():
    (event,) = events(b"\x05\0\0\0abc", kind="blob")
    assert event.found.kind == "unknown"
    assert "path_length at 0 is 5" in event.found.remark


def test_an_array_can_be_watched():
    seen = events(STRUCT * 2, STRUCT + OTHER, kind=TestData, count=2)
    assert seen[1].found.kind == "TestData[2]"
    assert seen[1].changes[0].offset == 52


def test_the_kind_can_change():
    data = BLOB.ljust(100, b"\0")
    seen = events(STRUCT.ljust(100, b"\0"), data)
    assert (seen[1].before.kind, seen[1].found.kind) == ("raw", "blob")


# --- how it is shown ---


def logged(*seen):
    from pyshm.cli.console import Console
    from pyshm.cli.watch_views import Log

    stream = io.StringIO()
    with Log("map", Console(stream)) as view:
        for event in seen:
            view.show(event)
    lines = stream.getvalue().splitlines()
    assert all(re.match(r"\d\d:\d\d:\d\d\.\d\d\d  ", line) for line in lines)
    return [line[14:] for line in lines]


def test_the_log_shows_fields_with_both_values():
    seen = events(STRUCT, OTHER, kind=TestData)
    found = logged(*seen)
    assert found[0] == "map: TestData, 48 bytes"
    assert found[-1] == "00000004  Age = 20 -> 21"


def test_the_log_shows_bytes_outside_of_fields():
    assert logged(*events(BLOB, NEW))[-1] == (
        "00000011  content, 80 bytes: 78 78 78 78 78 78 78 78 … -> 79 79 79 79 79 79 79 79 …"
    )


def test_the_log_shows_only_the_changed_part_of_a_region():
    old = BLOB + b"stale"
    new = bytearray(old)
    new[-6:-3] = b"abc"
    assert logged(*events(old, new))[-2:] == [
        "00000060  content, 1 bytes: 78 -> 61",
        "00000061  stale, 2 bytes: 73 74 -> 62 63",
    ]


def test_the_log_shows_every_other_event():
    assert logged(Waiting("gone"), BeingWritten(), Rewritten()) == [
        "waiting: gone",
        "being written (or the writer was killed)",
        "written again, with the same bytes",
    ]


def test_the_log_shows_a_whole_map_of_a_new_kind():
    seen = events(STRUCT.ljust(100, b"\0"), BLOB.ljust(100, b"\0"))
    assert "map: blob, 100 bytes" in logged(seen[1])


def jsoned(capsys, *seen):
    from pyshm.cli.watch_views import JsonLines

    with JsonLines("map") as view:
        for event in seen:
            view.show(event)
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_json_has_an_object_for_each_change(capsys):
    _, found = jsoned(capsys, *events(STRUCT, OTHER, kind=TestData))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", found.pop("time"))
    assert found == {
        "event": "changed",
        "map": "map",
        "kind": "TestData",
        "offset": 4,
        "size": 1,
        "old": "14",
        "new": "15",
        "fields": [{"name": "Age", "old": 20, "value": 21}],
    }


def test_json_shows_64_bytes_of_a_long_change(capsys):
    _, found = jsoned(capsys, *events(BLOB, NEW))
    assert (found["size"], found["old"], found["new"]) == (80, "78" * 64, "79" * 64)


def test_json_names_every_event(capsys):
    seen = events(MISSING, BLOB, UNFINISHED, BLOB, NEW)
    found = jsoned(capsys, *seen)
    assert [line["event"] for line in found] == [
        "waiting",
        "appeared",
        "being-written",
        "rewritten",
        "changed",
    ]
    assert found[0]["reason"] == "no map named 'x'"
    assert found[1]["fields"][1] == {"name": "path", "offset": 4, "size": 1, "value": "p"}
    assert {line["map"] for line in found} == {"map"}


def live(*seen, width=110, height=30, html=False):
    console = pytest.importorskip("rich.console")
    from pyshm.cli.watch_views import Live

    stream = io.StringIO()
    screen = console.Console(
        file=stream,
        width=width,
        height=height,
        force_terminal=True,
        record=True,
        highlight=False,
        legacy_windows=False,
    )
    with Live("map", screen) as view:
        for event in seen:
            view.show(event)
            stream.seek(0)
            stream.truncate()
            screen.export_text()  # clears what was recorded before
    # The escape sequences depend on the colors of the terminal; HTML does not.
    return screen.export_html(inline_styles=True) if html else stream.getvalue()


def lines_of(text):
    return [
        line.rstrip() for line in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).splitlines() if line
    ]


def test_the_live_view_shows_the_last_change_in_place():
    found = lines_of(live(*events(STRUCT, OTHER, kind=TestData)))
    assert found[0] == "map: TestData, 48 bytes"
    assert found[1].endswith("change 1: 1 bytes: Age = 20 -> 21")
    assert "Age = 21" in found[3]


def test_the_live_view_marks_the_bytes_that_changed():
    page = live(*events(STRUCT, OTHER, kind=TestData), html=True)
    last = page.rpartition(": TestData, 48 bytes")[2]  # rich 13.3 records a drawing several times
    marked = re.findall(rf'<span style="[^"]*background-color: {MARK}[^"]*">([^<]*)<', last)
    assert marked == ["15", "."]


def test_the_live_view_fits_the_terminal_and_keeps_what_changed():
    new = bytearray(BLOB + bytes(2000))
    new[1500] = 7
    found = lines_of(live(*events(BLOB + bytes(2000), new), height=10))
    assert len(found) <= 10
    assert any("07" in line.split("  ")[1] for line in found[2:] if "  " in line)
    assert found[-1].endswith("more rows")


def test_the_live_view_describes_the_picture():
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (3, 2)).save(target, "PNG")
    found = lines_of(live(*events(ImageData("p", target.getvalue()).to_bytes())))
    assert found[0].endswith("PNG picture, 3 x 2, RGB")


@pytest.mark.parametrize(
    ("event", "message"),
    [
        (Waiting("no map\x1b[2J"), "waiting: no map\\x1b[2J"),
        (BeingWritten(), "being written (or the writer was killed)"),
        (Rewritten(), "written again, with the same bytes"),
    ],
)
def test_the_live_view_shows_the_state(event, message):
    found = lines_of(live(*events(STRUCT), event))
    assert any(line.endswith(message) for line in found)


# --- the command ---


@pytest.fixture
def memory(map_name):
    with ShareMemoryHelper(map_name, 4096).create_or_open() as helper:
        yield helper


def watching(command, name, *options):
    """The running command, and its first event."""
    process = command("watch", name, "--json", "--interval", "0.01", *options)
    return process, json.loads(process.line())


def until(process, event):
    """Return the next event of that kind."""
    while (seen := json.loads(process.line()))["event"] != event:
        pass
    return seen


def test_the_command_ends_after_the_given_number_of_changes(command, map_name, memory):
    memory.write_struct(TestData.standard())
    process, first = watching(command, map_name, "--count", "2", "--as", "TestData")
    assert (first["event"], first["kind"], first["size"]) == ("appeared", "TestData", 4096)
    for age in (21, 22):
        pack_into("<i", memory.buffer, 4, age)
        seen = json.loads(process.line())
        assert seen["fields"] == [{"name": "Age", "old": age - 1, "value": age}]
    assert process.wait() == 0
    assert process.errors() == ""


def test_the_command_waits_for_a_missing_map(command, map_name):
    process, first = watching(command, map_name)
    assert first["event"] == "waiting"
    for _ in range(2):
        with ShareMemoryHelper(map_name, 64).create_or_open() as memory:
            memory.write_struct(TestData.standard())
            assert until(process, "appeared")["size"] >= 64
        assert map_name in until(process, "waiting")["reason"]
    process.kill()


def test_watching_does_not_keep_a_map_alive(command, map_name):
    with ShareMemoryHelper(map_name, 4096).create_or_open():
        process, first = watching(command, map_name)
        assert first["event"] == "appeared"
    assert json.loads(process.line())["event"] == "waiting"
    process.kill()


@pytest.mark.skipif(sys.platform == "win32", reason="there a killed holder's map goes by itself")
def test_a_map_whose_holder_was_killed_no_longer_exists(command, holder, map_name, map_file):
    keeper = holder(map_name)
    process, first = watching(command, map_name)
    assert first["event"] == "appeared"
    keeper.kill()
    seen = json.loads(process.line())
    assert seen["event"] == "waiting"
    process.kill()
    map_file.unlink(missing_ok=True)


def test_a_file_can_be_watched(command, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(STRUCT)
    process, first = watching(command, str(path), "--file", "--length", "48", "--count", "1")
    assert first["kind"] == "raw"
    with path.open("r+b") as file:
        file.write(OTHER)
    assert json.loads(process.line())["offset"] == 4
    assert process.wait() == 0


def test_offset_and_length_select_the_bytes_to_watch(command, map_name, memory):
    memory.write_bytes(STRUCT, 100)
    process, first = watching(
        command, map_name, "--offset", "100", "--length", "48", "--as", "TestData", "--count", "1"
    )
    assert (first["size"], first["fields"][0]["value"]) == (48, 100)
    memory.write_bytes(b"x", 99)
    memory.write_bytes(b"x", 148)
    memory.write_bytes(OTHER, 100)
    assert json.loads(process.line())["offset"] == 4
    assert process.wait() == 0


@pytest.fixture
def interruptible():
    """Handle SIGINT: a background job of a shell ignores it, and its children inherit that."""
    before = signal.getsignal(signal.SIGINT)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
def test_an_interrupt_ends_the_command_with_status_0(command, map_name, number):
    process, _ = watching(command, map_name)
    process.send_signal(getattr(signal, number))
    assert process.wait() == 0
    assert process.errors() == ""


@pytest.mark.parametrize(
    "options",
    [
        ["--interval", "0"],
        ["--interval", "-1"],
        ["--interval", "nan"],
        ["--interval", "inf"],
        ["--count", "0"],
        ["--as", "nothing"],
        ["--array", "2"],
    ],
)
def test_wrong_usage_is_status_2(command, map_name, options):
    process = command("watch", map_name, *options)
    assert process.wait() == 2
    assert process.errors().startswith("usage: pyshm watch")


def test_an_invalid_name_is_an_error(command):
    # On Windows the kernel judges all other names.
    process = command("watch", "" if sys.platform == "win32" else "a\\b\\c")
    assert process.wait() == 1
    assert process.errors().startswith("pyshm: ")


@pytest.mark.skipif(sys.platform == "win32", reason="a pseudo-terminal is needed")
def test_on_a_terminal_the_command_draws_and_ctrl_c_ends_it(map_name, memory, child_environment):
    import os
    import pty
    import subprocess

    pytest.importorskip("rich")
    memory.write_struct(TestData.standard())
    ours, theirs = pty.openpty()
    environment = {**child_environment, "TERM": "xterm-256color", "COLUMNS": "110", "LINES": "30"}
    environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "pyshm",
            "watch",
            map_name,
            "--as",
            "TestData",
            "--interval",
            "0.01",
            "--count",
            "1",
        ],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=environment,
        start_new_session=True,
    )
    os.close(theirs)
    shown = b""
    try:
        while b"Scores" not in shown:
            shown += os.read(ours, 65536)
        memory.buffer[4] = 21
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # on Linux: the other side has closed
                break
            if not part:
                break
            shown += part
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert b"Age = 20 -> 21" in shown
    assert b"\x1b[" in shown
