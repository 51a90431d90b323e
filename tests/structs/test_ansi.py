"""Text in the code page 1252, as .NET marshals it on Windows.

The bytes are those that .NET 10 wrote and the characters those that it read, under Wine, with
Marshal.StructureToPtr and PtrToStructure.
"""

from __future__ import annotations

from typing import Annotated

import pytest

from pyshm import Struct
from pyshm import types as t
from pyshm.errors import StructValueError
from pyshm.layout.forms import Target
from pyshm.structs import for_target

WINDOWS = Target(8, windows=True)


class Text(Struct, target=WINDOWS):
    s: Annotated[str, t.ByValTStr(8)]


class Letters(Struct, target=WINDOWS):
    s: Annotated[list[str], t.ByValArray(t.Char, 4)]


class Letter(Struct, target=WINDOWS):
    s: t.Char


WRITTEN = [
    ("a\U0001f600b", "613f3f62"),
    ("\u0100", "41"),
    ("\u221e", "38"),
    ("\u20ac", "80"),
    ("\ud83dx", "3f78"),
    ("\u4e2d", "3f"),
    ("e\u0301", "65b4"),
    ("\uff21", "41"),
    ("\x81", "81"),
]


def units(text):
    raw = text.encode("utf-16-le", "surrogatepass")
    return [chr(raw[at] | raw[at + 1] << 8) for at in range(0, len(raw), 2)]


@pytest.mark.parametrize(("text", "literal"), WRITTEN)
def test_a_character_without_a_code_becomes_a_similar_one_or_a_question_mark(text, literal):
    data = bytes.fromhex(literal)
    assert Text(text).to_bytes(strict=False) == data.ljust(8, b"\0")
    letters = units(text.ljust(4, "\0"))[:4]
    assert Letters(letters).to_bytes(strict=False) == data.ljust(4, b"\0")
    assert Letter(letters[0]).to_bytes(strict=False) == (b"?" if text[0] == "\ud83d" else data[:1])


@pytest.mark.parametrize("text", ["\U0001f600", "\u0100", "\u221e", "\ud83d", "\u4e2d", "\uff21"])
def test_such_a_character_is_refused_by_default(text):
    with pytest.raises(StructValueError, match="can't be stored"):
        Text(f"a{text}").to_bytes()
    with pytest.raises(StructValueError):
        Letters(units(text.ljust(4, "\0"))[:4]).to_bytes()


@pytest.mark.parametrize(
    ("byte", "letter"),
    [
        (0x78, "x"), (0x7F, "\x7f"), (0x80, "\u20ac"), (0x81, "\x81"), (0x8D, "\x8d"),
        (0xA0, "\xa0"), (0xC5, "\xc5"), (0xFF, "\xff"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("strict", [True, False])
def test_text_and_arrays_are_read_with_the_code_page(byte, letter, strict):
    raw = bytes((byte, byte, 0, byte))
    assert Letters.from_bytes(raw, strict=strict).s == [letter, letter, "\0", letter]
    assert Text.from_bytes(raw.ljust(8, b"\0"), strict=strict).s == letter * 2


@pytest.mark.parametrize("byte", [0x78, 0x7F, 0x80, 0x81, 0xA0, 0xC5, 0xFF])
def test_dotnet_does_not_read_a_single_character_with_the_code_page(byte):
    raw = bytes((byte,))
    seen = chr(byte) if byte < 0x80 else "\ufffd"
    assert Letter.from_bytes(raw, strict=False).s == seen
    assert Letter.from_bytes(raw).to_bytes() == raw


def test_a_control_character_beside_a_letter_without_a_code_is_named_by_its_position():
    with pytest.raises(StructValueError, match=r"'\u0100' at 2"):
        Text("a\x81\u0100").to_bytes()


def test_every_byte_of_the_code_page_is_written_back():
    for byte in range(1, 256):
        data = bytes((byte,)).ljust(8, b"\0")
        assert Text(Text.from_bytes(data).s).to_bytes() == data
        assert for_target(Letter, WINDOWS).to_bytes(Letter(Letter.from_bytes(data).s)) == data[:1]


def declared(**options):
    """Return a struct of text and one of letters with that [BestFitMapping]."""

    class MappedText(Struct, target=WINDOWS, **options):
        s: Annotated[str, t.ByValTStr(8)]

    class MappedLetters(Struct, target=WINDOWS, **options):
        s: Annotated[list[str], t.ByValArray(t.Char, 4)]

    class MappedLetter(Struct, target=WINDOWS, **options):
        s: t.Char

    return MappedText, MappedLetters, MappedLetter


NO_BEST_FIT = [
    ("a\U0001f600b", "613f3f62"), ("\u0100", "3f"), ("\u221e", "3f"), ("\u20ac", "80"),
    ("\ud83dx", "3f78"), ("\u4e2d", "3f"), ("e\u0301", "653f"), ("\uff21", "3f"), ("\x81", "81"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "literal"), NO_BEST_FIT)
def test_without_best_fit_a_character_without_a_code_is_a_question_mark(text, literal):
    texts, letters, letter = declared(best_fit=False)
    data = bytes.fromhex(literal)
    assert texts(text).to_bytes(strict=False) == data.ljust(8, b"\0")
    parts = units(text.ljust(4, "\0"))[:4]
    assert letters(parts).to_bytes(strict=False) == data.ljust(4, b"\0")
    assert letter(parts[0]).to_bytes(strict=False) == data[:1]


@pytest.mark.parametrize("best_fit", [True, False])
@pytest.mark.parametrize(("text", "literal"), WRITTEN)
def test_dotnet_throws_for_a_character_without_a_code_if_it_is_told_to(text, literal, best_fit):
    texts, letters, _ = declared(best_fit=best_fit, throw_on_unmappable=True)
    data = bytes.fromhex(literal)
    parts = units(text.ljust(4, "\0"))[:4]
    if b"?" in data or (not best_fit and text not in ("\u20ac", "\x81")):
        with pytest.raises(StructValueError, match="can't be stored in"):
            texts(text).to_bytes(strict=False)
        with pytest.raises(StructValueError, match="can't be stored in"):
            letters(parts).to_bytes(strict=False)
    else:
        assert texts(text).to_bytes(strict=False) == data.ljust(8, b"\0")
        assert letters(parts).to_bytes(strict=False) == data.ljust(4, b"\0")
