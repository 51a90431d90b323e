"""The two layouts and the refusals, compared with numbers that .NET reported."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pyshm.errors import LayoutError
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
from pyshm.layout.forms import Inline, Sequence, Target, Text
from pyshm.layout.layouts import managed, native, refusal
from pyshm.layout.traits import contains_references, is_blittable
from pyshm.structs.declare import dotnet_name

LINUX = Target(8, windows=False)
WINDOWS = Target(8, windows=True)
WINDOWS_32 = Target(4, windows=True)


def field(kind, marshal_as=None, offset=None, name="f", **options):
    if isinstance(kind, str):
        kind = BuiltIn(kind)
    if isinstance(marshal_as, str):
        marshal_as = MarshalAs(marshal_as, **options)
    return FieldDeclaration(name, kind, offset, marshal_as)


def struct(*fields, **options):
    fields = tuple(
        item if isinstance(item, FieldDeclaration) else field(item, name=f"f{index}")
        for index, item in enumerate(fields)
    )
    return TypeDeclaration(options.pop("name", "S"), fields=fields, **options)


def native_of(*fields, target=LINUX, **options):
    layout = native(struct(*fields, **options), target)
    return layout.size, layout.alignment


def managed_of(*fields, target=LINUX, **options):
    layout = managed(struct(*fields, **options), target)
    return layout.size, layout.alignment


def offsets(layout):
    return [field.offset for field in layout.fields]


ENUM = TypeDeclaration("E", "enum", underlying="byte")
DELEGATE = TypeDeclaration("D", "delegate")
INTERFACE = TypeDeclaration("I", "interface")
PAIR = struct("byte", "int", name="Pair")


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sbyte", (1, 1)), ("byte", (1, 1)), ("short", (2, 2)), ("ushort", (2, 2)),
        ("int", (4, 4)), ("uint", (4, 4)), ("long", (8, 8)), ("ulong", (8, 8)),
        ("float", (4, 4)), ("double", (8, 8)), ("nint", (8, 8)), ("nuint", (8, 8)),
        ("bool", (4, 4)), ("char", (1, 1)), ("decimal", (16, 8)), ("DateTime", (8, 8)),
        ("Guid", (16, 4)), ("Half", (2, 2)), ("Int128", (16, 16)), ("UInt128", (16, 16)),
        ("TimeSpan", (8, 8)), ("DateOnly", (4, 4)), ("TimeOnly", (8, 8)), ("string", (8, 8)),
        (Pointer(), (8, 8)), (FunctionPointer(), (8, 8)), (DELEGATE, (8, 8)), (ENUM, (1, 1)),
        (Nullable(BuiltIn("int")), (8, 4)), (Nullable(BuiltIn("byte")), (8, 4)), (PAIR, (8, 4)),
    ],
)  # fmt: skip
def test_a_marshalled_field_has_the_size_and_alignment_of_the_table(kind, expected):
    assert native_of(kind) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bool", (1, 1)), ("char", (2, 2)), ("decimal", (16, 8)), ("DateTime", (8, 8)),
        ("Guid", (16, 4)), ("Int128", (16, 16)), ("string", (8, 8)), (ENUM, (1, 1)),
        (Nullable(BuiltIn("int")), (8, 4)), (Nullable(BuiltIn("byte")), (2, 1)), (PAIR, (8, 4)),
    ],
)  # fmt: skip
def test_a_managed_field_has_the_size_and_alignment_of_the_table(kind, expected):
    assert managed_of(kind) == expected


@pytest.mark.parametrize(
    ("kind", "unmanaged_type", "size"),
    [
        ("bool", "I1", 1), ("bool", "U1", 1), ("bool", "Bool", 4), ("char", "U1", 1),
        ("char", "I2", 2), ("int", "Error", 4), ("decimal", "Currency", 8),
        ("string", "LPWStr", 8), ("string", "BStr", 8), (DELEGATE, "FunctionPtr", 8),
    ],
)  # fmt: skip
def test_marshal_as_decides_the_size(kind, unmanaged_type, size):
    assert native_of(field(kind, unmanaged_type))[0] == size


@pytest.mark.parametrize(
    ("kind", "unmanaged_type"),
    [
        ("bool", "I4"), ("bool", "VariantBool"), ("char", "I4"), ("int", "I2"), ("float", "R8"),
        ("string", "ByValArray"), ("object", None), ("DateTimeOffset", None), (INTERFACE, None),
        ("DateTime", "I8"), ("Guid", "LPStruct"), (Pointer(), "I8"), (PAIR, "LPStruct"),
        (Array(BuiltIn("int")), None), (Array(BuiltIn("int")), "LPArray"),
        ("int", "CustomMarshaler"),
    ],
)  # fmt: skip
def test_a_rejected_field_is_refused_with_its_type_its_name_and_a_reason(kind, unmanaged_type):
    refused = refusal(struct(field(kind, unmanaged_type)), LINUX)
    assert refused is not None
    assert (refused.by, refused.type, refused.field) == ("size", "S", "f")
    with pytest.raises(LayoutError, match=r"^S\.f: .") as error:
        native(struct(field(kind, unmanaged_type)), LINUX)
    assert error.value.field == "f"


def test_the_charset_decides_the_size_of_a_char_and_auto_is_unicode_on_windows_only():
    for charset, linux, windows in [("ansi", 1, 1), ("unicode", 2, 2), ("auto", 1, 2)]:
        assert native_of("char", charset=charset)[0] == linux
        assert native_of("char", charset=charset, target=WINDOWS)[0] == windows


def test_types_that_need_com_are_marshalled_on_windows_only():
    assert native_of(field("bool", "VariantBool"), target=WINDOWS) == (2, 2)
    assert native_of("object", target=WINDOWS)[0] == 8
    assert native_of(field("object", "Struct"), target=WINDOWS) == (24, 8)
    assert native_of(field("object", "Struct"), target=WINDOWS_32) == (16, 8)
    assert native_of(INTERFACE, target=WINDOWS)[0] == 8
    assert native_of(Array(BuiltIn("int")), target=WINDOWS)[0] == 8


def test_a_32_bit_target_has_small_pointers():
    for kind in ("nint", "string", Pointer(), FunctionPointer(), DELEGATE):
        assert native_of("byte", kind, target=WINDOWS_32) == (8, 4)
        assert native_of("byte", kind, target=WINDOWS) == (16, 8)


@pytest.mark.parametrize(
    ("pack", "expected"),
    [(0, [0, 8, 16]), (1, [0, 1, 9]), (2, [0, 2, 10]), (4, [0, 4, 12]), (8, [0, 8, 16]),
     (16, [0, 8, 16]), (32, [0, 8, 16]), (64, [0, 8, 16]), (128, [0, 8, 16])],
)  # fmt: skip
def test_pack_caps_the_alignment_of_each_field(pack, expected):
    assert offsets(native(struct("byte", "double", "short", pack=pack), LINUX)) == expected


def test_the_size_is_rounded_up_to_the_alignment():
    assert native_of("double", "byte") == (16, 8)
    assert native_of("double", "byte", pack=4) == (12, 4)
    assert native_of("double", "byte", pack=1) == (9, 1)


def test_a_given_size_is_a_minimum_and_is_not_rounded():
    assert native_of("int", "byte", size=7)[0] == 7
    assert native_of("int", "byte", size=5)[0] == 5
    assert native_of("int", "byte", size=4)[0] == 5
    assert native_of("int", "byte", size=100)[0] == 100


def test_an_empty_struct_takes_one_byte():
    assert native_of() == (1, 1)
    assert managed_of() == (1, 1)
    assert native_of("int", struct(name="Empty"), "byte") == (8, 4)


def test_explicit_offsets_are_kept_and_may_overlap():
    fields = (field("byte", offset=0), field("int", offset=1))
    for options, size in [({}, 8), ({"pack": 1}, 5), ({"size": 7}, 7)]:
        layout = native(struct(*fields, layout="explicit", **options), LINUX)
        assert (offsets(layout), layout.size) == ([0, 1], size)
    union = struct(field("double", offset=0), field("int", offset=0), layout="explicit")
    assert native(union, LINUX).size == 8
    shorter_last = struct(field(PAIR, offset=0), field("byte", offset=0), layout="explicit")
    assert native(shorter_last, LINUX).size == 8


def test_a_nested_struct_has_its_own_size_and_alignment():
    packed = struct("byte", "double", pack=2, name="Packed")
    layout = native(struct("byte", packed, "byte"), LINUX)
    assert (offsets(layout), layout.size) == ([0, 2, 12], 14)
    inner = layout.fields[1].form
    assert isinstance(inner, Inline)
    assert offsets(inner.layout) == [0, 2]


@pytest.mark.parametrize(
    ("element", "sub_type", "expected"),
    [
        ("int", None, (12, 4)), ("bool", None, (12, 4)), ("bool", "U1", (3, 1)),
        ("bool", "I4", (12, 4)), ("int", "U1", (12, 4)),
        ("char", None, (3, 1)), ("char", "U2", (6, 2)),
        ("string", None, (24, 8)), ("string", "LPWStr", (24, 8)), ("decimal", None, (48, 8)),
        ("DateTime", None, (24, 8)), ("Guid", None, (48, 4)), (PAIR, None, (24, 4)),
        (ENUM, None, (3, 1)), ("nint", None, (24, 8)),
    ],
)  # fmt: skip
def test_a_by_val_array_is_in_place(element, sub_type, expected):
    kind = Array(BuiltIn(element) if isinstance(element, str) else element)
    given = field(kind, MarshalAs("ByValArray", 3, sub_type))
    assert native_of(given) == expected
    form = native(struct(given), LINUX).fields[0].form
    assert isinstance(form, Sequence)
    assert (form.count, form.stride) == (3, expected[0] // 3)


@pytest.mark.parametrize(
    ("element", "sub_type", "size_const"),
    [
        (Array(BuiltIn("int")), None, 3), (BuiltIn("object"), None, 3),
        (INTERFACE, None, 3), (Nullable(BuiltIn("int")), None, 3),
        (BuiltIn("string"), "LPUTF8Str", 3), (BuiltIn("int"), None, 0),
        (BuiltIn("Delegate"), None, 3), (BuiltIn("Delegate"), "FunctionPtr", 3),
        (BuiltIn("decimal"), "Currency", 3), (struct("int", layout="auto"), None, 3),
    ],
)  # fmt: skip
def test_an_array_that_the_marshaller_rejects_is_refused(element, sub_type, size_const):
    given = field(Array(element), MarshalAs("ByValArray", size_const, sub_type))
    assert refusal(struct(given), LINUX) is not None


def test_a_by_val_tstr_is_in_place_in_characters_of_the_charset():
    given = field("string", MarshalAs("ByValTStr", 5))
    assert native_of("byte", given) == (6, 1)
    assert native_of("byte", given, charset="unicode") == (12, 2)
    assert native(struct(given), LINUX).fields[0].form == Text(1, 5)
    assert refusal(struct(field("string", MarshalAs("ByValTStr", 0))), LINUX) is not None


def fixed(kind, count, size):
    element = field(kind, name="FixedElementField")
    return TypeDeclaration("S+<f>e__FixedBuffer", fields=(element,), size=count * size)


def test_a_fixed_buffer_has_the_size_of_its_elements_in_managed_memory():
    assert native_of(fixed("int", 3, 4)) == (12, 4)
    # Only the first element is marshalled; the Size of the struct stays the same.
    assert native_of(fixed("char", 3, 2)) == (6, 1)
    assert native_of(fixed("bool", 3, 1)) == (4, 4)


def test_an_inline_array_repeats_its_one_field():
    inline = struct("bool", inline_array=5, name="Flags")
    assert native_of("byte", inline) == (24, 4)
    assert managed_of("byte", inline) == (6, 1)
    assert refusal(struct("int", "int", inline_array=3), LINUX).by == "load"
    assert refusal(struct("int", inline_array=0), LINUX).by == "load"
    assert refusal(struct("int", inline_array=2, size=8), LINUX).by == "load"


@pytest.mark.parametrize(
    ("element", "options", "size", "last"),
    [
        # The padding of each element is after the last one.
        (struct("long", size=9, name="E"), {}, 48, 56),
        (struct("long", size=9, pack=2, name="E"), {}, 30, 32),
        (struct("short", size=5, name="E"), {}, 18, 20),
        (struct("short", size=5, name="E"), {"pack": 1}, 15, 16),
        (struct("byte", "byte", "byte", name="E"), {}, 9, 10),
    ],
)
def test_an_inline_array_of_padded_structs_has_the_size_of_dotnet(element, options, size, last):
    array = struct(element, inline_array=3, name="I", **options)
    outer = struct("byte", array, "byte")
    for layout in (native(outer, LINUX), managed(outer, LINUX)):
        assert layout.fields[1].form.size == size
        assert layout.fields[2].offset == last
        (elements,) = layout.fields[1].form.layout.fields
        assert elements.form.stride == native(element, LINUX).size


def test_the_marshaller_counts_no_padding_in_an_inline_array_that_is_not_blittable():
    element = struct("long", "bool", size=9, name="E")
    outer = struct("byte", struct(element, inline_array=3, name="I"), "byte")
    assert offsets(native(outer, LINUX)) == [0, 8, 44]
    assert offsets(managed(outer, LINUX)) == [0, 8, 56]


@pytest.mark.parametrize(
    ("element", "count", "expected", "size"),
    [
        ("byte", 4, [0, 4, 8], 12),
        ("byte", 9, [0, 8, 17], 24),
        ("short", 5, [0, 8, 18], 24),
        ("int", 3, [0, 8, 20], 24),
        ("int", 1, [0, 4, 8], 12),
        (struct("byte", "byte", "byte", name="E"), 3, [0, 4, 16], 20),
        (struct("short", size=5, name="E"), 3, [0, 8, 32], 40),
        (struct("int", name="E"), 2, [0, 8, 16], 24),
        (struct("byte", "byte", name="E"), 5, [0, 8, 18], 24),
        (struct("int", "int", "int", name="E"), 2, [0, 4, 28], 32),
        ("DateOnly", 3, [0, 8, 20], 24),
        ("Guid", 2, [0, 4, 36], 40),
        (Nullable(BuiltIn("byte")), 5, [0, 8, 18], 24),
    ],
)
def test_an_inline_array_with_auto_layout_has_the_alignment_of_dotnet(
    element, count, expected, size
):
    array = struct(element, inline_array=count, layout="auto", name="I")
    layout = managed(struct("byte", array, "byte"), LINUX)
    assert (offsets(layout), layout.size) == (expected, size)


@pytest.mark.parametrize(
    ("fields", "size", "alignment"),
    [
        (["Guid"], 16, 4),
        (["Guid", "Guid"], 32, 4),
        ([struct("int", "int", "int", name="E")], 12, 4),
        ([struct("int", "int", "int", name="E"), "short"], 16, 8),
        (["Guid", "byte"], 24, 8),
        (["int", "int", "int"], 16, 8),
    ],
)
def test_auto_layout_of_structs_alone_has_the_alignment_of_the_strictest(fields, size, alignment):
    layout = managed(struct(*fields, layout="auto"), LINUX)
    assert (layout.size, layout.alignment) == (size, alignment)


@pytest.mark.parametrize(
    ("element", "count", "with_object"),
    [("byte", 3, [8, 9, 0]), ("byte", 7, [8, 9, 0]), ("short", 3, [8, 10, 0])],
)
def test_a_short_inline_array_with_auto_layout_can_not_be_a_field(element, count, with_object):
    array = struct(element, inline_array=count, layout="auto", name="I")
    assert refusal(array, LINUX).by == "size"
    for outer in (struct("byte", array), struct("byte", Nullable(array))):
        with pytest.raises(LayoutError, match="InvalidProgramException"):
            managed(outer, LINUX)
    # An object in the struct gives it auto layout, which has a place for the array.
    assert offsets(managed(struct("byte", array, "string"), LINUX)) == with_object


def test_the_fields_of_a_class_are_after_those_of_its_base_class():
    base = struct("int", "byte", kind="class", name="Base")
    derived = struct("byte", "short", kind="class", base=base)
    assert offsets(native(derived, LINUX)) == [0, 4, 8, 10]
    assert native(derived, LINUX).size == 12


def test_a_class_whose_base_class_has_no_layout_is_refused():
    base = struct("int", kind="class", layout="auto", name="Base")
    assert refusal(struct("int", kind="class", base=base), LINUX).by == "load"


def test_a_handle_is_an_address():
    safe_handle = TypeDeclaration(
        "System.Runtime.InteropServices.SafeHandle", "class", layout="auto"
    )
    handle = TypeDeclaration("MyHandle", "class", layout="auto", base=safe_handle)
    layout = native(struct(handle), LINUX, strict=False)
    assert (layout.size, layout.alignment) == (8, 8)
    assert refusal(struct(field(handle, "SysInt")), LINUX) is not None


def test_a_struct_with_a_safe_handle_has_a_size_and_can_not_be_marshalled():
    handle = TypeDeclaration("System.Runtime.InteropServices.SafeHandle", "class", layout="auto")
    inner = struct("int", handle, name="Inner")
    refused = refusal(struct("byte", inner), LINUX)
    assert refused is not None
    assert (refused.by, refused.type, refused.field) == ("marshal", "Inner", "f1")


def test_a_color_can_not_be_a_field_on_windows():
    color = struct("string", "long", "short", "short", name="System.Drawing.Color")
    assert refusal(struct(color), LINUX) is None
    refused = refusal(struct(color), WINDOWS)
    assert refused is not None
    assert refused.by == "size"


def test_a_ref_field_does_not_change_the_order_of_the_fields():
    reference = TypeDeclaration("ref", "class", "auto", generic=True, by_ref_like=True)
    span = struct(reference, "int", name="Span", by_ref_like=True, generic=True)
    layout = managed(struct(span, "byte", "long", by_ref_like=True), LINUX)
    assert offsets(layout) == [0, 16, 24]
    assert contains_references(layout.declaration)


@pytest.mark.parametrize("size", [8, 16, 32, 64])
def test_a_vector_is_aligned_to_its_size(size):
    name = f"System.Runtime.Intrinsics.Vector{8 * size}`1[byte]"
    vector = struct(*["ulong"] * (size // 8), name=name, generic=True)
    assert managed(vector, LINUX).alignment == size
    for layout in (managed(struct("byte", vector), LINUX), native(struct("byte", vector), LINUX)):
        assert (layout.fields[1].offset, layout.size) == (size, 2 * size)


def test_a_larger_pack_than_that_of_dotnet_does_not_change_a_vector():
    vector = struct(*["ulong"] * 8, name="System.Runtime.Intrinsics.Vector512`1[int]", generic=True)
    for pack, offset in ((0, 64), (128, 64), (64, 64), (32, 32), (8, 8)):
        assert offsets(native(struct("byte", vector, pack=pack), LINUX)) == [0, offset]
    explicit = struct(field(vector, offset=3), layout="explicit")
    assert native(explicit, LINUX).size == 128


VECTOR = struct("ulong", "ulong", name="System.Numerics.Vector`1[double]", generic=True)


@pytest.mark.parametrize(
    "declaration",
    [
        struct("byte", VECTOR),
        struct("byte", struct(VECTOR, name="Inner")),
        struct("byte", struct(VECTOR, name="Inline", inline_array=2)),
        struct("byte", Nullable(VECTOR)),
        struct(field(Array(VECTOR), MarshalAs("ByValArray", 2))),
        struct(field(VECTOR, offset=8), layout="explicit"),
        struct(VECTOR, layout="auto"),
        struct("byte", kind="class", base=struct(VECTOR, kind="class", name="Base")),
    ],
)
def test_a_type_whose_size_depends_on_the_processor_is_refused(declaration):
    for lay_out in (native, managed):
        with pytest.raises(LayoutError, match="depends on the processor"):
            lay_out(declaration, LINUX)
    assert native_of("byte", Pointer(VECTOR)) == (16, 8)


def test_a_type_with_a_size_can_be_refused_by_structure_to_ptr():
    inner = struct("int", "object", name="Inner")
    refused = refusal(struct("byte", inner), LINUX)
    assert refused is not None
    assert (refused.by, refused.type, refused.field) == ("marshal", "Inner", "f1")
    with pytest.raises(LayoutError, match=r"Inner\.f1"):
        native(struct("byte", inner), LINUX)
    assert native(struct("byte", inner), LINUX, strict=False).size == 12


def test_generic_auto_and_enum_types_have_no_size_of_their_own():
    assert refusal(struct("int", generic=True), LINUX).by == "size"
    assert refusal(struct("int", layout="auto"), LINUX).by == "size"
    assert refusal(ENUM, LINUX).by == "size"
    assert native_of("byte", struct("int", generic=True, name="Generic")) == (8, 4)


def test_managed_and_marshalled_layouts_differ():
    assert (managed_of("byte", "bool", "char")[0], native_of("byte", "bool", "char")[0]) == (4, 12)
    mixed = struct("int", "bool", "short")
    assert (offsets(managed(mixed, LINUX)), managed(mixed, LINUX).size) == ([0, 4, 6], 8)
    assert native(mixed, LINUX).size == 12


def test_the_runtime_moves_the_fields_of_a_struct_with_references():
    layout = managed(struct("byte", "string", "int", "long"), LINUX)
    assert (offsets(layout), layout.size) == ([20, 0, 16, 8], 24)
    assert contains_references(layout.declaration)
    assert not contains_references(struct("byte", Pointer()))


def test_a_struct_with_a_date_keeps_the_order_of_its_fields():
    layout = managed(struct("byte", "DateTime", "int"), LINUX)
    assert (offsets(layout), layout.size) == ([0, 8, 16], 24)


def test_what_crashes_the_runtime_is_refused():
    empty = struct(kind="class", layout="explicit", name="Empty")
    derived = struct("int", kind="class", base=empty, name="Derived")
    further = struct(field("int", offset=0), kind="class", layout="explicit", base=derived)
    for crashing in (
        struct(empty, inline_array=2),
        struct("byte", derived),
        struct("byte", further),
        struct("byte", derived, kind="class"),
        struct(derived, inline_array=2),
    ):
        assert "crashes the .NET runtime" in str(refusal(crashing, LINUX))
        assert refusal(crashing, LINUX) is not None


def explicit_class(*fields, **options):
    return struct(
        *(field(kind, offset=offset, name=f"{kind}{offset}") for kind, offset in fields),
        kind="class",
        layout="explicit",
        **options,
    )


@pytest.mark.parametrize(
    ("derived", "expected", "size"),
    [
        (struct("Guid", "int", kind="class", pack=4, size=5), [32, 40, 36], 56),
        (struct("byte", "long", "byte", kind="class", size=40), [32, 36, 40, 37], 48),
        (struct(kind="class", size=40), [32], 36),
    ],
)
def test_a_sequential_class_after_an_explicit_one_has_the_order_of_auto_layout(
    derived, expected, size
):
    base = explicit_class(("int", 32), pack=1)
    derived = replace(derived, base=base)
    for target in (LINUX, WINDOWS):
        for layout in (native(derived, target), managed(derived, target)):
            assert (offsets(layout), layout.size) == (expected, size)


def test_a_base_class_is_not_copied_within_a_class_that_is_not_copied():
    first = struct("sbyte", "float", kind="class", pack=8, name="First")
    second = explicit_class(("int", 0), ("short", 8), base=first, name="Second")
    assert offsets(native(second, LINUX)) == [0, 4, 16, 24]
    third = explicit_class(("bool", 16), base=second, name="Third")
    assert (offsets(native(third, LINUX)), native(third, LINUX).size) == ([0, 4, 8, 16, 36], 40)
    explicit = explicit_class(("int", 0), ("short", 8))
    reordered = struct("byte", "long", kind="class", base=explicit, name="Reordered")
    assert offsets(native(reordered, LINUX)) == [0, 8, 10, 16]
    last = native(struct("bool", kind="class", base=reordered), LINUX)
    assert (offsets(last), last.size) == ([0, 8, 12, 16, 24], 32)


@pytest.mark.parametrize(
    ("fields", "stride"),
    [(["byte"], 1), (["short"], 2), (["byte", "byte", "byte"], 4), (["int", "byte"], 8),
     (["byte"] * 5, 8), (["long"], 8)],
)  # fmt: skip
def test_an_array_of_managed_structs_has_the_stride_of_safe_buffer(fields, stride):
    assert managed(struct(*fields), LINUX).stride == stride
    assert managed(struct(*fields, pack=1), LINUX).stride == stride


def test_objects_can_not_be_misaligned_or_share_bytes_with_other_data():
    def explicit(*fields):
        return struct(*fields, layout="explicit")

    assert refusal(explicit(field("string", offset=4)), LINUX).by == "load"
    assert refusal(explicit(field("string", offset=0), field("int", offset=4)), LINUX).by == "load"
    overlap = explicit(field("string", offset=0), field("string", offset=0, name="g"))
    assert refusal(overlap, LINUX) is None
    with pytest.raises(LayoutError, match="shares the bytes at offset 4 with other data"):
        managed(explicit(field("string", offset=0), field("int", offset=4, name="g")), LINUX)


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"pack": 3}, "Pack must be one of"),
        ({"pack": 256}, "Pack must be one of"),
        ({"pack": -1}, "Pack must be one of"),
        ({"size": -1}, "Size must not be negative"),
        ({"layout": "explicit"}, "needs a FieldOffset"),
    ],
)
def test_invalid_attributes_are_refused(options, reason):
    with pytest.raises(LayoutError, match=reason):
        native(struct("int", **options), LINUX)
    with pytest.raises(LayoutError, match=reason):
        managed(struct("int", **options), LINUX)


LIMIT = 134_217_720


@pytest.mark.parametrize("kind", ["byte", "long"])
def test_a_field_offset_has_the_limit_of_dotnet(kind):
    last = struct(field(kind, offset=LIMIT), layout="explicit")
    assert offsets(managed(last, LINUX)) == [LIMIT]
    beyond = struct(field(kind, offset=LIMIT + 1), layout="explicit")
    with pytest.raises(LayoutError, match=f"offset {LIMIT + 1} is beyond the limit of {LIMIT}"):
        managed(beyond, LINUX)
    assert refusal(beyond, LINUX).by == "load"
    large = struct("byte", size=LIMIT, name="Large")
    assert offsets(managed(struct(large, "byte"), LINUX)) == [0, LIMIT]
    assert (
        refusal(struct(struct("byte", size=LIMIT + 1, name="Larger"), "byte"), LINUX).field == "f1"
    )


@pytest.mark.parametrize(
    ("element", "size"), [("byte", 1), ("long", 8), (struct("byte", "byte", "byte"), 3)]
)
@pytest.mark.parametrize("layout", ["sequential", "auto"])
def test_an_inline_array_has_the_limit_of_dotnet(element, size, layout):
    if layout == "auto" and size == 3:
        size = 4  # .NET rounds it up
    count = LIMIT // size
    most = struct(element, inline_array=count, layout=layout)
    assert managed(most, LINUX).size == count * size
    more = struct(element, inline_array=count + 1, layout=layout)
    assert refusal(more, LINUX).by == "load"
    assert refusal(struct("byte", struct(most, inline_array=2), "byte"), LINUX).by == "load"


def test_a_negative_offset_is_refused():
    bad = struct(field("int", offset=-1), layout="explicit")
    with pytest.raises(LayoutError, match="FieldOffset must not be negative, but is -1"):
        native(bad, LINUX)


def test_a_blittable_type_has_the_same_bytes_in_both_layouts():
    assert is_blittable(struct("int", "double", PAIR), LINUX)
    assert is_blittable(struct("char", charset="unicode"), LINUX)
    for kind in ("bool", "char", "string", "decimal", "DateTime"):
        assert not is_blittable(struct(kind), LINUX)


@pytest.mark.parametrize(
    ("python", "dotnet"),
    [("id", "Id"), ("top_speed", "TopSpeed"), ("path_2_go", "Path2Go"), ("Wet", "Wet"), ("_", "_")],
)
def test_names_change_from_python_to_dotnet(python, dotnet):
    assert dotnet_name(python) == dotnet


def test_deeply_nested_types_take_linear_time():
    # Each level contains the one below twice, so that there are 2**48 paths through the types.
    at = struct("string", name="Bottom")
    for level in range(48):
        fields = (field(at, offset=0, name="a"), field(at, offset=0, name="b"))
        at = struct(*fields, layout="explicit", name=f"Level{level}")
    assert managed(at, LINUX).size == 8
    assert refusal(at, LINUX) is None


def test_an_array_of_too_many_objects_is_refused():
    huge = struct(struct("string", "long", name="Pair"), inline_array=2**20, name="Huge")
    with pytest.raises(LayoutError, match="too many"):
        managed(struct(field(huge, offset=0), layout="explicit"), LINUX)
