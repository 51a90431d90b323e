"""Named maps, forks, threads and multiprocessing."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from pyshm import MemoryMappedFile

if sys.platform != "win32":
    from pyshm.maps.posix import locks

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
# Some programs fork while threads run; these tests do the same.
quietly = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


@quietly
def test_threads_that_fork_leak_no_descriptor_and_keep_no_name_alive(map_name, map_file):
    names = [f"{map_name}-{number}" for number in range(8)]
    maps = [MemoryMappedFile.create_new(name, 64) for name in names]
    before = descriptors()

    def fork_often():
        for _ in range(15):
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)

    threads = [threading.Thread(target=fork_often) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert descriptors() == before
    for opened in maps:
        opened.close()
    assert [name for name in names if map_file.with_name(name).exists()] == []


@quietly
def test_a_map_that_another_thread_closes_during_a_fork_is_closed_once(map_name, map_file):
    closing = threading.Event()
    failures: list[BaseException] = []

    def close_and_create():
        try:
            while not closing.is_set():
                # Until it ends, a child holds the maps that its parent held at the fork.
                with contextlib.suppress(FileExistsError):
                    MemoryMappedFile.create_new(map_name, 64).close()
        except BaseException as error:  # noqa: BLE001 - the assertion below reports it
            failures.append(error)

    thread = threading.Thread(target=close_and_create)
    before = descriptors()
    thread.start()
    statuses = []
    for _ in range(60):
        pid = os.fork()
        if pid == 0:
            os._exit(0)
        statuses.append(os.waitpid(pid, 0)[1])
    closing.set()
    thread.join()
    MemoryMappedFile.create_new(map_name, 64).close()  # removes what the last child left
    assert failures == []
    assert set(statuses) == {0}
    assert descriptors() == before


VIEW_ONLY = """
import os, sys
from pyshm import MemoryMappedFile

shared = MemoryMappedFile.create_new(sys.argv[1], 64)
view = shared.create_view_accessor()
pid = os.fork()
if pid == 0:
    shared.close()
    view.write_int32(0, 7)
    print(f"READY\\n{os.getpid()}", flush=True)
    sys.stdin.read()
    os._exit(0)
os.waitpid(pid, 0)
"""


def test_a_forked_childs_view_does_not_keep_the_name(child, map_name):
    process = child(VIEW_ONLY, map_name)
    forked = int(process.line())
    process.process.send_signal(signal.SIGKILL)
    process.process.wait()
    try:
        with pytest.raises(FileNotFoundError):
            MemoryMappedFile.open_existing(map_name)
    finally:
        os.kill(forked, signal.SIGKILL)
        MemoryMappedFile.create_new(map_name, 64).close()  # removes what the killed one left


SIGNAL = """
import ctypes, os, signal, sys
from functools import partial

signal.signal(signal.SIGINT, signal.default_int_handler)
# It is called before pyshm's function. os.kill would call the signal handler itself.
kill = ctypes.CDLL(None).kill
os.register_at_fork(after_in_parent=partial(kill, os.getpid(), int(signal.SIGINT)))
from pyshm import MemoryMappedFile

opened = MemoryMappedFile.create_new(sys.argv[1], 64)
try:
    if os.fork() == 0:
        os._exit(0)
    os.wait()
except KeyboardInterrupt:
    os.wait()
opened.close()
print("READY", os.path.exists(sys.argv[2]), sep="\\n", flush=True)
"""


def test_a_signal_during_a_fork_keeps_no_name_in_use(child, map_name, map_file):
    assert child(SIGNAL, map_name, str(map_file)).line() == "False"


WORKER = """
import multiprocessing, sys
from pyshm import MemoryMappedFile

def inherits(go):
    go.wait()

def makes(name):
    global kept
    kept = MemoryMappedFile.create_new(name, 64)

if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    shared = MemoryMappedFile.create_new(sys.argv[1], 64)
    go = context.Event()
    worker = context.Process(target=inherits, args=(go,))
    worker.start()
    shared.close()
    go.set()
    worker.join()
    other = context.Process(target=makes, args=(sys.argv[1] + "-own",))
    other.start()
    other.join()
    print(f"READY\\n{worker.exitcode} {other.exitcode}", flush=True)
"""


def test_a_multiprocessing_worker_releases_its_maps_at_its_end(child, map_name, map_file):
    assert child(WORKER, map_name).line() == "0 0"
    left = [path for path in (map_file, Path(f"{map_file}-own")) if path.exists()]
    for path in left:
        path.unlink()
    assert left == []


@pytest.mark.skipif(sys.platform != "linux", reason="counts descriptors in /proc")
def test_a_view_holds_no_lock(map_name):
    import fcntl

    shared = MemoryMappedFile.create_new(map_name, 64)
    view = shared.create_view_accessor()
    with Path(f"/dev/shm/{map_name}").open("r+b") as file:
        shared.close()
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert view.read_int32(0) == 0
    view.close()


STOPPED = """
import os, signal, sys, threading
from functools import partial
from pyshm import HandleInheritability, MemoryMappedFile
from pyshm.maps import descriptors
from pyshm.maps.posix import holding, named, unnamed

name, place, action = sys.argv[1:]
owner, attribute, *skipped = eval(place)
inside, go_on = threading.Event(), threading.Event()
really = getattr(owner, attribute)
create = partial(MemoryMappedFile.create_new, name, 64)
inheritable = partial(create, inheritability=HandleInheritability.INHERITABLE)
run = {
    "create": create,
    "create inheritable": inheritable,
    "open": partial(MemoryMappedFile.open_existing, name),
    "close": create().close if action == "close" else None,
    # Finalizers of maps are postponed in a thread that is opening another map.
    "postpone": partial(MemoryMappedFile.open_existing, name + "-other"),
}[action]
postponed = [create().close] if action == "postpone" else []

def stop(*arguments, **options):
    result = really(*arguments, **options)
    if threading.current_thread() is thread and not (skipped and skipped.pop()):
        setattr(owner, attribute, really)
        for close in postponed:
            close()
        postponed.clear()
        inside.set()
        go_on.wait()
    return result

kept = []
thread = threading.Thread(target=lambda: kept.append(run()), daemon=True)
setattr(owner, attribute, stop)
thread.start()
inside.wait()
reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(writing, b"1")
    signal.pause()
os.read(reading, 1)
print("READY", pid, sep="\\n", flush=True)
if sys.stdin.readline() == "go on\\n":
    go_on.set()
    thread.join()
    print("done", flush=True)
    sys.stdin.readline()
"""
# The call after which the thread is stopped (1: the second such call), and what it does.
STOPS = [
    ("(os, 'open')", "create"),
    ("(descriptors, 'Descriptor')", "create"),
    ("(unnamed.UnnamedFile, '_reserve')", "create"),
    ("(unnamed.UnnamedFile, 'try_link')", "create"),
    ("(os, 'open', 1)", "create inheritable"),
    ("(named, 'open_another_holder')", "create inheritable"),
    ("(os, 'open')", "open"),
    ("(holding, 'leads_to')", "open"),
    ("(named, 'become_holder')", "open"),
    ("(holding, 'leads_to')", "close"),
    ("(holding, 'unlink_quietly')", "close"),
    ("(holding, 'leads_to')", "postpone"),
]


@quietly
@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.parametrize(("place", "action"), STOPS)
def test_a_forked_child_keeps_nothing_of_what_another_thread_opens_or_closes(
    place, action, goes_on, child, map_name, monkeypatch
):
    other = {"open": map_name, "postpone": f"{map_name}-other"}.get(action)
    held = MemoryMappedFile.create_new(other, 64) if other else None
    process = child(STOPPED, map_name, place, action)
    forked = int(process.line())
    try:
        if goes_on:
            process.say("go on")
            assert process.line() == "done"
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
        monkeypatch.setattr(locks, "TIMEOUT", 0.2)  # the transition lock is free at once
        if held is not None:
            held.close()
        MemoryMappedFile.create_new(map_name, 64).close()
    finally:
        os.kill(forked, signal.SIGKILL)


DIRECTORY = """
import os, signal, sys, threading
from types import SimpleNamespace
from pyshm.maps.posix import locks

locks.sys = SimpleNamespace(platform="darwin")
path = sys.argv[1]
inside, go_on = threading.Event(), threading.Event()

def hold():
    with open(path) as file, locks.transition_lock(file, path):
        inside.set()
        go_on.wait()

thread = threading.Thread(target=hold, daemon=True)
thread.start()
inside.wait()
reading, writing = os.pipe()
pid = os.fork()
if pid == 0:
    os.write(writing, b"1")
    signal.pause()
os.read(reading, 1)
print("READY", pid, sep="\\n", flush=True)
sys.stdin.readline()
go_on.set()
thread.join()
print("done", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("goes_on", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such lock")
def test_a_forked_child_does_not_keep_the_lock_of_a_directory(goes_on, child, tmp_path):
    import fcntl

    path = tmp_path / "map"
    path.write_bytes(b"0")
    process = child(DIRECTORY, str(path))
    forked = int(process.line())
    try:
        if goes_on:
            assert process.ask("go on") == "done"
        process.process.send_signal(signal.SIGKILL)
        process.process.wait()
        directory = os.open(tmp_path, os.O_RDONLY)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        finally:
            os.close(directory)
    finally:
        os.kill(forked, signal.SIGKILL)


HANDLER = """
import os, signal, sys
from pyshm import MemoryMappedFile
from pyshm.errors import MapIOError
from pyshm.maps.posix import holding, named, unnamed

name, place, action, end = sys.argv[1:]
owner, attribute = eval(place)
really = getattr(owner, attribute)
parent = os.getpid()
statuses = []

def fork(*_):
    pid = os.fork()
    if pid:
        statuses.append(os.waitpid(pid, 0)[1])
    elif end == "exit":
        sys.exit()

def interrupt(*arguments, **options):
    result = really(*arguments, **options)
    setattr(owner, attribute, really)
    signal.raise_signal(signal.SIGUSR1)
    return result

signal.signal(signal.SIGUSR1, fork)
held = None if action.startswith("create") else MemoryMappedFile.create_new(name, 64)
if action == "create with a private name":
    unnamed._O_TMPFILE = 0
setattr(owner, attribute, interrupt)
try:
    if action == "open":
        opened = MemoryMappedFile.open_existing(name)
    elif action == "close":
        opened = held.close()
    else:
        opened = MemoryMappedFile.create_new(name, 64)
except MapIOError:
    if os.getpid() == parent:
        raise
    sys.exit()
if held is not None:
    held.close()
if os.getpid() != parent:
    sys.exit()
print("READY", statuses, sep="\\n", flush=True)
sys.stdin.readline()
if opened is not None:
    opened.close()
print("closed", flush=True)
"""
# The call after which a signal handler forks, and what it interrupts.
HANDLED = [
    ("(os, 'open')", "create"),
    ("(unnamed.UnnamedFile, '_reserve')", "create"),
    ("(unnamed.UnnamedFile, '_reserve')", "create with a private name"),
    ("(unnamed.UnnamedFile, 'try_link')", "create"),
    ("(unnamed.UnnamedFile, 'try_link')", "create with a private name"),
    ("(named, '_holder')", "create"),
    ("(os, 'open')", "open"),
    ("(holding, 'leads_to')", "open"),
    ("(named, 'become_holder')", "open"),
    ("(holding, 'leads_to')", "close"),
    ("(holding, 'unlink_quietly')", "close"),
]


@pytest.mark.parametrize("end", ["exit", "go on"])
@pytest.mark.parametrize(("place", "action"), HANDLED)
def test_a_signal_handler_that_forks_leaves_the_map_to_the_parent(
    place, action, end, child, map_name, map_file
):
    process = child(HANDLER, map_name, place, action, end)
    assert process.line() == "[0]"
    if action == "close":
        assert not map_file.exists()
    else:
        MemoryMappedFile.open_existing(map_name).close()
    assert process.ask("close") == "closed"
    assert not map_file.exists()


SLOW_CHILD = """
import os, signal, sys
from pyshm import MemoryMappedFile
from pyshm.maps.posix import holding

name = sys.argv[1]
reading, writing = os.pipe()
statuses = []
really = holding.leads_to

def fork(*_):
    global pid
    pid = os.fork()
    if pid == 0:
        os.read(reading, 1)  # the parent has made a new map

def interrupt(*arguments):
    result = really(*arguments)
    holding.leads_to = really
    signal.raise_signal(signal.SIGUSR1)
    return result

signal.signal(signal.SIGUSR1, fork)
opened = MemoryMappedFile.create_new(name, 64)
holding.leads_to = interrupt
opened.close()
if pid == 0:
    sys.exit()
opened = MemoryMappedFile.create_new(name, 64)
os.write(writing, b"1")
print("READY", os.waitpid(pid, 0)[1], sep="\\n", flush=True)
sys.stdin.readline()
opened.close()
print("closed", flush=True)
"""


def test_a_forked_child_that_completes_a_call_does_not_remove_the_next_map(child, map_name):
    process = child(SLOW_CHILD, map_name)
    assert process.line() == "0"
    MemoryMappedFile.open_existing(map_name).close()
    assert process.ask("close") == "closed"


OTHER_FILE = """
import os, resource, stat, sys, threading
from pyshm import MemoryMappedFile

name, path, full = sys.argv[1:]
inside, go_on = threading.Event(), threading.Event()
really = os.open

def stop(*arguments, **options):
    result = really(*arguments, **options)
    if threading.current_thread() is thread:
        os.open = really
        inside.set()
        go_on.wait()
    return result

def unnamed_files():
    found = []
    for number in range(64):
        try:
            status = os.fstat(number)
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode) and not status.st_nlink:
            found.append(number)
    return found

held = MemoryMappedFile.create_new(name, 64)
own = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK)  # empty, as a file that is locked
thread = threading.Thread(target=lambda: MemoryMappedFile.create_new(name + "-2", 64), daemon=True)
os.open = stop
thread.start()
inside.wait()
assert len(unnamed_files()) == 1
filling = []
if full == "full":
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    try:
        while True:
            filling.append(os.dup(0))
    except OSError:
        pass
errors = []
sys.unraisablehook = lambda error: errors.append(error.exc_value)
pid = os.fork()
if pid == 0:
    held.close()
    os._exit(bool(errors) + 2 * len(unnamed_files()) + 4 * (os.fstat(own).st_size != 0))
status = os.waitpid(pid, 0)[1]
for number in filling:
    os.close(number)
print("READY", os.waitstatus_to_exitcode(status), sep="\\n", flush=True)
sys.stdin.readline()
go_on.set()
thread.join()
held.close()
print("closed", flush=True)
"""


@quietly
@pytest.mark.skipif(sys.platform != "linux", reason="looks for descriptors in /proc")
@pytest.mark.parametrize("full", ["", "full"])
def test_a_forked_child_keeps_the_files_of_its_program(full, child, map_name, tmp_path):
    process = child(OTHER_FILE, map_name, str(tmp_path / "lock"), full)
    assert process.line() == "0"
    MemoryMappedFile.open_existing(map_name).close()  # the parent still holds it
    assert process.ask("close") == "closed"


TWO_THREADS = """
import os, signal, sys, threading
from pyshm import MemoryMappedFile
from pyshm.errors import MapIOError

name = sys.argv[1]
inside, go_on = threading.Event(), threading.Event()
really = os.open
here, errors = [], []
pid = 0
sys.unraisablehook = lambda error: errors.append(error.exc_value)

def fork(*_):
    global pid
    pid = os.fork()

def stop(*arguments, **options):
    number = really(*arguments, **options)
    if threading.current_thread() is thread:
        inside.set()
        go_on.wait()
    elif here and here.pop():
        signal.raise_signal(signal.SIGUSR1)
        os.fstat(number)  # it is still open
    return number

signal.signal(signal.SIGUSR1, fork)
thread = threading.Thread(target=lambda: MemoryMappedFile.create_new(name + "-2", 64), daemon=True)
os.open = stop
thread.start()
inside.wait()
here.append(True)
try:
    MemoryMappedFile.create_new(name, 64).close()
except MapIOError as error:
    if pid:
        raise
    os._exit(2 if error.__context__ or errors else 0)
if not pid:
    os._exit(1)
print("READY", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), sep="\\n", flush=True)
go_on.set()
thread.join()
"""


@quietly
def test_a_forked_child_does_not_close_what_its_own_thread_has_just_opened(child, map_name):
    assert child(TWO_THREADS, map_name).line() == "0"
