"""``read-struct`` and ``write-struct`` with a type of the user; the bytes are written by hand."""

from __future__ import annotations

import json
import struct
import sys
from importlib.util import find_spec

import pytest

from pyshm.cli import main
from tests.conftest import ROOT

HAS_DNFILE = find_spec("dnfile") is not None
needs_dnfile = pytest.mark.skipif(not HAS_DNFILE, reason="dnfile is not installed")
SHAPES = str(ROOT / "tests" / "assemblies" / "data" / "Shapes.dll")
MODULE = """
from enum import IntEnum, IntFlag
from typing import Annotated

from pyshm import Struct
from pyshm import types as t

class Gear(IntEnum):
    PARK = 0
    DRIVE = 2

class Light(IntFlag):
    LEFT = 1
    RIGHT = 2
    HAZARD = 8

class Point(Struct):
    x: t.Int32
    y: t.Int32

class Numbers(Struct, pack=1):
    small: t.SByte
    large: t.UInt64
    real: t.Double
    truth: t.Bool8

class Nested(Struct, pack=1):
    pos: Point
    points: Annotated[list[Point], t.ByValArray(Point, 2)]
    counts: Annotated[list[int], t.ByValArray(t.Int16, 3)]

class Others(Struct, pack=1, charset="unicode"):
    gear: Gear
    light: Light
    name: Annotated[str, t.ByValTStr(4)]
    letters: Annotated[list[str], t.ByValArray(t.Char, 3)]
    when: t.DateTime
    price: t.Decimal
    key: t.Guid

class Switches(Struct):
    all: Annotated[list[bool], t.ByValArray(t.Bool8, 2)]

class Optional(Struct):
    point: Annotated[Point | None, t.Nullable(Point)]
    number: Annotated[int | None, t.Nullable(t.Int32)]

class Default(Struct):
    number: t.Int32 = 7
    top_speed: t.Int32 = 0
"""


@pytest.fixture
def here(module_here):
    """The name of a module in the current directory."""
    return module_here(MODULE)


@pytest.fixture
def write(here, capsys, tmp_path):
    """``write(type, *assignments)`` returns the bytes, or what standard error says."""
    path = tmp_path / "map"

    def writing(kind, *assignments, status=0):
        path.unlink(missing_ok=True)
        options = [f"--set={each}" for each in assignments]
        name = kind if "." in kind else f"{here}:{kind}"
        arguments = ["write-struct", str(path), "--file", "--capacity", "500", "--as", name,
                     "--for", "0"]  # fmt: skip
        assert main([*arguments, *options]) == status
        if status:
            return capsys.readouterr().err.splitlines()[-1]
        return path.read_bytes()

    return writing


@pytest.fixture
def read(here, capsys, tmp_path):
    """``read(data, type, *options)`` returns the lines of the output."""

    def reading(data, kind, *options):
        path = tmp_path / "map"
        path.write_bytes(data)
        capsys.readouterr()
        name = kind if "." in kind else f"{here}:{kind}"
        assert main(["read-struct", str(path), "--file", "--as", name, *options]) == 0
        return capsys.readouterr().out.splitlines()

    return reading


# --- writing ---


def test_numbers_are_set_by_name(write):
    found = write("Numbers", "small=-1", "large=0xFF", "real=2.5", "truth=yes")
    assert found[:18] == b"\xff" + b"\xff".ljust(8, b"\0") + struct.pack("<d", 2.5) + b"\x01"


@pytest.mark.parametrize("text", ["inf", "-inf", "1e300", "0", "-0.0"])
def test_every_float_is_accepted(write, text):
    assert write("Numbers", f"real={text}")[9:17] == struct.pack("<d", float(text))


def test_fields_of_fields_and_elements_are_set_alone(write):
    found = write("Nested", "pos.x=1", "Pos.Y=-2", "points[1].y=3", "counts[2]=4")
    assert found[:30] == struct.pack("<6i3h", 1, -2, 0, 0, 0, 3, 0, 0, 4)


def test_arrays_and_structs_are_set_as_a_whole(write):
    found = write("Nested", "counts=1, 2,-3", 'points=[{"x": 5}, {"Y": "0x10"}]', 'pos={"x": 9}')
    assert found[:30] == struct.pack("<6i3h", 9, 0, 5, 0, 0, 16, 1, 2, -3)


@pytest.mark.parametrize("assignments", [["point.x=5", "point.y=6"], ['point={"X": 5, "y": 6}']])
def test_the_struct_of_a_nullable_is_set_by_its_fields(write, read, assignments):
    data = write("Optional", *assignments, "number=7")
    assert data[:20] == struct.pack("<5i", 1, 5, 6, 1, 7)
    assert read(data, "Optional") == ["Point.X = 5", "Point.Y = 6", "Number = 7"]
    found = json.loads(read(data, "Optional", "--json")[0])
    assert found["value"] == {"Point": {"X": 5, "Y": 6}, "Number": 7}


@pytest.mark.parametrize("null", ["null", "None"])
def test_a_nullable_can_be_null(write, read, null):
    data = write("Optional", "point.x=5", f"point={null}", "number=1", f"number={null}")
    assert data[:20] == bytes(20)
    assert read(data, "Optional") == ["Point = None", "Number = None"]
    stale = struct.pack("<5i", 0, 5, 6, 0, 7)
    found = json.loads(read(stale, "Optional", "--json")[0])
    assert found["value"] == {"Point": None, "Number": None}


def test_enums_text_dates_decimals_and_guids_are_set_as_they_are_written(write):
    found = write(
        "Others",
        "gear=drive",
        "light=LEFT|hazard",
        "name=é=1",
        "letters=ab",
        "when=1900-01-01T12:00:00",
        "price=1.50",
        "key=00112233-4455-6677-8899-aabbccddeeff",
    )
    assert found[:8] == struct.pack("<2i", 2, 9)
    assert found[8:16] == "é=1\0".encode("utf-16-le")
    assert found[16:22] == "ab\0".encode("utf-16-le")
    assert found[22:30] == struct.pack("<d", 2.5)  # days since 1899-12-30
    assert found[30:46] == bytes.fromhex("00000200 00000000 96000000 00000000")  # scale 2, 150
    assert found[46:62] == bytes.fromhex("33221100 5544 7766 8899 aabbccddeeff")


def test_a_number_is_accepted_for_an_enum(write):
    assert write("Others", "gear=7", "light=0x80")[:8] == struct.pack("<2i", 7, 128)


def test_the_defaults_are_those_of_the_class(write):
    assert write("Default", "TopSpeed=1")[:8] == struct.pack("<2i", 7, 1)


@needs_dnfile
def test_a_type_of_an_assembly_is_written(write):
    name = f"{SHAPES}:Shapes.Nested"
    found = write(name, "One.X=5", "Gear=First", "Lamps=Left|Right", "Three[6]=7", "Maybe=9")
    assert found[:4] == struct.pack("<i", 5)
    assert found[6:20] == struct.pack("<7h", 0, 0, 0, 0, 0, 0, 7)
    assert found[20:26] == struct.pack("<iH", 1, 3)
    assert found[28:36] == struct.pack("<2i", 1, 9)
    assert write(name, "Maybe=null")[28:36] == bytes(8)


def test_test_data_is_set_in_the_same_way(run, tmp_path):
    path = tmp_path / "map"
    result = run("write-struct", path, "--file", "--age", 8, "--set", "id=-7", "--set=scores[9]=1")
    assert (result.status, result.out) == (0, ["READY"])
    assert path.read_bytes()[:48] == struct.pack("<12i", -7, 8, *range(60, 69), 1)


@pytest.mark.parametrize(
    ("kind", "assignment", "status", "message"),
    [
        ("Numbers", "smal=1", 2, "Numbers has no field 'smal'; did you mean Small?"),
        ("Nested", "zzz=1", 2, "Nested has no field 'zzz'; its fields: Pos, Points, Counts"),
        ("Nested", "pos.z=1", 2, "Pos has no field 'z'; its fields: X, Y"),
        ("Nested", "pos=1", 2, "set its fields (Pos.X, Pos.Y), or give a JSON object"),
        ("Nested", 'pos={"x"', 2, "--set Pos: invalid JSON"),
        ("Optional", "point=1", 2, "set its fields (Point.X, Point.Y), or give a JSON object"),
        ("Optional", "point.z=1", 2, "Point has no field 'z'; its fields: X, Y"),
        ("Nested", "points[2].x=1", 2, "Points has 2 elements, counted from 0"),
        ("Nested", "pos[0]=1", 2, "Pos is Point; set it as a whole"),
        ("Nested", "counts=1,2", 2, "Counts: needs 3 values, not 2"),
        ("Nested", "counts=1,2,x", 2, "Counts[2]: 'x' is not a whole number"),
        ("Nested", "counts[0].x=1", 2, "Counts[0] is short, which has no field 'x'"),
        ("Nested", "pos..x=1", 2, "expected names and indexes, as in arms[2].joint.x"),
        ("Nested", "=1", 2, "expected FIELD=VALUE"),
        ("Nested", "pos", 2, "expected FIELD=VALUE"),
        ("Numbers", "truth=maybe", 2, "'maybe' is not true or false"),
        ("Numbers", "small=128", 1, "Small must be"),
        ("Nested", "counts[1]=40000", 1, "Counts[1] must be"),
        ("Others", "gear=drve", 2, "has no member 'drve'; did you mean DRIVE?"),
        ("Others", "gear=zzz", 2, "has no member 'zzz'; its members:"),
        ("Others", "name=12345", 1, "Name has room for 3"),
        ("Others", "when=soon", 2, "'soon' is not a date and time such as"),
        ("Others", "key=1", 2, "'1' is not a GUID"),
        ("Others", "price=x", 2, "'x' is not a number"),
        ("Nested", "counts=" + "[" * 100_000, 2, "--set Counts: invalid JSON"),
        ("Nested", f"counts[{'9' * 5000}]=1", 2, "expected names and indexes"),
        ("Numbers", f"small=0x{'f' * 5000}", 2, "is not a whole number"),
        ("Others", f"gear=0x{'f' * 5000}", 2, "has no member"),
        ("Numbers", "real=1e400", 2, "'1e400' is not a number that a double can hold"),
        ("Numbers", f"real={'9' * 5000}", 2, "99… is not a number"),
        ("Switches", "all=[null, true]", 2, "All[0]: None is not true or false"),
        ("Switches", "all=[true, [0]]", 2, "All[1]: ['0'] is not true or false"),
        ("Switches", "all=[true, {}]", 2, "All[1]: {} is not true or false"),
        ("Others", "when=2026-12-31T23:59:59.1234567", 2, "at most 6 digits of a second"),
    ],
)
def test_the_error_of_an_assignment_names_the_field(write, kind, assignment, status, message):
    assert message in write(kind, assignment, status=status)


@pytest.mark.parametrize("option", ["--id=1", "--age=1", "--scores=1"])
def test_the_options_of_test_data_belong_to_test_data(here, capsys, option):
    assert main(["write-struct", "m", "--as", f"{here}:Point", option]) == 2
    assert "is a field of TestData; use --set" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("1.02:03:04.5", 937_845_000_000),
        ("-1.02:03:04.5", -937_845_000_000),
        ("00:01", 600_000_000),
        ("1 day, 2:03:04.500000", 937_845_000_000),
        ("-1 day, 23:59:59", -10_000_000),
        ("2 days, 0:00:00", 1_728_000_000_000),
        ("0:00:00.1234560", 1_234_560),
    ],
)
@needs_dnfile
def test_a_duration_is_written_as_ticks(write, text, ticks):
    found = write(f"{SHAPES}:Shapes.Primitives", f"U={text}")
    assert struct.pack("<q", ticks) in found


@needs_dnfile
def test_a_part_of_a_microsecond_is_refused_and_not_lost(write):
    assert "at most 6 digits" in write(f"{SHAPES}:Shapes.Primitives", "U=0:0:0.1234567", status=2)


def test_a_number_of_bytes_that_is_too_long_is_wrong_usage(here, capsys):
    arguments = ["write-struct", "m", "--as", f"{here}:Point", "--capacity", "0x" + "f" * 5000]
    assert main(arguments) == 2
    assert "a number of bytes such as" in capsys.readouterr().err


# --- reading ---


def test_every_field_is_a_line(read):
    data = struct.pack("<6i3h", 1, -2, 0, 0, 0, 3, 7, 8, 9)
    assert read(data, "Nested") == [
        "Pos.X = 1",
        "Pos.Y = -2",
        "Points[0].X = 0",
        "Points[0].Y = 0",
        "Points[1].X = 0",
        "Points[1].Y = 3",
        "Counts = 7, 8, 9",
    ]
    found = json.loads(read(data, "Nested", "--json")[0])
    assert found["type"] == "Nested"
    assert found["value"] == {
        "Pos": {"X": 1, "Y": -2},
        "Points": [{"X": 0, "Y": 0}, {"X": 0, "Y": 3}],
        "Counts": [7, 8, 9],
    }


@needs_dnfile
def test_a_type_of_an_assembly_is_read(read):
    data = struct.pack("<i2x7hi4xii8x", 5, *range(7), -1, 1, 9)
    lines = read(data.ljust(44, b"\0"), f"{SHAPES}:Shapes.Nested")
    assert "One.X = 5" in lines
    assert "Three = 0, 1, 2, 3, 4, 5, 6" in lines
    assert "Gear = Reverse (-1)" in lines
    assert "Maybe = 9" in lines


def test_a_value_that_is_not_valid_does_not_hide_the_others(read):
    data = struct.pack("<2i", 2, 3) + bytes(14) + b"\xff" * 40
    lines = read(data, "Others")
    assert lines[:2] == ["Gear = DRIVE (2)", "Light = LEFT|RIGHT (3)"]
    assert lines[5] == f"Price = (not a value of its type: {' '.join(['ff'] * 16)})"
    assert lines[6] == "Key = ffffffff-ffff-ffff-ffff-ffffffffffff"
    assert json.loads(read(data, "Others", "--json")[0])["value"]["Price"] is None


def test_a_map_that_is_too_small_is_an_error(here, capsys, tmp_path):
    (tmp_path / "map").write_bytes(bytes(7))
    if sys.platform != "win32":  # there a map has whole pages
        arguments = ["read-struct", str(tmp_path / "map"), "--file", "--as", f"{here}:Point"]
        assert main(arguments) == 1
        assert "Point needs 8 bytes; the buffer has 7" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["read-struct", "write-struct", "dump", "watch"])
@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("nonsense", "expected "),
        ("MyApp.dll", "name one of its types, as MyApp.dll:Full.Name; pyshm layout MyApp.dll"),
        ("testdata", "did you mean TestData?"),
        ("HERE.py", "HERE.py: expected a module and not a path: HERE:Class\n"),
        ("./HERE.py", "./HERE.py: expected a module and not a path: HERE:Class\n"),
        ("HERE:Nothing", "there is no such class; structs in HERE: Default, Nested,"),
        pytest.param(f"{SHAPES}:Nested", "did you mean Shapes.Nested?", marks=needs_dnfile),
        ("./HERE.py:Point", "expected a module and not a path: HERE:Point"),
        ("C:\\a\\HERE.py:Point", "expected a module and not a path: "),
        ("HERE.py:Point", "expected a module and not a path: HERE:Point"),
    ],
)
def test_a_wrong_type_is_wrong_usage(here, capsys, command, kind, message):
    assert main([command, "m", "--as", kind.replace("HERE", here)]) == 2
    assert message.replace("HERE", here) in capsys.readouterr().err


@pytest.mark.parametrize("command", ["read-struct", "dump"])
@needs_dnfile
def test_a_type_without_a_layout_is_an_error(capsys, command, tmp_path):
    (tmp_path / "map").write_bytes(bytes(100))
    arguments = [command, str(tmp_path / "map"), "--file", "--as"]
    assert main([*arguments, f"{SHAPES}:Shapes.Recursive"]) == 1
    assert "contains itself" in capsys.readouterr().err
    assert main([*arguments, f"{tmp_path / 'none'}.dll:A"]) == 1
    assert "No such file" in capsys.readouterr().err


@needs_dnfile
def test_dump_and_watch_show_a_type_of_an_assembly(command, run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(struct.pack("<if16x", 3, 1.5))
    name = f"{SHAPES}:Shapes.Union"
    result = run("dump", path, "--file", "--length", 24, "--as", name)
    assert result.out[0] == f"{path}: Union, 24 bytes"
    assert "Number = 3 | Real = " in result.out[1]
    process = command("watch", str(path), "--file", "--length", "24", "--as", name, "--json",
                      "--count", "1", "--interval", "0.01")  # fmt: skip
    assert json.loads(process.line())["kind"] == "Union"
    process.kill()
