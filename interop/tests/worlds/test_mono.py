"""The C# library on Mono: maps, formats and lifetime, together with Python and .NET."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest

from interop.cases.golden import FOLDER
from interop.checkout import CHECKOUT
from interop.exchange.place import Place
from interop.oracle.memory import existing_maps, map_directory, path_of, read_map
from interop.worlds import mono
from pyshm import Struct
from pyshm import types as t
from pyshm.errors import FormatError, MapExistsError, MapNotFoundError
from pyshm.listing import clean, list_maps
from pyshm.testing import sdk
from tests.conftest import descriptors_in, environment

from .line_programs import LineProgram, Program, PythonProgram, Refused

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="needs Linux")
needs_mono = [pytest.mark.mono, pytest.mark.posix]

ROUTES = ["mono-python", "python-mono", "mono-dotnet", "dotnet-mono", "mono-mono"]
OTHERS = ["python", "dotnet", "mono"]
AROUND = 16  # bytes of the map after the data, which must not change


def start_program(kind: str, place: Place) -> Program:
    if kind == "python":
        return PythonProgram()
    world = mono.find()
    assert world is not None, "tests that need Mono are skipped without it"
    return LineProgram(world.mono if kind == "mono" else world.dotnet, place.folder)


@pytest.fixture
def start(place: Place) -> Iterator[Callable[[str], Any]]:
    """``start(kind)`` starts a program: "mono", "dotnet" or "python". It ends with the test."""
    started: list[Program] = []

    def starting(kind: str) -> Program:
        started.append(start_program(kind, place))
        return started[-1]

    yield starting
    for program in started:
        program.close()


@pytest.fixture(scope="module")
def running(place: Place) -> Iterator[Callable[[str], Any]]:
    """``running(kind)`` returns a program that all tests use."""
    started: dict[str, Program] = {}

    def one(kind: str) -> Program:
        if kind not in started:
            started[kind] = start_program(kind, place)
        return started[kind]

    yield one
    for program in started.values():
        program.close()


def fixture_names(kind: str) -> list[str]:
    return sorted(path.stem for path in (FOLDER / kind).glob("*.bin"))


def fixture(kind: str, name: str) -> tuple[dict[str, Any], bytes]:
    """Return the description and the bytes of a golden file."""
    path = FOLDER / kind / f"{name}.json"
    return json.loads(path.read_text()), path.with_suffix(".bin").read_bytes()


def refusal(program: Program, *words: object) -> Refused:
    with pytest.raises(Refused) as caught:
        program.ask(*words)
    return caught.value


# --- the programs ---


class TestPrograms:
    pytestmark = needs_mono

    def test_mono_runs_the_assembly_for_net472(self, running) -> None:
        runtime, target = running("mono").ask("runtime")
        assert runtime.startswith("Mono ")
        assert target == ".NETFramework,Version=v4.7.2"

    def test_dotnet_runs_the_assembly_for_dotnet(self, running) -> None:
        runtime, target = running("dotnet").ask("runtime")
        assert runtime.startswith(".NET ")
        assert target.startswith(".NETCoreApp,Version=v")


# --- formats ---


def writing(values: dict[str, Any], view: str) -> list[object]:
    """Return the command that writes the values of a golden file."""
    if "path" in values:
        return ["write-blob", view, values["path"], values["content"]]
    return [
        "write-struct",
        view,
        values["id"],
        values["age"],
        ",".join(map(str, values["scores"])),
    ]


class TestFormats:
    pytestmark = needs_mono

    @pytest.mark.parametrize("route", ROUTES)
    @pytest.mark.parametrize("name", fixture_names("valid"))
    def test_one_writes_the_bytes_of_the_fixture_and_the_other_reads_its_values(
        self, running, place: Place, route: str, name: str
    ) -> None:
        description, data = fixture("valid", name)
        values = description["values"]
        writer, reader = map(running, route.split("-"))
        shared = place.name()
        writer.ask("create-new", "written", shared, len(data) + AROUND)
        reader.ask("open-existing", "read", shared)
        writer.ask("view", "writer", "written")
        reader.ask("view", "reader", "read")
        writer.ask("write", "writer", 0, "cc" * (len(data) + AROUND))
        size = writer.ask(*writing(values, "writer"))
        assert size == [str(len(data))]
        assert read_map(shared, len(data) + AROUND) == data + b"\xcc" * AROUND
        if "path" in values:
            assert reader.ask("read-blob", "reader") == [values["path"], values["content"]]
        else:
            assert reader.ask("read-struct", "reader") == [values["text"]]
        for program, labels in ((writer, ("writer", "written")), (reader, ("reader", "read"))):
            for label in labels:
                program.ask("dispose", label)
        assert existing_maps(shared) == []

    @pytest.mark.parametrize("name", fixture_names("invalid"))
    def test_mono_refuses_invalid_bytes_with_the_error_of_the_fixture(
        self, running, name: str
    ) -> None:
        description, data = fixture("invalid", name)
        decode = "decode-blob" if description["format"] == "blob" else "decode-struct"
        found = refusal(running("mono"), decode, data.hex())
        expected = description["error"]
        parts = dict(zip(("kind", "field", "offset", "value", "limit"), found.parts, strict=True))
        assert found.kind == "SharedMemory.MapFormatException"
        assert parts | {key: str(part) for key, part in expected.items()} == parts


class Row(Struct, pack=1):
    cells: Annotated[list[int], t.ByValArray(t.Int32, 3)]


class Table(Struct, pack=1):
    """The structure of LinePeer."""

    rows: Annotated[list[Row], t.ByValArray(Row, 2)]


class Named(Struct, pack=1):
    """The structure of LinePeer."""

    name: Annotated[str, t.ByValTStr(4)]
    last: t.Byte


@pytest.mark.parametrize("kind", ["mono", "dotnet"])
class TestStructs:
    pytestmark = needs_mono

    @pytest.mark.parametrize("rows", ["1,2,3", "1,2,3/4,5", "1,2,3/", "1,2/4,5,6/7,8,9"])
    def test_a_short_array_is_refused_in_both_languages(
        self, running, place: Place, kind: str, rows: str
    ) -> None:
        name = place.name()
        program = running(kind)
        program.ask("create-new", "t", name, 64)
        program.ask("view", "table", "t")
        program.ask("write", "table", 0, "cc" * 64)
        found = refusal(program, "write-table", "table", rows)
        assert (found.kind, found.hresult) == ARGUMENT
        assert "elements, its ByValArray " in found.message
        assert read_map(name, 64) == b"\xcc" * 64
        cells = [[int(cell) for cell in row.split(",") if cell] for row in rows.split("/")]
        with pytest.raises(FormatError) as caught:
            Table([Row(row) for row in cells]).to_bytes()
        assert caught.value.kind == "wrong-count"
        for label in ("table", "t"):
            program.ask("dispose", label)

    def test_a_full_array_is_read_by_python(self, running, place: Place, kind: str) -> None:
        name = place.name()
        program = running(kind)
        program.ask("create-new", "t", name, 64)
        program.ask("view", "table", "t")
        assert program.ask("write-table", "table", "1,2,3/4,5,-6") == ["24"]
        assert Table.from_bytes(read_map(name, 64)) == Table([Row([1, 2, 3]), Row([4, 5, -6])])
        for label in ("table", "t"):
            program.ask("dispose", label)

    def test_a_long_text_is_cut_as_python_does_on_request(
        self, running, place: Place, kind: str
    ) -> None:
        name = place.name()
        program = running(kind)
        program.ask("create-new", "n", name, 64)
        program.ask("view", "named", "n")
        value = Named("abcdef", 0x7F)
        with pytest.raises(FormatError):
            value.to_bytes()
        assert program.ask("write-name", "named", value.name) == ["5"]
        assert read_map(name, 6) == b"abc\0\x7f\0"
        assert value.to_bytes(strict=False) == b"abc\0\x7f"
        for label in ("named", "n"):
            program.ask("dispose", label)


# --- errors ---

# The exceptions of docs/named-maps.md, with the HResults that .NET gives them.
ARGUMENT = ("System.ArgumentException", "80070057")
OUT_OF_RANGE = ("System.ArgumentOutOfRangeException", "80131502")
EXISTS = ("System.IO.IOException", "800700B7")
IO = ("System.IO.IOException", "80131620")
NOT_FOUND = ("System.IO.FileNotFoundException", "80070002")
UNAUTHORIZED = ("System.UnauthorizedAccessException", "80070005")
DISPOSED = ("System.ObjectDisposedException", "80131622")

# Each has the map "m" of 4,096 bytes named NAME, and its view "v".
ERRORS = {
    "a held name": ("create-new x NAME 10", EXISTS),
    "no such map": ("open-existing x NAME-other", NOT_FOUND),
    "a separator": ("create-new x a/b 10", ARGUMENT),
    "a reserved name": ("open-existing x sem.a", ARGUMENT),
    "an empty name": ("open-existing x ", ARGUMENT),
    "no capacity": ("create-new x NAME-other 0", OUT_OF_RANGE),
    "a negative capacity": ("create-or-open x NAME-other -1", OUT_OF_RANGE),
    "access Write for a new map": ("create-or-open x NAME-other 10 Write", ARGUMENT),
    "an unknown access": ("create-or-open x NAME-other 10 77", OUT_OF_RANGE),
    "unknown rights": ("open-existing x NAME 134217728", OUT_OF_RANGE),
    "a view beyond the end": ("view x m 4000 97", UNAUTHORIZED),
    "a view that begins beyond the end": ("view x m 4097 1", OUT_OF_RANGE),
    "a negative offset": ("view x m -1 1", OUT_OF_RANGE),
    "a negative size": ("view x m 0 -1", OUT_OF_RANGE),
    "a view with an unknown access": ("view x m 0 0 77", OUT_OF_RANGE),
    "a read beyond the view": ("read v 4097 1", OUT_OF_RANGE),
    "a write beyond the view": ("write v 4095 0102", ARGUMENT),
}


def arranged(program: Program, name: str) -> None:
    program.ask("create-new", "m", name, 4096)
    program.ask("view", "v", "m")


@pytest.mark.parametrize("kind", ["mono", "dotnet"])
class TestErrors:
    pytestmark = needs_mono

    @pytest.mark.parametrize("mistake", ERRORS)
    def test_the_exception_has_the_type_and_the_hresult_of_dotnet(
        self, running, place: Place, kind: str, mistake: str
    ) -> None:
        line, expected = ERRORS[mistake]
        name = place.name()
        program = running(kind)
        arranged(program, name)
        words = [word.replace("NAME", name) for word in line.split(" ")]
        found = refusal(program, *words)
        program.ask("dispose", "v")
        program.ask("dispose", "m")
        assert (found.kind, found.hresult) == expected, found.message

    def test_a_map_that_allows_reading_only_gives_no_view_that_writes(
        self, start, place: Place, kind: str
    ) -> None:
        name = place.name()
        program = start(kind)
        program.ask("create-new", "m", name, 4096)
        program.ask("open-existing", "r", name, "Read")
        program.ask("view", "v", "r", 0, 0, "Read")
        found = refusal(program, "view", "w", "r")
        assert (found.kind, found.hresult) == UNAUTHORIZED
        found = refusal(program, "write", "v", 0, "01")
        assert found.kind == "System.NotSupportedException"

    def test_each_access_of_a_view_allows_what_it_says(
        self, start, place: Place, kind: str
    ) -> None:
        program = start(kind)
        program.ask("create-or-open", "m", place.name(), 4096, "ReadWriteExecute")
        program.ask("view", "v", "m")
        for access, shared in (
            ("ReadWrite", "01"),
            ("Write", "02"),
            ("ReadWriteExecute", "03"),
            ("CopyOnWrite", "03"),
        ):
            program.ask("view", "w", "m", 0, 0, access)
            program.ask("write", "w", 0, shared if access != "CopyOnWrite" else "04")
            assert program.ask("read", "v", 0, 1) == [shared], access
        assert program.ask("read", "w", 0, 1) == ["04"]
        for access in ("Read", "ReadExecute"):
            program.ask("view", "w", "m", 0, 0, access)
            assert program.ask("read", "w", 0, 1) == ["03"]
            assert refusal(program, "write", "w", 0, "05").kind == "System.NotSupportedException"

    def test_a_link_in_the_place_of_the_map_is_not_opened(
        self, start, place: Place, tmp_path: Path, kind: str
    ) -> None:
        name = place.name()
        (tmp_path / "file").write_bytes(bytes(4096))
        path_of(name).symlink_to(tmp_path / "file")
        try:
            found = refusal(start(kind), "create-or-open", "m", name, 4096)
        finally:
            path_of(name).unlink()
        assert (found.kind, found.hresult) == UNAUTHORIZED

    def test_a_truncated_map_is_an_error_of_the_helper(
        self, start, place: Place, kind: str
    ) -> None:
        name = place.name()
        program = start(kind)
        program.ask("helper", "h", name, 10_000)
        program.ask("read", "h", 0, 1)
        os.truncate(path_of(name), 4096)
        found = refusal(program, "read", "h", 0, 1)
        assert (found.kind, found.hresult) == IO
        assert "truncated to 4096 bytes" in found.message

    def test_a_disposed_map_gives_no_views(self, start, place: Place, kind: str) -> None:
        program = start(kind)
        arranged(program, place.name())
        program.ask("dispose", "m")
        for command in ("view", "stream"):
            found = refusal(program, command, "x", "m")
            assert (found.kind, found.hresult) == DISPOSED
        program.ask("dispose", "m")

    def test_a_disposed_view_gives_no_bytes(self, start, place: Place, kind: str) -> None:
        program = start(kind)
        arranged(program, place.name())
        program.ask("dispose", "v")
        for command in (
            ("read", "v", 0, 1),
            ("write", "v", 0, "01"),
            ("read-blob", "v"),
            ("write-blob", "v", "a", "01"),
            ("read-struct", "v"),
            ("write-struct", "v", 1, 2, "1,2,3,4,5,6,7,8,9,10"),
        ):
            found = refusal(program, *command)
            assert (found.kind, found.hresult) == DISPOSED, command

    def test_a_disposed_helper_gives_no_bytes(self, start, place: Place, kind: str) -> None:
        program = start(kind)
        program.ask("helper", "h", place.name(), 10)
        program.ask("dispose", "h")
        found = refusal(program, "read", "h", 0, 1)
        assert (found.kind, found.hresult) == DISPOSED


# --- maps ---


class TestMaps:
    pytestmark = needs_mono

    @pytest.mark.parametrize("other", OTHERS)
    def test_a_view_is_valid_after_its_map_is_disposed(
        self, start, place: Place, other: str
    ) -> None:
        name = place.name()
        program, partner = start("mono"), start(other)
        arranged(program, name)
        partner.ask("open-existing", "p", name)
        partner.ask("view", "q", "p")
        program.ask("dispose", "m")
        program.ask("write", "v", 8, "0102")
        assert partner.ask("read", "q", 8, 2) == ["0102"]
        partner.ask("write", "q", 8, "0304")
        assert program.ask("read", "v", 8, 2) == ["0304"]

    def test_create_or_open_keeps_the_size_of_the_map(self, start, place: Place) -> None:
        name = place.name()
        program, partner = start("mono"), start("python")
        partner.ask("create-new", "p", name, 4096)
        program.ask("create-or-open", "m", name, 100_000)
        assert path_of(name).stat().st_size == 4096
        assert refusal(program, "view", "v", "m", 4096, 1).kind == UNAUTHORIZED[0]

    @pytest.mark.parametrize("capacity", [1, 10, 4096, 4097])
    def test_the_file_of_a_map_has_its_capacity(self, start, place: Place, capacity: int) -> None:
        name = place.name()
        start("mono").ask("create-new", "m", name, capacity)
        assert path_of(name).stat().st_size == capacity
        assert path_of(name).stat().st_mode & 0o777 == 0o600

    def test_an_anonymous_map_has_no_name(self, start) -> None:
        program = start("mono")
        before = descriptors_in(program.folder / "fd")
        program.ask("anonymous", "m", 10)
        program.ask("view", "v", "m")
        assert program.ask("read", "v", 0, 10) == ["00" * 10]
        program.ask("write", "v", 0, "0102")
        program.ask("view", "w", "m", 1, 1)
        assert program.ask("read", "w", 0, 1) == ["02"]
        opened = descriptors_in(program.folder / "fd") - before
        assert opened
        assert all(line.endswith("(deleted)") for line in opened), opened
        for label in ("w", "v", "m"):
            program.ask("dispose", label)
        assert descriptors_in(program.folder / "fd") == before

    def test_a_picture_is_read_into_a_span_when_it_is_finished(self, start, place: Place) -> None:
        name = place.name()
        program, partner = start("mono"), start("python")
        program.ask("helper", "h", name, 4096)
        partner.ask("open-existing", "p", name)
        partner.ask("view", "q", "p")
        partner.ask("write-blob", "q", "ä.png", "010203")
        assert program.ask("read-picture", "h", 100) == ["ä.png", "010203"]
        partner.ask("write", "q", 0, "ffffffff")
        assert program.ask("read-picture", "h", 100) == ["unfinished"]

    def test_the_bytes_of_a_map_are_used_in_place(self, start, place: Place) -> None:
        name = place.name()
        program, partner = start("mono"), start("python")
        program.ask("create-new", "m", name, 4096)
        program.ask("map-view", "v", "m")
        partner.ask("open-existing", "p", name)
        partner.ask("view", "q", "p")
        program.ask("write-in-place", "v", 4094, 2, "0102")
        assert partner.ask("read", "q", 4094, 2) == ["0102"]
        partner.ask("write", "q", 0, "0304")
        assert program.ask("read-in-place", "v", 0, 3) == ["030400"]
        program.ask("dispose", "v")
        found = refusal(program, "read-in-place", "v", 0, 1)
        assert (found.kind, found.hresult) == DISPOSED

    def test_a_view_ends_with_the_map(self, start, place: Place) -> None:
        program = start("mono")
        program.ask("create-new", "m", place.name(), 10)
        program.ask("map-view", "v", "m")
        assert program.ask("read-in-place", "v", 0, 10) == ["00" * 10]
        assert refusal(program, "read-in-place", "v", 0, 11).kind == OUT_OF_RANGE[0]

    def test_an_integer_has_an_offset(self, start, place: Place) -> None:
        name = place.name()
        program = start("mono")
        arranged(program, name)
        program.ask("write-int64", "v", 3, 0x0102030405060708)
        assert read_map(name, 12) == bytes(3) + bytes([8, 7, 6, 5, 4, 3, 2, 1, 0])
        assert program.ask("read-int64", "v", 3) == [str(0x0102030405060708)]

    @pytest.mark.parametrize("kind", ["mono", "dotnet"])
    def test_nothing_is_written_beyond_the_end_of_the_map(
        self, start, place: Place, kind: str
    ) -> None:
        name = place.name()
        program, partner = start(kind), start("python")
        program.ask("helper", "h", name, 100)
        program.ask("open-existing", "m", name)
        program.ask("view", "v", "m")
        program.ask("view", "end", "m", 90, 0)
        program.ask("stream", "s", "m")
        assert program.ask("capacity", "h") == program.ask("capacity", "v") == ["100"]
        assert program.ask("capacity", "end") == ["10"]
        for writing in (
            ("write-blob", "h", "ab", "01" * 91),  # 101 bytes
            ("write-blob", "v", "ab", "01" * 91),
            ("write-table", "end", "1,2,3/4,5,6"),
            ("write", "end", 10, "01"),
            ("write", "h", 96, "0102030405"),
            ("write-at", "s", 100, "01"),
        ):
            refusal(program, *writing)
        assert read_map(name, 100) == bytes(100)
        program.ask("write-at", "s", 99, "07")
        assert program.ask("read", "v", 99, 2) == ["07"]
        program.ask("write-blob", "h", "ab", "01" * 90)
        partner.ask("open-existing", "p", name)
        partner.ask("view", "q", "p")
        assert partner.ask("read-blob", "q") == ["ab", "01" * 90]

    def test_nothing_is_written_beyond_the_end_of_a_file(self, start, tmp_path: Path) -> None:
        program = start("mono")
        program.ask("map-file", "f", tmp_path / "file", 100)
        assert program.ask("capacity", "f") == ["100"]
        refusal(program, "write-blob", "f", "ab", "01" * 91)
        program.ask("write-blob", "f", "ab", "01" * 90)

    def test_a_file_map_enlarges_the_file(self, start, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(b"\x05")
        program = start("mono")
        program.ask("map-file", "f", file, 100)
        assert program.ask("read", "f", 0, 2) == ["0500"]
        program.ask("write", "f", 98, "0708")
        program.ask("dispose", "f")
        assert file.read_bytes() == b"\x05" + bytes(97) + b"\x07\x08"

    def test_a_file_map_keeps_a_larger_file(self, start, tmp_path: Path) -> None:
        file = tmp_path / "file"
        file.write_bytes(bytes(200))
        program = start("mono")
        program.ask("map-file", "f", file, 100)
        program.ask("write", "f", 150, "09")
        program.ask("dispose", "f")
        assert file.read_bytes() == bytes(150) + b"\x09" + bytes(49)


# --- lifetime ---


class TestLifetime:
    pytestmark = needs_mono

    @pytest.mark.parametrize("other", OTHERS)
    def test_the_map_of_a_killed_mono_is_dead_and_gets_replaced(
        self, start, place: Place, other: str
    ) -> None:
        name = place.name()
        program = start("mono")
        arranged(program, name)
        program.ask("write", "v", 0, "ff" * 4096)
        program.kill()
        old = path_of(name).stat()
        assert [item.state for item in list_maps() if item.name == name] == ["dead"]
        partner = start(other)
        with pytest.raises((Refused, MapNotFoundError)) as caught:
            partner.ask("open-existing", "p", name)
        if isinstance(caught.value, Refused):
            assert (caught.value.kind, caught.value.hresult) == NOT_FOUND
        partner.ask("create-new", "p", name, 100)
        partner.ask("view", "q", "p")
        assert partner.ask("read", "q", 0, 100) == ["00" * 100]
        assert path_of(name).stat().st_ino != old.st_ino
        assert path_of(name).stat().st_size == 100

    @pytest.mark.parametrize("other", ["dotnet", "mono"])
    def test_mono_replaces_the_map_of_a_killed_program(
        self, start, place: Place, other: str
    ) -> None:
        name = place.name()
        partner = start(other)
        arranged(partner, name)
        partner.kill()
        program = start("mono")
        found = refusal(program, "open-existing", "m", name)
        assert (found.kind, found.hresult) == NOT_FOUND
        program.ask("create-or-open", "m", name, 50)
        assert path_of(name).stat().st_size == 50

    @pytest.mark.parametrize("other", OTHERS)
    def test_a_map_that_mono_holds_is_not_replaced(self, start, place: Place, other: str) -> None:
        name = place.name()
        program, partner = start("mono"), start(other)
        arranged(program, name)
        with pytest.raises((Refused, MapExistsError)):
            partner.ask("create-new", "p", name, 4096)
        partner.ask("create-or-open", "p", name, 4096)
        program.ask("dispose", "m")
        assert existing_maps(name) == [name]
        partner.ask("dispose", "p")
        assert existing_maps(name) == []

    def test_mono_releases_its_maps_when_it_exits(self, start, place: Place) -> None:
        name = place.name()
        program = start("mono")
        arranged(program, name)
        assert existing_maps(name) == [name]
        assert program.process.finish() == 0
        assert existing_maps(name) == []

    def test_mono_releases_a_map_that_it_forgot(self, start, place: Place) -> None:
        name = place.name()
        program = start("mono")
        program.ask("create-new", "m", name, 4096)
        program.ask("forget", "m")
        assert existing_maps(name) == []

    @pytest.mark.parametrize("named", [True, False])
    def test_2000_cycles_leave_no_descriptor_and_no_file(
        self, start, place: Place, named: bool
    ) -> None:
        name = place.name()
        command = ("cycles", name, 100_000) if named else ("anonymous-cycles", 100_000)
        program = start("mono")
        program.ask(*command, 1)
        descriptors = descriptors_in(program.folder / "fd")
        mapped = maps_of(program)
        files = own_files(place)
        program.ask(*command, 2000)
        assert descriptors_in(program.folder / "fd") == descriptors
        assert maps_of(program) == mapped
        assert own_files(place) == files


def maps_of(program: LineProgram) -> list[str]:
    """Return the files of the shared-memory directory that the process has mapped."""
    lines = (program.folder / "maps").read_text().splitlines()
    return [line for line in lines if f" {map_directory()}/" in line]


def own_files(place: Place) -> set[str]:
    """Return the files of this run in the shared-memory directory, with the private ones."""
    return {
        entry
        for entry in os.listdir(map_directory())
        if entry.startswith((place.prefix, f".{place.prefix}"))
    }


# --- pyshm list and pyshm clean ---


def pyshm(*arguments: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "pyshm", *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    ).stdout


class TestListing:
    pytestmark = needs_mono

    def test_the_list_shows_mono_as_the_holder_but_not_its_own_file(
        self, start, place: Place
    ) -> None:
        name = place.name()
        program = start("mono")
        program.ask("create-new", "m", name, 4096)
        assert program.own_file.is_file()
        found = {item["name"]: item for item in json.loads(pyshm("list", "--json"))["maps"]}
        assert found[name]["state"] == "alive"
        (holder,) = found[name]["holders"]
        assert holder["pid"] == program.process.pid
        assert "mono" in holder["command"]
        assert "LinePeer.exe" in holder["command"]
        assert program.own_file.name not in found

    @pytest.mark.parametrize("killed", [False, True])
    def test_clean_keeps_the_file_of_mono(
        self, start, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool
    ) -> None:
        from pyshm.maps.posix import directory

        program = start("mono")
        program.ask("anonymous", "m", 4096)
        own = program.own_file
        assert own.name not in pyshm("clean", "--dry-run")
        # Really clean a folder that only this test uses. It is treated as that of all programs.
        folder = tmp_path / "maps"
        folder.mkdir()
        shutil.copy2(own, folder)
        if killed:
            program.process.kill()
            # Another Mono that starts now removes the file.
            assert own.name not in pyshm("clean", "--dry-run")
        (folder / "dead").write_bytes(bytes(64))
        (folder / "dead").chmod(0o600)
        monkeypatch.setenv("PYSHM_DIRECTORY", str(folder))
        monkeypatch.setattr(directory, "directory_is_chosen", lambda: False)
        clean()
        assert [path.name for path in folder.iterdir()] == [own.name]


# --- what is missing ---


class TestMissing:
    def test_without_mono_the_reason_has_the_command_that_installs_it(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sys, "platform", "linux")
        monkeypatch.setattr(shutil, "which", lambda _name: None)
        monkeypatch.setattr(mono, "install", lambda packages, _: f"get {packages['debian']}")
        assert mono.find() is None
        assert mono.missing() == (
            "Mono is missing; this installs it:\n    get mono-runtime libmono-system-core4.0-cil"
        )

    @needs_linux
    def test_without_the_program_the_reason_has_the_command_that_builds_it(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PYSHM_CACHE", str(tmp_path))
        monkeypatch.setattr(mono, "find_mono", lambda: "/usr/bin/mono")
        monkeypatch.setattr(sdk, "find_dotnet", lambda: sdk.Dotnet(Path("dotnet"), "10.0.100"))
        assert mono.find() is None
        assert mono.missing() == "the program for Mono is not built: python -m interop mono"

    @needs_linux
    def test_a_mono_that_lacks_an_assembly_is_noticed(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        fake = tmp_path / "mono"
        fake.write_text("#!/bin/sh\necho FileNotFoundException: System.Core >&2\nexit 1\n")
        fake.chmod(0o755)
        monkeypatch.setattr(mono, "find_mono", lambda: str(fake))
        monkeypatch.setattr(sdk, "find_dotnet", lambda: sdk.Dotnet(Path("dotnet"), "10.0.100"))
        monkeypatch.setattr(mono, "_is_whole", lambda _place: True)
        with pytest.raises(sdk.ToolchainError, match=r"does not run .*System.Core"):
            mono.prepare(print)

    @pytest.mark.posix
    def test_a_run_that_demands_mono_fails_without_it(self, tmp_path: Path) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "--require-mono", "-p", "no:cacheprovider", __file__],
            cwd=CHECKOUT,
            env=environment(PATH="/nowhere", DOTNET_ROOT=""),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == pytest.ExitCode.USAGE_ERROR
        assert "Mono" in done.stderr
