"""The numbers of the enums equal those of .NET: the two languages exchange them."""

from __future__ import annotations

import pytest

import pyshm

ACCESS = {
    "READ_WRITE": 0,
    "READ": 1,
    "WRITE": 2,
    "COPY_ON_WRITE": 3,
    "READ_EXECUTE": 4,
    "READ_WRITE_EXECUTE": 5,
}
RIGHTS = {
    "COPY_ON_WRITE": 1,
    "WRITE": 2,
    "READ": 4,
    "READ_WRITE": 6,
    "EXECUTE": 8,
    "READ_EXECUTE": 12,
    "READ_WRITE_EXECUTE": 14,
    "DELETE": 65536,
    "READ_PERMISSIONS": 131072,
    "CHANGE_PERMISSIONS": 262144,
    "TAKE_OWNERSHIP": 524288,
    "FULL_CONTROL": 983055,
    "ACCESS_SYSTEM_SECURITY": 16777216,
}
MODES = {
    "CREATE_NEW": 1,
    "CREATE": 2,
    "OPEN": 3,
    "OPEN_OR_CREATE": 4,
    "TRUNCATE": 5,
    "APPEND": 6,
}
ENUMS = [
    (pyshm.MemoryMappedFileAccess, ACCESS),
    (pyshm.MemoryMappedFileRights, RIGHTS),
    (pyshm.MemoryMappedFileOptions, {"NONE": 0, "DELAY_ALLOCATE_PAGES": 67108864}),
    (pyshm.HandleInheritability, {"NONE": 0, "INHERITABLE": 1}),
    (pyshm.FileMode, MODES),
]


@pytest.mark.parametrize(("enum", "numbers"), ENUMS)
def test_names_and_numbers_equal_those_of_dotnet(enum, numbers):
    assert {name: int(member) for name, member in enum.__members__.items()} == numbers


@pytest.mark.parametrize(("enum", "numbers"), ENUMS)
def test_a_member_is_found_by_its_number(enum, numbers):
    assert all(enum(number) is enum[name] for name, number in numbers.items())


def test_read_write_rights_are_read_and_write():
    rights = pyshm.MemoryMappedFileRights
    assert rights.READ | rights.WRITE == rights.READ_WRITE
