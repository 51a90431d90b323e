"""Names and text from elsewhere in every output: one line each, and no command for a terminal."""

from __future__ import annotations

import io
import json
import re
import sys
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest

from pyshm import ImageData, ShareMemoryHelper, Struct
from pyshm import types as t
from pyshm.cli import console, main, watch_views
from pyshm.dump import annotate
from pyshm.dump.watching import Appeared, Waiting
from pyshm.layout.declarations import BuiltIn, FieldDeclaration, TypeDeclaration
from pyshm.layout.forms import Target
from pyshm.layout.layouts import native
from pyshm.layout.svg import picture

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no way to list named maps")

ODD = {
    "a line feed": "a\nb",
    "line ends": "a\rb\x0bc\x0cd\x1ce\x1df\x1eg\x85h\u2028i\u2029j",
    "commands for a terminal": "a\x1b[2Jb\x9b2Jc\x1b]0;title\x07d\x08e\x7ff\x01",
    "bidirectional marks": "a\u202eb\u2066c\u200fd\u200ee\u061c",
    "markup": "<b>a&b\"c'd[bold]e]]>--x",
    "an escape": "a\x20\u0062{0}%s$(x)`x`",
    "normalized": "ﬁ⑴日本語 \U0001f469\u200d\U0001f467",
}
odd = pytest.mark.parametrize("name", ODD.values(), ids=ODD)
HARMFUL = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(params=["pipe", "terminal", "color"])
def run(request, monkeypatch, tmp_path):
    """``run(*arguments)`` returns the status, the output and the errors, which do no harm."""
    directory = tmp_path / "maps"
    directory.mkdir()
    monkeypatch.setenv("PYSHM_DIRECTORY", str(directory))
    monkeypatch.setenv("COLUMNS", "200")
    for variable in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(variable, raising=False)
    if request.param == "terminal":
        monkeypatch.setenv("NO_COLOR", "1")

    def running(*arguments):
        streams = [Terminal() if request.param != "pipe" else io.StringIO() for _ in range(2)]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", streams[0])
            patched.setattr(sys, "stderr", streams[1])
            status = main(arguments)
        texts = [stream.getvalue() for stream in streams]
        if request.param != "pipe":
            texts = [re.sub(r"\x1b\[[\d;]*m", "", text) for text in texts]
        for text in texts:
            assert not HARMFUL.search(text), ascii(text)
        return status, *texts

    return running


@posix
@odd
def test_a_map_with_an_odd_name_is_shown_on_one_line(run, name, tmp_path):
    with ShareMemoryHelper(name, 4096).create_or_open() as memory:
        memory.write_image(ImageData(f"{name}.png", b"xyz"))
        lines = len(run("list")[1].splitlines())
        assert lines == 2
        _, out, _ = run("list", "--names")
        assert len(out.splitlines()) == 1
        if name.isprintable():
            assert out == f"{name}\n"
        assert json.loads(run("list", "--names", "--json")[1])["names"] == [name]
        assert json.loads(run("list", "--json")[1])["maps"][0]["name"] == name
        for kind in ("blob", "raw"):
            status, out, _ = run("dump", "--as", kind, "--", name)
            assert status == 0
            assert ":" in out.splitlines()[0]
        assert json.loads(run("dump", "--json", "--as", "blob", "--", name)[1])["map"] == name
        page = tmp_path / "page.html"
        assert run("dump", "--as", "blob", "--html", str(page), "--", name)[0] == 0
        assert_is_a_page(page.read_text(encoding="utf-8"))
        status, out, _ = run("read-image", "--", name)
        assert (status, len(out.splitlines())) == (0, 3)
        assert json.loads(run("read-image", "--json", "--", name)[1])["path"] == f"{name}.png"
        assert len(run("clean", "--", name)[2].splitlines()) == 1


def assert_is_a_page(text):
    assert not HARMFUL.search(text)
    found = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, _: found.append(tag)
    parser.feed(text)
    assert set(found) <= {
        *(
            "html",
            "meta",
            "title",
            "style",
            "h1",
            "p",
            "figure",
            "img",
            "table",
            "tbody",
            "tr",
            "th",
        ),
        *("td", "span", "script"),
    }
    assert found.count("script") == 1


@posix
@odd
def test_an_error_about_an_odd_name_is_one_line(run, name):
    for arguments in (
        ("dump", "--", name),
        ("read-image", "--", name),
        ("read-struct", "--", name),
        ("clean", "--", name),
        ("dump", "--file", "--", name),
        ("bind", "--", f"{name}.dll"),
        ("layout", "--", f"{name}.dll"),
    ):
        status, out, errors = run(*arguments)
        assert (status, out) == (1, "")
        assert len(errors.splitlines()) == 1


@odd
def test_wrong_usage_with_odd_text_does_no_harm(run, name):
    for arguments in (
        ("layout", "--", name),
        ("layout", "--", f"{name}:X"),
        ("csharp", "--", f"{name}:X"),
        ("dump", "--as", name if not name.startswith("-") else f"x{name}", "--", "x"),
        ("dump", "x", "--array", f"x{name}"),
        ("dump", "x", f"--x{name}"),
        (f"x{name}",),
    ):
        try:
            status, _, errors = run(*arguments)
        except SystemExit as stop:
            status, errors = stop.code, "x"
        assert status in (1, 2)
        assert errors


MODULE = """
from typing import Annotated
from pyshm import Struct, types as t

class Odd(Struct, name={name!r}, charset="unicode"):
    field: Annotated[t.Int32, t.FieldName({name!r})]
    text: Annotated[str, t.ByValTStr(16)]
    letter: t.Char
"""


@posix
@odd
def test_a_type_with_odd_names_is_shown_on_one_line_for_each_field(
    run, name, module_here, tmp_path
):
    kind = f"{module_here(MODULE.format(name=name))}:Odd"
    try:
        status, out, _ = run("layout", kind)
        assert status == 0
        heading, *rows = out.splitlines()
        assert heading.endswith("bit)")
        assert len(rows) in (4, 5)
        assert json.loads(run("layout", kind, "--json")[1])["type"] == name
        assert len(run("layout", kind, "--diff", kind)[1].splitlines()) == 3
        assert run("layout", kind, "--svg", str(tmp_path / "x.svg"))[0] == 0
        ET.parse(tmp_path / "x.svg")
        with ShareMemoryHelper("map", 64).create_or_open() as memory:
            memory.buffer[4:34] = name[:15].encode("utf-16-le")[:30].ljust(30, b"\0")
            memory.buffer[36:38] = (0x202E).to_bytes(2, "little")
            status, out, _ = run("dump", "map", "--as", kind)
            assert status == 0
            assert "\\u202e" in out
            found = json.loads(run("dump", "map", "--as", kind, "--json")[1])["fields"]
            assert found[0]["name"] == name
            assert found[1]["value"] == name[:15]
            page = tmp_path / "page.html"
            assert run("dump", "map", "--as", kind, "--html", str(page))[0] == 0
            assert_is_a_page(page.read_text(encoding="utf-8"))
    finally:
        sys.modules.pop(kind.partition(":")[0], None)


@pytest.mark.parametrize("name", [*ODD.values(), "a\0b", "a\ud800b", "a\ufffeb"], ids=ascii)
def test_a_layout_is_a_picture_that_xml_allows(name):
    kind = TypeDeclaration(name, fields=(FieldDeclaration(name, BuiltIn("int")),))
    drawn = picture(native(kind, Target(8)), remark=name)
    ET.fromstring(drawn.encode("utf-8"))
    assert not HARMFUL.search(drawn)


class Letters(Struct, charset="unicode"):
    text: t.Char


@pytest.mark.parametrize("terminal", [False, True])
@odd
def test_a_log_has_one_line_for_each_event(name, terminal, capsys):
    stream = Terminal() if terminal else io.StringIO()
    data = bytearray(b"\x2e\x20")
    log = watch_views.Log(name, console.Console(stream))
    log.show(Waiting(name))
    log.show(Appeared(annotate(memoryview(data), Letters), data))
    json_lines = watch_views.JsonLines(name)
    json_lines.show(Waiting(name))
    json_lines.show(Appeared(annotate(memoryview(data), Letters), data))
    text = re.sub(r"\x1b\[[\d;]*m", "", stream.getvalue())
    assert not HARMFUL.search(text)
    assert len(text.splitlines()) == 3
    out = capsys.readouterr().out
    assert not HARMFUL.search(out)
    assert [json.loads(line)["map"] for line in out.splitlines()] == [name, name]
