"""Writes the function that makes a struct of given values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .compound import ArrayValue
from .fields import assigned_bytes
from .packed import Packed
from .shapes import Shape

__all__ = ["constructor_of"]


def constructor_of(packed: Packed, defaults: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function that makes a struct; its parameters are the fields.

    No field's name begins with two underscores, so that the names that the code itself uses do.
    """
    struct = packed.struct
    alone = {shape.field.name for shape in packed.alone}
    scope: dict[str, Any] = {
        "__bare": struct.__bare__,
        "__type": type,
        "__bytes": bytes,
        "__keep": _keep_source,
    }
    parameters = []
    body = []
    overlapped = []
    for overlap in packed.overlaps:
        scope[f"__zeros{overlap.bytes_slot}"] = bytes(overlap.size)
        body.append(f"self.{overlap.bytes_slot} = __zeros{overlap.bytes_slot}")
        body.append(f"self.{overlap.borrowed_slot} = None")
    for shape in packed.shapes:
        name = shape.field.name
        default = scope[f"__default_{name}"] = defaults[name]
        parameters.append(f"{name}=__default_{name}")
        if name not in alone:
            overlapped.append(f"{name!r}: {name}")
            body.append(f"if {name} is not None: self.{name} = {name}")
            continue
        value = name
        if not shape.is_plain:
            scope[f"__convert_{name}"] = assigned_bytes(shape)
            value = f"({name} if __type({name}) is not __bytes else __convert_{name}({name}))"
        body.append(f"self.{shape.slot} = {_or_default(shape, value, default, scope)}")
    lines = [
        f"def make({', '.join((*parameters, '*', '__source__=None'))}):",
        "    self = __bare()",
        *(f"    {line}" for line in body),
        f"    if __source__ is not None: __keep(self, __source__, {{{', '.join(overlapped)}}})",
        "    return self",
    ]
    exec(compile("\n".join(lines), f"<pyshm struct {struct.__name__}>", "exec"), scope)  # noqa: S102 - made from names alone
    make: Callable[..., Any] = scope["make"]
    return make


def _or_default(shape: Shape, value: str, default: Any, scope: dict[str, Any]) -> str:
    """Return the expression for what the slot gets: ``value``, or the default of the field."""
    name = shape.field.name
    conversion = shape.conversion
    if default is None:
        zero = f"__zero_{name}"
        if not conversion.mutable:
            scope[zero] = conversion.zero()
        elif isinstance(conversion, ArrayValue) and conversion.canonical:
            scope[zero] = bytes(conversion.size)  # becomes a list when the attribute is read
        else:
            scope[zero] = conversion.zero
            zero += "()"
        return f"{zero} if {name} is None else {value}"
    if conversion.mutable and type(default) is not bytes:
        # Each struct gets a default of its own.
        scope[f"__copy_{name}"] = partial(_copied, default)
        return f"__copy_{name}() if {name} is __default_{name} else {value}"
    return value


def _keep_source(struct: Any, source: Any, overlapped: dict[str, Any]) -> None:
    from .dataclass_fields import keep_source

    keep_source(struct, source, overlapped)


def _copied(default: Any) -> Any:
    from copy import deepcopy

    return deepcopy(default)
