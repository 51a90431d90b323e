"""Names of a package that are loaded when they are first used (PEP 562)."""

from __future__ import annotations

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

    ``homes`` says which module of the package has each public name. ``renamed`` says where the
    value of a deprecated name is now: the public name of another value, and its attribute.
    """

    def load(name: str) -> object:
        home = homes.get(name)
        if home is not None:
            from importlib import import_module

            value: object = getattr(import_module(f".{home}", package), name)
            names[name] = value
            return value
        new = (renamed or {}).get(name)
        if new is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name)
        from .deprecated import warn_deprecated

        warn_deprecated(f"{package}.{name}", new)
        owner, _, attribute = new.partition(".")
        return getattr(names[owner] if owner in names else load(owner), attribute)

    return load, lambda: sorted({*names, *homes})
