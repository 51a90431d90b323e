"""The command line, started by a user or a program."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys

import pytest

from pyshm import ImageData, MemoryMappedFile, ShareMemoryHelper, TestData, __version__
from pyshm.cli import main
from pyshm.cli.parser import build_parser
from pyshm.cli.shells import grammar
from pyshm.errors import MapNotFoundError

SIZE = 4096  # one page on Windows, where views are whole pages
PNG = b"\x89PNG\r\n\x1a\n"  # proves that a blob is one
SHA_XYZ = hashlib.sha256(b"xyz").hexdigest()
COMMANDS = [command.name for command in grammar.read(build_parser()).commands]


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.bin"
    path.write_bytes(b"xyz")
    return path


@pytest.fixture
def memory(map_name):
    with ShareMemoryHelper(map_name, SIZE).create_or_open() as helper:
        yield helper


def gone(name):
    with pytest.raises(MapNotFoundError):
        MemoryMappedFile.open_existing(name)
    return True


# --- writers ---


def test_write_image_prints_ready_and_holds_the_map_until_input_ends(command, map_name, picture):
    process = command("write-image", map_name, str(picture)).ready()
    with ShareMemoryHelper(map_name, 100).open() as helper:
        assert helper.read_image() == ImageData(str(picture), b"xyz")
    assert process.finish() == 0
    assert gone(map_name)


def test_a_writer_ignores_its_input(command, map_name):
    process = command("write-struct", map_name).ready()
    process.say("anything")
    MemoryMappedFile.open_existing(map_name).close()
    assert process.finish() == 0


def test_write_image_stores_the_path_it_is_given(command, map_name, picture):
    with (
        command("write-image", map_name, str(picture), "--path", "é.png").ready(),
        ShareMemoryHelper(map_name, 100).open() as helper,
    ):
        assert helper.read_image().path == "é.png"


def test_write_struct_writes_the_standard_values(command, map_name):
    with (
        command("write-struct", map_name).ready(),
        ShareMemoryHelper(map_name, 100).open() as helper,
    ):
        assert helper.read_struct(TestData) == TestData.standard()


def test_write_struct_accepts_values(command, map_name):
    scores = "--scores=-1,1,2,3,4,5,6,7,8,9"
    with (
        command("write-struct", map_name, "--id", "-7", "--age=8", scores).ready(),
        ShareMemoryHelper(map_name, 100).open() as helper,
    ):
        assert helper.read_struct(TestData) == TestData(-7, 8, [-1, 1, 2, 3, 4, 5, 6, 7, 8, 9])


def test_a_writers_json_has_the_digest_of_what_was_written(command, map_name, picture):
    process = command("write-image", map_name, str(picture), "--path", "p", "--json")
    written = bytes.fromhex("01000000 70 03000000 78797a")
    with process:
        assert json.loads(process.line()) == {
            "status": "READY",
            "map": map_name,
            "bytes": 12,
            "sha256": hashlib.sha256(written).hexdigest(),
        }


def test_the_json_of_write_struct_describes_its_48_bytes(command, map_name):
    with command("write-struct", map_name, "--json") as process:
        report = json.loads(process.line())
    digest = hashlib.sha256(TestData.standard().to_bytes()).hexdigest()
    assert (report["bytes"], report["sha256"]) == (48, digest)


@pytest.mark.skipif(sys.platform == "win32", reason="a map's size can't be asked on Windows")
@pytest.mark.parametrize(("arguments", "size"), [([], 10_485_760), (["--capacity", "5000"], 5000)])
def test_a_writer_creates_a_map_of_the_given_capacity(command, map_name, map_file, arguments, size):
    with command("write-struct", map_name, *arguments).ready():
        assert map_file.stat().st_size == size


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("number", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("way", ["write-struct", "write-image"])
def test_an_interrupted_writer_releases_the_map_and_exits_with_0(
    command, map_name, picture, number, way
):
    arguments = [str(picture)] if way == "write-image" else []
    process = command(way, map_name, *arguments).ready()
    process.send_signal(getattr(signal, number))
    assert process.wait() == 0
    assert process.errors() == ""
    assert gone(map_name)


def test_a_writer_can_write_to_an_existing_map(command, map_name, memory):
    with command("write-struct", map_name).ready():
        assert memory.read_struct(TestData) == TestData.standard()


def test_the_bytes_stay_in_a_mapped_file(run, tmp_path):
    path = tmp_path / "map"
    result = run("write-struct", path, "--file", "--capacity", 100)
    assert (result.status, result.out) == (0, ["READY"])
    assert path.read_bytes() == TestData.standard().to_bytes() + bytes(52)


# --- readers ---


def test_read_image_prints_and_saves(run, map_name, memory, tmp_path):
    memory.write_image(ImageData("é.png", b"xyz"))
    out = tmp_path / "out"
    result = run("read-image", map_name, "--out", out)
    assert result.out == ["path: é.png", "length: 3", f"sha256: {SHA_XYZ}"]
    assert (result.status, out.read_bytes()) == (0, b"xyz")


def test_read_image_as_json(run, map_name, memory):
    memory.write_image(ImageData("é.png", b"xyz"))
    result = run("read-image", map_name, "--json")
    assert json.loads(result.out[0]) == {
        "map": map_name,
        "path": "é.png",
        "length": 3,
        "sha256": SHA_XYZ,
        "out": None,
    }


def test_the_json_of_read_image_names_the_saved_file(run, map_name, memory, tmp_path):
    result = run("read-image", map_name, "--json", "--out", tmp_path / "out")
    assert json.loads(result.out[0])["out"] == str(tmp_path / "out")


def test_read_image_replaces_bad_utf8_only_when_asked(run, map_name, memory):
    memory.write_bytes(bytes.fromhex("01000000 ff 01000000 78"))
    assert run("read-image", map_name).status == 1
    assert run("read-image", map_name, "--replace").out[0] == "path: \ufffd"


def test_read_struct_prints_the_text(run, map_name, memory):
    memory.write_struct(TestData.standard())
    result = run("read-struct", map_name)
    assert (result.status, result.out) == (0, [str(TestData.standard())])


def test_read_struct_as_json(run, map_name, memory):
    memory.write_struct(TestData(1, -2, list(range(10))))
    result = run("read-struct", map_name, "--json")
    assert json.loads(result.out[0]) == {
        "map": map_name,
        "id": 1,
        "age": -2,
        "scores": list(range(10)),
    }


def test_readers_read_files(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(TestData.standard().to_bytes())
    assert run("read-struct", path, "--file").out == [str(TestData.standard())]
    path.write_bytes(ImageData("p", b"xyz").to_bytes())
    assert run("read-image", path, "--file").out[1:] == ["length: 3", f"sha256: {SHA_XYZ}"]


def test_a_reader_does_not_create_the_file(run, tmp_path):
    assert run("read-struct", tmp_path / "none", "--file").status == 1
    assert list(tmp_path.iterdir()) == []


def test_dump_prints_a_table(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(TestData.standard().to_bytes())
    result = run(
        "dump", path, "--file", "--as", "TestData", "--length", 48
    )  # on Windows there is a whole page
    assert result.status == 0
    assert result.out[:2] == [
        f"{path}: TestData, 48 bytes",
        "00000000  64 00 00 00                                      d...              Id = 100",
    ]


def test_dump_of_a_named_map(run, map_name, memory):
    memory.write_image(ImageData("p", PNG))
    result = run("dump", map_name)
    assert result.out[0] == f"{map_name}: blob, {SIZE} bytes"


def test_dump_reads_the_bytes_as_the_given_kind(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(ImageData("p", b"x" * 60).to_bytes())
    result = run("dump", path, "--file", "--as", "TestData", "--length", 69)
    assert "TestData, 69 bytes" in result.out[0]


def test_dump_shows_only_the_part_of_the_map_that_offset_and_length_select(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(b"###" + ImageData("p", PNG).to_bytes() + b"###")
    result = run("dump", path, "--file", "--offset", 3, "--length", 17, "--json")
    found = json.loads(result.out[0])
    assert (found["kind"], found["size"]) == ("blob", 17)
    assert [field["name"] for field in found["fields"]][-1] == "content"


# --- errors ---


@pytest.mark.parametrize("arguments", [("read-image",), ("read-struct",), ("dump",)])
def test_a_missing_map_is_an_error_of_one_line_with_status_1(run, map_name, arguments):
    result = run(*arguments, map_name)
    assert (result.status, result.out) == (1, [])
    assert result.errors == f"pyshm: no map named '{map_name}'; pyshm list shows the maps\n" or (
        sys.platform == "win32" and result.errors.startswith("pyshm: ")
    )


def test_control_characters_in_a_name_are_escaped_in_the_error(run):
    result = run("dump", "no\x1b[31m\nmap\x07", "--file")
    assert result.status == 1
    assert "\x1b" not in result.errors
    assert "\x07" not in result.errors
    assert result.errors.count("\n") == 1
    assert "no-such\\x1b" in run("write-image", "m", "no-such\x1bfile").errors


def test_the_error_of_a_missing_file_has_no_error_number(run, map_name):
    result = run("write-image", map_name, "no-such-file")
    assert result.errors == "pyshm: no-such-file: No such file or directory\n"


def test_the_error_of_a_file_in_a_missing_folder_names_the_folder(run, map_name):
    path = f"no-such-folder{os.sep}photo.png"
    result = run("write-image", map_name, path)
    assert result.errors == f"pyshm: {path}: there is no folder no-such-folder\n"


@pytest.mark.skipif(sys.platform == "win32", reason="there a path can be the name of a map")
def test_the_error_of_a_path_as_the_name_of_a_map_names_the_option_for_files(run):
    result = run("dump", "./map.bin")
    assert result.errors.endswith(
        "separator (/ or \\); for the path of a mapped file, use --file\n"
    )
    assert "--file" not in run("clean", "./map.bin").errors  # it has no such option


def test_the_error_of_a_missing_mapped_file_does_not_name_the_list_of_named_maps(run):
    result = run("dump", "no-such-file", "--file")
    assert result.status == 1
    assert "pyshm list" not in result.errors


@pytest.mark.parametrize("more", [["--offset", "4099"], ["--length", "0"]])
def test_the_error_says_that_no_byte_of_the_map_is_selected(run, tmp_path, more):
    path = tmp_path / "map"
    path.write_bytes(bytes(4096))  # whole pages, as a view on Windows has
    result = run("dump", path, "--file", *more)
    assert (result.status, result.out) == (1, [])
    assert "no byte of the map is selected: it has 4,096 bytes" in result.errors


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["write-struct", "m", "--id", "1.5"], "argument --id: a whole number, not '1.5'"),
        (["write-struct", "m", "--scores", "1,x"], "argument --scores: a whole number, not 'x'"),
        (
            ["write-struct", "m", "--capacity", ""],
            "argument --capacity: a number of bytes such as 5000",
        ),
        (["dump", "m", "--offset", "-1"], "argument --offset: at least 0, not -1"),
        (["dump", "m", "--array", "0"], "argument --array: at least 1, not 0"),
        (["watch", "m", "--count", "0"], "argument --count: at least 1, not 0"),
        (["watch", "m", "--interval", "nan"], "more than 0 and at most 86400 seconds, not nan"),
        (["watch", "m", "--interval", "x"], "more than 0 and at most 86400 seconds, not x"),
    ],
)
def test_the_error_of_an_invalid_value_says_what_is_valid(run, arguments, sentence):
    result = run(*arguments)
    assert result.status == 2
    assert sentence in result.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["write-image", "MAP", "no-such-file"],
        ["write-struct", "MAP", "--id", "2147483648"],
        ["write-struct", "MAP", "--scores", "1,2"],
        ["write-struct", "MAP", "--capacity", "0"],
        ["write-struct", "a\\b\\c"],
        ["write-struct", "MAP", "--capacity", "47"],
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="there 47 bytes are a page")
def test_a_writer_that_fails_says_why_on_one_line_and_leaves_no_map(run, map_name, arguments):
    result = run(*[map_name if argument == "MAP" else argument for argument in arguments])
    assert (result.status, result.out) == (1, [])
    assert result.errors.startswith("pyshm: ")
    assert result.errors.count("\n") == 1
    assert gone(map_name)


def test_a_value_out_of_range_is_refused_before_the_file_is_created(run, tmp_path):
    assert run("write-struct", tmp_path / "map", "--file", "--age", "2147483648").status == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["nothing"],
        ["write-image"],
        ["write-image", "map"],
        ["read-struct"],
        ["read-struct", "map", "--out", "x"],
        ["write-struct", "map", "--id", "x"],
        ["write-struct", "map", "--scores", "1,x"],
        ["write-struct", "map", "--capacity", "many"],
        ["dump", "map", "--as", "nothing"],
        ["dump", "map", "--offset", "-1"],
        ["dump", "map", "--length", "-1"],
    ],
)
def test_wrong_usage_is_status_2(run, arguments):
    result = run(*arguments)
    assert (result.status, result.out) == (2, [])
    assert result.errors.startswith("usage: pyshm")


def test_without_arguments_the_help_is_printed(capsys):
    assert main([]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert "  pyshm list " in printed.out
    assert main(["--help"]) == 0
    assert capsys.readouterr() == printed


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["dmup", "data"], "there is no command 'dmup'; did you mean dump?"),
        (["read_image", "x"], "there is no command 'read_image'; did you mean read-image?"),
        (["xyz"], "there is no command 'xyz'; pyshm --help lists them"),
        (["dump", "data", "--jsno"], "unrecognized arguments: --jsno; did you mean --json?"),
        (["write-struct", "m", "--capcity=5"], "did you mean --capacity?"),
        (["dump", "data", "--xyzxyz"], "unrecognized arguments: --xyzxyz\n"),
        (["dump", "data", "more"], "pyshm dump: error: unrecognized arguments: more\n"),
        (["--versoin"], "unrecognized arguments: --versoin; did you mean --version?"),
    ],
)
def test_the_error_of_a_misspelled_word_says_what_was_meant(run, arguments, sentence):
    result = run(*arguments)
    assert (result.status, result.out) == (2, [])
    assert sentence in result.errors


def test_a_file_is_replaced_only_when_asked(run, map_name, memory, tmp_path):
    memory.write_image(ImageData("p", b"xyz"))
    out = tmp_path / "out"
    out.write_bytes(b"old")
    result = run("read-image", map_name, "--out", out)
    assert (result.status, result.out, out.read_bytes()) == (1, [], b"old")
    assert result.errors == f"pyshm: {out}: the file exists already; --force replaces it\n"
    assert run("read-image", map_name, "--out", out, "--force").status == 0
    assert out.read_bytes() == b"xyz"
    assert run("read-image", map_name, "--out", os.devnull).status == 0


def test_nothing_is_reported_about_a_picture_that_can_not_be_shown(run, map_name, memory):
    memory.write_image(ImageData("p", b"xyz"))
    result = run("read-image", map_name, "--show")
    assert (result.status, result.out) == (1, [])


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_a_help_text(run, name):
    result = run(name, "--help")
    assert result.status == 0
    assert result.out[0].startswith(f"usage: pyshm {name}")


def test_the_version_is_printed(run):
    assert run("--version").out == [f"pyshm {__version__}"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows reports a closed pipe differently")
def test_a_closed_pipe_is_status_1_without_a_message(tmp_path, child_environment):
    path = tmp_path / "map"
    path.write_bytes(ImageData("p" * 300_000, b"x").to_bytes())
    process = subprocess.Popen(
        [sys.executable, "-m", "pyshm", "dump", str(path), "--file", "--as", "blob"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=child_environment,
    )
    try:
        process.stdout.readline()
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(30) == 1
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def test_output_that_the_encoding_can_not_represent_is_escaped(run, tmp_path):
    path = tmp_path / "map"
    path.write_bytes(ImageData("日本", b"x").to_bytes())
    result = run("read-image", path, "--file", env={"PYTHONIOENCODING": "ascii", "LC_ALL": "C"})
    assert (result.status, result.out[0]) == (0, "path: 日本")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has file names of any bytes")
def test_a_file_name_with_invalid_utf8_is_printed(run, tmp_path):
    path = tmp_path / os.fsdecode(b"m\xff")
    path.write_bytes(TestData.standard().to_bytes())
    result = run("dump", path, "--file", "--as", "raw")
    assert (result.status, result.errors) == (0, "")
    assert result.out[0] == f"{tmp_path}/m\\udcff: raw, 48 bytes"


def test_main_accepts_arguments_and_returns_the_status(capsys, tmp_path):
    from pyshm.cli import main

    path = tmp_path / "map"
    path.write_bytes(TestData.standard().to_bytes())
    assert main(["read-struct", os.fspath(path), "--file"]) == 0
    assert capsys.readouterr().out == f"{TestData.standard()}\n"


def test_saving_a_picture_to_the_mapped_file_itself_is_refused(run, tmp_path):
    path = tmp_path / "map"
    content = ImageData("p", b"xyz").to_bytes()
    path.write_bytes(content)
    result = run("read-image", path, "--file", "--out", path)
    assert (result.status, result.out) == (1, [])
    assert "is the mapped file itself" in result.errors
    assert path.read_bytes() == content


def test_options_are_not_abbreviated(run, map_name):
    assert run("write-struct", map_name, "--cap", "100").status == 2
