"""Names of a package that are loaded when they are first used (PEP 562)."""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take it for True
if TYPE_CHECKING:  # each of these imports costs more than all of ``import pyshm``
    from collections.abc import Callable, Mapping

__all__ = ["lazy_names"]


def lazy_names(
    package: str,
    names: dict[str, object],
    homes: Mapping[str, str],
    *,
    renamed: Mapping[str, str] | None = None,
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and ``__dir__`` of ``package``, whose ``globals()`` are ``names``.

    ``homes`` gives the module of the package that has each name, and "" for a public module.
    ``renamed`` gives the new name of each deprecated one: a public name, or an attribute of a
    public class.
    """

    def load(name: str) -> object:
        value: object
        home = homes.get(name)
        if home is not None:
            from importlib import import_module

            module = import_module(f".{home or name}", package)
            value = getattr(module, name) if home else module
            names[name] = value
            return value
        new = (renamed or {}).get(name)
        if new is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        from .deprecated import warn_deprecated

        warn_deprecated(f"{package}.{name}", new)
        owner, _, attribute = new.partition(".")
        value = names[owner] if owner in names else load(owner)
        return getattr(value, attribute) if attribute else value

    def listed() -> list[str]:
        special = {name for name in names if name.startswith("__")} - {"__dir__", "__getattr__"}
        return sorted(special | {name for name in homes if not name.startswith("_")})

    return load, listed
