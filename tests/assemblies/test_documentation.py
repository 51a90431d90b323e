"""The .xml file beside an assembly, which is not trusted."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from pyshm.assemblies import Assembly
from pyshm.assemblies import documentation as module
from pyshm.assemblies.documentation import Documentation
from pyshm.cli import main

pytest.importorskip("dnfile")
DATA = Path(__file__).parent / "data"
BOMB = """<!DOCTYPE doc [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<doc><members><member name="T:X"><summary>&b;&b;&b;</summary></member></members></doc>"""


def member(text, name="T:X"):
    return f'<doc><members><member name="{name}">{text}</member></members></doc>'


@pytest.fixture
def read(tmp_path):
    """``read(content)`` returns the Documentation of an assembly with that .xml file."""

    def reading(content):
        (tmp_path / "x.xml").write_bytes(
            content if isinstance(content, bytes) else content.encode()
        )
        return Documentation(str(tmp_path / "x.dll"))

    return reading


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("<summary> one\n two </summary>", "one two"),
        ("<summary>a<para>b</para>c</summary>", "a\n\nb\n\nc"),
        ('<summary>See <see cref="T:A.B"/>.</summary>', "See A.B."),
        ('<summary>See <see cref="T:A.B">it</see>.</summary>', "See it."),
        ('<summary><see href="http://x/y:z"/> <paramref name="n"/></summary>', "http://x/y:z n"),
        ("<summary>&lt;b&gt; &#65;</summary>", "<b> A"),
        ("<summary>first</summary><summary>second</summary>", "first"),
        ("<remarks><summary>no</summary></remarks>", ""),
        ("<summary/>", ""),
        ("", ""),
    ],
)
def test_a_summary_is_read_as_text(read, content, expected):
    found = read(member(content))
    assert (found.of_type("X"), found.ignored) == (expected, "")


def test_other_places_have_no_summaries(read):
    found = read("<doc><member name='T:X'><summary>no</summary></member></doc>")
    assert (found.of_type("X"), found.ignored) == ("", "")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [BOMB, BOMB.replace("doc [", "doc SYSTEM 'file:///x' [")])
def test_a_document_type_is_ignored_in_every_encoding(read, encoding, text):
    header = f'<?xml version="1.0" encoding="{encoding[:6]}"?>'
    found = read((header + text).encode(encoding))
    assert found.of_type("X") == ""
    assert "document type" in found.ignored or "not well-formed" in found.ignored


def test_entities_in_utf_16_are_not_expanded(read):
    found = read(("\ufeff" + BOMB).encode("utf-16-le"))
    assert found.ignored.endswith("x.xml: it has a document type, which no compiler writes")


@pytest.mark.parametrize(
    "encoding", ["no-such-encoding", "utf-7", "zlib", "base64", "idna", "rot13", "utf-32", "cp037"]
)
def test_an_unusual_encoding_is_ignored_or_read(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>' + member("<summary>a</summary>")
    found = read(text)
    assert bool(found.ignored) != (found.of_type("X") == "a")


@pytest.mark.parametrize(
    "content", [b"", b"\0", b"no xml", b"<doc>", b"\xff\xfe", b"<doc></dog>", b"<doc>\xff</doc>"]
)
def test_a_damaged_file_is_ignored(read, content):
    assert read(content).ignored != ""


def test_deep_elements_are_ignored(read):
    deep = 100_000
    found = read(member("<summary>" + "<b>" * deep + "</b>" * deep + "</summary>"))
    assert "nested more than 200 deep" in found.ignored


def test_a_large_file_is_ignored(read, monkeypatch):
    monkeypatch.setattr(module, "_LARGEST", 10)
    assert "more than 10 bytes" in read(member("")).ignored


def test_a_missing_file_is_not_worth_a_word(tmp_path):
    assert Documentation(str(tmp_path / "x.dll")).ignored == ""


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_is_not_a_file_is_ignored_at_once(tmp_path, kind):
    path = tmp_path / "x.xml"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    found = Documentation(str(tmp_path / "x.dll"))
    assert str(path) in found.ignored


def test_bind_says_that_documentation_was_ignored(tmp_path, capsys):
    shutil.copy(DATA / "Common.dll", tmp_path)
    (tmp_path / "Common.xml").write_text(BOMB)
    assert main(["bind", str(tmp_path / "Common.dll")]) == 0
    out, errors = capsys.readouterr()
    assert "class Place" in out
    assert f"no documentation from {tmp_path / 'Common.xml'}: it has a document type" in errors


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
@pytest.mark.parametrize("command", [["bind"], ["layout"]])
def test_an_assembly_that_is_a_pipe_or_a_device_is_refused_at_once(tmp_path, capsys, command):
    pipe, device = tmp_path / "pipe.dll", tmp_path / "device.dll"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        assert main([*command, str(path)]) == 1
        error = capsys.readouterr().err
        assert error == f"pyshm: {path}: it is a pipe or a device, not a file\n"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_a_pipe_among_the_references_is_not_opened(tmp_path):
    shutil.copy(DATA / "Shapes.dll", tmp_path)
    os.mkfifo(tmp_path / "Common.dll")
    found = Assembly.open(tmp_path / "Shapes.dll").find("Shapes.Elsewhere")
    assert "Common" in str(found.reason)
