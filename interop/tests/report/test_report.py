"""The report of a run: written, read, refused if it is not complete; and the text of its page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from interop import __main__ as command_line
from interop.cases.case import STANDARD
from interop.exchange.memory import Memory
from interop.exchange.place import Place
from interop.exchange.record import CONSUMER, PRODUCER, Record
from interop.oracle.memory import blob_bytes, struct_bytes
from interop.peers.start import python_peer
from interop.report.case import bytes_section
from interop.report.lines import FORMAT, Report, ReportError, ReportWriter, Run, read
from interop.report.matrix import Matrix
from interop.report.page import render
from interop.tests.runs import SELECTION, run
from pyshm.testing.process import Outcome, PeerFailure

pytestmark = pytest.mark.slow

STRUCT = struct_bytes(*STANDARD)
PYTHON_TO_DOTNET = ("python", "dotnet")
NASTY = "<script>alert(1)</script>\"'&\ud800\u202e"


def a_run(case: str = "struct-standard", **others: Any) -> Run:
    group = others.pop("group", "struct")
    outcome = others.pop("outcome", Outcome.PASSED)
    producer, consumer = others.pop("pair", PYTHON_TO_DOTNET)
    seconds = others.pop("seconds", 0.25)
    return Run(case, group, producer, consumer, outcome, seconds, **others)


def a_record(place: Place, found: bytes = STRUCT, wanted: bytes = STRUCT) -> Record:
    record = Record(place)
    peer = python_peer()
    name = place.name()
    with record.listening("python", CONSUMER, peer):
        peer.request(
            {"do": "helper", "as": "m", "how": "create-or-open", "name": name, "capacity": 4096},
            {"do": "read-struct", "helper": "m"},
        )
        peer.request({"do": "reset"})
    peer.close()
    record.memory(found, wanted)
    return record


def written(path: Path, *runs: Run, status: int = 0) -> Report:
    writer = ReportWriter(path, {"seed": 7, "world": "native"})
    for one in runs:
        writer.add(one)
    hello = {"language": "dotnet", "runtime": ".NET 99", "version": "1.2.3", "system": "linux"}
    return writer.finish(whole=True, status=status, seconds=1.5, peers={"dotnet": hello})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "report.jsonl"


# --- lines --------------------------------------------------------------------------------


def test_a_report_is_read_as_it_was_written(path: Path, place: Place) -> None:
    record = a_record(place, STRUCT[:4] + b"\xff" + STRUCT[5:]).as_json()
    one = a_run(record=record, test="interop/tests/matrix/test_matrix.py::x", message="why")
    two = a_run("struct-zero", outcome=Outcome.TIMED_OUT, seconds=0.1 + 0.2 + 1e-12)
    report = written(path, one, two, status=1)
    again = read(path)
    assert again.runs == [one, two]
    assert again.header == report.header == {"format": FORMAT, "seed": 7, "world": "native"}
    assert again.peers == report.peers
    assert again.footer["outcomes"] == {"passed": 1, "timed out": 1}
    assert again.failures == [two]


def test_a_report_without_a_path_is_only_collected() -> None:
    writer = ReportWriter(None, {})
    writer.add(a_run())
    assert len(writer.finish(whole=True, status=0, seconds=1, peers={}).runs) == 1


def test_a_line_is_written_when_its_case_ends(path: Path) -> None:
    writer = ReportWriter(path, {})
    writer.add(a_run())
    lines = path.read_text("utf-8").splitlines()
    writer.close()
    assert len(lines) == 2


def test_a_report_of_a_run_that_was_killed_is_an_error(path: Path) -> None:
    writer = ReportWriter(path, {})
    writer.add(a_run())
    writer.close()
    with pytest.raises(ReportError, match="no footer"):
        read(path)


def test_a_report_without_a_case_is_an_error(path: Path) -> None:
    written(path)
    with pytest.raises(ReportError, match="no case ran"):
        read(path)


def test_a_footer_with_another_number_of_cases_is_an_error(path: Path) -> None:
    written(path, a_run(), a_run("struct-zero"))
    lines = path.read_text("utf-8").splitlines()
    path.write_text("\n".join([lines[0], lines[1], lines[3]]), encoding="utf-8")
    with pytest.raises(ReportError, match="counts 2 cases; it has 1"):
        read(path)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('{"header"', '{"haeder"', "the first line is not the header"),
        ('"outcome": "passed"', '"outcome": "perfect"', "line 2: not a case: .*perfect"),
        ('"group"', '"grouping"', "line 2: not a case: .*group"),
        ('"case": "struct-standard"', '"case" "struct-standard"', "line 2: .*delimiter"),
        ('"record": {}', '"record": {"memory": {"size": 1}}', "line 2: not a case: .*kind"),
        ('"record": {}', '"record": {"steps": [{"by": "producer"}]}', "line 2: not a case: .*step"),
        ('"status"', '"sttaus"', "footer lacks cases or status"),
    ],
)
def test_an_invalid_line_is_an_error_that_names_it(
    path: Path, old: str, new: str, message: str
) -> None:
    written(path, a_run())
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ReportError, match=message) as caught:
        read(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\n", b"[1]\n", b"PNG\x89\n", b"no report\n"])
def test_another_file_is_not_a_report(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(ReportError):
        read(path)


def test_a_report_of_format_1_is_read(path: Path) -> None:
    case = {"case": "x", "group": "struct", "producer": "python", "consumer": "dotnet",
            "outcome": "failed", "seconds": 0.1, "story": "why"}  # fmt: skip
    footer = {"cases": 1, "outcomes": {"failed": 1}, "whole": True, "status": 1}
    lines = [{"header": {"seed": 1}}, case, {"footer": footer}]
    path.parent.mkdir()
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    report = read(path)
    assert report.runs[0].memory is None
    assert "why" in render(report)


# --- memory and record ----------------------------------------------------------------------


def test_small_memory_is_kept_whole_and_annotated() -> None:
    memory = Memory.of(STRUCT, "TestData")
    assert memory.found == STRUCT
    assert memory.wanted is None
    assert [region.note for region in memory.regions][:2] == ["Id = 100", "Age = 20"]


def test_the_beginning_of_each_part_of_large_memory_is_kept() -> None:
    memory = Memory.of(blob_bytes("p" * 5000, bytes(range(256)) * 4000), "blob")
    assert memory.size == 5008 + 1_024_000
    assert sum(len(data) for _, data in memory.chunks) == 4 + 64 + 4 + 64
    assert len(json.dumps(memory.as_json())) < 2500


def test_rows_that_differ_are_kept_at_any_offset() -> None:
    wanted = blob_bytes("path", bytes(100_000))
    found = wanted[:60_000] + b"\x07" + wanted[60_001:]
    memory = Memory.from_json(json.loads(json.dumps(Memory.of(found, "blob", wanted).as_json())))
    assert memory.wanted is not None
    assert (memory.found[60_000], memory.wanted[60_000]) == (7, 0)
    assert memory.difference.startswith("content at 12, byte 60000: ")
    page = bytes_section(memory)
    assert 'title="expected 00">07</span>' in page


def test_missing_bytes_are_reported() -> None:
    memory = Memory.of(STRUCT[:44], "TestData", STRUCT)
    assert memory.remark
    assert "4 bytes are missing: 45 00 00 00" in bytes_section(memory)


def test_bytes_of_an_unknown_kind_are_only_bytes() -> None:
    memory = Memory.of(bytes(48), None)
    assert [region.name for region in memory.regions] == ["bytes"]


def test_a_record_replaces_names_that_differ_from_run_to_run(place: Place) -> None:
    record = a_record(place)
    assert record.entries[0].step["name"] == "map-1"
    assert place.prefix not in record.as_text()
    assert [entry.step["do"] for entry in record.entries] == ["helper", "read-struct"]
    assert record.kind() == "TestData"
    assert record.hellos["python"]["language"] == "python"


def test_a_record_stays_small(place: Place) -> None:
    record = Record(place)
    peer = python_peer()
    with record.listening("python", PRODUCER, peer):
        peer.request({"do": "decode-image", "bytes": "ab" * 100_000}, on_error="continue")
        peer.request(*[{"do": "ping"}] * 1000)
    peer.close()
    assert record.entries[0].step["bytes"].endswith(" (200000 characters)")
    assert record.left_out == 1001 - len(record.entries)
    assert len(record.as_text()) < 20_000


def test_a_record_has_the_step_that_a_peer_did_not_answer(place: Place) -> None:
    record = Record(place)
    peer = python_peer("faulty", "interop.peers.faulty", "exits-with-0")
    with record.listening("python", PRODUCER, peer), pytest.raises(PeerFailure):
        peer.request({"do": "ping"})
    assert record.entries[0].outcome is None
    assert record.as_json()["steps"] == [{"by": "producer", "step": {"do": "ping"}}]


def test_a_record_ends_with_its_case(place: Place) -> None:
    record = Record(place)
    peer = python_peer()
    with record.listening("python", PRODUCER, peer):
        peer.request({"do": "ping"})
    peer.request({"do": "ping"})
    peer.close()
    assert len(record.entries) == 1


def test_an_entry_has_the_expected_outcome(place: Place) -> None:
    record = Record(place)
    peer = python_peer()
    with record.listening("python", PRODUCER, peer):
        record.expect(PRODUCER, [{"value": "pong"}])
        peer.request({"do": "ping"})
        peer.request({"do": "ping"})
    peer.close()
    assert [entry.expected for entry in record.entries] == [{"value": "pong"}, None]


# --- matrix ---------------------------------------------------------------------------------


def test_a_cell_is_failed_if_one_run_failed_and_skipped_if_one_was_skipped() -> None:
    outcomes = {"a": "P", "b": "PS", "c": "PSF", "d": "SS"}
    letters = {"P": Outcome.PASSED, "S": Outcome.SKIPPED, "F": Outcome.CRASHED}
    matrix = Matrix(
        (*PYTHON_TO_DOTNET, group, letters[letter])
        for group, all_ in outcomes.items()
        for letter in all_
    )
    cells = [matrix.cell(*PYTHON_TO_DOTNET, group) for group in (*"abcd", "none")]
    assert [cell.state for cell in cells] == ["passed", "skipped", "failed", "skipped", "none"]
    assert [str(cell) for cell in cells] == ["1/1", "1/2", "1/3", "skip 2", "-"]
    assert str(matrix.cell(*PYTHON_TO_DOTNET)) == "3/8"


# --- the page as text -----------------------------------------------------------------------


class Page(HTMLParser):
    """The tags of a page, in order. Raises AssertionError if they are not nested."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "input", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, (tag, self.getpos())

    def values(self, attribute: str) -> Iterator[str]:
        return (str(found[attribute]) for _, found in self.tags if attribute in found)


def test_every_tag_of_a_page_is_closed_and_every_link_has_a_target(
    path: Path, place: Place
) -> None:
    record = a_record(place, bytes(48)).as_json()
    report = written(
        path,
        a_run(record=record, outcome=Outcome.FAILED, message="E   no", test="t"),
        a_run("test_some_sentence[a b]", group="by file", record=record),
        a_run(f"a {NASTY}", group=NASTY, outcome=Outcome.FAILED),
        a_run("struct-zero", outcome=Outcome.SKIPPED, message="no .NET"),
    )
    page = Page(render(report))
    assert page.open == []
    ids = list(page.values("id"))
    assert len(ids) == len(set(ids))
    links = {unquote(link[1:]) for link in page.values("href") if link.startswith("#")}
    assert links <= set(ids), links - set(ids)
    assert not [link for link in page.values("href") if not link.startswith(("#", "data:"))]
    assert not list(page.values("src"))


def test_nothing_in_a_report_becomes_markup(path: Path, place: Place) -> None:
    record = a_record(place)
    record._add(PRODUCER, {"do": NASTY, NASTY: [NASTY]}, {"error": {"kind": NASTY, "type": NASTY,
                "message": NASTY, "field": NASTY}}, {"error": {"kind": NASTY}})  # fmt: skip
    record._add(CONSUMER, {"do": "x"}, {"value": {NASTY: NASTY}}, {"value": NASTY})
    record.memory(blob_bytes("<script>alert(1)</script>", b"<script>"))
    nasty = {"group": NASTY, "pair": (NASTY, NASTY), "message": NASTY, "test": NASTY}
    report = written(path, a_run(NASTY, record=record.as_json(), outcome=Outcome.FAILED, **nasty))
    header = dict.fromkeys(("seed", "started", "python", "dotnet", "os", "worlds", "pyshm"), NASTY)
    footer = {**report.footer, "peers": {NASTY: {"language": NASTY, "runtime": NASTY}}}
    text = render(Report(header, report.runs, footer))
    text.encode("utf-8")
    page = Page(text)
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "\u202e" not in text


def test_failures_are_before_everything_else(path: Path) -> None:
    runs = [a_run(f"struct-{i}") for i in range(3)]
    failed = a_run("struct-last", outcome=Outcome.CRASHED, message="E   AssertionError: it failed")
    text = render(written(path, *runs, failed, status=1))
    places = [text.index(f'id="{name}"') for name in
              ("failure-0", "matrix", "peers", "case-struct-last", "case-struct-0")]  # fmt: skip
    assert places == sorted(places)
    assert '<pre class="message">it failed</pre>' in text
    assert re.search(r'<td class="failed"><a href="#failure-0">3/4</a>', text)


def test_a_failure_says_how_to_repeat_it(path: Path) -> None:
    failed = a_run(
        outcome=Outcome.FAILED, test="interop/tests/matrix/test_matrix.py::test_case[a-b]"
    )
    text = render(written(path, failed, status=1))
    command = "python -m pytest &#x27;interop/tests/matrix/test_matrix.py::test_case[a-b]&#x27;"
    assert f"{command} --seed 7</code>" in text


def test_what_all_pairs_have_in_common_is_shown_once(path: Path, place: Place) -> None:
    record = a_record(place).as_json()
    other = a_record(place, bytes(48), bytes(48)).as_json()
    runs = [
        a_run(record=record, pair=("python", "python")),
        a_run(record=record, pair=("python", "dotnet")),
        a_run(record=other, pair=("dotnet", "dotnet")),
    ]
    same = render(written(path, *runs[:2]))
    different = render(written(path, *runs))
    assert same.count("<h4>In the map") == 1
    assert different.count("<h4>In the map") == 2
    assert "<h4>In the map <small>producer dotnet</small></h4>" in different


def test_a_run_that_failed_outside_the_cases_is_failed(path: Path) -> None:
    assert '<strong class="failed">Failed</strong>' in render(written(path, a_run(), status=1))
    assert '<strong class="passed">Passed</strong>' in render(written(path, a_run()))


# --- reports of real runs -------------------------------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a real run, with its page beside it."""
    path = tmp_path_factory.mktemp("real") / "report.jsonl"
    done = run(*SELECTION, "--interop-report", str(path), "--interop-html", f"{path}.html")
    assert done.returncode == 0, done.stdout
    return path


def test_a_real_run_is_reported_completely(real: Path) -> None:
    report = read(real)
    assert len(report.runs) == 5
    assert report.peers["python"]["language"] == "python"
    assert report.footer["whole"] is False
    by_name = {one.case: one for one in report.runs}
    standard = by_name["struct-standard"]
    assert standard.memory is not None
    assert standard.memory.found == STRUCT
    assert [entry.step["do"] for entry in standard.steps(PRODUCER)] == ["helper", "write-struct"]
    assert [entry.step["do"] for entry in standard.steps(CONSUMER)] == ["helper", "read-struct"]
    assert standard.steps(CONSUMER)[1].outcome is not None
    refused = by_name["limits-blob-surrogate-low"].memory
    assert refused is not None
    assert refused.kind == "bytes"
    stale = by_name["stale-struct-over-blob"].memory
    assert stale is not None
    assert stale.regions[-1].name == "stale"


def test_a_page_of_the_saved_report_is_the_same(real: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert command_line.main(["report", str(real), "-o", str(page)]) == 0
    assert page.read_text("utf-8") == Path(f"{real}.html").read_text("utf-8")


def test_the_command_refuses_a_report_that_is_not_complete(
    real: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cut = tmp_path / "cut.jsonl"
    cut.write_text("\n".join(real.read_text("utf-8").splitlines()[:-1]), encoding="utf-8")
    assert command_line.main(["report", str(cut)]) == 1
    assert "no footer" in capsys.readouterr().err
    assert not cut.with_suffix(".html").exists()


def test_workers_send_their_cases_to_the_controller(real: Path, tmp_path: Path) -> None:
    pytest.importorskip("xdist", reason="pytest-xdist is not installed")
    path = tmp_path / "report.jsonl"
    done = run(*SELECTION, "-n", "2", "--interop-report", str(path))
    assert done.returncode == 0, done.stdout
    one, two = (
        {item.case: (item.outcome, item.record["memory"]) for item in read(p).runs}
        for p in (real, path)
    )
    assert one == two
    assert read(path).peers.keys() == {"python"}


def test_a_real_failure_is_reported_with_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    done = run(*SELECTION, "--interop-report", str(path), fault="big-endian")
    assert done.returncode == 1, done.stdout
    failures = read(path).failures
    assert [one.case for one in failures] == ["struct-standard", "stale-struct-over-blob"]
    memory = failures[0].memory
    assert memory is not None
    assert memory.found[:4] == bytes([0, 0, 0, 100])
    assert memory.wanted == STRUCT
    assert memory.difference.startswith("Id at 0, byte 0: expected 64 00 00 00, found 00 00 00 64")


def test_wrong_bytes_that_no_step_reads_are_reported(
    tmp_path: Path,
) -> None:
    path = tmp_path / "report.jsonl"
    run(*SELECTION, "--interop-report", str(path), fault="clears-the-rest")
    by_name = {one.case: one for one in read(path).runs}
    failed = by_name["stale-struct-over-blob"]
    assert failed.failed
    assert failed.steps(CONSUMER)[1].outcome is not None
    assert failed.memory is not None
    assert failed.memory.wanted is not None
    assert (failed.memory.found[48], failed.memory.wanted[48]) == (0, ord("L"))


def test_a_peer_that_exits_is_reported_as_crashed(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    run(*SELECTION, "--interop-report", str(path), fault="exits-with-0")
    assert {one.outcome for one in read(path).runs} == {Outcome.CRASHED}
    assert read(path).runs[0].steps(PRODUCER)[0].outcome is None


def test_a_run_without_a_case_fails_and_removes_an_old_page(tmp_path: Path) -> None:
    path, page = tmp_path / "report.jsonl", tmp_path / "page.html"
    page.write_text("of another run", encoding="utf-8")
    done = run("interop/tests/oracle/test_oracle.py", "-k", "no_difference", "--interop-report",
               str(path), "--interop-html", str(page))  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert "NOTHING TO REPORT: no case ran" in done.stdout
    assert not page.exists()
    with pytest.raises(ReportError, match="no case ran"):
        read(path)


def test_the_matrix_has_colors_if_they_are_requested() -> None:
    colored = run(*SELECTION, "--color=yes", fault="big-endian").stdout
    plain = run(*SELECTION, fault="big-endian").stdout
    green, red = "\x1b[32m        1/1\x1b[0m", "\x1b[31m\x1b[1m        1/2\x1b[0m"
    assert green in colored
    assert red in colored
    assert "\x1b" not in plain
    assert "python -> python            1/2        1/1        0/1        1/1        3/5" in plain
