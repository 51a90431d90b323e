"""Damaged and hostile assemblies: each is refused with an error, in bounded time and memory."""

from __future__ import annotations

import random
import shutil
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("dnfile")

from pyshm.assemblies import Assembly
from pyshm.assemblies.metadata import Metadata
from pyshm.assemblies.rows import NestedClass, TypeDef, TypeRef, TypeSpec
from pyshm.codegen.python import bind
from pyshm.errors import AssemblyError
from pyshm.layout.layouts import native
from pyshm.structs.from_declaration import struct_from
from tests.codegen.declared import bound

DATA = Path(__file__).parent / "data"
SHAPES = (DATA / "Shapes.dll").read_bytes()
ROOT = SHAPES.index(b"BSJB")


@pytest.fixture
def opened(tmp_path: Path) -> Callable[[bytes], Assembly]:
    shutil.copy(DATA / "Common.dll", tmp_path)

    def open_(data: bytes) -> Assembly:
        path = tmp_path / "Shapes.dll"
        path.write_bytes(data)
        return Assembly.open(path)

    return open_


def read_everything(assembly: Assembly) -> None:
    for item in assembly.declared_types():
        assembly.find(item.name)
        assembly.is_visible(item.name)


def changed_table(name: str, rows: list[tuple[int, ...]]) -> bytes:
    """Return Shapes.dll with other rows in a table; their number must be the same."""
    codec, data = Metadata(str(DATA / "Shapes.dll"))._tables[name]
    assert SHAPES.count(data) == 1
    assert len(rows) * codec.size == len(data)
    return SHAPES.replace(data, b"".join(codec.pack(*row) for row in rows))


def rows_of(name: str) -> list[tuple[int, ...]]:
    codec, data = Metadata(str(DATA / "Shapes.dll"))._tables[name]
    return list(codec.iter_unpack(data))


def changed_field(type_name: str, field: str, signature: bytes) -> bytes:
    """Return Shapes.dll with another signature of a field, not longer than the old one."""
    metadata = Metadata(str(DATA / "Shapes.dll"))
    row = metadata.rows_by_name[type_name]
    for _, each in metadata.fields_of(row):
        if metadata.string(each.name) == field:
            old = metadata.blob(each.signature)
            assert len(signature) <= len(old)  # bytes after the type are ignored
            blobs = SHAPES.index(metadata._blobs)
            at = blobs + each.signature + 1
            return SHAPES[:at] + signature + SHAPES[at + len(signature) :]
    raise AssertionError(field)


def mutated(number: int) -> bytes:
    chance = random.Random(number)
    data = bytearray(SHAPES)
    way = number % 4
    if way == 0:
        return bytes(data[: chance.randrange(len(data))])
    if way == 1:
        for _ in range(chance.randrange(1, 20)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif way == 2:
        for _ in range(chance.randrange(1, 8)):
            at = chance.randrange(ROOT, len(data) - 1024)
            data[at] = chance.choice([0, 1, 0x7F, 0x80, 0xFF, chance.randrange(256)])
    else:
        at = chance.randrange(ROOT, ROOT + 2000)
        extremes = [0, 1, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF]
        data[at : at + 4] = struct.pack("<I", chance.choice(extremes))
    return bytes(data)


@pytest.mark.parametrize("batch", range(6))
def test_a_mutated_file_is_read_or_raises_an_assembly_error(opened, batch):
    answers = set()
    for number in range(batch * 200, batch * 200 + 200):
        begun = time.process_time()
        try:
            assembly = opened(mutated(number))
            read_everything(assembly)
            compile(bind(assembly).source, "bound", "exec")
            answers.add("read")
        except AssemblyError as error:
            answers.add("refused" if str(error).startswith("Shapes.dll: ") else str(error))
        except Exception as error:
            raise AssertionError(f"mutation {number}") from error
        assert time.process_time() - begun < 5, f"mutation {number}"
    assert answers == {"read", "refused"}  # both must occur, or the mutations test nothing


def test_a_file_that_is_not_a_program_is_refused(opened):
    with pytest.raises(AssemblyError, match=r"Shapes\.dll: not a \.NET assembly"):
        opened(b"not a program at all" * 100)


def test_an_empty_file_is_refused(opened):
    with pytest.raises(AssemblyError, match=r"Shapes\.dll: not a \.NET assembly"):
        opened(b"")


def test_a_program_without_metadata_is_refused(opened):
    data = bytearray(SHAPES)
    pe = struct.unpack_from("<I", data, 0x3C)[0]
    directories = pe + 24 + (96 if struct.unpack_from("<H", data, pe + 24)[0] == 0x10B else 112)
    struct.pack_into("<II", data, directories + 14 * 8, 0, 0)
    with pytest.raises(AssemblyError, match="without metadata"):
        opened(bytes(data))


def test_a_number_of_rows_beyond_the_end_of_the_file_is_refused(opened):
    data = bytearray(SHAPES)
    tables = data.index(struct.pack("<BBB", 2, 0, 0), ROOT) + 20  # version 2.0, small heaps
    assert struct.unpack_from("<I", data, tables)[0] == 1  # one Module
    struct.pack_into("<I", data, tables + 4, 0x7FFFFFFF)
    with pytest.raises(AssemblyError, match=r"table TypeRef has 2147483647 rows of \d+ bytes"):
        opened(bytes(data))


def test_many_streams_are_refused(opened):
    data = bytearray(SHAPES)
    version = struct.unpack_from("<I", data, ROOT + 12)[0]
    struct.pack_into("<H", data, ROOT + 16 + version + 2, 0xFFFF)
    with pytest.raises(AssemblyError, match="it has 65535 streams of metadata"):
        opened(bytes(data))


def test_a_type_nested_in_itself_is_refused(opened):
    rows = rows_of("NestedClass")
    first, *others = rows
    circle = [(first[0], first[0]), *others]
    with pytest.raises(AssemblyError, match="is nested in itself"):
        read_everything(opened(changed_table("NestedClass", circle)))


def test_references_nested_in_themselves_are_refused(opened):
    rows = rows_of("TypeRef")
    circle = [((number << 2 | 3), *row[1:]) for number, row in enumerate(rows, 1)]
    with pytest.raises(AssemblyError, match="is nested in itself"):
        read_everything(opened(changed_table("TypeRef", circle)))


def test_fields_out_of_order_are_refused(opened):
    rows = rows_of("TypeDef")
    union = Metadata(str(DATA / "Shapes.dll")).rows_by_name["Shapes.Union"] - 1
    rows[union] = (*rows[union][:4], 0xFFFF, rows[union][5])
    with pytest.raises(AssemblyError, match="out of order"):
        read_everything(opened(changed_table("TypeDef", rows)))


def test_a_struct_that_contains_itself_is_not_bound(opened):
    metadata = Metadata(str(DATA / "Shapes.dll"))
    # The field `Inner One` of Nested gets the type Nested.
    nested = metadata.rows_by_name["Shapes.Nested"] << 2
    signature = bytes([0x06, 0x11]) + compressed(nested)
    found = opened(changed_field("Shapes.Nested", "One", signature)).find("Shapes.Nested")
    assert found.reason == "One: Shapes.Nested contains itself"


def compressed(number: int) -> bytes:
    return bytes([number]) if number < 0x80 else struct.pack(">H", number | 0x8000)


def test_a_fixed_buffer_of_another_element_type_is_read_as_a_struct(opened):
    # The field of the buffer's struct gets the type object.
    data = changed_field("Shapes.Fixed+<Truths>e__FixedBuffer", "FixedElementField", b"\x06\x1c")
    binding = bind(opened(data))
    assert "FixedBuffer(t.Object" not in binding.source


@pytest.mark.parametrize(
    ("pack", "size"), [(0, 0), (0, 5), (0, 21), (1, 20)], ids=["none", "one", "half", "packed"]
)
def test_a_fixed_buffer_with_a_layout_that_csharp_has_not_is_read_as_a_struct(opened, pack, size):
    # The struct of the buffer `int Numbers[5]` gets another [StructLayout].
    rows = [(pack, size, *row[2:]) if row[1] == 20 else row for row in rows_of("ClassLayout")]
    assert rows != rows_of("ClassLayout")
    assembly = opened(changed_table("ClassLayout", rows))
    fixed = assembly.find("Shapes.Fixed")
    (numbers,) = (field for field in fixed.fields if field.name == "Numbers")
    assert not numbers.type.fixed_buffer
    layout = native(fixed)
    module, _, _ = bound(fixed)
    assert module.Fixed.layout.size == layout.size
    read = struct_from(fixed)()
    assert len(read.to_bytes()) == layout.size


def test_a_type_specification_that_refers_to_itself_is_refused(opened):
    # The field `Inner One` of Nested gets the type TypeSpec 1, which is an array of TypeSpec 1.
    specified = compressed(1 << 2 | 2)
    assembly = opened(changed_field("Shapes.Nested", "One", b"\x06\x12" + specified))
    metadata = assembly._metadata
    metadata._decoded[TypeSpec] = [TypeSpec(len(metadata._blobs))]
    metadata._blobs += b"\x03\x1d\x12" + specified
    with pytest.raises(AssemblyError, match="TypeSpec 1 refers to itself"):
        assembly.find("Shapes.Nested")


def test_type_specifications_that_refer_to_each_other_twice_are_refused(opened):
    # TypeSpec 1 is an instance of TypeSpec 40 with two arguments, both TypeSpec 2, and so on.
    def specified(row: int) -> bytes:
        return b"\x12" + compressed(row << 2 | 2)

    assembly = opened(changed_field("Shapes.Nested", "One", b"\x06" + specified(1)))
    metadata = assembly._metadata
    specs = [b"\x15" + specified(40) + b"\x02" + specified(row) * 2 for row in range(2, 41)]
    metadata._decoded[TypeSpec] = rows = []
    for spec in [*specs, b"\x08"]:
        rows.append(TypeSpec(len(metadata._blobs)))
        metadata._blobs += compressed(len(spec)) + spec
    with pytest.raises(AssemblyError, match="its signatures use more than 20000 TypeSpecs"):
        assembly.find("Shapes.Nested")


def test_an_endless_generic_instance_is_not_bound(opened):
    # The field `T Value` of Generic<T> becomes `Generic<T[]> Value`.
    metadata = Metadata(str(DATA / "Shapes.dll"))
    generic = compressed(metadata.rows_by_name["Shapes.Generic`1"] << 2)
    endless = b"\x06\x15\x11" + generic + b"\x01\x1d\x13\x00"
    blobs = SHAPES.index(metadata._blobs)
    # The new signature replaces one that is long enough.
    rows = rows_of("Field")
    places = {row[2]: len(metadata.blob(row[2])) for row in rows}
    place = next(at for at, length in places.items() if length >= len(endless))
    data = bytearray(SHAPES)
    data[blobs + place + 1 : blobs + place + 1 + len(endless)] = endless
    fields = [(*row[:2], place) if metadata.string(row[1]) == "Value" else row for row in rows]
    codec, old = metadata._tables["Field"]
    data = bytes(data).replace(old, b"".join(codec.pack(*row) for row in fields))
    found = opened(data).find("Shapes.Instances")
    assert "types deep" in found.reason


def test_a_long_chain_of_nested_types_is_refused(opened):
    # Each type or reference is nested in the next one, so that each has a long way out.
    assembly = opened(SHAPES)
    metadata = assembly._metadata
    first = metadata.row(TypeRef, 1)
    metadata._decoded[TypeRef] = [
        first._replace(scope=row << 2 | 3) for row in range(2, 1000)
    ] + [first]  # fmt: skip
    assert metadata.outermost(900)[0] == 999
    with pytest.raises(AssemblyError, match="nested more than 256 types deep"):
        metadata.outermost(1)
    names = opened(SHAPES)._metadata
    names._decoded[TypeDef] = [names.row(TypeDef, 2)] * 1000
    names._decoded[NestedClass] = [NestedClass(row, row + 1) for row in range(1, 1000)]
    with pytest.raises(AssemblyError, match="nested more than 256 types deep"):
        names.full_name(1)
