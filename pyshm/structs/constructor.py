"""Writes the function that makes a struct of given values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from .compound import Elements
from .fields import given
from .packed import Packed
from .shapes import Shape

__all__ = ["constructor_of"]


def constructor_of(packing: Packed, defaults: Mapping[str, Any]) -> Callable[..., Any]:
    """Return the function that makes a struct of given values.

    Its parameters are the fields. No field has a name that begins with two underscores, so that
    such names are free for what the code uses.
    """
    cls = packing.struct
    overlapped = {shape.field.name for o in packing.overlaps for shape in o.shapes}
    scope: dict[str, Any] = {"__bare": cls.__bare__, "__type": type, "__bytes": bytes}
    arguments = []
    body = []
    for overlap in packing.overlaps:
        scope[f"__zeros{overlap.bytes_slot}"] = bytes(overlap.size)
        body.append(f"self.{overlap.bytes_slot} = __zeros{overlap.bytes_slot}")
        body.append(f"self.{overlap.loans_slot} = None")
    for shape in packing.shapes:
        name = shape.field.name
        default = scope[f"__default_{name}"] = defaults[name]
        arguments.append(f"{name}=__default_{name}")
        if name in overlapped:
            body.append(f"if {name} is not None: self.{name} = {name}")
            continue
        value = name
        if not shape.is_plain:
            scope[f"__given_{name}"] = given(shape)
            value = f"({name} if __type({name}) is not __bytes else __given_{name}({name}))"
        body.append(f"self.{shape.slot} = {_or_default(shape, value, default, scope)}")
    lines = [
        f"def make({', '.join(arguments)}):",
        "    self = __bare()",
        *(f"    {line}" for line in body),
        "    return self",
    ]
    exec(compile("\n".join(lines), f"<pyshm struct {cls.__name__}>", "exec"), scope)  # noqa: S102 - made from names alone
    make: Callable[..., Any] = scope["make"]
    return make


def _or_default(shape: Shape, value: str, default: Any, scope: dict[str, Any]) -> str:
    """The expression for what a field gets: ``value``, or else what it is by default."""
    name = shape.field.name
    if default is None:
        conversion = shape.conversion
        if not conversion.mutable:
            scope[f"__zero_{name}"] = conversion.zero()
            made = f"__zero_{name}"
        elif isinstance(conversion, Elements) and conversion.canonical:
            scope[f"__zero_{name}"] = bytes(conversion.size)  # made a list when looked at
            made = f"__zero_{name}"
        else:
            scope[f"__zero_{name}"] = conversion.zero
            made = f"__zero_{name}()"
        return f"{made} if {name} is None else {value}"
    if shape.conversion.mutable and type(default) is not bytes:
        # Each struct gets its own.
        scope[f"__copy_{name}"] = partial(_copied, default)
        return f"__copy_{name}() if {name} is __default_{name} else {value}"
    return value


def _copied(default: Any) -> Any:
    from copy import deepcopy

    return deepcopy(default)
