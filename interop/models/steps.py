"""The numbers of the protocol's steps, in the models and in docs/channels.md."""

from __future__ import annotations

import re

from ..checkout import CHECKOUT
from .catalog import FOLDER, all_models

__all__ = ["defined_steps", "modeled_steps"]

_PAGE = CHECKOUT / "docs" / "channels.md"
_SOURCES = ("latest.pml", "queue.pml", "orders.cpp", "weak_orders.py")

_STEP = re.compile(r"\b[CGPRSTW]\d+\b")
_ROW = re.compile(r"^\| ([CGPRSTW]\d+) \|", re.MULTILINE)


def modeled_steps() -> dict[str, set[str]]:
    """Return the steps that each model's text has, and those that mutations.toml changes."""
    found = {
        name: set(_STEP.findall((FOLDER / name).read_text(encoding="utf-8"))) for name in _SOURCES
    }
    mutations = [mutation for model in all_models() for mutation in model.mutations]
    return {**found, "mutations.toml": {step for one in mutations for step in one.steps}}


def defined_steps() -> set[str]:
    """Return the steps in the first column of the tables of docs/channels.md."""
    return set(_ROW.findall(_PAGE.read_text(encoding="utf-8")))
