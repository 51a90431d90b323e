"""Names and text that another language allows, in generated Python and C#.

An assembly, also one that an obfuscator changed, can have any text as a name, and its documentation
can have any text. None of it may become a statement, a line or another name.
"""

from __future__ import annotations

import ast
import keyword
import unicodedata
from contextlib import suppress

import pytest

pytest.importorskip("dnfile")

from pyshm import Struct
from pyshm import types as t
from pyshm._support.names import identifier, is_identifier, written_name
from pyshm.assemblies import Unbindable
from pyshm.assemblies.documentation import Documentation
from pyshm.codegen import csharp_source
from pyshm.dump import annotate
from pyshm.errors import LayoutError
from pyshm.layout.compare import differences
from pyshm.layout.declarations import Array, FieldDeclaration, MarshalAs
from pyshm.layout.forms import Target
from pyshm.layout.layouts import managed, native
from pyshm.layout.table import rows
from pyshm.structs import array, dtype, ffi, snapshot, struct_from
from pyshm.testing.manifest import Manifest
from pyshm.testing.mismatch import LayoutMismatchError, layout_mismatches
from tests.codegen.declared import Declared, bound, csharp, enum, field, struct
from tests.codegen.odd_names import CSHARP_KEYWORDS, NAMES, TEXTS


def words(text):
    return f"{text} words" if text.strip() else "words"


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_python_reads_an_identifier_as_it_is(name):
    made = identifier(name, "x")
    assert made.isidentifier()
    assert unicodedata.normalize("NFKC", made) == made
    assert identifier(made, "x") == made
    if is_identifier(name):
        assert made == name
    if not keyword.iskeyword(made):
        (tree,) = ast.parse(f"{made} = 1").body
        assert tree.targets[0].id == made


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_bound_module_has_a_field_for_any_name(name):
    other = "b" if name != "b" else "c"
    declaration = struct(name, other, field(f"{other}2", "long"), name="Space.Holder")
    module, _, not_bound = bound(declaration, summaries={("Space.Holder", name): words(name)})
    assert not_bound == []
    layout = module.Holder.layout
    assert [each.dotnet_name for each in layout.fields] == [name, other, f"{other}2"]
    assert [each.offset for each in layout.fields] == [0, 4, 8]
    first = layout.fields[0].name
    value = module.Holder(**{first: 5})
    assert getattr(value, first) == 5
    assert eval(f"value.{first}") == 5
    assert value.to_bytes() == b"\5" + bytes(15)
    assert module.Holder.from_bytes(value.to_bytes()) == value


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_struct_made_of_a_declaration_has_a_field_for_any_name(name):
    made = struct_from(
        struct(
            name,
            field("several", Array(field("x").type), marshal_as=MarshalAs("ByValArray", 2)),
            name=f"S.{name}",
        )
    )
    first = made.layout.fields[0].name
    assert made.layout.fields[0].dotnet_name == name
    value = made(**{first: 7, "several": [8, 9]})
    data = value.to_bytes()
    assert data == bytes.fromhex("07000000 08000000 09000000")
    assert made.from_bytes(data) == value
    memory = bytearray(data)
    view = made.view(memory)
    setattr(view, first, 6)
    assert getattr(view, first) == memory[0] == 6
    assert getattr(snapshot(made, data), first) == 7
    assert "=7" in repr(value)
    assert "=6" in repr(view)
    assert "=7" in repr(snapshot(made, data))
    assert made.__signature__.parameters[first]
    with suppress(LayoutError):  # C has fewer names; any other error is a fault
        ffi(made)


def test_numpy_has_a_field_for_any_name():
    pytest.importorskip("numpy")
    for name in NAMES:
        made = struct_from(struct(name, name=f"S.{name}"))
        first = made.layout.fields[0].name
        assert dtype(made).names == (first,)
        assert array(made, b"\7\0\0\0")[first].tolist() == [7]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_types_and_members_get_names_that_python_allows(name):
    gear = enum((name, 1), ("Other", 2), name=f"Space.{name}Gear", underlying="byte")
    part = struct("x", name=f"Space.{name}")
    holder = struct(field("part", part), field("gear", gear), name=f"Space.Outer+{name}Holder")
    module, source, not_bound = bound(gear, part, holder)
    assert not_bound == []
    classes = {
        each.name: each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.ClassDef)
    }
    assert len(classes) == 3
    for each in classes:
        assert is_identifier(each)
    kinds = [getattr(module, each) for each in classes]
    bound_enum = next(each for each in kinds if not issubclass(each, Struct))
    assert [int(member) for member in bound_enum] == [1, 2]
    structs = {each.layout.declaration.name for each in kinds if issubclass(each, Struct)}
    assert structs == {part.name, holder.name}


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_stays_in_its_docstring(text):
    documented = struct("x", name="Space.Holder", documentation=words(text))
    gear = enum(("A", 1), name="Space.Gear", documentation=words(text))
    summaries = {("Space.Holder", "x"): words(text), ("Space.Gear", "A"): words(text)}
    module, _, _ = bound(documented, gear, summaries=summaries)
    assert module.Holder.layout.size == 4
    assert [member.name for member in module.Gear] == ["A"]
    assert module.Holder.__doc__.rstrip().endswith("words")


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_text_stays_in_its_comment(text):
    class Odd(Declared):
        name = text
        version = text

        def declared_types(self):
            return [*super().declared_types(), Unbindable(text, text), Unbindable("A", text)]

    from pyshm.codegen import bind

    binding = bind(Odd(struct("x")), everything=True)
    tree = ast.parse(binding.source)
    kinds = [type(node).__name__ for node in tree.body]
    assert kinds == ["Expr", "ImportFrom", "ImportFrom", "ClassDef"]
    binding.source.encode("utf-8")
    assert binding.source.isprintable() or set(binding.source) - {"\n"} == {
        char for char in binding.source if char.isprintable()
    }


@pytest.mark.parametrize("text", [*TEXTS, "a\n\nb", "a\n\n\u2028b"], ids=ascii)
def test_csharp_documentation_stays_in_its_comment(text):
    documented = struct("x", name="Space.Holder", documentation=words(text))
    source = csharp_source([documented], comment=text)
    source.encode("utf-8")
    # https://learn.microsoft.com/dotnet/csharp/language-reference/language-specification/lexical-structure
    lines = source.replace("\r\n", "\n")
    for end in "\r\x85\u2028\u2029":
        assert end not in lines
    lines = source.split("\n")
    assert lines[0].startswith("// <auto-generated>")
    assert lines[1] == "#nullable enable"
    begin = lines.index("namespace Space;")
    rest = [line for line in lines[begin + 1 :] if line and not line.startswith("///")]
    assert rest == [
        "[StructLayout(LayoutKind.Sequential)]",
        *("public struct Holder", "{", "    public int x;", "}"),
    ]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_csharp_has_the_name_or_a_reason(name):
    for declared in (
        struct(name, name="Space.Holder"),
        struct("x", name=f"Space.{name}"),
        struct("x", name=f"{name}.Holder"),
        struct("x", name=f"Space.Outer+{name}"),
        enum((name, 1), name="Space.Gear"),
    ):
        with suppress(LayoutError):  # C# has fewer names; any other error is a fault
            source = csharp(declared)
            source.encode("utf-8")
            assert not set(source) & set("\r\x85\u2028\u2029\x0b\x0c\x1b\0")


def test_csharp_refuses_an_enum_that_it_can_not_have():
    with pytest.raises(LayoutError, match="two members"):
        csharp(enum(("A", 1), ("A", 2)))
    with pytest.raises(LayoutError, match="reserved"):
        csharp(enum(("value__", 1)))
    with pytest.raises(LayoutError, match="store it as"):
        csharp(enum(("Top", 1 << 31)))
    with pytest.raises(LayoutError, match="C# has no enum of nint"):
        csharp(enum(("A", 1), underlying="nint"))


# --- names of the programmer ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Speed", "Speed"),
        ("<Speed>k__BackingField", "Speed"),
        ("<Space.IRobot.Speed>k__BackingField", "Speed"),
        ("<Space.IRobot<System.Int32>.Speed>k__BackingField", "Speed"),
        ("<speed>P", "speed"),
        ("<Speed>i__Field", "Speed"),
        ("<speed>5__12", "speed"),
        ("Speed@", "Speed"),
        ("größe@", "größe"),
        ("<कि>P", "कि"),
        ("<>1__state", "<>1__state"),
        ("<>P", "<>P"),
        ("@", "@"),
        ("@x", "@x"),
        ("x@y", "x@y"),
    ],
)
def test_the_name_that_the_programmer_wrote_is_found(name, written):
    assert written_name(name) == written


COMPILED = [
    ("<Speed>k__BackingField", "Speed"),
    ("<Space.IRobot.Speed>k__BackingField", "Speed"),
    ("<speed>P", "speed"),
    ("Speed@", "Speed"),
]


@pytest.mark.parametrize(("name", "written"), COMPILED)
def test_every_output_has_the_name_that_the_programmer_wrote(name, written):
    compiled = struct(name, field("other", "byte"), name="Space.Compiled")
    module, source, _ = bound(compiled, summaries={("Space.Compiled", name): "A summary."})
    annotation = f'    {written}: Annotated[t.Int32, t.FieldName("{name}")]'
    assert f'{annotation}\n    """A summary."""' in source
    assert module.Compiled(**{written: 5}).to_bytes() == b"\5" + bytes(7)
    assert struct_from(compiled)(**{written: 5}).to_bytes() == b"\5" + bytes(7)
    ending = " { get; set; }" if "Backing" in name else ";"
    assert f"public int {written}{ending}" in csharp(compiled)
    assert [row.name for row in rows(native(compiled))] == [written, "other", "(padding)"]
    regions = annotate(memoryview(bytes(8)), module.Compiled).regions
    assert [region.name for region in regions] == [written, "other", "padding"]
    plain = struct(written.lower(), field("other", "byte"), name="Plain")
    assert differences(native(compiled), native(plain)) == []


def test_a_summary_of_a_field_is_found_by_the_name_that_the_programmer_wrote(tmp_path):
    members = "".join(
        f'<member name="{kind}:Space.X.{name}"><summary>{name}.</summary></member>'
        for kind, name in (("P", "Speed"), ("F", "Plain"))
    )
    (tmp_path / "x.xml").write_text(f"<doc><members>{members}</members></doc>", encoding="utf-8")
    found = Documentation(str(tmp_path / "x.dll"))
    assert found.of_field("Space.X", "Plain") == "Plain."
    for name in ("<Speed>k__BackingField", "Speed@"):
        assert found.of_field("Space.X", name) == "Speed."
    assert found.of_field("Space.X", "Speed") == ""


class Robot(Struct):
    speed: t.Int32
    µs: t.Int32  # noqa: PLC2401 - the subject of the test


def test_a_name_in_python_and_in_source_is_the_same():
    assert [each.name for each in Robot.layout.fields] == ["speed", "μs"]
    assert Robot(µs=5).µs == 5


@pytest.mark.parametrize("name", ["µs", "ﬁeld", "while", "a b", "⑴", "a\u2028b", ""])
def test_an_annotation_that_is_not_a_name_is_refused_with_one_that_is(name):
    with pytest.raises(LayoutError, match="not a name in Python; use") as caught:
        type(Struct)("Holder", (Struct,), {"__annotations__": {name: t.Int32}})
    usable = str(caught.value).split("use '")[1].split("'")[0]
    made = type(Struct)("Holder", (Struct,), {"__annotations__": {usable: t.Int32}})
    assert made.layout.size == 4


def test_a_derived_class_with_a_field_of_its_base_gets_another_name():
    base = struct("x", name="Base", kind="class")
    derived = struct("x", "y", name="Derived", kind="class", base=base)
    made = struct_from(derived)
    assert [each.name for each in made.layout.fields] == ["x", "x_", "y"]
    module, _, _ = bound(derived)
    assert [each.name for each in module.Derived.layout.fields] == ["x", "x_", "y"]
    assert "public new int x;" in csharp(derived)
    assert native(derived, Target(8)).size == module.Derived.layout.size == 12


def test_a_field_whose_name_has_combining_marks_does_not_hide_its_type():
    part = struct("x", name="Space.कि")
    holder = FieldDeclaration("कि", part)
    module, source, _ = bound(struct(holder, name="Space.Holder"))
    assert "_कि = कि" in source
    assert module.Holder.layout.size == 4


@pytest.mark.parametrize("name", CSHARP_KEYWORDS)
def test_a_keyword_of_csharp_has_a_mark(name):
    source = csharp(struct("x", name=f"Space.{name}"), struct(name, name="Space.Holder"))
    assert f"public struct @{name}" in source
    reserved = CSHARP_KEYWORDS.index(name) <= CSHARP_KEYWORDS.index("__refvalue")
    assert f"    public int {'@' * reserved}{name};" in source


@pytest.mark.parametrize("name", ["a\u2028b", "a\x1b[2Jb", "a\u202eb", "a\x85b"], ids=ascii)
def test_the_error_for_two_layouts_does_no_harm_to_a_terminal(name):
    ours = struct(name, name=f"X.{name}")
    theirs = struct(field(name, "byte"), name=f"X.{name}")
    manifests = [
        Manifest(each, None, native(each), managed(each), managed(each).stride)
        for each in (theirs, ours)
    ]
    error = LayoutMismatchError(f"{name} differs:", layout_mismatches(*manifests))
    lines = str(error).split("\n")
    assert len(lines) > 1
    assert all(line.isprintable() for line in lines)
