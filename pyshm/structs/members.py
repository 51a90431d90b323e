"""The methods, properties and constants of a struct class, for its views and snapshots.

They are other classes than the struct: one is memory, the other bytes. Each therefore derives from
a class that has only what the body of the struct class defines beside fields.
"""

from __future__ import annotations

from types import CellType, FunctionType
from typing import Any

from .packed import Packed

__all__ = ["members_of"]

# What the struct class itself is, how it is made, kept and copied.
_MACHINERY = frozenset(
    [
        "__annotate__", "__annotate_func__", "__annotations__", "__annotations_cache__", "__bare__",
        "__class_getitem__", "__classcell__", "__copy__", "__deepcopy__", "__defaults__",
        "__del__", "__delattr__", "__dict__", "__doc__", "__firstlineno__", "__getattribute__",
        "__getstate__", "__init_subclass__", "__make__", "__match_args__", "__module__",
        "__packing__", "__packings__", "__parts__", "__qualname__", "__reduce__", "__reduce_ex__",
        "__replace__", "__setattr__", "__setstate__", "__slots__", "__static_attributes__",
        "__weakref__", "layout", "pack_into", "unpack_from",
    ]
)  # fmt: skip


def members_of(packed: Packed) -> tuple[type, ...]:
    """Return the bases that give a class the members of a struct class; () if it has none."""
    return _bases_for(packed.struct)


def _bases_for(struct: Any) -> tuple[type, ...]:
    packed: Packed | None = struct.__dict__.get("__packing__")
    if packed is None:  # Struct itself
        return ()
    found: tuple[type, ...] | None = packed.cache.get("members")
    if found is None:
        found = packed.cache.setdefault("members", _made_bases(struct, packed))
    return found


def _made_bases(struct: Any, packed: Packed) -> tuple[type, ...]:
    above = _bases_for(struct.__mro__[1])
    fields = {shape.field.name for shape in packed.shapes}
    members = {
        name: member
        for name, member in struct.__dict__.items()
        if name not in fields and _is_member(name)
    }
    if not members:
        return above
    made = type(struct.__name__, above, {"__slots__": (), "__doc__": struct.__doc__})
    for name, member in members.items():
        setattr(made, name, _adapted(member, made, name))
    return (made,)


def _is_member(name: str) -> bool:
    # The slots of fields begin with two underscores (fields.py, unions.py).
    is_slot = name.startswith("__") and not name.endswith("__")
    return not is_slot and name not in _MACHINERY


def _adapted(member: Any, made: type, name: str) -> Any:
    """Return ``member`` as ``made`` has it: ``super()`` finds the members of the base class."""
    if isinstance(member, FunctionType):
        return _function(member, made)
    if isinstance(member, staticmethod) and isinstance(member.__func__, FunctionType):
        return staticmethod(_function(member.__func__, made))
    if isinstance(member, classmethod):
        return _ClassMethod(name)
    if isinstance(member, property):
        for part, change in (("fget", "getter"), ("fset", "setter"), ("fdel", "deleter")):
            function = getattr(member, part)
            if isinstance(function, FunctionType):
                member = getattr(member, change)(_function(function, made))
    return member


class _ClassMethod:
    """A class method, which is called with the struct class: it makes structs."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: Any) -> Any:
        return getattr(owner._packed_.struct, self._name)


def _function(function: FunctionType, made: type) -> Any:
    names = function.__code__.co_freevars
    if "__class__" not in names:
        return function
    cells = tuple(
        CellType(made) if name == "__class__" else cell
        for name, cell in zip(names, function.__closure__ or (), strict=True)
    )
    changed = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, cells
    )
    changed.__kwdefaults__ = function.__kwdefaults__
    changed.__dict__.update(function.__dict__)
    changed.__qualname__ = function.__qualname__
    changed.__doc__ = function.__doc__
    return changed
