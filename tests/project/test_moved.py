"""The modules of version 0.1.0 work at their old addresses, with a warning."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module

import pytest

from pyshm import TestData
from pyshm._moved import MOVED
from pyshm.errors import FormatError
from tests.conftest import ROOT

# Names of each old module, and their addresses now: the public ones, or one of the others.
ADDRESSES = {
    "binding": {"codegen": ["Binding", "bind"]},
    "blob": {"formats": ["Blob", "blob_size"], "formats.blob": ["parse", "write"]},
    "characters": {"_support.text": ["columns", "visible"]},
    "conversions": {"structs.compound": ["of_field"]},
    "csharp": {"codegen.csharp": ["source"]},
    "declarations": {
        "layout": [
            "Array", "BuiltIn", "FieldDeclaration", "FunctionPointer", "MarshalAs", "Nullable",
            "Pointer", "TypeDeclaration", "TypeReference", "from_json", "to_json",
        ],
    },
    "declaring": {"structs.declare": ["annotated_names"]},
    "dump.palette": {"_support.palette": ["MARK"]},
    "elements": {
        "maps.elements": [
            "BOOLEAN", "BYTE", "CHAR", "DECIMAL", "DOUBLE", "ELEMENTS", "Element", "INT16",
            "INT32", "INT64", "SBYTE", "SINGLE", "UINT16", "UINT32", "UINT64",
        ],
    },
    "enums": {
        "maps": [
            "FileMode", "HandleInheritability", "MemoryMappedFileAccess",
            "MemoryMappedFileOptions", "MemoryMappedFileRights",
        ],
    },
    "forms": {
        "layout": [
            "FieldLayout", "Form", "HOST", "Inline", "Layout", "Scalar", "Sequence", "Target",
            "Text",
        ],
    },
    "layout_listing": {"assemblies.summary": ["listed"]},
    "layout_svg": {"layout.svg": ["picture"]},
    "layout_table": {"layout.compare": ["differences"], "layout.table": ["rows"]},
    "local_zone": {"structs.values.local_zone": ["LOCAL"]},
    "mapping": {"maps": ["MemoryMappedFile"]},
    "marshalling": {"layout": ["is_blittable"], "layout.marshalling": ["marshalled_form"]},
    "models": {"formats": ["ImageData"]},
    "names": {"maps.names": ["check_name"]},
    "overlaps": {"structs.unions": ["Overlap"]},
    "packing": {"structs.packing": ["Packings"]},
    "packing_source": {"structs.packing_source": ["function_source"]},
    "placement": {"layout.placement": ["sequential"]},
    "shapes": {"structs.fields": ["shapes_of"]},
    "spelling": {"codegen.spelling": ["quoted"]},
    "struct_views": {"structs": ["ArrayView", "StructView"]},
    "testdata": {"formats": ["TestData"]},
    "testing.peers": {"testing": ["PeerFailure"], "testing.process": ["Peer"]},
    "testing.toolchain": {"testing": ["ToolchainError", "BuildError"]},
    "testing.type_values": {"testing.values": ["normal"]},
    "testing.types": {"testing": ["DotNetStepError"], "testing.questions": ["DotNetTypes"]},
    "values": {"structs.values.scalars": ["of_scalar"]},
    "views": {"maps": ["MemoryMappedViewAccessor", "MemoryMappedViewStream"]},
}  # fmt: skip
EACH = [
    (old, new, name)
    for old, homes in ADDRESSES.items()
    for new, names in homes.items()
    for name in names
]


def test_every_old_module_is_tested():
    assert set(ADDRESSES) == set(MOVED)


@pytest.mark.parametrize("old", sorted(MOVED))
def test_every_new_module_of_an_old_one_exists(old):
    for new in MOVED[old]:
        import_module(f"pyshm.{new}")


@pytest.mark.parametrize(("old", "new", "name"), EACH)
def test_an_old_address_works_and_the_warning_has_the_new_one(old, new, name):
    module = import_module(f"pyshm.{old}")
    message = rf"^pyshm\.{old}\.{name} is deprecated .*; use pyshm\.{new}\.{name} instead$"
    with pytest.warns(DeprecationWarning, match=message) as caught:
        value = getattr(module, name)
    assert value is getattr(import_module(f"pyshm.{new}"), name)
    assert [each.filename for each in caught] == [__file__]


def test_an_import_from_an_old_module_works():
    with pytest.warns(DeprecationWarning, match=r"use pyshm\.formats\.ImageData instead") as caught:
        from pyshm.models import ImageData
    assert ImageData.__module__ == "pyshm.formats.image"
    assert caught[0].filename == __file__


def test_an_old_module_names_the_new_ones():
    module = import_module("pyshm.views")
    assert module.__doc__ == (
        "Deprecated: the names of this module are in pyshm.maps, pyshm.maps.accessor, "
        "pyshm.maps.stream."
    )
    assert "MemoryMappedViewStream" in module.__all__


@pytest.mark.parametrize("name", ["nothing_like_it", "_RIGHTS", "__path__"])
def test_an_old_module_without_the_name_is_an_attribute_error(name):
    with pytest.raises(AttributeError, match=rf"'pyshm\.models' has no attribute '{name}'"):
        getattr(import_module("pyshm.models"), name)


@pytest.mark.parametrize("name", ["pyshm.nothing_like_it", "pyshm.maps.nothing_like_it"])
def test_a_module_that_never_existed_is_not_found(name):
    with pytest.raises(ModuleNotFoundError, match=name):
        import_module(name)


def test_only_a_missing_module_loads_the_table():
    program = (
        "import sys, pyshm, pyshm.maps.mapping; print('pyshm._moved' in sys.modules);"
        "import pyshm.models; print('pyshm._moved' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, check=True, timeout=60, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.split() == ["False", "True"]


def test_a_struct_that_0_1_0_pickled_can_be_loaded():
    pickled = (
        b"\x80\x02cpyshm.structs\n_restored\nq\x00cpyshm.testdata\nTestData\nq\x01KdK\x14]q\x02"
        b"(K<K=K>K?K@KAKBKCKDKEe\x87q\x03\x86q\x04Rq\x05."
    )
    with pytest.warns(DeprecationWarning, match=r"pyshm\.formats\.TestData"):
        assert pickle.loads(pickled) == TestData(100, 20, list(range(60, 70)))


def test_an_error_that_0_1_0_pickled_can_be_loaded():
    pickled = (
        b"\x80\x02cpyshm.errors\n_made_again\nq\x00cpyshm.errors\nFormatError\nq\x01X\x03\x00\x00\x00"
        b"badq\x02}q\x03(X\x07\x00\x00\x00messageq\x04h\x02X\x04\x00\x00\x00kindq\x05X\x0f\x00\x00\x00"
        b"negative-lengthq\x06X\x05\x00\x00\x00valueq\x07J\xfb\xff\xff\xffu\x87q\x08Rq\t."
    )
    error = pickle.loads(pickled)
    assert type(error) is FormatError
    assert (str(error), error.kind, error.value) == ("bad", "negative-length", -5)
