r"""The rules for a map's name, and its form on each system (docs/named-maps.md, "Names").

Windows: https://learn.microsoft.com/windows/win32/termserv/kernel-object-namespaces
"""

from __future__ import annotations

import sys

from ..errors import ArgumentNullError, NameRuleError

__all__ = ["check_name"]

_EMPTY = "must not be empty"
_NAMESPACES = ("Local\\", "Global\\")
_MAX_FILE_NAME = 255  # bytes; NAME_MAX of every Linux and macOS file system in use


def check_name(name: str, *, windows: bool = sys.platform == "win32") -> str:
    r"""Return the name under which the system knows the map ``name``.

    On Windows that is ``name`` itself, as in .NET; the kernel checks it. On other systems it is a
    file name, without the prefixes ``Local\`` and ``Global\``. Raises :class:`NameRuleError`, which
    names the rule that ``name`` breaks, and :class:`ArgumentNullError` for None.
    """
    if name is None:
        raise ArgumentNullError("a map's name must be a str, not None", field="map_name")
    if not isinstance(name, str):
        raise ArgumentNullError(
            f"a map's name must be a str, not {type(name).__name__}", field="map_name", value=name
        )
    if windows:
        found, rule = name, None if name else _EMPTY
    else:
        found = _without_namespace(name)
        rule = _broken_file_rule(found)
    if rule is not None:
        raise NameRuleError(f"map name {name!r}: {rule}", field="map_name", value=name, limit=rule)
    return found


def _without_namespace(name: str) -> str:
    for prefix in _NAMESPACES:
        if name.startswith(prefix):
            return name[len(prefix) :]
    return name


def _broken_file_rule(name: str) -> str | None:
    if not name:
        return _EMPTY
    if "\0" in name:
        return "must not contain NUL"
    if "/" in name or "\\" in name:
        return "must not contain a separator (/ or \\)"
    if name in (".", ".."):
        return "must not be '.' or '..'"
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        return "must be encodable as UTF-8 (it contains a lone surrogate)"
    if name.startswith("."):
        return "must not begin with '.' (reserved for private files)"
    if name.startswith("sem."):
        return "must not begin with 'sem.' (reserved for the C library's semaphores)"
    if len(encoded) > _MAX_FILE_NAME:
        return f"must not be longer than {_MAX_FILE_NAME} bytes of UTF-8 (it has {len(encoded)})"
    return None
