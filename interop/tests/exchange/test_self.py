"""The harness tested: peers that are wrong on purpose must be caught. None of this needs .NET."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Iterator

import pytest

from interop.cases.case import STANDARD, Case, error, matches, struct_case, value
from interop.cases.catalog import all_cases
from interop.checkout import CHECKOUT
from interop.exchange.place import Place
from interop.exchange.run import run_case
from interop.oracle.format import read_image, read_struct
from interop.oracle.memory import blob_bytes, describe_difference, struct_bytes
from interop.peers.faulty import CONVERSATION_FAULTS, MODEL_FAULTS
from interop.peers.start import python_peer
from interop.worlds.world import remove_left_over
from pyshm.testing.process import Outcome, Peer, PeerFailure

# A few of each kind; the whole list would find no more faults and take longer.
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
SHORT_PATIENCE = 0.5  # for peers that never answer; all others are quicker or dead


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
    """The cases that notice ``fault``, with the faulty peer in either role and in both."""
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
                        remove_left_over(place.prefix)
    finally:
        first.kill()
        second.kill()
        # A peer that had to be killed leaves its maps' files; nobody holds them any more.
        remove_left_over(place.prefix)
    return found


def test_all_selected_cases_exist() -> None:
    assert len(CASES) == 21


def test_a_peer_without_a_fault_passes(good: Peer, place: Place) -> None:
    assert catchers("none", good, place) == []


@pytest.mark.parametrize("fault", MODEL_FAULTS)
def test_a_wrong_peer_is_caught(
    fault: str, good: Peer, place: Place, faults_caught: dict[str, list[str]]
) -> None:
    found = catchers(fault, good, place)
    faults_caught[fault] = found
    assert found, f"no case notices a peer with the fault {fault}"


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ("silent", Outcome.TIMED_OUT),
        ("late", Outcome.TIMED_OUT),
        ("crashes", Outcome.CRASHED),
        ("exits-with-0", Outcome.CRASHED),
        ("garbage", Outcome.GARBAGE),
        ("half-a-line", Outcome.GARBAGE),
        ("old-nonce", Outcome.GARBAGE),
        ("wrong-number", Outcome.GARBAGE),
        ("drops-outcomes", Outcome.GARBAGE),
        ("no-hello", Outcome.COULD_NOT_START),
        ("other-protocol", Outcome.GARBAGE),
    ],
)
def test_a_peer_that_breaks_the_conversation_is_called_what_it_is(
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
    assert peer.pid == 0, "the peer was not ended"
    remove_left_over(place.prefix)
    faults_caught[fault] = [f"{CASES[0].id} ({outcome.value})"]


def test_an_answer_too_many_spoils_the_next_request(good: Peer, place: Place) -> None:
    peer = faulty("answers-twice")
    with pytest.raises(PeerFailure) as caught:
        run_case(CASES[0], peer, good, place)
    assert caught.value.outcome is Outcome.GARBAGE
    remove_left_over(place.prefix)


def test_every_fault_of_the_conversation_is_tested() -> None:
    tested = {
        mark.args[1][index][0]
        for mark in test_a_peer_that_breaks_the_conversation_is_called_what_it_is.pytestmark  # type: ignore[attr-defined]
        for index in range(len(mark.args[1]))
    }
    assert set(CONVERSATION_FAULTS) - tested == {"answers-twice"}


def test_a_program_that_is_not_there_could_not_start() -> None:
    with pytest.raises(PeerFailure) as caught:
        Peer("nobody", [os.path.join(os.sep, "no", "such", "program")]).start()
    assert caught.value.outcome is Outcome.COULD_NOT_START


def test_a_peer_starts_anew_after_a_failure() -> None:
    peer = python_peer()
    peer.request({"do": "ping"})
    first = peer.pid
    os.kill(first, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    with pytest.raises(PeerFailure) as caught:
        peer.request({"do": "ping"})
    assert caught.value.outcome is Outcome.CRASHED
    assert peer.request({"do": "ping"}) == [{"value": "pong"}]
    assert peer.pid != first
    assert peer.starts == 2
    peer.close()


def test_a_failure_quotes_what_the_peer_said_on_standard_error() -> None:
    script = "import sys; print('the reason', file=sys.stderr); sys.exit(5)"
    with pytest.raises(PeerFailure, match="the reason") as caught:
        Peer("speaker", [sys.executable, "-c", script]).start()
    assert "status 5" in str(caught.value)


def test_every_case_that_the_format_document_names_exists() -> None:
    document = (CHECKOUT / "docs" / "format.md").read_text("utf-8")
    named = set(re.findall(r"`((?:blob|struct)-[a-z0-9-]+)`", document))
    assert len(named) >= 9
    known = [case.name for case in all_cases()]
    assert [name for name in named if not any(case.startswith(name) for case in known)] == []


# --- comparing ----------------------------------------------------------------------------


def test_matching_compares_what_is_expected_and_nothing_else() -> None:
    found = {"error": {"kind": "truncated", "field": "x", "message": "whatever"}}
    assert matches(error("truncated", field="x"), found)
    assert not matches(error("truncated", field="y"), found)
    assert not matches(value(id=1), found)
    assert not matches(None, found)
    assert matches(None, {"value": None})
    assert not matches({"value": "pong"}, {"value": "ping"})
    assert not matches(value(id=1), {"value": {"age": 1}})
    assert not matches(value(id=1), {"value": None})


@pytest.mark.parametrize(
    "case_",
    [case for case in all_cases() if case.group == "malformed"],
    ids=lambda case: case.name,
)
def test_the_oracle_agrees_with_what_the_cases_say_by_hand(case_: Case) -> None:
    for step, expected in zip(case_.reads, case_.expected, strict=True):
        if step["do"] == "read-image":
            found = read_image(case_.memory, replace=step.get("replace", False))
        elif step["do"] == "read-struct":
            found = read_struct(case_.memory)
        else:
            continue
        assert matches(expected, found), (expected, found)


def test_equal_bytes_have_no_difference() -> None:
    assert describe_difference(b"abc", b"abc") is None


def test_a_difference_names_field_offset_expected_and_found() -> None:
    wanted = struct_bytes(*STANDARD)
    found = struct_bytes(100, 21, range(60, 70))
    story = describe_difference(wanted, found)
    assert story == (
        "Age at 4, byte 4: expected 14 00 00 00, found 15 00 00 00 (int32 20, found 21)"
    )


def test_a_difference_in_a_blob_names_its_part() -> None:
    wanted = blob_bytes("path", bytes(100))
    found = wanted[:60] + b"\x01" + wanted[61:]
    story = describe_difference(wanted, found)
    assert story is not None
    assert story.startswith("content at 12, byte 60: expected 00 00 00 00 00")


def test_a_difference_in_length_is_told() -> None:
    story = describe_difference(b"abcd", b"ab")
    assert story is not None
    assert "expected 4 bytes, found 2" in story


def test_a_failing_case_tells_peer_case_step_expected_and_found(good: Peer, place: Place) -> None:
    right = struct_case("standard", *STANDARD)
    wrong = Case(
        right.group, right.name, right.writes, right.reads, (value(id=101),), right.memory
    )  # fmt: skip
    other = python_peer("python (producer)")
    with pytest.raises(AssertionError) as caught:
        run_case(wrong, other, good, place)
    other.close()
    story = str(caught.value)
    assert "struct-standard: python (consumer) reading" in story
    assert "'id': 101" in story
    assert "'id': 100" in story


def test_a_run_says_its_seed(pytestconfig: pytest.Config) -> None:
    seed = pytestconfig.getoption("--seed")
    (header,) = [
        line
        for line in pytestconfig.hook.pytest_report_header(
            config=pytestconfig, start_path=pytestconfig.rootpath
        )
        if "random cases" in line
    ]
    assert header.startswith(f"random cases: seed {seed}, ")
