"""The cases find every fault of peers that are wrong on purpose. None of this needs .NET."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interop.cases.case import STANDARD, Case, struct_case, value
from interop.cases.catalog import all_cases
from interop.exchange.place import Place
from interop.exchange.run import run_case
from interop.peers.faulty import CONVERSATION_FAULTS, MODEL_FAULTS
from interop.peers.start import python_peer
from interop.worlds.world import remove_maps
from pyshm.testing.process import Outcome, Peer, PeerFailure

# A few of each kind. All cases would find the same faults and take longer.
CASES = [
    case
    for case in all_cases()
    if case.id
    in {
        "struct-standard",
        "struct-min",
        "struct-each-byte-its-own",
        "struct-random-00",
        "struct-exact-capacity",
        "blob-path-accents",
        "blob-path-emoji",
        "blob-path-empty",
        "blob-path-32000",
        "blob-content-every-byte",
        "stale-short-blob-over-long",
        "stale-struct-over-blob",
        "malformed-blob-path-length-minus-1",
        "malformed-blob-content-length-remaining-plus-1",
        "malformed-blob-utf8-latin-1",
        "malformed-struct-capacity-47",
        "limits-blob-too-large-by-1",
        "limits-blob-surrogate-low",
        "limits-struct-count-9",
        "limits-struct-range-id-high",
        "maps-struct-by-file",
    }
]

PATIENCE = 60.0
SHORT_PATIENCE = 0.5  # for peers that never answer


def faulty(fault: str, patience: float = PATIENCE) -> Peer:
    peer = python_peer(f"faulty (producer): {fault}", "interop.peers.faulty", fault)
    peer.timeout = patience
    return peer


@pytest.fixture(scope="module")
def good() -> Iterator[Peer]:
    peer = python_peer("python (consumer)")
    yield peer
    peer.close()


def catchers(fault: str, good: Peer, place: Place) -> list[str]:
    """Return the cases that find ``fault``, with the faulty peer in each role and in both."""
    found = []
    first, second = faulty(fault), faulty(fault)
    try:
        for roles, producer, consumer in (
            ("producer", first, good),
            ("consumer", good, first),
            ("both", first, second),
        ):
            for case in CASES:
                try:
                    run_case(case, producer, consumer, place)
                except (AssertionError, PeerFailure):
                    found.append(f"{case.id} ({roles})")
                    if place.existing_maps():
                        first.kill()
                        second.kill()
                        remove_maps(place.prefix)
    finally:
        first.kill()
        second.kill()
        # A killed peer leaves the files of its maps.
        remove_maps(place.prefix)
    return found


def test_all_selected_cases_exist() -> None:
    assert len(CASES) == 21


def test_a_peer_without_a_fault_passes(good: Peer, place: Place) -> None:
    assert catchers("none", good, place) == []


@pytest.mark.parametrize("fault", MODEL_FAULTS)
def test_the_cases_find_every_fault(
    fault: str, good: Peer, place: Place, faults_caught: dict[str, list[str]]
) -> None:
    found = catchers(fault, good, place)
    faults_caught[fault] = found
    assert found, f"no case finds the fault {fault}"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("silent", Outcome.TIMED_OUT),
        ("late", Outcome.TIMED_OUT),
        ("crashes", Outcome.CRASHED),
        ("exits-with-0", Outcome.CRASHED),
        ("garbage", Outcome.GARBAGE),
        ("nested", Outcome.GARBAGE),
        ("half-a-line", Outcome.GARBAGE),
        ("old-nonce", Outcome.GARBAGE),
        ("wrong-number", Outcome.GARBAGE),
        ("drops-outcomes", Outcome.GARBAGE),
        ("no-hello", Outcome.COULD_NOT_START),
        ("other-protocol", Outcome.GARBAGE),
    ],
)
def test_a_peer_that_breaks_the_protocol_has_the_right_outcome(
    fault: str,
    outcome: Outcome,
    good: Peer,
    place: Place,
    faults_caught: dict[str, list[str]],
) -> None:
    peer = faulty(fault)
    if outcome is Outcome.TIMED_OUT:
        peer.start()
        peer.timeout = SHORT_PATIENCE
    with pytest.raises(PeerFailure) as caught:
        run_case(CASES[0], peer, good, place)
    assert caught.value.outcome is outcome
    assert peer.pid == 0, "the peer still runs"
    remove_maps(place.prefix)
    faults_caught[fault] = [f"{CASES[0].id} ({outcome.value})"]


def test_a_second_answer_makes_the_next_request_fail(good: Peer, place: Place) -> None:
    peer = faulty("answers-twice")
    with pytest.raises(PeerFailure) as caught:
        run_case(CASES[0], peer, good, place)
    assert caught.value.outcome is Outcome.GARBAGE
    remove_maps(place.prefix)


def test_every_fault_of_the_protocol_is_tested() -> None:
    tested = {
        mark.args[1][index][0]
        for mark in test_a_peer_that_breaks_the_protocol_has_the_right_outcome.pytestmark  # type: ignore[attr-defined]
        for index in range(len(mark.args[1]))
    }
    assert set(CONVERSATION_FAULTS) - tested == {"answers-twice"}


def test_a_failing_case_names_peer_case_step_expected_and_found(good: Peer, place: Place) -> None:
    right = struct_case("standard", *STANDARD)
    wrong = Case(
        right.group, right.name, right.writes, right.reads, (value(id=101),), right.memory
    )  # fmt: skip
    other = python_peer("python (producer)")
    with pytest.raises(AssertionError) as caught:
        run_case(wrong, other, good, place)
    other.close()
    message = str(caught.value)
    assert "struct-standard: python (consumer) reading" in message
    assert "'id': 101" in message
    assert "'id': 100" in message
