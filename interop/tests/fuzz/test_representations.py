"""Random types: objects, views, snapshots, NumPy, C and dumps have the same values.

The options ``--types`` and ``--seed`` are those of test_random_types.py. .NET is not needed.
"""

from __future__ import annotations

import warnings
from random import Random

import pytest

from pyshm.layout.forms import Target
from pyshm.layout.layouts import native, refusal

pytest.importorskip("numpy")
pytest.importorskip("cffi")
pytest.importorskip("hypothesis")

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from interop.fuzz.random_types import declarations
from interop.fuzz.representations import TARGETS, representation_disagreements
from pyshm.layout.declarations import TypeDeclaration
from pyshm.testing.values import sensible

# The time grows with --types.
pytestmark = pytest.mark.limit(0)

_LARGEST = 5_000  # bytes
_MOST = 1_000  # types; each is compiled for eight layouts


def test_each_representation_of_random_bytes_has_the_same_values(
    request: pytest.FixtureRequest,
) -> None:
    @seed(request.config.getoption("--seed"))
    @settings(
        max_examples=min(request.config.getoption("--types"), _MOST),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],  # to shrink a type takes minutes
    )
    @given(declarations(compound=True), st.sampled_from(TARGETS), st.randoms())
    def try_one(declaration: TypeDeclaration, target: Target, random: Random) -> None:
        if declaration.inline_array or refusal(declaration, target) is not None:
            return
        layout = native(declaration, target)
        if layout.size > _LARGEST:
            return
        data = sensible(random.randbytes(layout.size), layout)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # NumPy's about values that don't fit
            assert list(representation_disagreements(declaration, data, target)) == []

    try_one()
