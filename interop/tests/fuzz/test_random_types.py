"""Random types: .NET builds each at run time, and pyshm must agree with it about the layouts.

The option ``--types`` sets the number of types (`tox -e fuzz` uses 20,000) and ``--seed`` selects
them. fixtures/types.jsonl has the types that pyshm once got wrong; every run compares them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import pytest

from interop.checkout import FIXTURES
from interop.fuzz.differential import (
    Disagreement,
    disagreements,
    target_of,
    value_disagreements,
)
from interop.plugin.hooks import Peers
from interop.worlds.world import Endpoint, World
from pyshm.layout.declarations import TypeDeclaration
from pyshm.layout.schema import from_json, to_json
from pyshm.testing.questions import DotNetTypes

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

# The time grows with --types.
pytestmark = pytest.mark.limit(0)

KEPT = FIXTURES / "types.jsonl"
# The number of types in one request, because each round trip takes time.
BATCH = 25


@pytest.fixture
def dotnet(world: World, peers: Peers) -> Callable[[], DotNetTypes]:
    """Return a function that returns the .NET of ``world``, restarted if it crashed."""
    return lambda: DotNetTypes(peers.get(Endpoint(world.name, "dotnet"), "consumer"))


def _kept() -> list[tuple[str, TypeDeclaration]]:
    lines = map(json.loads, KEPT.read_text(encoding="utf-8").splitlines())
    return [(line["why"], from_json(line["types"])) for line in lines]


@pytest.mark.parametrize(
    "declaration", [pytest.param(declaration, id=why) for why, declaration in _kept()]
)
def test_a_type_that_was_once_wrong_is_equal(
    declaration: TypeDeclaration, world: World, dotnet: Callable[[], DotNetTypes]
) -> None:
    (found,) = disagreements([declaration], dotnet(), target_of(world))
    assert not found, _message(declaration, found)


def test_random_types_have_the_same_layouts(
    world: World, dotnet: Callable[[], DotNetTypes], request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("hypothesis")
    from hypothesis import strategies as st

    from interop.fuzz.random_types import declarations

    target = target_of(world)
    _search(
        request.config,
        st.lists(declarations(), min_size=1, max_size=BATCH),
        lambda drawn: zip(drawn, disagreements(drawn, dotnet(), target), strict=True),
    )


def test_random_values_have_the_same_bytes(
    world: World, dotnet: Callable[[], DotNetTypes], request: pytest.FixtureRequest
) -> None:
    pytest.importorskip("hypothesis")
    from hypothesis import strategies as st

    from interop.fuzz.random_types import examples

    target = target_of(world)
    _search(
        request.config,
        st.lists(examples(target), min_size=1, max_size=BATCH),
        lambda drawn: zip(
            (declaration for declaration, _, _ in drawn),
            value_disagreements(drawn, dotnet(), target),
            strict=True,
        ),
    )


def _search(
    config: pytest.Config,
    lists: SearchStrategy[list[Any]],
    compare: Callable[[list[Any]], Iterable[tuple[TypeDeclaration, list[Disagreement]]]],
) -> None:
    """Draw ``--types`` types in lists, and fail with the smallest type that is not equal."""
    from hypothesis import HealthCheck, given, seed, settings

    count = config.getoption("--types")
    first_seed = config.getoption("--seed")
    tried = 0

    @settings(
        max_examples=min(count, 500),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(lists)
    def try_some(drawn: list[Any]) -> None:
        nonlocal tried
        tried += len(drawn)
        for declaration, found in compare(drawn):
            if found:
                raise _Wrong(declaration, found)

    rounds = 0
    try:
        while tried < count:
            seed(first_seed + rounds)(try_some)()
            rounds += 1
    except _Wrong as wrong:
        if config.getoption("--keep-wrong-types"):
            _keep(wrong)
        pytest.fail(f"seed {first_seed + rounds}:\n{wrong}", pytrace=False)
    print(f"{tried} types, seeds {first_seed} to {first_seed + rounds - 1}")


class _Wrong(Exception):
    """The two sides disagree on a type; hypothesis finds the smallest one."""

    def __init__(self, declaration: TypeDeclaration, found: list[Disagreement]) -> None:
        super().__init__(_message(declaration, found))
        self.declaration = declaration
        self.found = found


def _message(declaration: TypeDeclaration, found: list[Disagreement]) -> str:
    sentences = "\n".join(f"  {each}" for each in found)
    return f"{sentences}\n  {json.dumps(to_json(declaration))}"


def _keep(wrong: _Wrong) -> None:
    line = {"why": str(wrong.found[0]), "types": to_json(wrong.declaration)}
    with KEPT.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
