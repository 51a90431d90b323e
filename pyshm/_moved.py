"""The modules of version 0.1.0 at their old addresses. They work until version 0.3."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType

from ._support.deprecated import warn_deprecated

__all__ = ["MOVED", "find_spec"]

# Where the names of an old module are now. The first of the new modules that has a name is used,
# so public addresses come first.
MOVED = {
    "binding": ("codegen", "codegen.python"),
    "blob": ("formats", "formats.blob"),
    "characters": ("_support.text",),
    "conversions": ("structs.compound",),
    "csharp": ("codegen.csharp",),
    "declarations": ("layout", "layout.declarations", "layout.schema"),
    "declaring": ("structs.declare", "structs.registry"),
    "dump.palette": ("_support.palette",),
    "elements": ("maps.elements", "_support.decimals"),
    "enums": ("maps", "maps.enums"),
    "forms": ("layout", "layout.forms"),
    "layout_listing": ("assemblies.summary",),
    "layout_svg": ("layout.svg",),
    "layout_table": ("layout.table", "layout.compare"),
    "local_zone": ("structs.values.local_zone",),
    "mapping": ("maps", "maps.mapping"),
    "marshalling": ("layout", "layout.marshalling", "layout.traits", "layout.declarations"),
    "models": ("formats", "formats.image"),
    "names": ("maps.names",),
    "overlaps": ("structs.unions",),
    "packing": ("structs.packing",),
    "packing_source": ("structs.packing_source",),
    "placement": ("layout.placement",),
    "shapes": ("structs.fields", "structs.shapes"),
    "spelling": ("codegen.spelling",),
    "struct_views": ("structs", "structs.view"),
    "testdata": ("formats", "formats.testdata"),
    "testing.peers": ("testing", "testing.process"),
    "testing.toolchain": ("testing", "testing.sdk", "testing.cache", "testing.build"),
    "testing.type_values": ("testing.values", "layout.traits"),
    "testing.types": ("testing", "testing.questions"),
    "values": ("structs.values.scalars", "structs.values.base"),
    "views": ("maps", "maps.accessor", "maps.stream"),
}


def find_spec(name: str) -> ModuleSpec | None:
    """Return the import system's description of an old module, None for any other name."""
    if name.removeprefix("pyshm.") not in MOVED:
        return None
    return ModuleSpec(name, _Loader())


class _Loader(Loader):
    """Makes a module whose names are looked up in the new modules."""

    def create_module(self, _spec: ModuleSpec) -> ModuleType | None:
        return None  # an ordinary module

    def exec_module(self, module: ModuleType) -> None:
        old = module.__name__
        new = [f"pyshm.{each}" for each in MOVED[old.removeprefix("pyshm.")]]
        module.__doc__ = f"Deprecated: the names of this module are in {', '.join(new)}."
        module.__dict__["__getattr__"] = partial(_load, old, new)


def _load(old: str, new: list[str], name: str) -> object:
    modules = [import_module(each) for each in new]
    if name == "__all__":
        return sorted({each for module in modules for each in module.__all__})
    for module in modules if not name.startswith("_") else ():
        if hasattr(module, name):
            warn_deprecated(f"{old}.{name}", f"{module.__name__}.{name}")
            return getattr(module, name)
    raise AttributeError(f"module {old!r} has no attribute {name!r}", name=name)
