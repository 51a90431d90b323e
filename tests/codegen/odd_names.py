# ruff: noqa: E501 - tables of words
"""Names and text that one language allows and another one takes for something else."""

from __future__ import annotations

import keyword

__all__ = ["CSHARP_KEYWORDS", "NAMES", "SEPARATORS", "TEXTS"]

CSHARP_KEYWORDS = """abstract as base bool break byte case catch char checked class const continue
decimal default delegate do double else enum event explicit extern false finally fixed float for
foreach goto if implicit in int interface internal is lock long namespace new null object operator out
override params private protected public readonly ref return sbyte sealed short sizeof stackalloc
static string struct switch this throw true try typeof uint ulong unchecked unsafe ushort using virtual
void volatile while __arglist __makeref __reftype __refvalue add allows alias and ascending args async
await by descending dynamic equals extension field file from get global group init into join let
managed nameof nint not notnull nuint on or orderby partial record remove required scoped select set
unmanaged value var when where with yield""".split()  # noqa: SIM905 - a list of names

# Python reads these as other text, or as several characters.
NORMALIZED = [
    "while⑴", "µs", "ﬁeld", "ｐａｓｓ", "Ｎｏｎｅ", "ｓｅｌｆ", "＿＿init＿＿", "ſelf", "𝐱", "x²", "½", "ª",
    "İ", "ΐ", "௰", "·a", "a·b", "ͺ", "⑴", "①②", "\u0301x", "\u0307", "x\u0307", "ﷺ", "…", "﹍", "Ⅷ", "℘",
    "ﬀ", "ﬀ_", "कि", "e\u0301", "é", "ｌａｙｏｕｔ", "ｉｎｔ", "ᵢf", "𝗅𝖺𝗆𝖻𝖽𝖺", "ａs", "K", "Å",
]  # fmt: skip
# They end a line for one of the languages, or for a terminal.
SEPARATORS = [f"a{char}b" for char in "\n\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"]
INVISIBLE = [
    f"a{char}b" for char in "\0\x07\x08\x1b\x7f\x9b\u00ad\u061c\u200b\u200d\u200e\u200f\u202a\u202e"
    "\u2066\u2069\u3164\ufeff\ufff9\uffff\U000e0001\ud800\udc80\udfff"
]  # fmt: skip
ATTACKS = [
    "", " ", ".", "..", "1", "-", "a b", "a-b", '"', "'", "\\", '"""', "'''", '""""', "\\'", "a\\",
    '"); import os #', "x: t.Int32\n    y", "x = 1; y", "*/", "//", "/* ", "<b>", "</script>", "]]>",
    "&lt;", "--", "%s", "{x}", "${x}", "$(x)", "`x`", "=1+1", "\x1b[2J", "_", "__", "___", "__x", "__x__",
    "<x>", "<x>P", "<x>k__BackingField", "x@", "@x", "<I.A>k__BackingField", "<>1__state", "<i>5__2",
    "x" * 300, "\U0001f600", "日本語", "größe", "naïve",
]  # fmt: skip
NAMES = [
    *NORMALIZED, *SEPARATORS, *INVISIBLE, *ATTACKS, *keyword.kwlist, *keyword.softkwlist,
    *CSHARP_KEYWORDS, "self", "print", "t", "Struct", "Annotated", "IntEnum", "sys", "layout", "view",
    "from_bytes", "make", "__make__", "exec", "mro", "name", "value", "real", "_value_", "_missing_",
    "_ignore_", "_name_", "buffer", "offset", "_raw_0_", "_memory_", "_at_0_", "_fields_", "v1", "n1",
]  # fmt: skip
TEXTS = [
    *NORMALIZED,
    *SEPARATORS,
    *INVISIBLE,
    *ATTACKS,
    *(f"{text}\nimport os\n" for text in ('"""', "x\\", "'''")),
]
