"""Names in Python that are similar to names of other languages."""

from __future__ import annotations

import re
import unicodedata
from keyword import iskeyword

__all__ = ["identifier", "is_identifier", "is_of_property", "written_name"]

_OF_PROPERTY = ">k__BackingField"
# The names that compilers give to fields. C#: of an automatic property (k__BackingField), of a
# parameter that a primary constructor keeps (P), of a member of an anonymous type (i__Field), of a
# local variable of an async method or iterator (5__N). F#: of a record, and of "member val" (X@).
# Most programs never ask for one, so the pattern is compiled on first use.
_COMPILER_NAME = rf"(?s)<(?P<csharp>.+)(?:{_OF_PROPERTY}|>P|>i__Field|>5__\d+)|(?P<fsharp>.+)@"


def identifier(name: str, prefix: str) -> str:
    """Return an identifier similar to ``name``.

    ``prefix`` is put before a name that can't begin an identifier.

    Python reads an identifier in its normal form NFKC, which changes some letters into several
    characters; therefore the name is normalized before anything else. The result can be a keyword.
    """
    name = unicodedata.normalize("NFKC", name)
    name = re.sub("\0+", "_", "".join(char if f"x{char}".isidentifier() else "\0" for char in name))
    if not name.isidentifier():
        name = prefix + name
    return unicodedata.normalize("NFKC", name)


def is_identifier(name: str) -> bool:
    """Return whether Python source can use the name, and reads it as it is."""
    return (
        name.isidentifier() and not iskeyword(name) and unicodedata.normalize("NFKC", name) == name
    )


def is_of_property(name: str) -> bool:
    """Return whether it is the C# compiler's name for the field of an automatic property."""
    return name.endswith(_OF_PROPERTY)


def written_name(name: str) -> str:
    """Return the name that the programmer gave to a field, from the compiler's name of it."""
    found = re.fullmatch(_COMPILER_NAME, name)
    if found is None:
        return name
    # The name of a property that implements an interface begins with the interface.
    return (found["csharp"] or found["fsharp"]).rpartition(".")[2]
