"""Each sentence of SECURITY.md about what is trusted has tests that prove it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text("utf-8")
HEADINGS = ("What is trusted", "What is not trusted")

PICTURES = "tests/formats/test_pictures.py"
ODD_FILES = "tests/cli/test_odd_files.py"
TARGETS = "tests/cli/test_targets.py"
NAMED = "tests/maps/test_named_maps.py"
DOCUMENTATION = "tests/assemblies/test_documentation.py"
HOSTILE = "tests/assemblies/test_hostile.py"
BLOB = "tests/formats/test_blob.py"
UNREADABLE = "tests/structs/test_unreadable.py"
LINES = "tests/cli/test_odd_names.py"
NAMES = "tests/codegen/test_names.py"
NEIGHBOURS = "tests/maps/test_neighbours.py"
MATRIX = "interop/tests/matrix/test_maps.py"
BOTH_NEIGHBOURS = "interop/tests/matrix/test_neighbours.py"

PROOFS = {
    # What is trusted.
    "Each of them can open, change and remove each of your maps, as on Windows.": [
        "tests/maps/test_mapping.py::test_open_existing_opens_the_same_bytes",
        "tests/listing/test_listing.py::test_clean_removes_only_dead_maps",
    ],
    "`--as module:Class` imports it.": [
        "tests/cli/test_dump.py::test_a_struct_of_the_users_module_is_shown"
    ],
    ".NET loads it.": [
        "interop/tests/testing/test_testing.py::test_a_value_survives_the_round_trip"
    ],
    # The bytes in a map.
    "Every length, offset and text is checked before it is used.": [
        f"{BLOB}::test_every_shorter_buffer_is_an_error",
        f"{BLOB}::test_check_6_the_content_is_in_the_buffer",
        f"{BLOB}::test_check_7_the_path_is_valid_utf8",
    ],
    "A wrong one raises an error of `pyshm.errors`.": [
        f"{BLOB}::test_check_2_the_path_length_is_not_negative",
        f"{UNREADABLE}::test_to_read_the_attribute_is_a_format_error",
    ],
    "To show or to compare a struct raises nothing, whatever its bytes are.": [
        f"{UNREADABLE}::test_no_repr_raises",
        f"{UNREADABLE}::test_structs_of_the_same_bytes_are_equal",
    ],
    # Pictures.
    "No content starts a program.": [f"{PICTURES}::test_no_content_starts_a_program"],
    "Only the formats that docs/format.md lists are opened.": [
        f"{PICTURES}::test_a_format_that_pillow_does_not_decode_itself_is_refused",
        f"{PICTURES}::test_the_page_names_each_format_of_the_list",
        f"{PICTURES}::test_one_function_alone_opens_pictures",
    ],
    "A picture with too many pixels is refused before one is decoded, also inside an icon.": [
        f"{PICTURES}::test_the_size_is_checked_before_a_pixel_is_decoded",
        f"{PICTURES}::test_a_jpeg_2000_in_an_icns_is_checked",
    ],
    "A viewer gets decoded pixels, and no text from the map.": [
        f"{PICTURES}::test_show_gives_the_viewer_decoded_pixels_or_starts_nothing",
    ],
    # Text.
    "Each name and text has one line in every output.": [
        f"{LINES}::test_a_map_with_an_odd_name_is_shown_on_one_line",
        f"{LINES}::test_an_error_about_an_odd_name_is_one_line",
        f"{LINES}::test_a_log_has_one_line_for_each_event",
        f"{ODD_FILES}::test_the_list_has_one_line_for_each_file",
    ],
    "It cannot control a terminal.": [
        "tests/cli/test_console.py::test_control_characters_are_escaped_on_a_terminal",
        "tests/cli/test_console.py::test_a_pipe_gets_lines_without_control_characters",
    ],
    "It cannot become a statement in generated source code.": [
        f"{NAMES}::test_a_bound_module_has_a_field_for_any_name",
        f"{NAMES}::test_text_stays_in_its_docstring",
        f"{NAMES}::test_csharp_documentation_stays_in_its_comment",
    ],
    # Timing.
    "A reader never reads outside the map.": [
        f"{BLOB}::test_a_length_that_changes_under_the_reader_is_never_an_index_error",
        "interop/tests/matrix/test_torn.py::test_a_blob_that_changes_while_it_is_read_is_read_or_refused",
    ],
    "Each length is read once.": [
        f"{BLOB}::test_a_length_that_changes_after_its_check_is_not_read_again",
        "interop/tests/matrix/test_torn.py::test_a_length_that_changes_is_read_once",
    ],
    "It can read a mixture of old and new bytes; docs/format.md says when it reports that.": [
        f"{BLOB}::test_a_reader_during_a_write_gets_the_negative_length_error",
        f"{BLOB}::test_the_first_store_is_minus_one_and_the_last_is_the_path_length",
    ],
    # Another user.
    "On Linux, a named map is a file of mode 0600.": [
        f"{NAMED}::test_the_files_mode_is_0600_with_any_umask",
        f"{MATRIX}::test_only_its_user_can_open_the_file_of_a_map",
    ],
    "A file that belongs to another user is refused.": [
        f"{NAMED}::test_a_map_of_another_user_is_refused",
        f"{MATRIX}::test_a_map_of_another_user_is_refused",
    ],
    "A file whose mode is not 0600, or that has more than one hard link, is refused.": [
        f"{NEIGHBOURS}::test_a_file_with_another_mode_is_refused",
        f"{NEIGHBOURS}::test_a_file_with_two_names_is_refused",
        f"{BOTH_NEIGHBOURS}::test_a_file_with_another_mode_is_refused",
        f"{BOTH_NEIGHBOURS}::test_a_file_with_two_names_is_refused",
    ],
    "A symbolic link is not followed.": [
        f"{NAMED}::test_a_symbolic_link_is_not_followed",
        f"{MATRIX}::test_a_symbolic_link_with_the_name_of_a_map_is_not_followed",
    ],
    # Files beside the maps.
    "`list`, `clean`, `dump` and `watch` map no file.": [
        f"{ODD_FILES}::test_a_look_maps_no_file",
        f"{ODD_FILES}::test_looking_at_a_sparse_map_allocates_nothing",
    ],
    "They read a bounded part of it.": [
        f"{ODD_FILES}::test_a_listing_reads_a_part_of_many_zeros",
        f"{ODD_FILES}::test_a_copy_reads_a_part_of_a_dense_file",
        f"{ODD_FILES}::test_a_copy_has_a_largest_size",
    ],
    "They wait at most a second for the locks of all files together.": [
        f"{ODD_FILES}::test_locked_files_are_waited_for_together_and_not_one_after_the_other",
    ],
    "A file that is truncated meanwhile crashes none of them.": [
        f"{ODD_FILES}::test_a_file_that_is_truncated_all_the_time_crashes_nothing",
    ],
    # Files that are written.
    "It does not replace a file that the command reads.": [
        f"{TARGETS}::test_the_mapped_file_is_not_replaced",
        f"{TARGETS}::test_a_picture_is_not_written_over_itself",
        f"{TARGETS}::test_an_assembly_is_not_replaced_by_its_module",
        f"{TARGETS}::test_a_module_is_not_replaced_by_its_csharp_source",
    ],
    "It does not replace the file of a map that a process holds.": [
        f"{TARGETS}::test_the_file_of_the_named_map_is_not_replaced",
        f"{TARGETS}::test_the_file_of_another_held_map_is_not_replaced",
    ],
    # Assemblies.
    "Its metadata is read with bounds.": [
        f"{HOSTILE}::test_a_mutated_file_is_read_or_raises_an_assembly_error",
        f"{HOSTILE}::test_a_number_of_rows_beyond_the_end_of_the_file_is_refused",
    ],
    "It is never loaded or run.": [
        "tests/project/test_security.py::test_binding_an_assembly_loads_and_starts_nothing",
    ],
    "The .xml file beside it is read with bounds, and no entity is expanded.": [
        f"{DOCUMENTATION}::test_a_document_type_is_ignored_in_every_encoding",
        f"{DOCUMENTATION}::test_a_large_file_is_ignored",
        f"{DOCUMENTATION}::test_deep_elements_are_ignored",
    ],
    "A pipe or a device is refused.": [
        f"{DOCUMENTATION}::test_an_assembly_that_is_a_pipe_or_a_device_is_refused_at_once",
        f"{DOCUMENTATION}::test_what_is_not_a_file_is_ignored_at_once",
    ],
}


def section(heading):
    """Return the text of a section, without its heading."""
    _, found, rest = PAGE.partition(f"## {heading}\n")
    assert found
    return rest.partition("\n## ")[0]


def sentences(text):
    """Return the sentences of a section: those in the last cell of each row, and any other text."""
    for line in text.splitlines():
        row = re.fullmatch(r"\| (.+) \| (.+) \|", line)
        if row is not None and (set(row[2]) == {"-"} or not row[2].endswith(".")):
            continue  # the heading of the table
        text_of_line = line if row is None else row[2]
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text_of_line).strip()
        yield from re.split(r"(?<=\.) (?=[A-Z`.])", plain) if plain else []


def test_each_sentence_has_a_test_and_each_test_a_sentence():
    found = [sentence for heading in HEADINGS for sentence in sentences(section(heading))]
    assert len(found) > 20
    assert sorted(found) == sorted(PROOFS)


def test_each_row_has_a_sentence():
    rows = [
        line for heading in HEADINGS for line in section(heading).splitlines() if line[:2] == "| "
    ]
    cells = [line.strip("| ").split(" | ") for line in rows]
    assert [row for row in cells if len(row) != 2] == []
    assert sum(row[1].endswith(".") for row in cells) == len(rows) - 2 * len(HEADINGS)


@pytest.mark.parametrize("test", sorted({test for tests in PROOFS.values() for test in tests}))
def test_the_test_exists(test):
    path, _, name = test.partition("::")
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    assert name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


WATCHED = """
import sys
dll = sys.argv[1]
seen = []

def hook(event, arguments):
    if event in ("ctypes.dlopen", "subprocess.Popen", "os.system", "os.exec", "os.posix_spawn",
                 "os.fork", "os.startfile") or (event == "import" and dll in map(str, arguments)):
        seen.append((event, str(arguments)))

from pyshm.cli import main
sys.addaudithook(hook)
assert main(["bind", dll]) == 0
assert main(["layout", dll]) == 0
assert seen == [], seen
"""


def test_binding_an_assembly_loads_and_starts_nothing(child):
    pytest.importorskip("dnfile")
    dll = ROOT / "tests" / "assemblies" / "data" / "Common.dll"
    process = child(WATCHED, str(dll), ready=False)
    assert process.wait() == 0, process.errors()
