"""The commands of both languages: one process writes and holds a map, another one reads it."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from interop.cases.case import STANDARD, TINY
from interop.exchange.place import Place
from interop.oracle.memory import blob_bytes, existing_maps, read_file, struct_bytes
from interop.peers.start import python_peer
from interop.plugin.hooks import Pair
from pyshm.testing.process import Peer

GROUP = "programs"
PATIENCE = 60
TEXT = "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"


def program(peer: Peer) -> dict[str, Any]:
    """Return the arguments of Popen that start a peer's program without ``serve``."""
    return {"args": peer.command[:-1], "env": {**os.environ, **peer.environment}}


@contextmanager
def writer(
    peer: Peer, *arguments: str, stdin: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a writer and wait until it has written; its first line is the attribute ``ready``."""
    started = program(peer)
    process = subprocess.Popen(
        [*started["args"], *arguments],
        env=started["env"],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        process.ready = process.stdout.readline().decode().strip()  # type: ignore[attr-defined]
        yield process
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors.decode()
    finally:
        process.kill()
        process.communicate()


def run(peer: Peer, *arguments: str) -> subprocess.CompletedProcess[str]:
    started = program(peer)
    return subprocess.run(
        [*started["args"], *arguments],
        env=started["env"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def ready(process: subprocess.Popen[bytes]) -> Any:
    return process.ready  # type: ignore[attr-defined]


def test_one_program_writes_a_picture_and_another_reads_it(
    pair: Pair, place: Place, tmp_path: Path
) -> None:
    name, source, target = place.name(), tmp_path / "bild é.gif", tmp_path / "out.gif"
    source.write_bytes(TINY)
    seen = pair.world.path(str(source))
    with writer(pair.producer, "write-image", name, seen) as process:
        assert ready(process) == "READY"
        done = run(pair.consumer, "read-image", name, "--out", pair.world.path(str(target)))
        digest = hashlib.sha256(TINY).hexdigest()
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            f"path: {seen}",
            f"length: {len(TINY)}",
            f"sha256: {digest}",
        ]
        assert target.read_bytes() == TINY
        done = run(pair.consumer, "read-image", name, "--json")
        assert json.loads(done.stdout) == {
            "map": name,
            "path": seen,
            "length": len(TINY),
            "sha256": digest,
            "out": None,
        }
    assert not pair.world.exists(name)


def test_one_program_writes_a_struct_and_another_reads_it(pair: Pair, place: Place) -> None:
    name = place.name()
    with writer(pair.producer, "write-struct", name, "--json") as process:
        assert json.loads(ready(process)) == {
            "status": "READY",
            "map": name,
            "bytes": 48,
            "sha256": hashlib.sha256(struct_bytes(*STANDARD)).hexdigest(),
        }
        assert pair.world.read_map(name, 48) == struct_bytes(*STANDARD)
        assert run(pair.consumer, "read-struct", name).stdout == f"{TEXT}\n"
        done = run(pair.consumer, "read-struct", name, "--json")
        assert json.loads(done.stdout) == {
            "map": name,
            "id": 100,
            "age": 20,
            "scores": list(range(60, 70)),
        }
    assert not pair.world.exists(name)
    done = run(pair.consumer, "read-struct", name)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_the_values_of_a_struct_are_options(pair: Pair, place: Place) -> None:
    name = place.name()
    values = ["--id", "-7", "--age", "2147483647", "--scores", "-1,2,3,4,5,6,7,8,9,-2147483648"]
    with writer(pair.producer, "write-struct", name, *values, "--capacity", "48"):
        assert run(pair.consumer, "read-struct", name).stdout == (
            "Id=-7,Age=2147483647,Scores=-1,2,3,4,5,6,7,8,9,-2147483648\n"
        )


def test_one_program_writes_a_mapped_file_and_another_reads_it(
    pair: Pair, place: Place, tmp_path: Path
) -> None:
    path, source = str(tmp_path / "map.bin"), tmp_path / "p.gif"
    source.write_bytes(TINY)
    seen = pair.world.path(path)
    arguments = ["write-image", seen, pair.world.path(str(source)), "--file", "--capacity", "4K"]
    with writer(pair.producer, *arguments, "--path", "圖"):
        done = run(pair.consumer, "read-image", seen, "--file", "--json")
        assert json.loads(done.stdout)["path"] == "圖"
    assert os.path.getsize(path) == 4096
    assert read_file(path, 4096).rstrip(b"\0") == blob_bytes("圖", TINY).rstrip(b"\0")


@pytest.mark.posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_writer_that_is_interrupted_releases_its_map(
    peer: Peer, place: Place, number: int
) -> None:
    name = place.name()
    with writer(peer, "write-struct", name) as process:
        assert run(python_peer(), "read-struct", name).returncode == 0
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert existing_maps(name) == []


@pytest.mark.posix
def test_without_arguments_both_programs_print_their_help(peer: Peer) -> None:
    done = run(peer)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(peer, "--help").stdout
    assert done.stdout.startswith("usage: ")


@pytest.mark.posix
def test_a_new_map_has_room_for_a_large_picture(peer: Peer, place: Place, tmp_path: Path) -> None:
    name, source = place.name(), tmp_path / "large"
    source.write_bytes(b"x" * 12_000_000)
    with writer(peer, "write-image", name, str(source), "--path", "p"):
        done = run(python_peer(), "read-image", name)
        assert "length: 12000000" in done.stdout, done.stderr


@pytest.mark.posix
def test_a_writer_whose_input_is_the_null_device_holds_its_map(peer: Peer, place: Place) -> None:
    name = place.name()
    with writer(peer, "write-struct", name, stdin=subprocess.DEVNULL) as process:
        assert run(python_peer(), "read-struct", name).returncode == 0
        assert process.poll() is None
        process.terminate()
        assert process.wait(PATIENCE) == 0
    assert existing_maps(name) == []


@pytest.mark.posix
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--as", "blob"],
        ["--as", "TestData"],
        ["--as", "raw"],
        ["--length", "60"],
        ["--offset", "1", "--as", "TestData"],
        ["--json"],
        ["--json", "--length", "200", "--as", "TestData"],
    ],
    ids=" ".join,
)
@pytest.mark.parametrize(
    ("content", "kind"),
    [(bytes(range(256)), "raw"), (TINY + bytes(100), "blob")],
    ids=["raw", "blob"],
)
def test_both_programs_print_the_same_dump(
    peer: Peer, place: Place, tmp_path: Path, content: bytes, kind: str, options: list[str]
) -> None:
    name, source = place.name(), tmp_path / "bytes"
    source.write_bytes(content)
    arguments = ["write-image", name, str(source), "--path", 'a "é\t圖', "--capacity", "1000"]
    with writer(python_peer(), *arguments):
        ours = run(python_peer(), "dump", name, *options)
        theirs = run(peer, "dump", name, *options)
        assert theirs.returncode == ours.returncode == 0, theirs.stderr + ours.stderr
        if not options:
            assert ours.stdout.startswith(f"{name}: {kind}, 1000 bytes")
        if "--json" in options:
            found, expected = json.loads(ours.stdout), json.loads(theirs.stdout)
            for side in (found, expected):
                side.pop("picture", None)  # only Python examines the content, with Pillow
            assert found == expected
        else:
            assert theirs.stdout == ours.stdout


@pytest.mark.posix
@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (2, ["write-nothing", "x"]),
        (2, ["read-struct"]),
        (2, ["read-struct", "x", "--bogus"]),
        (2, ["dump", "x", "--as", "nonsense"]),
        (2, ["write-struct", "x", "--id", "seven"]),
        (1, ["write-struct", "x", "--id", "2147483648"]),
        (1, ["write-struct", "x", "--scores", "1,2,3"]),
        (1, ["write-struct", "x", "--capacity", "47"]),
        (1, ["write-struct", "x", "--capacity", "0"]),
        (1, ["write-struct", "../x"]),
        (1, ["write-image", "x", "no-such-picture.png"]),
        (1, ["read-image", "pyshm-no-such-map"]),
        (1, ["read-struct", "no-such-file", "--file"]),
        (1, ["dump", "pyshm-no-such-map"]),
    ],
    ids=lambda item: " ".join(item) or "nothing" if isinstance(item, list) else str(item),
)
def test_both_programs_refuse_the_same_arguments(
    peer: Peer, place: Place, status: int, arguments: list[str]
) -> None:
    name = place.name()
    done = run(peer, *(name if word == "x" else word for word in arguments))
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    if status == 1:
        assert len(done.stderr.splitlines()) == 1
    assert existing_maps(name) == []
