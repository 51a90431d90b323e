"""The golden files in fixtures/: their values, how they are written, how they are checked.

The .NET peer writes each valid file; the Python peer must write the same bytes from the same
values. The bytes of each invalid file are written by hand, in refused.py; both peers must refuse
them with the error in the JSON file beside it. The channels are in golden_channels.py.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from pyshm.testing.process import Peer

from ..checkout import FIXTURES
from ..oracle.memory import describe_difference
from .case import STANDARD, TINY, Case, matches
from .catalog import PATHS, all_cases
from .golden_channels import CHANNELS, wrong_with

__all__ = ["FOLDER", "Fixture", "check", "fixtures", "write"]

FOLDER = FIXTURES
_MANIFEST = "manifest.json"
# Compared by `python -m interop corpus` and `semantics`, and by test_random_types.py.
_OTHERS = {"corpus.jsonl", "semantics.jsonl", "types.jsonl"}
_INT32 = (-(2**31), 2**31 - 1)


class Fixture(NamedTuple):
    """One golden file: its path without suffix, and the content of the JSON file beside it."""

    name: str
    description: dict[str, Any]
    data: bytes | None = None  # of an invalid file; a peer encodes the others


def fixtures() -> list[Fixture]:
    """Return all golden files, in the order of the manifest."""
    return [*_structs(), *_blobs(), *_invalid(), *_channels()]


def _structs() -> Iterator[Fixture]:
    low, high = _INT32
    values = {
        "standard": STANDARD,
        "zero": (0, 0, (0,) * 10),
        "max": (high, high, (high,) * 10),
        "min": (low, low, (low,) * 10),
        "each-byte-its-own": (
            0x03020100,
            0x07060504,
            tuple(int.from_bytes(bytes(range(n, n + 4)), "little") for n in range(8, 48, 4)),
        ),
    }
    for name, (id_, age, scores) in values.items():
        text = f"Id={id_},Age={age},Scores={','.join(map(str, scores))}"
        yield Fixture(
            f"valid/struct-{name}",
            {
                "format": "TestData",
                "values": {"id": id_, "age": age, "scores": list(scores), "text": text},
            },
        )


def _blobs() -> Iterator[Fixture]:
    paths = {name: PATHS[name] for name in ("ascii", "accents", "cjk", "emoji", "empty", "nul")}
    for name, path in paths.items():
        yield _blob(f"path-{name}", path, TINY)
    yield _blob("content-empty", "empty.png", b"")
    yield _blob("content-every-byte", "bytes.bin", bytes(range(256)))
    for picture in ("gradient.png", "gradient.jpg"):
        yield _blob(
            picture.replace(".", "-"), picture, (FOLDER / "pictures" / picture).read_bytes()
        )


def _blob(name: str, path: str, content: bytes) -> Fixture:
    values = {"path": path, "content": content.hex()}
    return Fixture(f"valid/blob-{name}", {"format": "blob", "values": values})


def _invalid() -> Iterator[Fixture]:
    """Yield the malformed cases that readers refuse, as files."""
    for case in all_cases():
        if case.group == "malformed" and "error" in case.expected[1]:
            reader = "TestData" if case.reads[1]["do"] == "decode-struct" else "blob"
            expected = case.expected[1]["error"]
            yield Fixture(
                f"invalid/{case.name}", {"format": reader, "error": expected}, _raw_bytes(case)
            )


def _channels() -> Iterator[Fixture]:
    for golden in CHANNELS:
        yield Fixture(f"channels/{golden.name}", golden.description, golden.data)


def _raw_bytes(case: Case) -> bytes:
    return bytes.fromhex(case.writes[0]["bytes"])


# --- what each language writes and reads --------------------------------------------------


def _encoded(fixture: Fixture, peer: Peer) -> bytes:
    values = fixture.description["values"]
    if fixture.description["format"] == "blob":
        step = {"do": "encode-image", "path": values["path"], "bytes": values["content"]}
    else:
        step = {"do": "encode-struct", **{key: values[key] for key in ("id", "age", "scores")}}
    outcome = peer.request(step)[0]
    if "error" in outcome:
        raise ValueError(f"{fixture.name}: {peer.name} can't write it: {outcome['error']}")
    return bytes.fromhex(outcome["value"]["bytes"])


def _decoded(fixture: Fixture, data: bytes, peer: Peer) -> dict[str, Any]:
    blob = fixture.description["format"] == "blob"
    return peer.request({"do": "decode-image" if blob else "decode-struct", "bytes": data.hex()})[0]


def _wanted(fixture: Fixture) -> dict[str, Any]:
    if "error" in fixture.description:
        return {"error": fixture.description["error"]}
    values = fixture.description["values"]
    if fixture.description["format"] == "TestData":
        return {"value": values}
    content = bytes.fromhex(values["content"])
    digest = hashlib.sha256(content).hexdigest()
    return {"value": {"path": values["path"], "length": len(content), "sha256": digest}}


# --- writing and checking -----------------------------------------------------------------


def write(dotnet: Peer, folder: Path = FOLDER, say: Callable[[str], None] = print) -> None:
    """Let .NET write the valid files, and write the invalid ones and the manifest."""
    hello = dotnet.start().hello
    generator = f"{hello['runtime']}, Peer {hello['version']}"
    entries = []
    for fixture in fixtures():
        data = _encoded(fixture, dotnet) if fixture.data is None else fixture.data
        origin = generator if fixture.data is None else f"written by hand in {_home(fixture)}"
        _put(folder / f"{fixture.name}.bin", data)
        _put(folder / f"{fixture.name}.json", _json(fixture.description))
        entries.append(_entry(f"{fixture.name}.bin", data, origin))
    for picture in sorted((folder / "pictures").iterdir()):
        origin = "drawn with Pillow; an input, not written again"
        entries.append(_entry(f"pictures/{picture.name}", picture.read_bytes(), origin))
    _remove_unlisted(folder, {entry["file"] for entry in entries})
    _put(folder / _MANIFEST, _json({"files": entries}))
    say(f"{len(entries)} files, written by {generator}")


def check(python: Peer, dotnet: Peer, folder: Path = FOLDER) -> list[str]:
    """Compare the files with what both languages write and read now; return what is wrong."""
    wrong = []
    expected_files = {_MANIFEST, *_OTHERS}
    manifest = {
        entry["file"]: entry for entry in json.loads((folder / _MANIFEST).read_bytes())["files"]
    }
    for fixture in fixtures():
        file = f"{fixture.name}.bin"
        expected_files |= {file, f"{fixture.name}.json"}
        path = folder / file
        if not path.is_file():
            wrong.append(f"{file}: missing")
            continue
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if manifest.get(file, {}).get("sha256") != digest:
            wrong.append(f"{file}: its SHA-256 is not the one in the manifest")
        description = folder / f"{fixture.name}.json"
        if not description.is_file() or description.read_bytes() != _json(fixture.description):
            wrong.append(
                f"{fixture.name}.json: differs from the description in interop/cases/golden.py"
            )
        wrong += _compare(fixture, file, data, python, dotnet)
    for picture in (folder / "pictures").iterdir():
        file = f"pictures/{picture.name}"
        expected_files.add(file)
        if manifest.get(file, {}).get("sha256") != _digest(picture.read_bytes()):
            wrong.append(f"{file}: its SHA-256 is not the one in the manifest")
    for found in _files(folder):
        if found not in expected_files:
            wrong.append(f"{found}: not a golden file")
    wrong += [
        f"{file}: in the manifest, but not a golden file"
        for file in manifest.keys() - expected_files
    ]
    return wrong


def _home(fixture: Fixture) -> str:
    """Return the file with the bytes of a fixture that no peer encodes."""
    is_channel = fixture.description["format"] == "channel"
    return "interop/oracle/channel.py" if is_channel else "interop/cases/refused.py"


def _compare(fixture: Fixture, file: str, data: bytes, python: Peer, dotnet: Peer) -> Iterator[str]:
    if fixture.description["format"] == "channel":
        if data != fixture.data:
            yield f"{file}: differs from {_home(fixture)}"
        if sys.platform == "linux":
            golden = CHANNELS[[f"channels/{one.name}" for one in CHANNELS].index(fixture.name)]
            for peer in (python, dotnet):
                if peer is dotnet or golden.case.content != "array" or find_spec("numpy"):
                    yield from wrong_with(golden, data, peer)
        return
    for peer in (python, dotnet):
        written = _encoded(fixture, peer) if fixture.data is None else fixture.data
        difference = describe_difference(written, data)
        if difference is not None:
            writer = peer.name if fixture.data is None else _home(fixture)
            yield f"{file}: differs from what {writer} writes\n{difference}"
        outcome = _decoded(fixture, data, peer)
        if not matches(_wanted(fixture), outcome):
            yield f"{file}: {peer.name} reads {outcome}, expected {_wanted(fixture)}"


def _entry(file: str, data: bytes, origin: str) -> dict[str, Any]:
    return {"file": file, "size": len(data), "sha256": _digest(data), "origin": origin}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=True) + "\n").encode("ascii")


def _put(path: Path, data: bytes) -> None:
    """Write a file completely or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(data)
    os.replace(unfinished, path)


def _files(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.name != "README.md":
            yield path.relative_to(folder).as_posix()


def _remove_unlisted(folder: Path, listed: set[str]) -> None:
    """Remove the files that only an older manifest lists, and no others."""
    path = folder / _MANIFEST
    if not path.is_file():
        return
    for entry in json.loads(path.read_bytes())["files"]:
        old = entry["file"]
        if old not in listed and not old.startswith("pictures/"):
            for name in (old, old.removesuffix(".bin") + ".json"):
                (folder / name).unlink(missing_ok=True)
