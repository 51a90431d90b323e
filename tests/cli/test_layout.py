"""``pyshm layout`` for users and programs; the numbers are calculated by hand."""

from __future__ import annotations

import json
import shutil
import struct
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from pyshm.cli import main
from tests.conftest import ROOT

DATA = ROOT / "tests" / "assemblies" / "data"
SHAPES = str(DATA / "Shapes.dll")
PICTURES = ROOT / "docs" / "pictures"
MODULE = """
from pyshm import Struct
from pyshm import types as t

class Car(Struct, name="Race.Car"):
    lap: t.Byte
    wet: t.Bool

class Other(Struct, name="Race.Car"):
    lap: t.Byte
    wet: t.Bool8

class Union(Struct, name="Own.Union", layout="explicit", size=24):
    number: t.Annotated[t.Int32, t.FieldOffset(0)]
    real: t.Annotated[t.Single, t.FieldOffset(0)]
    other: t.Annotated[t.Int64, t.FieldOffset(8)]

class Address(Struct):
    where: t.NInt
"""
DIFFERENCE = """\
A  Race.Car: 8 bytes, alignment 4 (marshalled, Unix, 64 bit)
B  Race.Car: 2 bytes, alignment 1 (marshalled, Unix, 64 bit)
field Wet: bool is 4 bytes at offset 4 in A, bool (U1) is 1 byte at offset 1 in B
size: 8 bytes in A, 2 bytes in B
"""
CAR = """\
Race.Car: 8 bytes, alignment 4 (marshalled, Unix, 64 bit)
offset  size  name       type
     0     1  Lap        byte
     1     3  (padding)
     4     4  Wet        bool
"""


@pytest.fixture
def here(module_here):
    """The name of a module in the current directory."""
    return module_here(MODULE)


@pytest.fixture
def run(here, capsys):
    """``run(*arguments)`` returns status, output and errors; ``car:`` stands for the module."""

    def running(*arguments):
        words = [str(word).replace("car:", f"{here}:") for word in arguments]
        status = main(["layout", *words])
        captured = capsys.readouterr()
        return status, captured.out, captured.err

    return running


@pytest.fixture
def lines(run):
    """``lines(*arguments)`` returns the JSON lines of Shapes.dll on 64-bit Linux, by type."""
    pytest.importorskip("dnfile")

    def running(*arguments):
        target = () if "--target" in arguments else ("--target", "linux64")
        status, out, err = run(SHAPES, "--json", *target, *arguments)
        assert (status, err) == (0, "")
        return {json.loads(line)["type"]: line for line in out.splitlines()}

    return running


# --- one type -----------------------------------------------------------------------------


def test_a_struct_of_the_users_module_is_printed_as_a_table(run):
    assert run("car:Car", "--target", "linux64") == (0, CAR, "")


def test_the_option_managed_shows_the_managed_layout(run):
    status, out, _ = run("car:Car", "--managed", "--target", "linux64")
    assert status == 0
    assert out.splitlines()[0] == "Race.Car: 2 bytes, alignment 1 (managed, Unix, 64 bit)"


@pytest.mark.parametrize(
    ("target", "facts"),
    [
        ("linux64", "8 bytes, alignment 8 (marshalled, Unix, 64 bit)"),
        ("linux32", "4 bytes, alignment 4 (marshalled, Unix, 32 bit)"),
        ("windows64", "8 bytes, alignment 8 (marshalled, Windows, 64 bit)"),
        ("windows32", "4 bytes, alignment 4 (marshalled, Windows, 32 bit)"),
    ],
)
def test_the_layout_depends_on_the_target(run, target, facts):
    assert run("car:Address", "--target", target)[1].splitlines()[0] == f"Address: {facts}"


def test_the_json_of_a_type(run):
    status, out, _ = run("car:Car", "--json", "--target", "linux64")
    assert status == 0
    assert out == (
        '{"type": "Race.Car", "layout": "marshalled", "windows": false, "pointer_size": 8, '
        '"size": 8, "alignment": 4, "pack": 0, "fields": [{"name": "Lap", "offset": 0, "size": 1, '
        '"type": "byte", "elements": 1, "shared": false}, {"name": "Wet", "offset": 4, "size": 4, '
        '"type": "bool", "elements": 1, "shared": false}], "padding": [{"offset": 1, "size": 3}], '
        '"error": null}\n'
    )


def test_a_type_of_an_assembly_is_printed(run):
    pytest.importorskip("dnfile")
    status, out, _ = run(f"{SHAPES}:Shapes.Fixed", "--target", "linux64")
    assert status == 0
    assert [line.split() for line in out.splitlines()[2:]] == [
        ["0", "20", "Numbers", "fixed", "int[5]"],
        ["20", "6", "Text", "fixed", "char[3]"],
        ["26", "2", "(padding)"],
        ["28", "4", "Truths", "fixed", "bool[3]"],
        ["32", "1", "_hidden", "byte"],
        ["33", "3", "(padding)"],
    ]


def test_a_nested_type_has_its_reflection_name(run):
    pytest.importorskip("dnfile")
    status, out, _ = run(f"{SHAPES}:Shapes.Nested+Inner+Innermost")
    assert status == 0
    assert out.startswith("Shapes.Nested+Inner+Innermost: 1 byte, ")


def test_a_type_that_has_a_size_but_is_not_marshalled_is_shown_with_the_reason(run):
    pytest.importorskip("dnfile")
    where = f"{SHAPES}:Shapes.Instances"
    _, out, _ = run(where, "--target", "linux64")
    first, second, *_ = out.splitlines()
    assert first.startswith("Shapes.Instances: 12 bytes")
    assert second.startswith("Marshal.StructureToPtr refuses it: Shapes.Generic`1[int].Values: ")
    shown = json.loads(run(where, "--target", "linux64", "--json")[1])
    assert (shown["size"], shown["error"][:28]) == (12, "Shapes.Generic`1[int].Values")
    assert run(where, "--managed")[1].count("refuses") == 0


def test_the_error_of_a_type_without_a_marshalled_size_suggests_managed(run):
    pytest.importorskip("dnfile")
    status, out, err = run(f"{SHAPES}:Shapes.Automatic")
    assert (status, out) == (1, "")
    assert err == (
        "pyshm: Shapes.Automatic: it has auto layout; --managed shows its layout in .NET's own "
        "memory\n"
    )
    assert run(f"{SHAPES}:Shapes.Automatic", "--managed")[0] == 0


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("Shapes.Gear", "Shapes.Gear: enum types have no layout of fields"),
        ("Shapes.Ordinary", "Shapes.Ordinary: class types have no layout of fields"),
        ("Shapes.Generic`1", "Shapes.Generic`1: open generic"),
    ],
)
def test_a_type_without_a_managed_layout_is_refused(run, name, message):
    pytest.importorskip("dnfile")
    assert run(f"{SHAPES}:{name}", "--managed") == (1, "", f"pyshm: {message}\n")


def test_force_color_shows_the_colors_of_the_fields(run, monkeypatch):
    pytest.importorskip("rich")
    monkeypatch.setenv("FORCE_COLOR", "1")
    status, out, _ = run("car:Car")
    assert status == 0
    assert "\x1b[" in out
    assert "░░" in out


def test_a_module_in_the_current_directory_is_found(command, here):
    process = command("layout", f"{here}:Car", "--target", "linux64")
    shown = "".join(f"{process.line()}\n" for _ in CAR.splitlines())
    assert shown == CAR
    assert process.finish() == 0


# --- pictures -----------------------------------------------------------------------------


def test_a_picture_is_written_instead_of_the_table(run):
    assert run("car:Car", "--svg", "car.svg") == (0, "", "")
    assert ET.parse("car.svg").getroot().get("aria-label") == "Race.Car"
    assert sorted(path.suffix for path in Path().iterdir() if path.is_file()) == [".py", ".svg"]


def test_a_picture_and_json_can_be_combined(run):
    status, out, _ = run("car:Car", "--svg", "car.svg", "--json")
    assert status == 0
    assert json.loads(out)["size"] == 8
    assert Path("car.svg").exists()


def test_a_picture_goes_to_standard_output(command, here):
    process = command("layout", f"{here}:Car", "--svg", "-")
    text = []
    while line := process.line():
        text.append(line)
    assert process.finish() == 0
    assert ET.fromstring("\n".join(text)).tag.endswith("svg")


def test_a_picture_that_can_not_be_written_leaves_nothing(run):
    status, out, err = run("car:Car", "--svg", "missing/car.svg")
    assert (status, out) == (1, "")
    assert "missing" in err
    assert not list(Path().glob("*.svg*"))


def test_the_assembly_is_not_overwritten(run, tmp_path):
    pytest.importorskip("dnfile")
    copy = shutil.copy(SHAPES, tmp_path)
    before = Path(copy).read_bytes()
    status, _, err = run(f"{copy}:Shapes.Union", "--svg", copy)
    assert (status, "is the assembly itself" in err) == (1, True)
    assert Path(copy).read_bytes() == before


def test_the_picture_in_the_documentation_is_up_to_date(run, monkeypatch):
    monkeypatch.chdir(PICTURES)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    status, out, _ = run("race:Car", "--target", "linux64", "--svg", "-")
    assert status == 0
    assert out == (PICTURES / "layout.svg").read_text(encoding="utf-8")


# --- two types ----------------------------------------------------------------------------


def test_equal_types_are_reported_as_the_same_bytes(run):
    status, out, _ = run("car:Car", "--diff", "car:Car")
    assert status == 0
    assert out.splitlines()[-1] == "the same bytes"


def test_the_exit_status_of_different_types_is_1(run):
    assert run("car:Car", "--diff", "car:Other", "--target", "linux64") == (1, DIFFERENCE, "")


def test_a_python_struct_is_compared_with_a_type_of_an_assembly(run):
    pytest.importorskip("dnfile")
    status, out, _ = run("car:Union", "--diff", f"{SHAPES}:Shapes.Union")
    assert (status, out.splitlines()[-1]) == (0, "the same bytes")
    assert run(f"{SHAPES}:Shapes.Union", "--diff", "car:Car")[0] == 1


def test_the_comparison_as_json(run):
    status, out, _ = run("car:Car", "--diff", "car:Other", "--json", "--target", "linux64")
    assert status == 1
    assert json.loads(out) == {
        "a": {"type": "Race.Car", "size": 8},
        "b": {"type": "Race.Car", "size": 2},
        "alike": False,
        "differences": [
            {
                "name": "Wet",
                "a": {"offset": 4, "size": 4, "type": "bool"},
                "b": {"offset": 1, "size": 1, "type": "bool (U1)"},
                "text": "field Wet: bool is 4 bytes at offset 4 in A, "
                "bool (U1) is 1 byte at offset 1 in B",
            }
        ],
    }
    status, out, _ = run("car:Car", "--diff", "car:Car", "--json")
    assert (status, json.loads(out)["alike"], json.loads(out)["differences"]) == (0, True, [])


def test_managed_layouts_are_compared_too(run):
    # A bool has one byte there, with any MarshalAs.
    assert run("car:Car", "--diff", "car:Other", "--managed")[0] == 0


# --- a whole assembly ---------------------------------------------------------------------


def test_every_type_with_layout_has_a_line_even_if_it_is_refused(lines):
    from pyshm.assemblies import Assembly

    names = [item.name for item in Assembly.open(SHAPES).declared_types()]
    assert len(names) == 27
    assert list(lines()) == names


def test_the_line_of_a_type_that_is_marshalled(lines):
    assert lines()["Shapes.Union"] == (
        '{"type": "Shapes.Union", "native_size": 24, "managed_size": 24, "fields": '
        '[{"name": "Number", "offset": 0, "size": 4}, {"name": "Real", "offset": 0, "size": 4}, '
        '{"name": "Other", "offset": 8, "size": 8}], "error": null}'
    )


def test_the_line_of_a_type_whose_layouts_differ(lines):
    assert lines()["Shapes.Fixed"] == (
        '{"type": "Shapes.Fixed", "native_size": 36, "managed_size": 32, "fields": '
        '[{"name": "Numbers", "offset": 0, "size": 20}, {"name": "Text", "offset": 20, "size": 6}, '
        '{"name": "Truths", "offset": 28, "size": 4}, {"name": "_hidden", "offset": 32, '
        '"size": 1}], "error": null}'
    )


def test_the_line_of_a_type_without_a_marshalled_size(lines):
    assert lines()["Shapes.Rejected"] == (
        '{"type": "Shapes.Rejected", "native_size": null, "managed_size": 40, "fields": [], '
        '"error": "Shapes.Rejected.Anything: object needs COM, which .NET has on Windows only"}'
    )


def test_the_line_of_a_type_with_a_size_that_is_not_marshalled(lines):
    line = json.loads(lines()["Shapes.Instances"])
    error = line.pop("error")
    assert line == {
        "type": "Shapes.Instances",
        "native_size": 12,
        "managed_size": 40,
        "fields": [
            {"name": "Numbers", "offset": 0, "size": 8},
            {"name": "Bytes", "offset": 8, "size": 3},
        ],
    }
    assert error.startswith("Shapes.Generic`1[int].Values: an array in a field must be")


def test_the_line_of_a_class_has_no_managed_size_and_the_fields_of_its_base_first(lines):
    assert lines()["Shapes.Descendant"] == (
        '{"type": "Shapes.Descendant", "native_size": 24, "managed_size": null, "fields": '
        '[{"name": "First", "offset": 0, "size": 4}, {"name": "Second", "offset": 8, "size": 8}, '
        '{"name": "Third", "offset": 16, "size": 8}], "error": null}'
    )


def test_the_line_of_an_open_generic_type(lines):
    assert lines()["Shapes.Generic`1"] == (
        '{"type": "Shapes.Generic`1", "native_size": null, "managed_size": null, "fields": [], '
        '"error": "open generic"}'
    )


def test_the_lines_are_for_the_target(lines):
    here, there = lines("--type", "Shapes.Pointers"), lines(
        "--type", "Shapes.Pointers", "--target", "windows32"
    )  # fmt: skip
    sizes = [json.loads(each["Shapes.Pointers"])["native_size"] for each in (here, there)]
    assert sizes == [56, 28]
    on_windows = json.loads(lines("--target", "windows64")["Shapes.Packed"])
    assert (on_windows["native_size"], on_windows["error"]) == (83, None)
    assert json.loads(lines()["Shapes.Packed"])["native_size"] is None


def test_the_option_type_selects_types(lines):
    assert list(lines("--type", "Shapes.Union", "--type", "Shapes.Empty")) == [
        "Shapes.Union",
        "Shapes.Empty",
    ]


def test_references_are_searched_in_the_given_folder(run, tmp_path):
    pytest.importorskip("dnfile")
    alone = shutil.copy(SHAPES, tmp_path)
    line = json.loads(run(alone, "--json", "--type", "Shapes.Elsewhere")[1])
    assert (line["native_size"], line["managed_size"]) == (None, None)
    assert "the assembly Common" in line["error"]
    more = ("--reference", tmp_path / "nowhere", "--reference", DATA)
    line = json.loads(run(alone, "--json", "--type", "Shapes.Elsewhere", *more)[1])
    assert (line["native_size"], line["error"]) == (80, None)


@pytest.mark.parametrize(
    ("machine", "target", "warned"),
    [
        (0xFD1D, "windows64", "is for Unix"),  # x64 for Linux
        (0xFD1D, "linux64", ""),
        (0x8664, "linux64", "is for Windows"),  # x64
        (0x8664, "windows32", ""),
        (0xEC20, "windows64", "is for Unix"),  # ARM64 for Apple
        (0x14C, "windows64", ""),  # for every system
    ],
)
def test_an_assembly_of_dotnet_for_another_system_is_reported(
    run, tmp_path, machine, target, warned
):
    pytest.importorskip("dnfile")
    data = bytearray((DATA / "Common.dll").read_bytes())
    (header,) = struct.unpack_from("<I", data, 0x3C)
    struct.pack_into("<H", data, header + 4, machine)
    for name in ("System.Common", "Other"):
        (tmp_path / f"{name}.dll").write_bytes(data)
    for subject in (":Common.Place", ""):
        status, output, error = run(tmp_path / f"System.Common.dll{subject}", "--target", target)
        assert status == 0
        assert "Common.Place" in output
        assert (warned in error) if warned else not error
        assert not run(tmp_path / f"Other.dll{subject}", "--target", target)[2]


def test_without_json_the_list_is_text(run):
    pytest.importorskip("dnfile")
    status, out, _ = run(SHAPES, "--target", "linux64")
    text = out.splitlines()
    assert status == 0
    assert text[0] == "marshalled     managed  type"
    assert text[3] == "        24          24  Shapes.Union"
    assert "         -           8  Shapes.Automatic: it has auto layout" in text
    assert "        24           -  Shapes.Descendant" in text
    assert text[-1] == "27 types; .NET marshals 19 of them"


def test_each_line_is_printed_as_soon_as_it_is_known(run, monkeypatch):
    pytest.importorskip("dnfile")
    from pyshm.assemblies import summary as layout_listing

    listed, seen = layout_listing.listed, []

    def interrupted(item, target):
        if seen:
            raise KeyboardInterrupt
        seen.append(item)
        return listed(item, target)

    monkeypatch.setattr(layout_listing, "listed", interrupted)
    status, out, _ = run(SHAPES, "--json")
    assert (status, len(out.splitlines())) == (130, 1)


def test_a_closed_pipe_ends_the_list_without_a_message(command):
    pytest.importorskip("dnfile")
    process = command("layout", SHAPES, "--json")
    assert process.line().startswith('{"type": "Shapes.Primitives"')
    process.close()
    assert "Traceback" not in process.errors()


# --- what is wrong ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "nothing: expected module:Class or x.dll:Full.Name"),
        (["car:Nothing"], "no such class; structs in"),
        (["no_such_module:Class"], "there is no module no_such_module"),
        (["x.dll:"], "x.dll:: no type after the colon"),
        (["car:Car", "--diff", "nothing"], "expected module:Class or"),
        ([SHAPES, "--managed"], "--managed needs a single type"),
        ([SHAPES, "--diff", "car:Car"], "--diff needs a single type"),
        (["car:Car", "--diff", SHAPES], "--diff needs a single type"),
        ([SHAPES, "--svg", "x.svg"], "--svg needs a single type"),
        (["car:Car", "--diff", "car:Car", "--svg", "x.svg"], "can't be used with --diff"),
        (["car:Car", "--svg", "-", "--json"], "use only one of"),
        (["car:Car", "--type", "X"], "--type needs a whole assembly"),
        (["car:Car", "--reference", "."], "--reference needs an assembly"),
        (["car:Car", "--target", "amiga"], "invalid choice: 'amiga'"),
    ],
)
def test_contradictory_options_are_wrong_usage(run, arguments, message):
    status, out, err = run(*arguments)
    assert (status, out) == (2, "")
    assert message in err
    assert not Path("x.svg").exists()


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("Union", "did you mean Shapes.Union"),
        ("Shapes.Nested.Inner", "did you mean Shapes.Nested+Inner"),
        ("Shapes.Unoin", "did you mean Shapes.Union"),
        ("Zzz", "Shapes has no type 'Zzz'"),
    ],
)
def test_a_missing_type_is_wrong_usage_with_a_hint(run, name, hint):
    pytest.importorskip("dnfile")
    for arguments in ([f"{SHAPES}:{name}"], [SHAPES, "--type", name]):
        status, out, err = run(*arguments)
        assert (status, out) == (2, "")
        assert hint in err


def test_a_file_that_is_not_an_assembly_is_exit_status_1(run, tmp_path):
    pytest.importorskip("dnfile")
    broken = tmp_path / "Broken.dll"
    broken.write_bytes(b"MZ")
    for where in (broken, f"{broken}:My.Type"):
        status, out, err = run(where)
        assert (status, out) == (1, "")
        assert err.startswith("pyshm: Broken.dll: ")


def test_a_missing_file_is_exit_status_1(run):
    pytest.importorskip("dnfile")
    status, _, err = run("Missing.dll:My.Type")
    assert (status, "Missing.dll" in err) == (1, True)
