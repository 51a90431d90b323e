"""``write-image`` and ``read-image`` with standard streams, a viewer, and a file that changes."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from PIL import Image

from pyshm import ImageData, ShareMemoryHelper
from pyshm.cli import file_watch, main
from pyshm.cli.transfer import read_picture
from pyshm.errors import PictureError

TIMEOUT = 60
posix_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


def png(color="red", size=(8, 6), kind="PNG"):
    target = io.BytesIO()
    Image.new("RGB", size, color).save(target, kind)
    return target.getvalue()


def bitmap(color):
    """Return a picture whose size in bytes is the same for each color."""
    return png(color, kind="BMP")


@pytest.fixture
def memory(map_name):
    with ShareMemoryHelper(map_name, 100_000).create_or_open() as helper:
        yield helper


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_control_characters_in_a_path_are_escaped(map_name, memory, monkeypatch):
    memory.write_image(ImageData("a\x1b[31m\x07.png", b"123"))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", Terminal())
    assert main(["read-image", map_name]) == 0
    assert sys.stdout.getvalue().splitlines()[0] == "path: a\\x1b[31m\\x07.png"


def test_a_picture_that_can_not_be_saved_leaves_the_old_file(map_name, memory, tmp_path, program):
    memory.write_image(ImageData("a.png", b"123"))
    status, _, errors = program("read-image", map_name, "--out", tmp_path / "none" / "copy")
    assert status == 1
    assert errors.splitlines()[0].endswith(f"there is no folder {tmp_path / 'none'}")
    assert str(tmp_path / "none" / "copy") + ":" in errors
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def program(child_environment):
    """Run ``python -m pyshm`` with bytes as input; return its exit status, output and errors."""

    def run(*arguments, content=b"", **environment):
        done = subprocess.run(
            [sys.executable, "-m", "pyshm", *map(str, arguments)],
            input=content,
            capture_output=True,
            env={**child_environment, **environment},
            timeout=TIMEOUT,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr.decode()

    return run


# --- standard streams ---


@posix_signals
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(("options", "path"), [((), "-"), (("--path", "s.png"), "s.png")])
def test_standard_input_is_written_and_held_until_an_interrupt(
    command, map_name, options, path, child_environment
):
    content = png() + bytes(range(256))
    process = subprocess.Popen(
        [sys.executable, "-m", "pyshm", "write-image", map_name, "-", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=child_environment,
    )
    try:
        process.stdin.write(content)
        process.stdin.close()
        assert process.stdout.readline() == b"READY\n"
        with ShareMemoryHelper(map_name).open() as helper:
            assert helper.read_image() == ImageData(path, content)
        process.send_signal(signal.SIGINT)
        assert process.wait(TIMEOUT) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_file_named_like_standard_input_can_be_read_by_its_path(tmp_path, monkeypatch):
    (tmp_path / "-").write_bytes(b"xyz")
    monkeypatch.chdir(tmp_path)
    assert read_picture("./-") == ImageData("./-", b"xyz")


def test_only_the_picture_is_on_standard_output(program, map_name, memory):
    content = png() + b"\r\n\n\x1a\x00"
    memory.write_image(ImageData("é.png", content))
    status, out, errors = program("read-image", map_name, "--out", "-")
    assert (status, out) == (0, content)
    digest = hashlib.sha256(content).hexdigest()
    assert errors.splitlines() == ["path: é.png", f"length: {len(content)}", f"sha256: {digest}"]


def test_the_json_report_then_goes_to_standard_error(program, map_name, memory):
    memory.write_image(ImageData("p", b"xyz"))
    status, out, errors = program("read-image", map_name, "--out", "-", "--json")
    assert (status, out) == (0, b"xyz")
    assert json.loads(errors)["out"] == "-"
    assert json.loads(errors)["length"] == 3


def test_an_error_leaves_standard_output_empty(program, map_name, memory):
    memory.write_bytes(b"\xff\xff\xff\xff")
    status, out, errors = program("read-image", map_name, "--out", "-")
    assert (status, out) == (1, b"")
    assert errors.count("\n") == 1


def test_a_picture_goes_through_a_pipe_between_both_commands(program, map_name, memory, tmp_path):
    memory.write_image(ImageData("p", png()))
    content = program("read-image", map_name, "--out", "-")[1]
    assert Image.open(io.BytesIO(content)).size == (8, 6)


@pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo-terminal")
def test_a_picture_is_not_written_to_a_terminal(child_environment, map_name, memory):
    import pty

    memory.write_image(ImageData("p", b"xyz"))
    master, slave = pty.openpty()
    try:
        done = subprocess.run(
            [sys.executable, "-m", "pyshm", "read-image", map_name, "--out", "-"],
            stdin=subprocess.DEVNULL,
            stdout=slave,
            stderr=subprocess.PIPE,
            env=child_environment,
            timeout=TIMEOUT,
            check=False,
        )
    finally:
        os.close(master)
        os.close(slave)
    assert done.returncode == 2
    assert b"the output is binary" in done.stderr
    assert done.stderr.startswith(b"usage: pyshm read-image")


def test_watching_standard_input_is_wrong_usage(program, map_name):
    status, _, errors = program("write-image", map_name, "-", "--watch")
    assert status == 2
    assert "standard input can't be watched" in errors


@pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on a file's size")
@pytest.mark.parametrize("existed", [False, True])
def test_a_picture_that_can_not_be_saved_leaves_no_new_file(
    child_environment, map_name, memory, tmp_path, existed
):
    import resource

    memory.write_image(ImageData("p", bytes(50_000)))
    out = tmp_path / "out"
    if existed:
        out.write_bytes(b"old")
    done = subprocess.run(
        [sys.executable, "-m", "pyshm", "read-image", map_name, "--out", str(out), "--force"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=child_environment,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000)),
        timeout=TIMEOUT,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert out.exists() is existed


@pytest.mark.skipif(sys.platform == "win32", reason="a mapped file can't be cut there")
def test_the_digest_is_that_of_the_bytes_that_are_saved(monkeypatch, capsys, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(ImageData("p", b"x" * 100).to_bytes())
    hashed = hashlib.sha256

    class Sha256:
        """Changes the map after a part was hashed, as another program can."""

        def __init__(self):
            self._real = hashed()

        def update(self, part):
            self._real.update(part)
            path.write_bytes(ImageData("p", b"y" * 100).to_bytes())

        def hexdigest(self):
            return self._real.hexdigest()

    monkeypatch.setattr(hashlib, "sha256", Sha256)
    assert main(["read-image", str(path), "--file", "--out", str(tmp_path / "out"), "--json"]) == 0
    saved = (tmp_path / "out").read_bytes()
    assert json.loads(capsys.readouterr().out)["sha256"] == hashed(saved).hexdigest()


def test_a_large_picture_is_copied_in_parts(program, map_name, tmp_path):
    content = os.urandom(20_000_003)
    (tmp_path / "p").write_bytes(content)
    assert read_picture(str(tmp_path / "p")).content == content
    with ShareMemoryHelper(map_name, 21_000_000).create_or_open() as helper:
        helper.write_image(ImageData("p", content))
        status, out, errors = program("read-image", map_name, "--out", "-")
    assert (status, out == content) == (0, True)
    assert hashlib.sha256(content).hexdigest() in errors


# --- a viewer ---


@pytest.fixture
def shown(monkeypatch):
    """The pictures that the viewer gets."""
    from PIL import ImageShow

    pictures = []
    monkeypatch.setattr(ImageShow, "show", lambda image: pictures.append(image.size) or True)
    return pictures


def test_show_opens_the_picture(shown, map_name, memory, capsys):
    memory.write_image(ImageData("p.png", png()))
    assert main(["read-image", map_name, "--show"]) == 0
    assert shown == [(8, 6)]
    assert capsys.readouterr().out.startswith("path: p.png\n")


def test_show_of_content_that_is_not_a_picture_is_status_1(shown, map_name, memory, capsys):
    memory.write_image(ImageData("p", b"xyz"))
    assert main(["read-image", map_name, "--show"]) == 1
    assert "not a picture" in capsys.readouterr().err
    assert shown == []


def test_without_a_viewer_the_error_says_so(map_name, memory, capsys, monkeypatch):
    from PIL import ImageShow

    monkeypatch.setattr(ImageShow, "_viewers", [])
    memory.write_image(ImageData("p.png", png()))
    assert main(["read-image", map_name, "--show"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("pyshm: no picture viewer was found")
    assert errors.count("\n") == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs a viewer found through PATH")
def test_show_starts_the_viewer_of_the_system(program, map_name, memory, tmp_path):
    viewer = tmp_path / "xdg-open"
    memory.write_image(ImageData("p.png", png()))
    fifo = tmp_path / "seen"
    os.mkfifo(fifo)
    viewer.write_text(f'#!/bin/sh\n{shutil.which("cat")} "$1" > "{fifo}"\n')
    viewer.chmod(0o755)
    process = subprocess.Popen(["cat", str(fifo)], stdout=subprocess.PIPE)
    try:
        status, _, errors = program(
            "read-image", map_name, "--show", PATH=str(tmp_path), TMPDIR=str(tmp_path)
        )
        assert (status, errors) == (0, "")
        seen = process.communicate(timeout=TIMEOUT)[0]
    finally:
        process.kill()
        process.wait()
    assert Image.open(io.BytesIO(seen)).size == (8, 6)


def test_a_writer_without_a_viewer_continues(program, map_name, tmp_path):
    (tmp_path / "p").write_bytes(b"xyz")
    status, out, errors = program("write-image", map_name, tmp_path / "p", "--show")
    assert (status, out.strip()) == (0, b"READY")
    assert errors.startswith("pyshm: the content (3 bytes) is not a picture")


# --- a file that changes ---


class Steps:
    """Changes of the file, one before each look at it; after the last one, the watch ends."""

    def __init__(self, *steps):
        self.steps = list(steps)

    def __call__(self):
        if not self.steps:
            return False
        step = self.steps.pop(0)
        if step is not None:
            step()
        return True


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "photo.png"
    path.write_bytes(png("red"))
    return path


def sent(file, *steps, read=read_picture):
    """Return the contents (or error types) that are yielded during ``steps``."""
    known = file_watch.signature(str(file))
    found = file_watch.changes(str(file), known, read, Steps(*steps))
    return [item.content if isinstance(item, ImageData) else type(item) for item in found]


GREEN, BLUE = png("green", (9, 9)), png("blue", (20, 20))


def test_an_unchanged_file_is_not_sent_again(file):
    assert sent(file, *[None] * 20) == []


def test_a_changed_file_is_sent_once(file):
    assert sent(file, lambda: file.write_bytes(GREEN), *[None] * 20) == [GREEN]


def test_each_change_is_sent(file):
    assert sent(
        file,
        lambda: file.write_bytes(GREEN), None, None,
        lambda: file.write_bytes(BLUE), None, None,
    ) == [GREEN, BLUE]  # fmt: skip


def test_a_file_that_changes_at_every_look_is_sent_when_it_stops_changing(file):
    assert sent(
        file, lambda: file.write_bytes(GREEN), lambda: file.write_bytes(BLUE), None, None
    ) == [BLUE]


def test_an_atomic_replacement_of_the_same_size_and_time_is_a_change(file, tmp_path):
    def replace():
        other = tmp_path / "new"
        other.write_bytes(bitmap("blue"))
        status = file.stat()
        os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert other.stat().st_size == status.st_size
        other.replace(file)

    file.write_bytes(bitmap("red"))
    assert sent(file, replace, None, None) == [bitmap("blue")]


def test_a_half_written_picture_is_not_sent(file):
    half = len(BLUE) // 2

    def rest():
        with file.open("ab") as target:
            target.write(BLUE[half:])

    assert sent(
        file, lambda: file.write_bytes(BLUE[:half]), None, None, None, rest, None, None
    ) == [BLUE]


def test_a_file_that_is_missing_for_a_moment_is_not_an_error(file):
    assert sent(file, file.unlink, None, None, lambda: file.write_bytes(GREEN), None, None) == [
        GREEN
    ]


def test_a_file_that_stays_invalid_is_reported_once(file):
    assert sent(file, lambda: file.write_bytes(b"no picture"), *[None] * 30) == [PictureError]


def test_after_an_error_the_next_picture_is_sent(file):
    assert sent(
        file,
        lambda: file.write_bytes(b"no picture"), *[None] * 12,
        lambda: file.write_bytes(GREEN), None, None,
    ) == [PictureError, GREEN]  # fmt: skip


def test_a_file_that_changes_while_it_is_read_is_not_sent(file):
    states = [BLUE]

    def read(path):
        image = read_picture(path)
        if states:
            file.write_bytes(states.pop())
        return image

    assert sent(
        file, lambda: file.write_bytes(GREEN), None, None, None, None, read=read
    ) == [BLUE]  # fmt: skip


def put_in_place(new, file):
    """Write the file; on Windows the write fails while the file is open, so try again."""
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            return new.replace(file)
        except PermissionError:
            if sys.platform != "win32" or time.monotonic() > deadline:
                raise


def test_the_program_sends_the_changed_file_again(command, map_name, file):
    process = command("write-image", map_name, str(file), "--watch", "--json", "--path", "p.png")
    assert json.loads(process.line())["status"] == "READY"
    with ShareMemoryHelper(map_name).open() as helper:
        assert helper.read_image().content == png("red")
        file.with_suffix(".new").write_bytes(GREEN)
        put_in_place(file.with_suffix(".new"), file)
        again = json.loads(process.line())
        assert helper.read_image() == ImageData("p.png", GREEN)
    blob = ImageData("p.png", GREEN).to_bytes()
    assert again == {
        "status": "SENT",
        "map": map_name,
        "bytes": len(blob),
        "sha256": hashlib.sha256(blob).hexdigest(),
    }
    process.end_input()  # the program continues until it is interrupted
    if sys.platform != "win32":
        process.send_signal(signal.SIGTERM)
        assert process.wait() == 0
        assert process.errors() == ""


def test_a_picture_that_does_not_fit_leaves_the_last_one_and_the_program_continues(
    command, map_name, file, tmp_path
):
    capacity = 4096
    process = command("write-image", map_name, str(file), "--watch", "--capacity", str(capacity))
    assert process.line() == "READY"
    noise = Image.frombytes("RGB", (64, 64), os.urandom(64 * 64 * 3))
    noise.save(tmp_path / "large.png")
    put_in_place(tmp_path / "large.png", file)
    with ShareMemoryHelper(map_name).open() as helper:
        deadline = time.monotonic() + TIMEOUT
        while "not sent" not in process.errors():
            assert time.monotonic() < deadline
        assert helper.read_image().content == png("red")
        file.with_suffix(".new").write_bytes(GREEN)
        put_in_place(file.with_suffix(".new"), file)
        blob = ImageData(str(file), GREEN).to_bytes()
        assert process.line() == f"SENT {len(blob)} bytes"
    process.kill()
    if sys.platform != "win32":
        from pyshm.listing.inventory import clean

        assert [item.removed for item in clean([map_name])] == [True]


def test_watch_needs_a_valid_picture_at_the_start(program, map_name, tmp_path):
    (tmp_path / "p").write_bytes(b"xyz")
    status, out, errors = program("write-image", map_name, tmp_path / "p", "--watch")
    assert (status, out) == (1, b"")
    assert "not a picture" in errors


def test_a_missing_file_has_no_signature(tmp_path):
    assert file_watch.signature(str(tmp_path / "none")) is None


def test_the_pause_between_two_looks_is_short():
    assert file_watch.PAUSE <= 0.2


def test_a_path_is_stored_as_given(tmp_path):
    path = Path(tmp_path) / "p"
    path.write_bytes(b"x")
    assert read_picture(str(path)).path == str(path)
