"""The Python module that ``bind`` writes for the types of an assembly."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

pytest.importorskip("dnfile")

from pyshm.assemblies import Assembly
from pyshm.codegen import Binding, bind
from pyshm.codegen.spelling import (
    class_names,
    docstring,
    field_names,
    member_names,
    quoted,
    spelled_inline_array,
)
from pyshm.errors import ArgumentError
from pyshm.layout.declarations import (
    Array,
    BuiltIn,
    FieldDeclaration,
    MarshalAs,
    Nullable,
    TypeDeclaration,
)
from pyshm.layout.forms import Target
from pyshm.layout.layouts import native, refusal
from tests.codegen.declared import bound, csharp, enum, field, struct
from tests.conftest import ROOT

ALIASES = {"int": "Int32", "ulong": "UInt64", "sbyte": "SByte"}
DATA = ROOT / "tests" / "assemblies" / "data"


@pytest.fixture(scope="module")
def assembly() -> Assembly:
    return Assembly.open(DATA / "Shapes.dll")


@pytest.fixture(scope="module")
def binding(assembly: Assembly) -> Binding:
    return bind(assembly)


@pytest.fixture
def module(binding: Binding, tmp_path, monkeypatch) -> Any:
    """Import the bound module and return it."""
    monkeypatch.syspath_prepend(tmp_path)
    name = "bound_for_a_test"
    (tmp_path / f"{name}.py").write_text(binding.source, encoding="utf-8")
    __import__(name)
    return sys.modules.pop(name)


def line(source: str, begin: str) -> str:
    """Return the only line of ``source`` that begins with ``begin``, without indentation."""
    (found,) = [each.strip() for each in source.splitlines() if each.strip().startswith(begin)]
    return found


def body(source: str, name: str) -> list[str]:
    """Return the lines of a class, including its first line."""
    tree = ast.parse(source)
    (found,) = [
        node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and node.name == name
    ]
    return [each.strip() for each in source.splitlines()[found.lineno - 1 : found.end_lineno]]


# --- the types that are bound -------------------------------------------------------------


def test_the_text_does_not_depend_on_the_folder_of_the_assembly(binding, tmp_path):
    for name in ("Shapes.dll", "Shapes.xml", "Common.dll", "Common.xml"):
        shutil.copy(DATA / name, tmp_path)
    assert bind(Assembly.open(tmp_path / "Shapes.dll")).source == binding.source
    assert str(DATA) not in binding.source


def test_the_head_names_the_assembly_and_its_version(binding):
    assert binding.source.startswith('"""The structs of the .NET assembly Shapes 0.1.0.0.\n')


def test_the_module_can_be_imported(module):
    assert module.Nested.layout.declaration.name == "Shapes.Nested"


def test_private_and_generated_types_are_bound_with_everything(assembly, binding):
    assert "Secret" not in binding.source
    everything = bind(assembly, everything=True).source
    assert "class Program_Secret(" in everything
    assert "StaticArrayInitTypeSize_10" in everything


def test_the_named_types_are_bound_with_the_types_that_they_need(assembly):
    source = bind(assembly, ["Shapes.Arrays"]).source
    names = [node.name for node in ast.parse(source).body if isinstance(node, ast.ClassDef)]
    assert names == ["Union", "Gear", "Arrays"]


def test_an_enum_can_be_bound_by_name(assembly):
    assert "class Huge(IntEnum):" in bind(assembly, ["Shapes.Huge"]).source


def test_an_unknown_name_is_refused(assembly):
    with pytest.raises(ArgumentError, match="no type 'Arrays'"):
        bind(assembly, ["Arrays"])


def test_types_that_are_not_bound_are_listed_with_the_reason(binding):
    reasons = {item.name: item.reason for item in binding.not_bound}
    assert reasons["Shapes.Generic`1"] == "open generic"
    assert reasons["Shapes.Automatic"] == "it has auto layout"
    assert reasons["Shapes.OnStack"]
    assert "--reference DIR" in reasons["Shapes.Outside"]
    for name in reasons:
        assert f"\n#   {name}: " in binding.source


def test_types_are_written_after_the_types_that_they_need(binding):
    order = [node.name for node in ast.parse(binding.source).body if isinstance(node, ast.ClassDef)]
    for before, after in [
        ("Union", "Arrays"),
        ("Nested_Inner", "Nested"),
        ("Gear", "Nested"),
        ("Ancestor", "Descendant"),
    ]:
        assert order.index(before) < order.index(after)


def test_types_for_windows_only_are_in_a_block_that_tests_the_platform(binding):
    _, guarded = binding.source.split('if sys.platform == "win32":')
    assert "    class Packed(" in guarded


# --- the source ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "expected",
    [
        'class Union(Struct, layout="explicit", size=24, name="Shapes.Union"):',
        'class Fixed(Struct, charset="unicode", name="Shapes.Fixed", verbatim=True):',
        'class Ancestor(Struct, kind="class", name="Shapes.Ancestor"):',
        'class Descendant(Ancestor, kind="class", charset="auto", name="Shapes.Descendant"):',
        'class Empty(Struct, size=1, name="Shapes.Empty"):',
        'class Nested_Inner(Struct, name="Shapes.Nested+Inner"):',
        'class Pair_Place(Struct, name="Common.Pair`1[Common.Place]"):',
        'class Packed(Struct, pack=1, charset="unicode", name="Shapes.Packed"):',
        "class Gear(IntEnum):",
        "class Lamps(IntFlag):",
        "Seven = Annotated[list[int], t.InlineArray(t.Int16, 7)]",
        "Number: Annotated[t.Int32, t.FieldOffset(0)]",
        "Unions: Annotated[list[Union], t.ByValArray(Union, 2)]",
        "Gears: Annotated[list[Gear], t.ByValArray(Gear, 2)]",
        "Three: Seven",
        "Maybe: Annotated[int | None, t.Nullable(t.Int32)]",
        'Automatic: Annotated[t.Int32, t.FieldName("<Automatic>k__BackingField")]',
        'from_: Annotated[t.Int32, t.FieldName("from")]',
        "größe: t.Int32",
        "Name: Annotated[str, t.ByValTStr(16)]",
        'Small: Annotated[t.Bool, t.MarshalAs("I1")]',
        "Variant: t.VariantBool",
        "Price: t.Currency",
        "Wide: t.LPWStr",
        "Function: t.FunctionPointer",
    ],
)
def test_the_source_has_the_expected_line(binding, expected):
    assert line(binding.source, expected) == expected


def test_arrays_and_fixed_buffers_have_their_element_types(binding):
    assert body(binding.source, "Arrays")[3:5] == [
        "Numbers: Annotated[list[int], t.ByValArray(t.Int32, 3)]",
        "Unions: Annotated[list[Union], t.ByValArray(Union, 2)]",
    ]
    assert body(binding.source, "Fixed")[3:6] == [
        "Numbers: Annotated[list[int], t.FixedBuffer(t.Int32, 5)]",
        "Text: Annotated[list[str], t.FixedBuffer(t.Char, 3)]",
        "Truths: Annotated[list[bool], t.FixedBuffer(t.Bool, 3)]",
    ]


def test_a_field_with_the_name_of_its_type_keeps_it(binding, module):
    assert "_Gear = Gear" in binding.source.splitlines()
    assert "Gear: _Gear" in body(binding.source, "Nested")
    assert module.Nested(Gear=module.Gear.First).Gear is module.Gear.First


def test_enums_have_their_members_with_names_that_python_allows(module):
    assert [member.value for member in module.Gear] == [-1, 0, 1]
    assert module.Gear.None_ is module.Gear.Neutral
    assert module.Lamps.Left | module.Lamps.Right == module.Lamps.Both


def test_summaries_become_docstrings(binding, module):
    assert module.Gear.__doc__ == "A gear."
    assert module.Primitives.__doc__.startswith("Everything that a field can be by itself.\n\n")
    lines = body(binding.source, "Primitives")
    assert lines[lines.index("A: t.SByte") + 1] == '"""Signed, one byte."""'
    lines = body(binding.source, "Gear")
    assert lines[lines.index("Reverse = -1") + 1] == '"""Backwards."""'


@pytest.mark.parametrize("target", [Target(8, False), Target(8, True), Target(4, False)])
def test_a_bound_struct_has_the_layout_of_its_type(assembly, module, target):
    compared = 0
    for item in assembly.declared_types():
        name = item.name.removeprefix("Shapes.").replace("+", "_")
        bound = getattr(module, name, None)
        if not isinstance(item, TypeDeclaration) or not isinstance(bound, type):
            continue
        # Types for Windows only are bound on Windows only.
        if refusal(item, target) is None:
            mine, theirs = native(bound.layout.declaration, target), native(item, target)
            assert (mine.size, mine.alignment) == (theirs.size, theirs.alignment)
            assert [(each.name, each.offset) for each in mine.fields] == [
                (each.name, each.offset) for each in theirs.fields
            ]
            compared += 1
    assert compared >= 12


# --- names and text -----------------------------------------------------------------------


def test_two_types_with_one_name_get_their_namespaces():
    one, other = TypeDeclaration("A.Point"), TypeDeclaration("B.Point")
    assert list(class_names([one, other]).values()) == ["A_Point", "B_Point"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A.B+C", "B_C"),
        ("A.G`2[A.X,System.B+Y]", "G_X_B_Y"),
        ("A.list", "list_"),
        ("A.Struct", "Struct_"),
        ("A.class", "class_"),
        ("A.None", "None_"),
        ("A.t", "t_"),
        ("A.__Secret", "Secret"),
        ("A.<>c+<X>e__FixedBuffer", "c_X_e__FixedBuffer"),
        ("A.1", "x1"),
    ],
)
def test_a_class_gets_a_name_that_python_allows(name, expected):
    assert list(class_names([TypeDeclaration(name)]).values()) == [expected]


def test_fields_get_names_that_python_and_struct_allow():
    assert field_names(struct("x", "_y", "from", "layout", "t", "list")) == (
        *("x", "_y", "from_", "layout_", "t_", "list_"),
    )
    assert field_names(struct("<A>k__BackingField", "A")) == ("A", "A_")


def test_a_field_does_not_hide_a_field_of_the_base_class():
    base = struct("x", kind="class")
    assert field_names(struct("x", kind="class", base=base)) == ("x_",)


def test_members_get_names_that_python_enums_allow():
    members = tuple((name, 0) for name in ("None", "name", "real", "mro", "_a", "__b", "A", "1"))
    declaration = TypeDeclaration("E", "enum", members=members)
    assert member_names(declaration) == [*("None_", "name_", "real_", "mro_", "a", "b", "A", "x1")]


@pytest.mark.parametrize("text", ["plain", 'a "quote"', "back\\slash", "new\nline", "ü", "\x07"])
def test_a_literal_has_the_value_of_the_text(text):
    assert ast.literal_eval(quoted(text)) == text
    assert quoted(text).startswith('"')


@pytest.mark.parametrize(
    "text",
    ["plain", 'ends in a "quote"', '""" in it', "back\\slash\\", "long " * 60, "two\n\nparts"],
)
def test_a_docstring_is_one_string_in_lines_of_at_most_100_characters(text):
    lines = list(docstring(text, "    "))
    assert all(len(each) <= 100 for each in lines)
    (statement,) = ast.parse("\n".join(["if 1:", *lines])).body[0].body
    assert isinstance(statement.value.value, str)


# --- the command --------------------------------------------------------------------------


@pytest.fixture
def pyshm(child_environment, tmp_path) -> Callable[..., subprocess.CompletedProcess[str]]:
    def run(*arguments: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pyshm", *map(str, arguments)],
            capture_output=True,
            text=True,
            encoding="utf-8",
            env=child_environment,
            cwd=tmp_path,
            check=False,
            timeout=60,
        )

    return run


def test_bind_prints_the_module_and_the_types_that_are_not_bound(pyshm, binding):
    done = pyshm("bind", DATA / "Shapes.dll")
    assert (done.returncode, done.stdout) == (0, binding.source)
    assert "not bound: Shapes.Automatic: it has auto layout" in done.stderr.splitlines()


def test_check_reports_whether_the_file_is_up_to_date(pyshm, tmp_path):
    arguments = ("bind", DATA / "Shapes.dll", "--type", "Shapes.Union", "-o", "structs.py")
    missing = pyshm(*arguments, "--check")
    assert (missing.returncode, list(tmp_path.iterdir())) == (1, [])
    assert missing.stderr.startswith("structs.py does not exist")
    assert pyshm(*arguments).returncode == 0
    assert pyshm(*arguments, "--check").returncode == 0
    path = tmp_path / "structs.py"
    path.write_bytes(path.read_bytes() + b"x = 1\n")
    changed = pyshm(*arguments, "--check")
    assert changed.returncode == 1
    assert changed.stderr.startswith("structs.py is out of date")
    assert path.read_bytes().endswith(b"x = 1\n")


def test_a_file_with_windows_line_ends_is_up_to_date(pyshm, tmp_path):
    arguments = ("bind", DATA / "Shapes.dll", "--type", "Shapes.Union", "-o", "structs.py")
    pyshm(*arguments)
    path = tmp_path / "structs.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert pyshm(*arguments, "--check").returncode == 0


def test_a_named_type_that_can_not_be_bound_is_status_1_and_no_file_is_written(pyshm, tmp_path):
    done = pyshm("bind", DATA / "Shapes.dll", "--type", "Shapes.Automatic", "-o", "structs.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "not bound: Shapes.Automatic: it has auto layout\n"
    assert not (tmp_path / "structs.py").exists()


def test_for_a_damaged_file_the_status_is_1_and_the_error_is_one_line(pyshm, tmp_path):
    (tmp_path / "Broken.dll").write_bytes((DATA / "Shapes.dll").read_bytes()[:2000])
    done = pyshm("bind", "Broken.dll", "-o", "structs.py")
    assert (done.returncode, done.stdout) == (1, "")
    assert "Broken.dll" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["Broken.dll"]


def test_check_without_a_file_is_wrong_usage(pyshm):
    assert pyshm("bind", DATA / "Shapes.dll", "--check").returncode == 2


# --- enums without members ----------------------------------------------------------------


@pytest.mark.parametrize("underlying", ["int", "ulong", "sbyte"])
@pytest.mark.parametrize("flags", [False, True])
def test_an_enum_without_members_is_a_type_of_numbers(underlying, flags):
    entity = enum(name="Game.EntityId", underlying=underlying, flags=flags)
    several = FieldDeclaration("several", Array(entity), None, MarshalAs("ByValArray", 2))
    holder = struct(
        field("id", entity), several, field("maybe", Nullable(entity)), name="Game.Holder"
    )
    module, source, not_bound = bound(entity, holder)
    assert not_bound == []
    assert f'EntityId = Annotated[int, t.Enum(t.{ALIASES[underlying]}, "Game.EntityId")]' in source
    assert module.Holder.layout.size == native(holder, Target(8)).size
    declared = module.Holder.layout.declaration.fields[0].type
    assert (declared.name, declared.kind, declared.underlying) == (
        *("Game.EntityId", "enum", underlying),
    )
    value = module.Holder(5, [6, 7], 8)
    assert module.Holder.from_bytes(value.to_bytes()) == value
    assert repr(value) == "Holder(id=5, several=[6, 7], maybe=8)"
    assert f"enum EntityId : {underlying}" in csharp(holder)


# --- types that .NET has and Python can't declare -------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (struct("a", "b", "a", name="Game.Wrong"), "two fields have the name 'a'"),
        (
            enum(("A", 1), name="Game.Wrong", underlying="char"),
            "an enum can't be stored as char, only as one of sbyte, byte",
        ),
        (enum(name="Game.Wrong", underlying="bool"), "an enum can't be stored as bool"),
        (enum(("A", 1), name="Game.Wrong", underlying="float"), "an enum can't be stored as float"),
        (enum(("A", 300), name="Game.Wrong", underlying="byte"), "Game.Wrong.A is 300, but byte"),
    ],
)
def test_a_type_that_python_can_not_declare_is_left_out_with_the_reason(wrong, reason):
    user = struct(field("wrong", wrong), name="Game.User")
    several = FieldDeclaration("all", Array(wrong), None, MarshalAs("ByValArray", 2))
    module, source, not_bound = bound(
        wrong,
        user,
        struct(field("user", user), name="Game.UserOfUser"),
        struct(several, name="Game.Several"),
        struct(field("maybe", Nullable(wrong)), name="Game.Maybe"),
        struct("x", name="Game.Right"),
    )
    assert module.Right.layout.size == 4
    reasons = {item.name: item.reason for item in not_bound}
    assert list(reasons) == [
        "Game.Wrong",
        "Game.User",
        "Game.UserOfUser",
        "Game.Several",
        "Game.Maybe",
    ]
    assert reasons["Game.Wrong"].startswith(reason)
    for name in list(reasons)[1:]:
        assert reasons[name].startswith("Game.Wrong")
        assert f"#   {name}: Game.Wrong" in source


@pytest.mark.parametrize("underlying", [*ALIASES, "byte", "short", "ushort", "uint", "long"])
def test_an_enum_of_any_integer_is_bound(underlying):
    low = -1 if underlying in ("int", "sbyte", "short", "long") else 0
    gear = enum(("A", low), ("B", 100), name="Game.Gear", underlying=underlying)
    module, _, not_bound = bound(gear, struct(field("gear", gear), name="Game.Holder"))
    assert not_bound == []
    value = module.Holder(module.Gear.A)
    assert module.Holder.from_bytes(value.to_bytes()).gear is module.Gear.A


@pytest.mark.parametrize("underlying", ["nint", "nuint"])
def test_an_enum_of_an_address_size_is_bound(underlying):
    gear = enum(("A", 1), name="Game.Gear", underlying=underlying)
    module, _, not_bound = bound(gear, struct(field("gear", gear), name="Game.Holder"))
    assert not_bound == []
    assert module.Holder.layout.size == native(module.Holder.layout.declaration).size


# --- inline arrays ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "more", "expected"),
    [
        (BuiltIn("int"), {}, "t.InlineArray(t.Int32, 3)"),
        (BuiltIn("int"), {"pack": 2}, "t.InlineArray(t.Int32, 3, pack=2)"),
        (BuiltIn("char"), {}, 't.InlineArray(t.Char, 3, charset="ansi")'),
        (BuiltIn("char"), {"charset": "auto"}, 't.InlineArray(t.Char, 3, charset="auto")'),
    ],
)
def test_an_inline_array_is_bound_with_its_pack_and_charset(field, more, expected):
    declared = TypeDeclaration("I", fields=(FieldDeclaration("e", field),), inline_array=3, **more)
    assert spelled_inline_array(declared, {}).metadata == (expected,)
