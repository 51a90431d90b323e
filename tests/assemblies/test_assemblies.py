"""Types read from an assembly: data/Shapes.dll, which is compiled from Shapes.cs."""

from __future__ import annotations

import shutil
import sys
import tracemalloc
from pathlib import Path

import pytest

from pyshm.assemblies import Assembly, Unbindable
from pyshm.errors import ArgumentError, AssemblyError, PlatformError
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    FunctionPointer,
    MarshalAs,
    Nullable,
    Pointer,
    TypeDeclaration,
)
from pyshm.layout.forms import Target
from pyshm.layout.layouts import managed, refusal

DATA = Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def shapes() -> Assembly:
    pytest.importorskip("dnfile")
    return Assembly.open(DATA / "Shapes.dll")


def found(assembly: Assembly, name: str) -> TypeDeclaration:
    declaration = assembly.find(name)
    assert isinstance(declaration, TypeDeclaration), declaration
    return declaration


def field(declaration: TypeDeclaration, name: str) -> FieldDeclaration:
    return next(each for each in declaration.fields if each.name == name)


def reason(assembly: Assembly, name: str) -> str:
    unbindable = assembly.find(name)
    assert isinstance(unbindable, Unbindable)
    return unbindable.reason


def test_an_assembly_has_its_name_and_version(shapes):
    assert (shapes.name, shapes.version) == ("Shapes", "0.1.0.0")


def test_every_struct_and_class_with_layout_is_listed_in_order(shapes):
    assert [item.name for item in shapes.declared_types()] == [
        "Shapes.Primitives",
        "Shapes.Packed",
        "Shapes.Union",
        "Shapes.Arrays",
        "Shapes.Fixed",
        "Shapes.Seven",
        "Shapes.Pointers",
        "Shapes.Nested",
        "Shapes.Elsewhere",
        "Shapes.Generic`1",
        "Shapes.Instances",
        "Shapes.Ancestor",
        "Shapes.Descendant",
        "Shapes.OnStack",
        "Shapes.Rejected",
        "Shapes.Recursive",
        "Shapes.Automatic",
        "Shapes.Empty",
        "Shapes.Names",
        "Shapes.Outside",
        "Shapes.Fixed+<Numbers>e__FixedBuffer",
        "Shapes.Fixed+<Text>e__FixedBuffer",
        "Shapes.Fixed+<Truths>e__FixedBuffer",
        "Shapes.Nested+Inner",
        "Shapes.Program+Secret",
        "<PrivateImplementationDetails>+__StaticArrayInitTypeSize=10",
        "Shapes.Nested+Inner+Innermost",
    ]


def test_primitive_types_are_built_in(shapes):
    primitives = found(shapes, "Shapes.Primitives")
    assert [str(each.type) for each in primitives.fields] == [
        *("sbyte", "byte", "short", "ushort", "int", "uint", "long", "ulong", "nint", "nuint"),
        *("float", "double", "bool", "char", "Half", "Int128", "UInt128", "decimal", "Guid"),
        *("DateTime", "TimeSpan", "DateOnly", "TimeOnly"),
    ]
    assert all(isinstance(each.type, BuiltIn) for each in primitives.fields)


def test_constants_and_static_fields_are_not_read_as_fields(shapes):
    assert "Constant" not in [each.name for each in found(shapes, "Shapes.Primitives").fields]
    assert found(shapes, "Shapes.Primitives").fields[0].name == "A"


def test_struct_layout_is_read(shapes):
    packed = found(shapes, "Shapes.Packed")
    assert (packed.kind, packed.layout, packed.pack, packed.size) == ("struct", "sequential", 1, 0)
    assert packed.charset == "unicode"
    union = found(shapes, "Shapes.Union")
    assert (union.layout, union.size, union.charset) == ("explicit", 24, "ansi")
    assert found(shapes, "Shapes.Automatic").layout == "auto"
    assert found(shapes, "Shapes.Descendant").charset == "auto"


def test_field_offsets_are_read(shapes):
    assert [each.offset for each in found(shapes, "Shapes.Union").fields] == [0, 0, 8]
    assert [each.offset for each in found(shapes, "Shapes.Nested").fields[:2]] == [None, None]


def test_marshal_as_is_read(shapes):
    packed = found(shapes, "Shapes.Packed")
    assert {each.name: each.marshal_as for each in packed.fields} == {
        "Kind": None,
        "Letter": None,
        "Name": MarshalAs("ByValTStr", 16),
        "Small": MarshalAs("I1"),
        "Unsigned": MarshalAs("U1"),
        "Variant": MarshalAs("VariantBool"),
        "Plain": MarshalAs("Bool"),
        "Ansi": MarshalAs("LPStr"),
        "Wide": MarshalAs("LPWStr"),
        "Bare": None,
        "Price": MarshalAs("Currency"),
        "Call": MarshalAs("FunctionPtr"),
    }


def test_arrays_have_their_element_type_and_marshal_as(shapes):
    numbers, unions, truths, gears = found(shapes, "Shapes.Arrays").fields
    assert (numbers.type, numbers.marshal_as) == (Array(BuiltIn("int")), MarshalAs("ByValArray", 3))
    assert unions.type == Array(found(shapes, "Shapes.Union"))
    assert truths.marshal_as == MarshalAs("ByValArray", 4, "U1")
    assert gears.type == Array(found(shapes, "Shapes.Gear"))


def test_a_fixed_buffer_is_a_struct_that_the_compiler_generated(shapes):
    numbers, text, truths, hidden = found(shapes, "Shapes.Fixed").fields
    assert isinstance(numbers.type, TypeDeclaration)
    assert numbers.type is found(shapes, "Shapes.Fixed+<Numbers>e__FixedBuffer")
    assert numbers.type.fixed_buffer
    assert numbers.type.fields == (FieldDeclaration("FixedElementField", BuiltIn("int")),)
    assert [each.type.size for each in (numbers, text, truths)] == [20, 6, 3]
    assert text.type.charset == "unicode"
    assert hidden.name == "_hidden"


def test_an_inline_array_has_its_length(shapes):
    seven = found(shapes, "Shapes.Seven")
    assert seven.inline_array == 7
    assert seven.fields == (FieldDeclaration("_element", BuiltIn("short")),)
    assert found(shapes, "Shapes.Empty").inline_array is None


def test_pointers_have_their_target(shapes):
    pointers = {each.name: each.type for each in found(shapes, "Shapes.Pointers").fields}
    assert pointers["Number"] == Pointer(BuiltIn("int"))
    assert pointers["Anything"] == Pointer(None)
    assert pointers["Twice"] == Pointer(Pointer(BuiltIn("int")))
    assert str(pointers["Next"]) == "Shapes.Pointers*"
    assert pointers["Function"] == pointers["Another"] == FunctionPointer()
    assert pointers["Managed"].kind == "delegate"


def test_enums_have_their_underlying_type_and_members(shapes):
    gear = found(shapes, "Shapes.Gear")
    assert (gear.kind, gear.underlying, gear.flags) == ("enum", "int", False)
    assert gear.members == (("Reverse", -1), ("Neutral", 0), ("First", 1), ("None", 0))
    lamps = found(shapes, "Shapes.Lamps")
    assert (lamps.underlying, lamps.flags) == ("ushort", True)
    assert found(shapes, "Shapes.Huge").members == (("Most", (1 << 64) - 1),)


def test_nested_types_have_their_reflection_full_names(shapes):
    nested = found(shapes, "Shapes.Nested")
    assert str(nested.fields[1].type) == "Shapes.Nested+Inner+Innermost"
    assert nested.fields[1].type is found(shapes, "Shapes.Nested+Inner+Innermost")


def test_a_nullable_type_is_read_as_nullable(shapes):
    assert field(found(shapes, "Shapes.Nested"), "Maybe").type == Nullable(BuiltIn("int"))


def test_volatile_does_not_change_the_type(shapes):
    assert field(found(shapes, "Shapes.Nested"), "Changing").type == BuiltIn("int")


def test_types_of_another_assembly_in_the_same_folder_are_read(shapes):
    place, direction, places, *_ = found(shapes, "Shapes.Elsewhere").fields
    assert [each.name for each in place.type.fields] == ["East", "North"]
    assert direction.type.underlying == "byte"
    assert places.type.name == "Common.Pair`1[Common.Place]"
    assert places.type.generic
    assert {each.type for each in places.type.fields} == {place.type}


def test_common_types_of_dotnet_are_known_without_its_assemblies(shapes):
    elsewhere = found(shapes, "Shapes.Elsewhere")
    assert [each.name for each in field(elsewhere, "Vector").type.fields] == ["X", "Y", "Z"]
    assert field(elsewhere, "Day").type.members[1] == ("Monday", 1)
    assert len(field(elsewhere, "Time").type.fields) == 2


def test_instances_of_generic_types_are_read(shapes):
    numbers, nested = found(shapes, "Shapes.Instances").fields
    assert numbers.type.fields[0].type == BuiltIn("int")
    assert numbers.type.fields[1].type == Array(BuiltIn("int"))
    assert nested.type.name == "Shapes.Generic`1[Shapes.Generic`1[byte]]"
    assert reason(shapes, "Shapes.Generic`1") == "open generic"


def test_a_class_with_layout_has_its_base_class(shapes):
    descendant = found(shapes, "Shapes.Descendant")
    assert (descendant.kind, descendant.layout) == ("class", "sequential")
    assert descendant.base is found(shapes, "Shapes.Ancestor")
    assert found(shapes, "Shapes.Ancestor").base is None


def test_a_ref_struct_is_marked(shapes):
    assert found(shapes, "Shapes.OnStack").by_ref_like
    assert not found(shapes, "Shapes.Union").by_ref_like


def test_fields_that_are_references_have_their_types(shapes):
    kinds = {each.name: each.type for each in found(shapes, "Shapes.Rejected").fields}
    assert kinds["Anything"] == BuiltIn("object")
    assert kinds["Many"] == Array(BuiltIn("object"))  # an array of the type itself
    assert (kinds["List"].kind, kinds["List"].generic) == ("class", True)
    assert (kinds["Class"].name, kinds["Class"].layout) == ("Shapes.Ordinary", "auto")
    assert kinds["Square"] == Array(BuiltIn("int"), 2)


def test_a_class_that_contains_itself_has_a_managed_layout_only(shapes):
    recursive = found(shapes, "Shapes.Recursive")
    holder = TypeDeclaration("Holder", fields=(FieldDeclaration("first", recursive),))
    for target in (Target(8, windows=False), Target(8, windows=True)):
        assert managed(holder, target).size == 8
        for declaration in (recursive, holder):
            refused = refusal(declaration, target)
            assert refused.by == "size"
            assert refused.reason == "the class Shapes.Recursive contains itself"


def test_a_type_that_is_not_found_is_reported_with_its_assembly_and_the_option(shapes):
    assert reason(shapes, "Shapes.Outside") == (
        "Element: System.Text.Json.JsonElement needs the assembly System.Text.Json, "
        "which was not found (use --reference DIR)"
    )


def test_references_are_searched_in_the_given_folders(shapes, tmp_path):
    alone = tmp_path / "Shapes.dll"
    shutil.copy(DATA / "Shapes.dll", alone)
    assert "the assembly Common" in reason(Assembly.open(alone), "Shapes.Elsewhere")
    elsewhere = found(Assembly.open(alone, [str(DATA)]), "Shapes.Elsewhere")
    assert elsewhere.fields[0].type.name == "Common.Place"


@pytest.fixture
def reference(tmp_path) -> Path:
    """Return a folder with Common.dll marked as a reference assembly, and without Shapes.dll."""
    data = (DATA / "Common.dll").read_bytes()
    name = b"RuntimeCompatibilityAttribute\0"  # an attribute of every assembly
    assert data.count(name) == 1
    folder = tmp_path / "packs" / "Some.Ref" / "ref"
    folder.mkdir(parents=True)
    marked = data.replace(name, b"ReferenceAssemblyAttribute".ljust(len(name), b"\0"))
    (folder / "Common.dll").write_bytes(marked)
    return folder


def test_a_reference_assembly_gives_no_layout(shapes, reference, tmp_path):
    shutil.copy(DATA / "Shapes.dll", tmp_path)
    assembly = Assembly.open(tmp_path / "Shapes.dll", [str(reference)])
    text = reason(assembly, "Shapes.Elsewhere")
    assert "Common.Place is in Common.dll, a reference assembly, which does not have" in text
    assert f"in the folder {tmp_path.as_posix()}/shared/Some/VERSION of .NET" in text
    alone = Assembly.open(reference / "Common.dll")
    assert "a reference assembly" in reason(alone, "Common.Place")
    # Its enums are the real ones.
    assert found(alone, "Common.Direction").underlying == "byte"


def test_the_real_assembly_wins_over_the_reference_assembly(shapes, reference, tmp_path):
    shutil.copy(DATA / "Shapes.dll", tmp_path)
    assembly = Assembly.open(tmp_path / "Shapes.dll", [str(reference), str(DATA)])
    assert [each.name for each in field(found(assembly, "Shapes.Elsewhere"), "Place").type.fields]


def test_the_advice_for_a_reference_assembly_of_a_project_is_its_folder_bin(reference, tmp_path):
    pytest.importorskip("dnfile")
    folder = tmp_path / "obj" / "Release" / "ref"
    folder.mkdir(parents=True)
    shutil.copy(reference / "Common.dll", folder)
    text = reason(Assembly.open(folder / "Common.dll"), "Common.Place")
    assert text.endswith("use the file in bin, not the one in obj")


def test_the_name_of_a_reference_is_never_a_path(shapes, tmp_path):
    # A reference with the name "../Com" would be outside of the folder, and must not be found.
    folder = tmp_path / "inner"
    folder.mkdir()
    data = (DATA / "Shapes.dll").read_bytes()
    assert data.count(b"\0Common\0") == 1
    (folder / "Shapes.dll").write_bytes(data.replace(b"\0Common\0", b"\0../Com\0"))
    shutil.copy(DATA / "Common.dll", tmp_path / "Com.dll")
    assembly = Assembly.open(folder / "Shapes.dll")
    assert "../Com, which was not found" in reason(assembly, "Shapes.Elsewhere")


def test_summaries_are_read_from_the_xml_file(shapes):
    assert found(shapes, "Shapes.Primitives").documentation == (
        "Everything that a field can be by itself.\n\nSee Shapes.Packed for a smaller one."
    )
    assert shapes.field_summary("Shapes.Primitives", "A") == "Signed, one byte."
    assert shapes.field_summary("Shapes.Primitives", "B") == ""
    assert found(shapes, "Shapes.Elsewhere").fields[0].type.documentation == "A place in a plane."


def test_an_xml_file_with_entities_is_not_read(shapes, tmp_path):
    shutil.copy(DATA / "Shapes.dll", tmp_path)
    text = (DATA / "Shapes.xml").read_text(encoding="utf-8")
    bomb = '<!DOCTYPE doc [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>'
    (tmp_path / "Shapes.xml").write_text(text.replace("<doc>", bomb + "<doc>"), encoding="utf-8")
    assert found(Assembly.open(tmp_path / "Shapes.dll"), "Shapes.Union").documentation == ""
    assert found(Assembly.open(tmp_path / "Shapes.dll"), "Shapes.Gear").documentation == ""


def test_private_and_generated_types_are_not_visible(shapes):
    assert shapes.is_visible("Shapes.Nested+Inner+Innermost")
    assert not shapes.is_visible("Shapes.Program+Secret")
    assert not shapes.is_visible("Shapes.Fixed+<Text>e__FixedBuffer")


def test_an_unknown_type_is_an_argument_error(shapes):
    with pytest.raises(ArgumentError, match=r"Shapes has no type 'Shapes\.Nothing'"):
        shapes.find("Shapes.Nothing")


def test_a_missing_file_is_an_os_error(shapes, tmp_path):
    with pytest.raises(FileNotFoundError):
        Assembly.open(tmp_path / "Nothing.dll")


def test_without_dnfile_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "dnfile", None)
    with pytest.raises(PlatformError, match=r"pip install 'pyshm-dotnet\[bind\]'"):
        Assembly.open(DATA / "Shapes.dll")


def test_an_error_is_a_value_error_and_names_the_file(shapes, tmp_path):
    path = tmp_path / "Broken.dll"
    path.write_bytes(b"MZ")
    with pytest.raises(AssemblyError, match=r"^Broken\.dll: ") as caught:
        Assembly.open(path)
    assert isinstance(caught.value, ValueError)


def test_a_file_that_is_too_large_is_not_read(shapes, monkeypatch):
    monkeypatch.setattr("pyshm.assemblies.metadata.LARGEST_FILE", 100)
    with pytest.raises(AssemblyError, match=r"has \d+ bytes; the limit is 100$") as caught:
        Assembly.open(DATA / "Shapes.dll")
    assert caught.value.value == (DATA / "Shapes.dll").stat().st_size


def test_reading_reserves_memory_for_the_file_only(shapes):
    tracemalloc.start()
    try:
        Assembly.open(DATA / "Shapes.dll")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 50 * (DATA / "Shapes.dll").stat().st_size
