"""The models and their mutations. mutations.toml lists them and says what its keys mean."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from .explorer import ARCHITECTURES

__all__ = [
    "EXPLORER",
    "FOLDER",
    "HOLDS",
    "RELACY",
    "SPIN",
    "STUCK",
    "TOOLS",
    "Case",
    "CatalogError",
    "Model",
    "Mutation",
    "all_cases",
    "all_models",
]

FOLDER = Path(__file__).resolve().parent

EXPLORER, SPIN, RELACY = "explorer", "spin", "relacy"
TOOLS = (EXPLORER, SPIN, RELACY)

HOLDS = "holds"
STUCK = "stuck"  # a process waits for ever

_MODEL_KEYS = {"name", "tool", "shows", "minimum"}
_MUTATION_KEYS = {"model", "name", "steps", "why", "violation"}
_CHANGES = {
    EXPLORER: ({"change"},),
    RELACY: ({"change"},),
    SPIN: ({"find", "replace"}, {"define"}),
}


class CatalogError(Exception):
    """An entry of mutations.toml is not complete, or does not fit its model."""


@dataclass(frozen=True)
class Mutation:
    """One change of a model, and the violation that must be found for each variant of the model."""

    name: str
    steps: tuple[str, ...]
    why: str
    violation: Mapping[str, str]
    find: str = ""
    replace: str = ""
    define: Mapping[str, int] = field(default_factory=dict)
    change: tuple[str, ...] = ()


@dataclass(frozen=True)
class Model:
    """One model: for spin and relacy a source file, for the explorer a program."""

    name: str
    tool: str
    shows: str
    minimum: int
    source: str = ""
    large: Mapping[str, int] = field(default_factory=dict)
    mutations: tuple[Mutation, ...] = ()

    @property
    def variants(self) -> tuple[str, ...]:
        """For what the model is run: each processor, or once."""
        return ARCHITECTURES if self.tool == EXPLORER else ("",)


@dataclass(frozen=True)
class Case:
    """One run: a model or a mutation of it, for one of the model's variants."""

    model: Model
    mutation: Mutation | None
    variant: str

    @property
    def name(self) -> str:
        """The name in the output; ``--only`` takes a part of it."""
        parts = [self.model.name, self.mutation.name if self.mutation else "", self.variant]
        return " ".join(filter(None, parts))

    @property
    def expected(self) -> str:
        """What must be found: "holds" or the violation."""
        return self.mutation.violation[self.variant] if self.mutation else HOLDS

    def source(self) -> str:
        """Return the model's source with the mutation in it."""
        text = (FOLDER / self.model.source).read_text(encoding="utf-8")
        if self.mutation and self.mutation.find:
            text = text.replace(self.mutation.find, self.mutation.replace)
        return text


def all_models(path: Path = FOLDER / "mutations.toml") -> list[Model]:
    """Return the models with their mutations.

    Raises:
        CatalogError: an entry is not complete, or the text that it replaces is not there once.
    """
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    models = [_model(entry) for entry in document.get("model", [])]
    names = {model.name for model in models}
    mutations = document.get("mutation", [])
    for entry in mutations:
        if entry.get("model") not in names:
            raise CatalogError(f"{entry.get('name')}: there is no model {entry.get('model')}")
    return [_with_mutations(model, mutations) for model in models]


def all_cases() -> Iterator[Case]:
    """Yield every run, each model before its mutations."""
    for model in all_models():
        for mutation in [None, *model.mutations]:
            for variant in model.variants:
                yield Case(model, mutation, variant)


def _with_mutations(model: Model, entries: Iterable[Mapping[str, Any]]) -> Model:
    found = [_mutation(model, entry) for entry in entries if entry["model"] == model.name]
    names = {mutation.name for mutation in found}
    if not found or len(names) != len(found):
        raise CatalogError(f"{model.name} has no mutation, or two of the same name")
    return replace(model, mutations=tuple(found))


def _model(entry: Mapping[str, Any]) -> Model:
    optional = set() if entry.get("tool") == EXPLORER else {"source", "large"}
    _check_keys(entry, _MODEL_KEYS | optional)
    if entry["tool"] not in TOOLS:
        raise CatalogError(f"{entry['name']}: tool is one of {', '.join(TOOLS)}")
    return Model(**entry)


def _mutation(model: Model, entry: Mapping[str, Any]) -> Mutation:
    changes = [keys for keys in _CHANGES[model.tool] if keys & entry.keys()]
    _check_keys(entry, _MUTATION_KEYS.union(*changes or _CHANGES[model.tool][:1]))
    violation = entry["violation"]
    if isinstance(violation, str):
        violation = {"": violation}
    if set(violation) != set(model.variants):
        raise CatalogError(f"{entry['name']}: violation needs {' and '.join(model.variants)}")
    values = {key: value for key, value in entry.items() if key != "model"}
    values |= {key: tuple(values[key]) for key in ("steps", "change") if key in values}
    mutation = Mutation(**{**values, "violation": violation})
    _check_text(model, mutation)
    return mutation


def _check_keys(entry: Mapping[str, Any], keys: set[str]) -> None:
    if entry.keys() != keys:
        wrong = ", ".join(sorted(entry.keys() ^ keys))
        raise CatalogError(f"{entry.get('name', 'an entry')}: missing or unknown keys: {wrong}")


def _check_text(model: Model, mutation: Mutation) -> None:
    if not mutation.find:
        return
    count = (FOLDER / model.source).read_text(encoding="utf-8").count(mutation.find)
    if count != 1:
        raise CatalogError(
            f"{model.name}: {mutation.name}: {model.source} contains the text {count} times, "
            f"not once: {mutation.find!r}"
        )
