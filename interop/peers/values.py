"""Arguments of steps as Python values; Python values and errors as answers in JSON."""

from __future__ import annotations

import hashlib
import io
import os
import struct
from decimal import Decimal
from typing import Any

from pyshm.errors import PyshmError
from pyshm.formats.image import ImageData
from pyshm.formats.testdata import TestData
from pyshm.maps.enums import (
    FileMode,
    HandleInheritability,
    MemoryMappedFileAccess,
    MemoryMappedFileOptions,
)

from .serve import Step

__all__ = [
    "BadStepError",
    "NoObjectError",
    "blob_manifest",
    "creation",
    "default",
    "digest",
    "enum",
    "error_report",
    "from_json",
    "image_of",
    "image_report",
    "named",
    "open_stream",
    "strict",
    "struct_of",
    "struct_report",
    "to_json",
    "view",
]


class BadStepError(Exception):
    """A step that this peer does not know, or whose argument is not valid."""


class NoObjectError(Exception):
    """A step that uses an object which no earlier step made."""


# --- arguments ----------------------------------------------------------------------------


def enum(kind: type[Any], step: Step, key: str, default: int) -> Any:
    """Return the argument as a member of ``kind``, or the number if there is no such member."""
    number = step.get(key, default)
    try:
        return kind(number)
    except ValueError:
        return number  # the library has to refuse it


def named(step: Step) -> tuple[Any, int]:
    """Return the name and the capacity of a named map."""
    return step.get("name"), step["capacity"]


def creation(step: Step) -> dict[str, Any]:
    """Return the options with which a named map is created."""
    return {
        "access": enum(MemoryMappedFileAccess, step, "access", 0),
        "options": enum(MemoryMappedFileOptions, step, "options", 0),
        "inheritability": enum(HandleInheritability, step, "inheritability", 0),
    }


def view(step: Step) -> tuple[int, int, Any]:
    """Return offset, size and access of a view."""
    access = enum(MemoryMappedFileAccess, step, "access", 0)
    return step.get("offset", 0), step.get("size", 0), access


def open_stream(step: Step) -> io.FileIO:
    """Open a file, unbuffered, by FileMode and FileAccess, as a FileStream does."""
    access = {1: os.O_RDONLY, 2: os.O_WRONLY, 3: os.O_RDWR}[step.get("file_access", 3)]
    modes = {
        FileMode.CREATE_NEW: os.O_CREAT | os.O_EXCL,
        FileMode.CREATE: os.O_CREAT | os.O_TRUNC,
        FileMode.OPEN: 0,
        FileMode.OPEN_OR_CREATE: os.O_CREAT,
        FileMode.TRUNCATE: os.O_TRUNC,
    }
    flags = access | modes[FileMode(step.get("mode", 3))] | getattr(os, "O_BINARY", 0)
    descriptor = os.open(step["path"], flags, 0o666)
    return io.FileIO(descriptor, {1: "rb", 2: "wb", 3: "rb+"}[step.get("file_access", 3)])


def strict(step: Step) -> bool:
    """Return whether invalid UTF-8 is an error."""
    return not step.get("replace")


def image_of(step: Step) -> ImageData:
    """Return the image of a step; its content is in the step, or in a file."""
    if "file" in step:
        with open(step["file"], "rb") as file:
            return ImageData(step["path"], file.read())
    return ImageData(step["path"], bytes.fromhex(step["bytes"]))


def struct_of(step: Step) -> TestData:
    """Return the struct of a step."""
    value = TestData.standard()
    value.id, value.age, value.scores = step["id"], step["age"], step["scores"]
    return value


def from_json(kind: str, value: Any) -> Any:
    """Return a value of ``read`` and ``write`` that JSON carries."""
    if kind == "char":
        return chr(value)
    if kind in ("single", "double"):
        return struct.unpack(">f" if kind == "single" else ">d", bytes.fromhex(value))[0]
    return Decimal(value) if kind == "decimal" else value


def default(kind: str) -> Any:
    """Return the value that an array element of that type has at first."""
    return {"boolean": False, "char": "\0", "single": 0.0, "double": 0.0}.get(
        kind, Decimal(0) if kind == "decimal" else 0
    )


# --- answers ------------------------------------------------------------------------------


def to_json(kind: str, value: Any) -> Any:
    """Return the opposite of :func:`from_json`."""
    if kind == "char":
        return ord(value)
    if kind in ("single", "double"):
        return struct.pack(">f" if kind == "single" else ">d", value).hex()
    return f"{value:f}" if kind == "decimal" else value


def digest(key: str, data: Any) -> dict[str, Any]:
    """Return the number of bytes, under ``key``, and their SHA-256."""
    return {key: len(data), "sha256": hashlib.sha256(data).hexdigest()}


def image_report(image: ImageData) -> dict[str, Any]:
    """Return the answer that describes an image."""
    return {"path": image.path, **digest("length", image.content)}


def struct_report(value: TestData) -> dict[str, Any]:
    """Return the answer that describes a struct."""
    return {"id": value.id, "age": value.age, "scores": value.scores, "text": str(value)}


def blob_manifest(path: str, content: bytes, data: bytes) -> list[dict[str, Any]]:
    """Describe the blob ``data`` as a struct, by the offsets at which its parts are found."""
    fields: list[dict[str, Any]] = []
    for name, part in (("path", path.encode()), ("content", content)):
        start = data.find(part)
        # A length is in front of what it counts; another encoding may have none there.
        found = data[max(start - 4, 0) : start] == struct.pack("<i", len(part))
        place = {
            "native_offset": start - 4 if found else None,
            "native_size": 4 if found else None,
        }
        fields.append({"name": f"{name}_length", "type": "int", **place})
        marshal_as = {"unmanaged_type": "ByValArray", "size_const": len(part)}
        whole = {"name": name, "type": {"array": "byte"}, "marshal_as": marshal_as}
        fields.append({**whole, "native_offset": start, "native_size": len(part)})
    head = {"name": "ImageData", "kind": "struct", "pack": 1}
    return [{**head, "fields": fields, "native_size": len(data)}]


# --- errors -------------------------------------------------------------------------------


def error_report(error: BaseException) -> dict[str, Any]:
    """Return an error as the protocol has it: its kind, and its facts."""
    if isinstance(error, PyshmError):
        kind = error.kind
    elif isinstance(error, NoObjectError):
        kind = "no-object"
    elif isinstance(error, OSError):
        kind = _os_error_kind(error)
    else:
        kind = "unexpected"
    return {
        "kind": kind,
        "type": type(error).__name__,
        "message": str(error),
        "field": getattr(error, "field", None),
        "offset": getattr(error, "offset", None),
        "value": _plain(getattr(error, "value", None)),
        "limit": _plain(getattr(error, "limit", None)),
    }


def _os_error_kind(error: OSError) -> str:
    """Return the kind of an error of ``open``, which runs before the library is called."""
    if isinstance(error, FileNotFoundError):
        return "not-found"
    if isinstance(error, FileExistsError):
        return "already-exists"
    if getattr(error, "winerror", None) == 32:  # ERROR_SHARING_VIOLATION, an IOException in .NET
        return "io"
    return "unauthorized" if isinstance(error, (PermissionError, IsADirectoryError)) else "io"


def _plain(value: Any) -> Any:
    return value if isinstance(value, (int, str, type(None))) else str(value)
