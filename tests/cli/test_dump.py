"""``pyshm dump``: the user's own structs, pages, pictures, colors."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from pyshm import ImageData, TestData
from pyshm.cli import main

MODULE = """
from pyshm import Struct
from pyshm.types import Byte, Double

class Point(Struct):
    flag: Byte
    x: Double

class Outer:
    class Inner(Struct):
        flag: Byte

number = 7
"""
STRUCT = TestData.standard().to_bytes()


def png():
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(target, "PNG")
    return target.getvalue()


@pytest.fixture
def here(module_here):
    """The name of a module in the current directory."""
    return module_here(MODULE)


@pytest.fixture
def run(here, capsys):
    """``run(data, *options)`` dumps ``data`` and returns the status, output and errors."""

    def running(data, *options):
        Path("map").write_bytes(data)
        status = main(["dump", "map", "--file", "--length", str(len(data)), *options])
        printed = capsys.readouterr()
        return status, printed.out.splitlines(), printed.err

    return running


def test_a_struct_of_the_users_module_is_shown(run, here):
    status, out, _ = run(bytes([5, *range(15)]) + b"!", "--as", f"{here}:Point")
    assert status == 0
    assert out[0] == "map: Point, 17 bytes"
    assert [line[77:] for line in out[1:]][:2] == ["Flag = 5", "padding (7 bytes)"]
    assert out[-1].endswith("stale (1 bytes)")


def test_a_nested_class_is_found(run, here):
    assert run(b"\x07", "--as", f"{here}:Outer.Inner")[1][1].endswith("Flag = 7")


def test_an_array_of_structs_is_shown(run, here):
    _, out, _ = run(bytes(32), "--as", f"{here}:Point", "--array", "2", "--json")
    found = json.loads(out[0])
    assert found["kind"] == "Point[2]"
    assert [field["name"] for field in found["fields"] if field["name"] != "padding"] == [
        "[0].Flag",
        "[0].X",
        "[1].Flag",
        "[1].X",
    ]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("HERE:Nothing", "HERE:Nothing: there is no such class; structs in HERE: Point"),
        ("HERE:number", "7 is not a subclass of pyshm.Struct"),
        ("HERE:Struct", "is not a subclass of pyshm.Struct; structs in HERE: Point"),
        ("HERE:", "expected blob, TestData, raw, module:Class or x.dll:Full.Name"),
        ("no_such_module_of_mine:Point", "there is no module no_such_module_of_mine in "),
        ("no_such_package.part:Point", "there is no module no_such_package in "),
        ("nonsense", "expected blob, TestData, raw, module:Class or x.dll:Full.Name"),
        ("broken:Point", "importing broken failed: ZeroDivisionError"),
        ("unmet:Point", "importing unmet failed: No module named 'missing_thing'"),
        ("leaves:Point", "importing leaves failed: SystemExit"),
        (":Point", "expected blob, TestData, raw, module:Class or x.dll:Full.Name"),
    ],
)
def test_a_wrong_name_is_wrong_usage_with_a_clear_message(run, here, kind, message):
    for name, text in (("broken", "1/0"), ("unmet", "import missing_thing"), ("leaves", "exit(3)")):
        Path(f"{name}.py").write_text(text)
    status, out, errors = run(bytes(48), "--as", kind.replace("HERE", here))
    assert (status, out) == (2, [])
    assert errors.startswith("usage: pyshm dump")
    assert message.replace("HERE", here) in errors


@pytest.mark.parametrize("options", [["--array", "0", "--as", "TestData"], ["--array", "2"]])
def test_an_array_without_a_struct_is_wrong_usage(run, options):
    assert run(bytes(96), *options)[0] == 2


def test_a_map_too_small_for_the_struct_is_status_1(run, here):
    status, out, errors = run(bytes(15), "--as", f"{here}:Point")
    assert (status, out) == (1, [])
    assert errors == "pyshm: Point needs 16 bytes; there are 15\n"


def test_the_json_describes_the_picture(run):
    _, out, _ = run(ImageData("p", png()).to_bytes(), "--json")
    assert json.loads(out[0])["picture"] == {
        "format": "PNG",
        "mime": "image/png",
        "width": 3,
        "height": 2,
        "mode": "RGB",
    }


def test_the_json_of_anything_else_has_no_picture(run):
    assert "picture" not in json.loads(run(ImageData("p", b"xyz").to_bytes(), "--json")[1][0])
    assert "picture" not in json.loads(run(STRUCT, "--json")[1][0])


def test_the_option_all_shows_every_byte(run):
    data = ImageData("p", b"x" * 100).to_bytes()
    assert run(data, "--as", "blob")[1][-1].endswith("36 more bytes")
    assert run(data, "--as", "blob", "--all")[1][-1].endswith("xxxx")


@pytest.mark.parametrize("options", [[], ["--as", "raw"]])
def test_of_raw_bytes_the_first_256_are_shown(run, options):
    data = bytes(range(1, 256)) + b"last" + b"x" * 100
    options = [*options, "--length", str(len(data))]  # on Windows there is a whole page
    status, out, _ = run(data, *options)
    assert (status, len(out)) == (0, 1 + 16 + 1)
    assert out[16].split()[:2] == ["000000f0", "f1"]
    assert out[17].endswith("103 more bytes")
    assert run(data, "--all", *options)[1][-1].endswith("xxxx")
    assert ("--as reads them" in out[0]) == ("raw" not in options)


@pytest.mark.parametrize("options", [[], ["--json"], ["--html", "-"]])
def test_the_bytes_and_the_values_are_of_one_moment(monkeypatch, run, options):
    import pyshm.dump

    annotate = pyshm.dump.annotate

    def annotate_and_change(buffer, *arguments, **more):
        found = annotate(buffer, *arguments, **more)
        Path("map").write_bytes(b"\xff" * 48)
        return found

    monkeypatch.setattr(pyshm.dump, "annotate", annotate_and_change)
    status, out, _ = run(STRUCT, "--as", "TestData", *options)
    text = "\n".join(out)
    assert status == 0
    assert "ff ff" not in text
    if not options:
        assert out[1].startswith("00000000  64 00 00 00 ")
        assert out[1].endswith("Id = 100")


# --- files ---


def test_the_page_and_the_picture_are_written_instead_of_the_text(run):
    from PIL import Image

    status, out, _ = run(STRUCT, "--as", "TestData", "--html", "a.html", "--png", "b.png")
    assert (status, out) == (0, [])
    assert "Scores[0…3]" in Path("a.html").read_text(encoding="utf-8")
    with Image.open("b.png") as image:
        assert image.format == "PNG"


def test_json_is_printed_in_addition_to_the_files(run):
    _, out, _ = run(STRUCT, "--as", "TestData", "--html", "a.html", "--json")
    assert json.loads(out[0])["kind"] == "TestData"
    assert Path("a.html").exists()


def test_the_page_contains_the_picture_and_the_offset(run):
    data = ImageData("p", png()).to_bytes()
    run(b"###" + data, "--offset", "3", "--html", "a.html")
    text = Path("a.html").read_text(encoding="utf-8")
    assert "data:image/png;base64," in text
    assert "map from byte 3 on" in text


def test_the_page_can_go_to_standard_output(command, tmp_path):
    (tmp_path / "map").write_bytes(STRUCT)
    process = command("dump", str(tmp_path / "map"), "--file", "--html", "-")
    assert process.line() == "<!DOCTYPE html>"
    assert process.wait() == 0


@pytest.mark.parametrize("options", [["--html", "-", "--png", "-"], ["--png", "-", "--json"]])
def test_only_one_result_can_go_to_standard_output(run, options):
    status, out, errors = run(STRUCT, *options)
    assert (status, out) == (2, [])
    assert "use only one of" in errors


def test_the_mapped_file_itself_is_not_overwritten(run):
    status, _, errors = run(STRUCT, "--html", "map")
    assert status == 1
    assert "is the mapped file itself" in errors
    assert Path("map").read_bytes() == STRUCT


def test_neither_file_is_written_if_one_fails(run):
    data = ImageData("p", b"x" * 100_000).to_bytes()
    status, _, errors = run(data, "--html", "a.html", "--png", "b.png", "--all")
    assert status == 1
    assert "more than 2000 rows" in errors
    assert list(Path().glob("[ab].*")) == []


def test_a_file_that_can_not_be_written_is_status_1_and_leaves_nothing(run):
    status, _, errors = run(STRUCT, "--html", "none/a.html")
    assert status == 1
    assert errors.startswith("pyshm: ")


def test_a_path_with_surrogates_does_not_break_the_page(run):
    data = bytes.fromhex("01000000 ff 01000000 78")
    assert run(data, "--html", "a.html")[0] == 0


# --- colors ---


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def terminal(run, monkeypatch):
    """The output of a dump on a terminal."""
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "110")

    def shown(data):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", Terminal())
            assert run(data)[0] == 0
            return sys.stdout.getvalue()

    return shown


def test_a_terminal_gets_colors_and_a_line_about_the_picture(terminal):
    pytest.importorskip("rich")
    found = terminal(ImageData("p", png()).to_bytes())
    assert "\x1b[" in found
    assert "PNG picture, 3 x 2, RGB" in found


def test_no_color_gives_plain_text(terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    found = terminal(ImageData("\x9bp", png()).to_bytes())
    assert "\x1b" not in found
    assert "\x9b" not in found
    assert found.endswith("PNG picture, 3 x 2, RGB\n")


def test_without_rich_a_terminal_gets_text(terminal, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.console", None)
    assert terminal(STRUCT).splitlines()[1].endswith("  d.......<...=...")


def test_a_pipe_gets_the_text_that_the_dotnet_program_prints(run):
    _, out, _ = run(ImageData("p", png()).to_bytes())
    assert out[0] == f"map: blob, {9 + len(png())} bytes"
    assert not any("PNG picture" in line for line in out)


@pytest.mark.skipif(sys.platform == "win32", reason="there a page of the map is shown")
def test_help_loads_neither_the_dump_nor_the_structs(child_environment):
    program = (
        "import sys; from pyshm.cli import main; main(['dump', '--help']); "
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment,
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    loaded = set(re.findall(r"\S+", done.stdout))
    assert loaded & {"PIL", "rich", "cffi", "pyshm.dump", "pyshm.structs"} == set()
