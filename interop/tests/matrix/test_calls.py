"""Arguments and access of named maps and helpers, in both languages.

The expected results are those of .NET on Windows, which documents them for MemoryMappedFile.
"""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from interop.exchange.place import Place
from interop.oracle.memory import existing_maps
from pyshm.testing.process import Peer

pytestmark = pytest.mark.posix  # Windows has the semantics cases for its own maps

READ_WRITE, READ, WRITE, COPY, READ_EXECUTE, READ_WRITE_EXECUTE = range(6)
# MemoryMappedFileRights
COPY_RIGHT, WRITE_RIGHT, READ_RIGHT, EXECUTE_RIGHT = 1, 2, 4, 8
# What a view with an access needs from its map: names of rights.
NEEDED = {
    READ_WRITE: {"write"},
    READ: {"read"},
    WRITE: {"write"},
    COPY: {"read"},
    READ_EXECUTE: {"read", "execute"},
    READ_WRITE_EXECUTE: {"write", "execute"},
}
# What a map gives that was created with an access.
GIVEN = {
    READ_WRITE: {"read", "write"},
    READ: {"read"},
    COPY: {"read"},
    READ_EXECUTE: {"read", "execute"},
    READ_WRITE_EXECUTE: {"read", "write", "execute"},
}
RIGHTS = {"read": READ_RIGHT, "write": WRITE_RIGHT, "execute": EXECUTE_RIGHT}
CAPACITY = 5000


def create(name: str | None, do: str = "create-new", **more: Any) -> dict[str, Any]:
    return {"do": do, "as": "m", "name": name, "capacity": CAPACITY, **more}


def kinds(peer: Peer, *steps: dict[str, Any]) -> list[str | None]:
    """Return the kind of each step's error; None for a value."""
    outcomes = peer.request(*steps, on_error="continue")
    return [outcome["error"]["kind"] if "error" in outcome else None for outcome in outcomes]


# --- access ---

VIEWS = [
    {"do": do, "as": "v", "map": "m", **part}
    for do in ("view", "view-stream")
    for part in (
        {},
        {"offset": 0, "size": CAPACITY},
        {"offset": 4096},
        {"offset": 4999, "size": 1},
        {"offset": CAPACITY},
    )
]


@pytest.mark.parametrize("access", NEEDED)
@pytest.mark.parametrize("own", GIVEN)
def test_every_view_needs_the_access_of_its_map(
    peer: Peer, place: Place, own: int, access: int
) -> None:
    peer.request(create(place.name(), access=own))
    expected = None if NEEDED[access] <= GIVEN[own] else "unauthorized"
    found = kinds(peer, *({**view, "access": access} for view in VIEWS))
    assert found == [expected] * len(VIEWS)


@pytest.mark.parametrize("access", NEEDED)
@pytest.mark.parametrize("number", range(8))
def test_every_view_needs_the_rights_of_its_map(
    peer: Peer, place: Place, number: int, access: int
) -> None:
    name = place.name()
    given = {right for index, right in enumerate(RIGHTS) if number >> index & 1}
    peer.request({**create(name, access=READ_WRITE_EXECUTE), "as": "first"})
    rights = sum(RIGHTS[right] for right in given)
    peer.request({"do": "open-existing", "as": "m", "name": name, "rights": rights})
    expected = None if NEEDED[access] <= given else "unauthorized"
    found = kinds(peer, *({**view, "access": access} for view in VIEWS))
    assert found == [expected] * len(VIEWS)


@pytest.mark.parametrize("access", NEEDED)
def test_a_view_can_do_what_its_access_says(peer: Peer, place: Place, access: int) -> None:
    peer.request(create(place.name(), access=READ_WRITE_EXECUTE))
    for do in ("view", "view-stream"):
        outcomes = peer.request(
            {"do": do, "as": "v", "map": "m", "access": access},
            {"do": "get", "target": "v", "property": "can_read"},
            {"do": "get", "target": "v", "property": "can_write"},
        )
        assert outcomes[1:] == [
            {"value": access != WRITE},
            {"value": access not in (READ, READ_EXECUTE)},
        ]


@pytest.mark.parametrize(
    ("part", "error"),
    [
        ({"offset": 0, "size": CAPACITY + 1}, "unauthorized"),
        ({"offset": 1, "size": CAPACITY}, "unauthorized"),
        ({"offset": CAPACITY, "size": 1}, "unauthorized"),
        ({"offset": CAPACITY + 1}, "argument-out-of-range"),
        ({"offset": -1}, "argument-out-of-range"),
        ({"size": -1}, "argument-out-of-range"),
        ({"access": 6}, "argument-out-of-range"),
        ({"access": -1}, "argument-out-of-range"),
    ],
)
@pytest.mark.parametrize("do", ["view", "view-stream"])
@pytest.mark.parametrize("own", [READ, READ_WRITE])
def test_arguments_of_a_view_are_checked_before_its_access(
    peer: Peer, place: Place, own: int, do: str, part: dict[str, int], error: str
) -> None:
    peer.request(create(place.name(), access=own))
    assert kinds(peer, {"do": do, "as": "v", "map": "m", **part}) == [error]


@pytest.mark.parametrize("do", ["view", "view-stream"])
def test_a_disposed_map_reports_that_and_not_its_access(peer: Peer, place: Place, do: str) -> None:
    peer.request(create(place.name(), access=READ), {"do": "dispose", "target": "m"})
    for access in (READ, READ_WRITE):
        assert kinds(peer, {"do": do, "as": "v", "map": "m", "access": access}) == ["disposed"]


# --- the order of the checks of a view ---

POSITIONS = (-1, 0, 99, 100, 101)
OUT = "argument-out-of-range"
INSIDE = [OUT, None, "argument", OUT, OUT]


def values(do: str, **more: Any) -> list[dict[str, Any]]:
    """Return a step with an int32 at each of the positions of a view of 100 bytes."""
    return [{"do": do, "view": "v", "type": "int32", "position": at, **more} for at in POSITIONS]


@pytest.mark.parametrize(
    ("access", "read", "read_array", "write", "write_array"),
    [
        (READ_WRITE, INSIDE, [OUT, None, None, OUT, OUT], INSIDE, INSIDE),
        (
            READ,
            INSIDE,
            [OUT, None, None, OUT, OUT],
            ["not-supported"] * 5,
            # Only WriteArray checks the position before the access.
            [OUT, "not-supported", "not-supported", OUT, OUT],
        ),
        (WRITE, ["not-supported"] * 5, ["not-supported"] * 5, INSIDE, INSIDE),
        (
            None,
            ["disposed"] * 5,
            ["disposed"] * 5,
            ["disposed"] * 5,
            [OUT, "disposed", "disposed", OUT, OUT],
        ),
    ],
    ids=["read-write", "read", "write", "disposed"],
)
def test_a_view_checks_in_the_order_of_dotnet(
    peer: Peer,
    access: int | None,
    read: list[str | None],
    read_array: list[str | None],
    write: list[str | None],
    write_array: list[str | None],
) -> None:
    make = {"do": "create-new", "as": "m", "name": None, "capacity": 100}
    peer.request(make, {"do": "view", "as": "v", "map": "m", "access": access or READ_WRITE})
    if access is None:
        peer.request({"do": "dispose", "target": "v"})
    assert kinds(peer, *values("read")) == read
    assert kinds(peer, *values("read-array", count=1)) == read_array
    assert kinds(peer, *values("write", value=1)) == write
    assert kinds(peer, *values("write-array", items=[1])) == write_array
    # The array is checked before everything else.
    assert kinds(peer, *values("write-array", items=[1], count=2)) == ["argument"] * 5
    assert kinds(peer, *values("write-array", items=[1], count=-1)) == [OUT] * 5
    assert kinds(peer, *values("write-array", items=[1], offset=-1)) == [OUT] * 5


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_an_array_ends_at_the_end_of_its_view(peer: Peer, count: int) -> None:
    make = {"do": "create-new", "as": "m", "name": None, "capacity": 100}
    array = {"view": "v", "type": "byte", "position": 98}
    outcomes = peer.request(
        make,
        {"do": "view", "as": "v", "map": "m"},
        {"do": "write-array", **array, "items": "07" * count},
        {"do": "read-array", **array, "count": 3},
        on_error="continue",
    )
    if count <= 2:
        assert outcomes[2] == {"value": None}
    else:
        assert outcomes[2]["error"]["kind"] == "argument"
    written = "07" * count if count <= 2 else ""
    assert outcomes[3] == {"value": {"count": 2, "items": written.ljust(6, "0")}}


# --- arguments ---


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"capacity": 0}, "argument-out-of-range"),
        ({"capacity": -1}, "argument-out-of-range"),
        ({"access": -1}, "argument-out-of-range"),
        ({"access": 6}, "argument-out-of-range"),
        ({"options": 1}, "argument-out-of-range"),
        ({"options": 0x8000000}, "argument-out-of-range"),
        ({"options": 0x4000001}, "argument-out-of-range"),
        ({"inheritability": 2}, "argument-out-of-range"),
        ({"inheritability": -1}, "argument-out-of-range"),
        ({"access": WRITE}, "argument"),
        # The order of the checks.
        ({"capacity": 0, "access": WRITE}, "argument-out-of-range"),
        ({"name": "a/b", "capacity": 0}, "argument"),
    ],
)
@pytest.mark.parametrize("do", ["create-new", "create-or-open"])
def test_wrong_arguments_create_no_map(
    peer: Peer, place: Place, do: str, wrong: dict[str, Any], error: str
) -> None:
    name = place.name()
    assert kinds(peer, {**create(name, do), **wrong}) == [error]
    assert existing_maps(name) == []


@pytest.mark.parametrize(
    "wrong", [{"rights": 0x2000000}, {"rights": 0x10}, {"rights": -1}, {"inheritability": 2}]
)
def test_wrong_arguments_open_no_map(peer: Peer, place: Place, wrong: dict[str, int]) -> None:
    name = place.name()
    peer.request(create(name))
    opened = {"do": "open-existing", "as": "n", "name": name, **wrong}
    assert kinds(peer, opened) == ["argument-out-of-range"]


@pytest.mark.parametrize("do", ["create-new", "create-or-open", "open-existing"])
@pytest.mark.parametrize(
    "rest",
    [
        "a/b",
        "a\\b",
        "a\0b",
        "a\ud800",
        "\udc00a",
        "",
        ".",
        "..",
        ".a",
        "sem.a",
        "x" * 256,
        "ü" * 128,
    ],
)
@pytest.mark.parametrize("prefix", ["", "Local\\", "Global\\"])
def test_a_name_that_is_not_allowed_is_refused(peer: Peer, do: str, prefix: str, rest: str) -> None:
    outcome = peer.request(create(prefix + rest, do), on_error="continue")[0]
    assert outcome["error"]["kind"] == "argument"
    assert "must" in outcome["error"]["message"]


@pytest.mark.parametrize("rest", ["{}\ufffd", "{}.sem.", "{} ", "{}-ü日🛰", "{}\n"])
def test_a_name_that_is_allowed_is_the_name_of_the_file(
    peer: Peer, place: Place, rest: str
) -> None:
    name = rest.format(place.name())
    assert kinds(peer, create(name)) == [None]
    assert existing_maps(name) == [name]


@pytest.mark.parametrize("length", [254, 255])
def test_a_name_can_have_255_bytes(peer: Peer, place: Place, length: int) -> None:
    name = place.name().ljust(length, "x")
    assert kinds(peer, create(f"Global\\{name}")) == [None]
    assert existing_maps(name) == [name]


# --- helpers ---


def helper(how: str, name: str | None, **more: Any) -> dict[str, Any]:
    return {"do": "helper", "as": "h", "how": how, "name": name, "capacity": CAPACITY, **more}


PUT = {"do": "write-bytes", "helper": "h", "bytes": "2a"}
GET = {"do": "read-bytes", "helper": "h"}


@pytest.mark.parametrize("how", ["create-or-open", "open"])
@pytest.mark.parametrize(
    ("access", "write", "read"),
    [
        (READ_WRITE, None, None),
        (READ, "not-supported", None),
        (WRITE, None, "not-supported"),
        (COPY, None, None),
        (READ_EXECUTE, "not-supported", None),
        (READ_WRITE_EXECUTE, None, None),
    ],
)
def test_a_helper_has_the_access_of_its_argument(
    peer: Peer, place: Place, how: str, access: int, write: str | None, read: str | None
) -> None:
    name = place.name()
    peer.request(create(name, access=READ_WRITE_EXECUTE), {"do": "view", "as": "v", "map": "m"})
    assert kinds(peer, helper(how, name, access=access), PUT, GET) == [None, write, read]
    reached = {"do": "read", "view": "v", "type": "byte", "position": 0}
    expected = 0x2A if write is None and access != COPY else 0
    assert peer.request(reached) == [{"value": expected}]


@pytest.mark.parametrize("path", ["", "path", "é" * 40])
@pytest.mark.parametrize("content", [b"", b"x"])
def test_a_blob_can_fill_its_map(peer: Peer, place: Place, path: str, content: bytes) -> None:
    capacity = 8 + len(path.encode()) + len(content)
    image = {"helper": "h", "path": path, "bytes": content.hex()}
    outcomes = peer.request(
        helper("create-or-open", place.name(), capacity=capacity),
        {"do": "write-image", **image},
        {"do": "read-image", "helper": "h"},
        helper("create-or-open", place.name(), capacity=capacity),
        # One byte more does not fit.
        {"do": "write-image", **image, "bytes": (content + b"y").hex()},
        on_error="continue",
    )
    assert outcomes[1]["value"]["bytes"] == capacity
    digest = hashlib.sha256(content).hexdigest()
    assert outcomes[2]["value"] == {"path": path, "length": len(content), "sha256": digest}
    assert outcomes[4]["error"]["kind"] == "does-not-fit"


@pytest.mark.parametrize("before", [0, 1, CAPACITY - 1, CAPACITY, CAPACITY + 1, 20_000])
def test_a_helper_enlarges_a_file_and_never_shrinks_it(
    peer: Peer, tmp_path: Path, before: int
) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"\x01" * before)
    assert kinds(peer, helper("create-from-file", None, path=str(path)), PUT) == [None, None]
    content = (b"\x2a" + b"\x01" * (before - 1) if before else b"\x2a").ljust(CAPACITY, b"\0")
    assert path.read_bytes() == content
    first = content[:CAPACITY]
    digest = hashlib.sha256(first).hexdigest()
    assert peer.request(GET) == [{"value": {"length": CAPACITY, "sha256": digest}}]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_helper_that_can_not_map_a_file_leaves_it_closed(peer: Peer, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x")
    too_large = {"capacity": 1 << 62}
    for _ in range(3):
        found = kinds(peer, helper("create-from-file", None, path=str(path), **too_large))
        assert found in (["io"], ["argument-out-of-range"])
    opened = [os.readlink(link) for link in Path(f"/proc/{peer.pid}/fd").iterdir()]
    assert str(path) not in opened
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize("how", ["create-or-open", "open", "create-from-file"])
def test_a_disposed_helper_refuses_every_use(
    peer: Peer, place: Place, tmp_path: Path, how: str
) -> None:
    name = place.name()
    peer.request(create(name), helper(how, name, path=str(tmp_path / "file")))
    uses: list[dict[str, Any]] = [
        PUT,
        GET,
        {"do": "write-image", "helper": "h", "path": "p", "bytes": "00"},
        {"do": "read-image", "helper": "h"},
        {"do": "write-struct", "helper": "h", "id": 1, "age": 2, "scores": [0] * 10},
        {"do": "read-struct", "helper": "h"},
    ]
    found = kinds(peer, {"do": "dispose", "target": "h"}, *uses)
    assert found == [None, *["disposed"] * len(uses)]
