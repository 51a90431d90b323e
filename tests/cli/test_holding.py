"""How long a writer holds its map, with every kind of standard input."""

from __future__ import annotations

import argparse
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from pyshm import MemoryMappedFile, ShareMemoryHelper
from pyshm.cli.holding import hold
from pyshm.errors import MapNotFoundError
from tests.conftest import PATIENCE

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture
def start(child_environment, tmp_path):
    """``start(stdin, *arguments)`` starts a command and waits until it has written."""
    started = []

    def starting(stdin, *arguments, prefix=(), **options):
        process = subprocess.Popen(
            [*prefix, sys.executable, "-m", "pyshm", *arguments],
            stdin=stdin,
            stdout=subprocess.PIPE,
            env=child_environment,
            **options,
        )
        started.append(process)
        readable, _, _ = select.select([process.stdout], [], [], PATIENCE)
        assert readable, "no READY"
        assert process.stdout.readline().strip() == b"READY"
        return process

    yield starting
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def held(name):
    try:
        MemoryMappedFile.open_existing(name).close()
    except MapNotFoundError:
        return False
    return True


def arguments_of(way, name, tmp_path):
    (tmp_path / "picture").write_bytes(b"xyz")
    return [way, name, *([str(tmp_path / "picture")] if way == "write-image" else [])]


def ends_on(process, number):
    """Return the exit status after the signal. The process must have been waiting for it."""
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.3)
    process.send_signal(number)
    return process.wait(PATIENCE)


@pytest.fixture(params=["nothing", "a file", "closed"])
def endless(request, tmp_path):
    """What keeps a writer holding: /dev/null, as with "&" in a script; a file; no input at all."""
    if request.param == "closed":
        yield {"stdin": None, "preexec_fn": lambda: os.close(0)}
        return
    path = os.devnull if request.param == "nothing" else tmp_path / "input"
    if path != os.devnull:
        path.write_bytes(b"text")
    with Path(path).open("rb") as file:
        yield {"stdin": file}


@posix
@pytest.mark.parametrize("way", ["write-struct", "write-image"])
def test_without_an_input_that_can_end_a_signal_ends_the_writer(
    start, endless, map_name, tmp_path, way
):
    stdin = endless.pop("stdin")
    process = start(stdin, *arguments_of(way, map_name, tmp_path), **endless)
    assert held(map_name)
    assert ends_on(process, signal.SIGTERM) == 0
    assert not held(map_name)


@posix
def test_a_job_in_the_background_of_a_script_holds_its_map(map_name, child_environment):
    script = f'"{sys.executable}" -m pyshm write-struct {map_name} & echo $!; wait'
    shell = subprocess.Popen(
        ["sh", "-c", script], env=child_environment, stdout=subprocess.PIPE, text=True
    )
    try:
        number = int(shell.stdout.readline())
        assert shell.stdout.readline() == "READY\n"
        with pytest.raises(subprocess.TimeoutExpired):
            shell.wait(0.3)
        assert held(map_name)
        os.kill(number, signal.SIGTERM)
        assert shell.wait(PATIENCE) == 0
        assert not held(map_name)
    finally:
        shell.kill()
        shell.wait()
        shell.stdout.close()


@posix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_with_the_option_hold_the_end_of_the_input_changes_nothing(start, map_name, name):
    process = start(subprocess.PIPE, "write-struct", map_name, "--hold")
    process.stdin.close()
    assert held(map_name)
    assert ends_on(process, getattr(signal, name)) == 0
    assert not held(map_name)


@posix
def test_a_program_that_ignores_sighup_keeps_ignoring_it(start, map_name):
    process = start(subprocess.DEVNULL, "write-struct", map_name, prefix=["nohup"])
    process.send_signal(signal.SIGHUP)
    assert ends_on(process, signal.SIGTERM) == 0


@pytest.mark.parametrize("way", ["write-struct", "write-image"])
def test_with_the_option_for_the_map_is_held_for_that_time(start, map_name, tmp_path, way):
    if sys.platform == "win32":
        pytest.skip("select takes no pipe there")
    begin = time.monotonic()
    process = start(subprocess.PIPE, *arguments_of(way, map_name, tmp_path), "--for", "0.5")
    process.stdin.close()
    assert process.wait(PATIENCE) == 0
    assert time.monotonic() - begin >= 0.5
    assert not held(map_name)


def test_the_time_of_the_option_for_can_be_zero(run, tmp_path):
    result = run("write-struct", tmp_path / "map", "--file", "--for", "0")
    assert (result.status, result.out) == (0, ["READY"])


def test_watch_ends_after_the_time_of_the_option_for(run, map_name, tmp_path):
    from PIL import Image

    Image.new("RGB", (3, 2)).save(tmp_path / "p.png")
    result = run("write-image", map_name, tmp_path / "p.png", "--watch", "--for", "0.3")
    assert (result.status, result.out) == (0, ["READY"])


@posix
def test_a_picture_from_standard_input_is_held_after_its_end(start, map_name, tmp_path):
    (tmp_path / "picture").write_bytes(b"xyz")
    with (tmp_path / "picture").open("rb") as file:
        process = start(file, "write-image", map_name, "-")
    assert held(map_name)
    assert ends_on(process, signal.SIGTERM) == 0


@posix
def test_the_end_of_a_terminal_ends_the_writer(start, map_name):
    import pty

    ours, theirs = pty.openpty()
    try:
        process = start(theirs, "write-struct", map_name)
        assert held(map_name)
        os.write(ours, b"text\n\x04")
        assert process.wait(PATIENCE) == 0
        assert not held(map_name)
    finally:
        os.close(ours)
        os.close(theirs)


# Starts a writer as an interactive shell does with "&", and reports whether it was stopped.
SHELL = """
import os, signal, subprocess, sys, time
job = subprocess.Popen([sys.executable, "-m", "pyshm", "write-struct", sys.argv[1]],
                       stdout=subprocess.PIPE, process_group=0)
assert job.stdout.readline() == b"READY\\n"
print("RUNNING", flush=True)
try:
    job.wait(1)
except subprocess.TimeoutExpired:
    pass
state = open(f"/proc/{job.pid}/stat").read().rpartition(")")[2].split()[0]
job.send_signal(signal.SIGTERM)
job.send_signal(signal.SIGCONT)
print(f"STATE {state} STATUS {job.wait(30)}", flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's /proc")
def test_a_job_in_the_background_of_a_terminal_is_not_stopped(map_name, child_environment):
    import pty

    number, terminal = pty.fork()
    if number == 0:
        os.execve(sys.executable, [sys.executable, "-c", SHELL, map_name], child_environment)
    shown = b""
    typed = 0
    try:
        while b"STATUS" not in shown:
            assert select.select([terminal], [], [], PATIENCE)[0], shown
            shown += os.read(terminal, 65536)
            if b"RUNNING" in shown and not typed:
                typed = os.write(terminal, b"text\n")  # now the job could read the terminal
    finally:
        os.close(terminal)
        os.waitpid(number, 0)
    assert b"STATE T" not in shown
    assert b"STATUS 0" in shown
    assert not held(map_name)


@posix
def test_a_signal_during_the_write_leaves_no_map(map_name, child_environment):
    program = (
        "import os, signal, sys\n"
        "from pyshm.cli import main\n"
        "from pyshm.helper import ShareMemoryHelper\n"
        "def write(*_): os.kill(os.getpid(), signal.SIGTERM)\n"
        "ShareMemoryHelper.write_bytes = write\n"
        "sys.exit(main(['write-struct', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, map_name],
        env=child_environment,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 130
    assert not held(map_name)


@posix
@pytest.mark.parametrize("way", ["a sleep", "a read"])
def test_no_wait_is_long(monkeypatch, way):
    # The system does not end a wait for a signal that arrived directly before it.
    waits = []

    def wait(*arguments):
        waits.append(arguments[-1])
        raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", wait)
    monkeypatch.setattr(select, "select", wait)
    ours, theirs = os.pipe()
    with os.fdopen(ours) as stdin, os.fdopen(theirs, "w"):
        monkeypatch.setattr(sys, "stdin", stdin)
        arguments = argparse.Namespace(seconds=None, hold=way == "a sleep")
        with pytest.raises(KeyboardInterrupt):
            hold(arguments)
    assert waits == [0.5]


@pytest.mark.parametrize("options", [["--for", "-1"], ["--for", "nan"], ["--for", "x"],
                                     ["--for", "1", "--hold"]])  # fmt: skip
def test_wrong_usage_is_status_2(run, options):
    assert run("write-struct", "m", *options).status == 2


def test_a_map_can_be_written_while_another_process_holds_it(start, map_name):
    if sys.platform == "win32":
        pytest.skip("select takes no pipe there")
    with ShareMemoryHelper(map_name, 4096).create_or_open():
        assert start(subprocess.DEVNULL, "write-struct", map_name, "--for", "0").wait() == 0
