"""The two programs as people run them: one writes and holds, the other reads; both languages."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from interop import raw, toolchain
from interop.cases import STANDARD, TINY
from interop.exchange import Place
from interop.peers import Peer
from interop.plugin import Pair

GROUP = "programs"
PATIENCE = 60
TEXT = "Id=100,Age=20,Scores=60,61,62,63,64,65,66,67,68,69"


def program(peer_name: str) -> list[str]:
    if peer_name.startswith("python"):
        return [sys.executable, "-m", "interop.python_peer"]
    command = toolchain.find_peer()
    assert command is not None
    return command


@contextmanager
def writer(peer_name: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A writer that has said that its bytes are there; its first line is ``ready``."""
    process = subprocess.Popen(
        [*program(peer_name), *arguments],
        stdin=subprocess.PIPE,
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


def run(peer_name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*program(peer_name), *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )


def ready(process: subprocess.Popen[bytes]) -> Any:
    return process.ready  # type: ignore[attr-defined]


def test_a_picture_goes_from_program_to_program(
    pair: Pair, place: Place, tmp_path: Path
) -> None:
    name, source, target = place.name(), tmp_path / "bild é.gif", tmp_path / "out.gif"
    source.write_bytes(TINY)
    with writer(pair.producer.name, "write-image", name, str(source)) as process:
        assert ready(process) == "READY"
        done = run(pair.consumer.name, "read-image", name, "--out", str(target))
        digest = hashlib.sha256(TINY).hexdigest()
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.splitlines() == [
            f"path: {source}",
            f"length: {len(TINY)}",
            f"sha256: {digest}",
        ]
        assert target.read_bytes() == TINY
        done = run(pair.consumer.name, "read-image", name, "--json")
        assert json.loads(done.stdout) == {
            "map": name,
            "path": str(source),
            "length": len(TINY),
            "sha256": digest,
            "out": None,
        }
    assert raw.left_over(name) == []


def test_a_struct_goes_from_program_to_program(pair: Pair, place: Place) -> None:
    name = place.name()
    with writer(pair.producer.name, "write-struct", name, "--json") as process:
        assert json.loads(ready(process)) == {
            "status": "READY",
            "map": name,
            "bytes": 48,
            "sha256": hashlib.sha256(raw.struct_bytes(*STANDARD)).hexdigest(),
        }
        assert raw.read_map(name, 48) == raw.struct_bytes(*STANDARD)
        assert run(pair.consumer.name, "read-struct", name).stdout == f"{TEXT}\n"
        done = run(pair.consumer.name, "read-struct", name, "--json")
        assert json.loads(done.stdout) == {
            "map": name,
            "id": 100,
            "age": 20,
            "scores": list(range(60, 70)),
        }
    assert raw.left_over(name) == []
    done = run(pair.consumer.name, "read-struct", name)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1


def test_values_are_taken_from_the_command_line(pair: Pair, place: Place) -> None:
    name = place.name()
    values = ["--id", "-7", "--age", "2147483647", "--scores", "-1,2,3,4,5,6,7,8,9,-2147483648"]
    with writer(pair.producer.name, "write-struct", name, *values, "--capacity", "48"):
        assert run(pair.consumer.name, "read-struct", name).stdout == (
            "Id=-7,Age=2147483647,Scores=-1,2,3,4,5,6,7,8,9,-2147483648\n"
        )


def test_a_mapped_file_goes_from_program_to_program(
    pair: Pair, place: Place, tmp_path: Path
) -> None:
    path, source = str(tmp_path / "map.bin"), tmp_path / "p.gif"
    source.write_bytes(TINY)
    arguments = ["write-image", path, str(source), "--file", "--capacity", "4096"]
    with writer(pair.producer.name, *arguments, "--path", "圖"):
        done = run(pair.consumer.name, "read-image", path, "--file", "--json")
        assert json.loads(done.stdout)["path"] == "圖"
    assert os.path.getsize(path) == 4096
    assert raw.read_file(path, 4096).rstrip(b"\0") == raw.blob_bytes("圖", TINY).rstrip(b"\0")


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_writer_that_is_interrupted_lets_go_of_its_map(
    peer: Peer, place: Place, number: int
) -> None:
    name = place.name()
    with writer(peer.name, "write-struct", name) as process:
        assert run("python", "read-struct", name).returncode == 0
        process.send_signal(number)
        assert process.wait(PATIENCE) == 0
    assert raw.left_over(name) == []


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--as", "blob"],
        ["--as", "TestData"],
        ["--length", "60"],
        ["--offset", "1", "--as", "TestData"],
        ["--json"],
        ["--json", "--length", "200", "--as", "TestData"],
    ],
    ids=" ".join,
)
def test_both_programs_dump_alike(
    peer: Peer, place: Place, tmp_path: Path, options: list[str]
) -> None:
    name, source = place.name(), tmp_path / "bytes"
    source.write_bytes(bytes(range(256)))
    arguments = ["write-image", name, str(source), "--path", 'a "é\t圖', "--capacity", "1000"]
    with writer("python", *arguments):
        ours = run("python", "dump", name, *options)
        theirs = run(peer.name, "dump", name, *options)
        assert theirs.returncode == ours.returncode == 0, theirs.stderr + ours.stderr
        if "--json" in options:
            assert json.loads(theirs.stdout) == json.loads(ours.stdout)
        else:
            assert theirs.stdout == ours.stdout


@pytest.mark.parametrize(
    ("status", "arguments"),
    [
        (2, []),
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
        (1, ["read-image", "pyshm-nobody-has-this"]),
        (1, ["read-struct", "no-such-file", "--file"]),
        (1, ["dump", "pyshm-nobody-has-this"]),
    ],
    ids=lambda item: " ".join(item) or "nothing" if isinstance(item, list) else str(item),
)
def test_both_programs_refuse_alike(
    peer: Peer, place: Place, status: int, arguments: list[str]
) -> None:
    name = place.name()
    done = run(peer.name, *(name if word == "x" else word for word in arguments))
    assert done.returncode == status, done.stderr
    assert done.stdout == ""
    assert done.stderr.strip()
    if status == 1:
        assert len(done.stderr.splitlines()) == 1
    assert raw.left_over(name) == []
