"""Files that a user takes for an assembly, and names of types that users write."""

from __future__ import annotations

import shutil
import struct
from pathlib import Path

import pytest

pytest.importorskip("dnfile")

from pyshm.assemblies import Assembly, Unbindable
from pyshm.assemblies.type_names import TypeName, parsed
from pyshm.cli import main
from pyshm.codegen import bind
from pyshm.errors import ArgumentError, AssemblyError
from pyshm.layout.declarations import Array, BuiltIn, TypeDeclaration

DATA = Path(__file__).parent / "data"

# https://github.com/dotnet/runtime/blob/main/src/native/corehost/apphost/bundle_marker.cpp
SIGNATURE = bytes.fromhex("8b1202b96a612038727b930214d7a03213f5b9e6efae3318ee3b2dce24b36aae")
ELF = b"\x7fELF\2\1\1" + bytes(57)
PE = b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(20)


def program(path, begin=ELF, *, bundle=0):
    path.write_bytes(begin + bytes(100) + struct.pack("<q", bundle) + SIGNATURE + bytes(100))
    return path


def message(path):
    with pytest.raises(AssemblyError) as caught:
        Assembly.open(path)
    return str(caught.value)


@pytest.mark.parametrize("begin", [ELF, PE, b"\xcf\xfa\xed\xfe" + bytes(60)])
@pytest.mark.parametrize("name", ["MyApp", "MyApp.exe", "My.App"])
def test_the_error_for_a_program_names_the_assembly_beside_it(tmp_path, begin, name):
    path = program(tmp_path / name, begin)
    assert message(path) == (f"{name}: not a .NET assembly: a program that starts one")
    assembly = "MyApp.dll" if name != "My.App" else "My.App.dll"
    shutil.copy(DATA / "Common.dll", tmp_path / assembly)
    assert message(path).endswith(
        f": a program that starts one; use {assembly}, which is beside it"
    )


def test_the_error_for_a_program_in_a_single_file_says_so(tmp_path):
    path = program(tmp_path / "MyApp", bundle=70_000)
    shutil.copy(DATA / "Common.dll", tmp_path / "MyApp.dll")
    assert "a program in a single file, which contains its assemblies; use" in message(path)


def test_any_other_file_beside_an_assembly_names_it(tmp_path):
    shutil.copy(DATA / "Common.dll", tmp_path)
    (tmp_path / "Common.pdb").write_bytes(b"BSJB")
    assert message(tmp_path / "Common.pdb").endswith("; use Common.dll, which is beside it")
    (tmp_path / "Common.dll").write_bytes(b"")
    assert "beside" not in message(tmp_path / "Common.dll")


def test_the_command_names_the_assembly_of_a_program(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    program(tmp_path / "MyApp")
    shutil.copy(DATA / "Common.dll", "MyApp.dll")
    for text, advice in (("MyApp", "MyApp.dll"), ("./MyApp:Car", "./MyApp.dll:Car")):
        assert main(["layout", text]) == 2
        assert f"the program is not an assembly; use {advice}" in capsys.readouterr().err
    assert main(["bind", "MyApp"]) == 1
    assert "use MyApp.dll, which is beside it" in capsys.readouterr().err


# --- long names -------------------------------------------------------------------------------


def test_a_long_name_leaves_out_its_type_only(monkeypatch):
    monkeypatch.setattr("pyshm.assemblies.metadata.LONGEST_NAME", 24)
    monkeypatch.setattr("pyshm.assemblies.metadata._SHOWN", 4)
    assembly = Assembly.open(DATA / "Shapes.dll")
    items = assembly.declared_types()
    assert len(items) > 20
    left_out = [item for item in items if isinstance(item, Unbindable)]
    assert any("longer than" in item.reason for item in left_out)
    assert any(isinstance(item, TypeDeclaration) for item in items)
    source = bind(assembly).source
    compile(source, "<bound>", "exec")
    assert "# Not bound:" in source
    for item in items:
        assert assembly.find(item.name) == item


# --- generic instances ------------------------------------------------------------------------


@pytest.fixture
def shapes():
    return Assembly.open(DATA / "Shapes.dll")


@pytest.mark.parametrize(
    "name",
    [
        "Shapes.Generic`1[int]",
        "Shapes.Generic`1[System.Int32]",
        "Shapes.Generic`1[[System.Int32]]",
        "Shapes.Generic`1[[System.Int32, System.Runtime, Version=10.0.0.0, Culture=neutral]]",
        "Shapes.Generic<int>",
        "Shapes.Generic< int >",
    ],
)
def test_a_generic_instance_is_found_by_each_spelling_of_its_name(shapes, name):
    found = shapes.find(name)
    assert found.name == "Shapes.Generic`1[int]"
    assert [each.type for each in found.fields] == [BuiltIn("int"), Array(BuiltIn("int"))]
    numbers = shapes.find("Shapes.Instances").fields[0]
    assert numbers.type is found


@pytest.mark.parametrize(
    ("argument", "expected"),
    [
        ("Common.Place", "Common.Place"),
        ("[Common.Place, Common]", "Common.Place"),
        ("Shapes.Generic<byte>", "Shapes.Generic`1[byte]"),
        ("Common.Pair`1[Common.Place]", "Common.Pair`1[Common.Place]"),
        ("System.Nullable`1[System.Int32]", "int?"),
        ("int?", "int?"),
        ("int*", "int*"),
        ("int[]", "int[]"),
        ("int[,]", "int[,]"),
        ("System.Guid", "Guid"),
        ("System.DayOfWeek", "System.DayOfWeek"),
        ("Shapes.Gear", "Shapes.Gear"),
    ],
)
def test_the_argument_of_a_generic_instance_can_be_any_type(shapes, argument, expected):
    for text in (f"Shapes.Generic`1[{argument}]", f"Shapes.Generic<{argument}>"):
        if text.startswith("Shapes.Generic<["):
            continue
        assert str(shapes.find(text).fields[0].type) == expected


def test_a_generic_type_of_another_assembly_is_found(shapes):
    found = shapes.find("Common.Pair<int>")
    assert [each.type for each in found.fields] == [BuiltIn("int")] * 2


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("Shapes.Generic<Nope>", "Nope is not in Shapes.dll, nor in an assembly that it uses"),
        ("Shapes.Generic<int, int>", "Shapes.Generic`2 is not in Shapes.dll"),
        ("Shapes.Generic`1[int,int]", "Shapes.Generic`1 has 1 parameters"),
        ("Shapes.Gear[int]", "Shapes.Gear has 0 parameters"),
    ],
)
def test_an_instance_that_can_not_be_is_not_bound(shapes, name, reason):
    found = shapes.find(name)
    assert isinstance(found, Unbindable)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize(
    "name",
    ["Shapes.Generic`1[", "Shapes.Generic`1[]", "Shapes.Generic<int", "Shapes.Generic<>", "<int>",
     "Shapes.Generic`1[int]]", "Shapes.Generic`1[int][]", "Shapes.Gear?", "Shapes.Gear[]", "[", "",
     "Shapes.Generic`1[[int]", "Shapes.Generic<" * 200 + "int" + ">" * 200, "int"],
    ids=lambda name: name[:30],
)  # fmt: skip
def test_other_text_is_not_a_type(shapes, name):
    with pytest.raises(ArgumentError, match="has no type"):
        shapes.find(name)


def test_a_name_is_parsed_as_reflection_does():
    assert parsed(r"A\[B\]") == TypeName(r"A\[B\]")
    assert parsed("A`2[B,[C, D]][]") == TypeName("A`2", (TypeName("B"), TypeName("C")), ("[]",))
    assert parsed("A<B<C>,D>") == TypeName(
        "A`2", (TypeName("B`1", (TypeName("C"),)), TypeName("D"))
    )


def test_a_generic_instance_is_laid_out_by_its_name(capsys):
    name = f"{DATA / 'Shapes.dll'}:Common.Pair<byte>"
    assert main(["layout", name, "--managed"]) == 0
    assert capsys.readouterr().out.startswith("Common.Pair`1[byte]: 2 bytes, alignment 1")
