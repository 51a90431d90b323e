"""The tables of the reference pages in docs/ agree with the code."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

import pyshm
from interop.doc_examples.pages import DOCS, pages
from pyshm import TestData, errors, helper, types
from pyshm.cli.parser import build_parser
from pyshm.errors import PyshmError
from pyshm.formats import blob

PACKAGE = Path(pyshm.__file__).parent
FORMAT = (DOCS / "format.md").read_text(encoding="utf-8")
PROTOCOL = (DOCS / "protocol.md").read_text(encoding="utf-8")
CHANNELS = (DOCS / "channels.md").read_text(encoding="utf-8")
NAMED = (DOCS / "named-maps.md").read_text(encoding="utf-8")


def section(text, title):
    """Return the text under a heading, up to the next section."""
    match = re.search(rf"^(#+) {re.escape(title)}\n(.*?)(?=^#{{1,2}} |\Z)", text, re.M | re.S)
    assert match is not None, title
    return match[2]


def tables(text):
    """Return every table in ``text``: a list of rows, each a dict by column."""
    found = []
    for block in re.findall(r"(?:^\|.*\n)+", text, re.M):
        rows = [[cell.strip() for cell in line.strip("|\n ").split(" | ")]
                for line in block.splitlines()]  # fmt: skip
        found.append([dict(zip(rows[0], row, strict=False)) for row in rows[2:]])
    return found


def kinds_of(text):
    """Return the kinds of error that the tables of ``text`` name."""
    return {
        word
        for table in tables(text)
        for row in table
        for word in re.findall(r"`([a-z0-9-]+)`", row.get("kind", ""))
    }


def test_the_table_of_the_blob_has_the_offsets_and_sizes_of_the_code():
    (table, *_) = tables(section(FORMAT, "Image blob"))
    rows = [(row["offset"], row["size"], row["field"]) for row in table]
    assert rows == [
        ("0", "4", "`path_length`"),
        ("4", "n", "`path`"),
        ("4 + n", "4", "`content_length`"),
        ("8 + n", "m", "`content`"),
    ]
    n, m = 7, 11
    buffer = memoryview(bytearray(100))
    size = blob.write(buffer, b"p" * n, memoryview(b"c" * m))
    for row, expected in zip(
        table, [n.to_bytes(4, "little"), b"p" * n, m.to_bytes(4, "little"), b"c" * m], strict=True
    ):
        terms = [part.strip() for part in row["offset"].split("+")]
        start = sum(n if term == "n" else int(term) for term in terms)
        length = {"n": n, "m": m}.get(row["size"]) or int(row["size"])
        assert bytes(buffer[start : start + length]) == expected
    assert size == 8 + n + m


def test_the_table_of_the_struct_has_the_offsets_and_sizes_of_the_code():
    table = tables(section(FORMAT, "TestData"))[0]
    documented = [(int(row["offset"]), int(row["size"]), row["field"].strip("`")) for row in table]
    coded = [(field.offset, field.size, field.dotnet_name) for field in TestData.layout.fields]
    assert documented == coded


def test_the_size_of_the_struct_is_documented():
    assert f"\n{TestData.layout.size} bytes in all" in FORMAT


def test_the_pack_and_the_count_of_the_struct_are_documented():
    assert f"Pack = {TestData.layout.pack}," in FORMAT
    assert f"SizeConst = {TestData.layout.fields[2].form.count})" in FORMAT


def test_the_text_of_the_struct_is_documented():
    assert f"`{TestData.standard()}`" in FORMAT


def test_the_largest_length_is_documented():
    assert f"{blob.INT32_MAX:,}" in section(FORMAT, "Image blob")


# Kinds of an error class, and kinds that an error gets where it is raised. The kinds of apps/ are
# left out: only its windows use them, to choose their advice.
CODED = {
    getattr(errors, name).kind
    for name in errors.__all__
    if "kind" in vars(getattr(errors, name)) and name != "PyshmError"
}
GIVEN = set(
    re.findall(
        r'[(\s]kind="([a-z0-9-]+)"',
        "".join(
            path.read_text(encoding="utf-8")
            for path in PACKAGE.rglob("*.py")
            if path.parent.name != "apps"
        ),
    )
)
# Errors of values that .NET would truncate or change; they are not sent to the other language.
PYTHON_ONLY = {"embedded-nul", "encoding", "no-date", "no-decimal"}
# Exceptions of .NET only; Python has a built-in one or none.
DOTNET_ONLY = {"invalid-operation", "overflow"}


def test_every_documented_kind_is_in_the_code():
    assert kinds_of(FORMAT) - CODED - GIVEN == set()
    assert kinds_of(PROTOCOL) - CODED - GIVEN == DOTNET_ONLY
    assert kinds_of(CHANNELS) - CODED - GIVEN == set()


def test_every_kind_in_the_code_is_documented():
    documented = kinds_of(FORMAT) | kinds_of(PROTOCOL) | kinds_of(CHANNELS)
    assert (CODED | GIVEN) - documented == PYTHON_ONLY


def kind_rows():
    for table in tables(PROTOCOL + CHANNELS):
        for row in table:
            if "pyshm" in row and "`" in row["pyshm"] and "OverflowError" not in row["pyshm"]:
                yield pytest.param(row, id=row["kind"].strip("`"))


@pytest.mark.parametrize("row", [*kind_rows()])
def test_a_kind_of_the_protocol_has_the_documented_classes(row):
    name, builtin = re.fullmatch(r"`(\w+)` \(([\w.]+)\)", row["pyshm"]).groups()
    leaf = getattr(errors, name)
    assert row["kind"].strip("`") in {leaf.kind} | GIVEN
    assert issubclass(leaf, PyshmError)
    assert builtin.split(".")[-1] in {base.__name__ for base in leaf.__mro__}


def test_the_protocol_names_every_error_that_is_not_of_a_format():
    named = set(re.findall(r"`(\w+Error)` \(", PROTOCOL + CHANNELS)) - {
        "ChannelFormatError", "ChannelTypeError",
    }  # fmt: skip
    formats = {name for name in errors.__all__
               if issubclass(getattr(errors, name), errors.FormatError)}  # fmt: skip
    others = {"PyshmError", "NameRuleError"}
    assert set(errors.__all__) - formats - others == named


def test_the_default_capacity_is_documented():
    assert f"{helper.ShareMemoryHelper.DEFAULT_CAPACITY:,} bytes" in PROTOCOL


def test_the_timeout_the_file_mode_and_the_variable_are_documented():
    if sys.platform == "win32":
        pytest.skip("POSIX systems only")
    from pyshm.maps.posix import directory, files, locks

    assert f"{locks.TIMEOUT:.0f} seconds" in NAMED
    assert f"{files.FILE_MODE:04o}"[-4:] in NAMED
    assert f"`{directory.VARIABLE}`" in NAMED


# --- what the pages for users name exists -------------------------------------------------

TOX = (DOCS.parent / "tox.ini").read_text(encoding="utf-8")
PROJECT = (DOCS.parent / "pyproject.toml").read_text(encoding="utf-8")
PAGES = {page.name: page.read_text(encoding="utf-8") for page in pages()}


def test_the_python_names_beside_the_csharp_ones_exist():
    (table,) = tables(section(PAGES["from-csharp.md"], "Names in C# and in Python"))
    for row in table:
        owner = ""
        for before, name in re.findall(r"`(?:(\w+)\.)?(\w+)`", row["Python"]):
            owner = before or owner
            if name not in {"with", "memoryview"}:
                # Subclasses of Struct have more names than Struct.
                home = getattr(pyshm, "TestData" if owner == "Struct" else owner)
                assert hasattr(home, name), (owner, name)


def test_the_field_types_beside_the_csharp_ones_exist():
    (table,) = tables(section(PAGES["structs.md"], "Declaring"))
    named = {
        word
        for row in table
        for code in re.findall(r"`([^`]+)`", row["Python, from `pyshm.types`"])
        for word in re.findall(r"\b[A-Z]\w+", re.sub(r'".*?"', "", code))
    }
    python = {"Annotated", "Gear", "IntEnum", "IntFlag", "None", "UUID"}
    assert named - set(types.__all__) == python


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_that_a_page_names_exist(page):
    text = re.sub(r"^```.*?^```$", "", PAGES[page], flags=re.M | re.S)
    for name in re.findall(r"`(?:\./)?toxw? -e (\w+)", text):
        assert f"[testenv:{name}]" in TOX, name
    for name in re.findall(r"`pyshm ([a-z-]+)", text):
        with pytest.raises(SystemExit) as ended:
            build_parser().parse_args([name, "--help"])
        assert ended.value.code == 0, name
    for name in re.findall(r"`(pyshm-[a-z]+)`", text):
        assert f"{name} = " in PROJECT, name
    for name in re.findall(r"pyshm-dotnet\[(\w+)\]", text):
        assert re.search(rf"^{name} = \[", PROJECT, re.M), name
    for name in re.findall(r"`(?:interop|tests|fixtures)/[\w./]+`", text):
        assert (DOCS.parent / name.strip("`")).exists(), name
