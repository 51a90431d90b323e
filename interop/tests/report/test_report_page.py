"""The report's page in a real browser, made from real runs."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interop import __main__ as command_line
from interop.report.browser import Browser, BrowserError, take_picture
from interop.report.lines import read
from interop.report.page import write
from interop.tests.report.test_report import NASTY, a_run, written
from interop.tests.runs import SELECTION, run
from pyshm.testing.process import Outcome

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SHOWN = "[...document.querySelectorAll('.case')].filter(e => e.checkVisibility()).map(e => e.id)"
CONTRAST = """[...document.querySelectorAll('body *')].filter(e =>
    e.checkVisibility() && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
  ).map(e => {
    const parts = (text) => {
      const found = text.match(/^(rgba?|color)\\((.*)\\)$/);
      const numbers = found[2].match(/[\\d.]+(?:e-?\\d+)?/g).map(Number);
      const scale = found[1] === 'color' ? 1 : 255;
      return [...numbers.slice(0, 3).map(n => n / scale), numbers[3] ?? 1];
    };
    let layers = [];
    for (let at = e; at; at = at.parentElement) {
      const layer = parts(getComputedStyle(at).backgroundColor);
      layers.unshift(layer);
      if (layer[3] === 1) break;
    }
    const over = (below, [r, g, b, a]) =>
      [r, g, b].map((part, i) => part * a + below[i] * (1 - a));
    const back = layers.reduce(over, [1, 1, 1]);
    const front = over(back, parts(getComputedStyle(e).color));
    const light = (colour) => colour
      .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const [one, two] = [light(front), light(back)].sort((a, b) => b - a);
    return [(one + .05) / (two + .05), e.outerHTML.slice(0, 120)];
  }).sort((a, b) => a[0] - b[0])[0]"""


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages of real runs: a good one, and one whose producer is wrong."""
    folder = tmp_path_factory.mktemp("pages")
    pages = {"good": folder / "good.html", "bad": folder / "bad.html"}
    for name, fault in (("good", None), ("bad", "big-endian")):
        done = run(*SELECTION, "--interop-html", str(pages[name]), fault=fault)
        assert done.returncode == (0 if fault is None else 1), done.stdout
    return pages


@pytest.fixture
def browser() -> Iterator[Browser]:
    """A page that has nothing to complain of at the test's end."""
    with Browser() as browser:
        yield browser
        browser.evaluate("1")  # what it has complained of has arrived before the answer
        assert browser.problems == []


def text(browser: Browser, selector: str) -> Any:
    return browser.evaluate(
        f"[...document.querySelectorAll({selector!r})].map(e => e.innerText.trim())"
    )


def test_the_matrix_has_its_cells_and_their_heads(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.open(reports["good"])
    assert text(browser, ".matrix thead th[scope=col]") == [
        "producer → consumer", "struct", "blob", "stale", "limits", "all",
    ]  # fmt: skip
    assert text(browser, ".matrix tbody th[scope=row]") == ["python → python"]
    assert text(browser, ".matrix td.passed") == ["2/2", "1/1", "1/1", "1/1", "5/5"]
    assert text(browser, "#failures") == []


def test_failures_come_first_on_the_screen(browser: Browser, reports: dict[str, Path]) -> None:
    browser.open(reports["bad"])
    tops = browser.evaluate(
        "['.failure', '.matrix', '.case'].map("
        "s => document.querySelector(s).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops)
    assert tops[0] < 400
    assert len(text(browser, ".failure")) == 2
    assert text(browser, ".matrix td.failed") == ["1/2", "0/1", "3/5"]
    assert browser.evaluate("document.querySelector('.group .case').dataset.state") == "failed"


def test_a_failure_shows_the_wrong_bytes_the_right_ones_and_the_command(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.open(reports["bad"])
    first = text(browser, ".failure")[0]
    assert "'id': 1677721600" in first
    assert "Id at 0, byte 0: expected 64 00 00 00, found 00 00 00 64" in first
    assert "test_case[struct-standard-python-to-python]" in first
    marked = "[...document.querySelector('.failure').querySelectorAll('.mark[title]')]"
    assert browser.evaluate(f"{marked}.slice(0, 2).map(e => e.title + ': ' + e.innerText)") == [
        "expected 64: 00", "expected 00: 64",
    ]  # fmt: skip


def test_a_cell_with_failures_leads_to_the_first_one(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.open(reports["bad"])
    browser.click(".matrix tbody td.failed:nth-of-type(3) a")
    assert browser.evaluate("location.hash") == "#failure-1"


def test_a_case_shows_what_was_written_the_bytes_what_was_read_and_how_it_ended(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.open(reports["good"])
    assert not browser.evaluate("document.getElementById('case-struct-standard').open")
    browser.click("#case-struct-standard summary")
    body = text(browser, "#case-struct-standard .body")[0]
    for part in ("Written", "write-struct helper=m id=100 age=20", "In the map", "Id = 100",
                 "64 00 00 00", "Read", "read-struct", "Id=100,Age=20", "passed"):  # fmt: skip
        assert part in body


def test_the_filter_shows_the_cases_that_have_all_its_words(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.open(reports["good"])
    browser.click("#filter")
    browser.type("STRUCT sta")
    assert browser.evaluate(SHOWN) == ["case-struct-standard", "case-stale-struct-over-blob"]
    assert text(browser, "#count") == ["2 of 5 cases"]
    assert browser.evaluate("document.querySelectorAll('.group:not([hidden])').length") == 2
    browser.key("Escape")
    assert len(browser.evaluate(SHOWN)) == 5


def test_the_outcome_can_be_chosen(browser: Browser, reports: dict[str, Path]) -> None:
    browser.open(reports["bad"])
    browser.evaluate(
        "(e => { e.value = 'failed'; e.dispatchEvent(new Event('change')); })"
        "(document.querySelector('#outcome'))"
    )
    assert browser.evaluate(SHOWN) == ["case-struct-standard", "case-stale-struct-over-blob"]


def test_all_cases_open_and_close(browser: Browser, reports: dict[str, Path]) -> None:
    browser.open(reports["good"])
    opened = "document.querySelectorAll('.case[open]').length"
    browser.click("#open")
    assert browser.evaluate(opened) == 5
    browser.click("#close")
    assert browser.evaluate(opened) == 0


def test_an_address_opens_a_case_and_sets_the_filter(
    browser: Browser, reports: dict[str, Path]
) -> None:
    page = reports["good"].resolve().as_uri()
    browser.go(f"{page}#filter=emoji")
    assert browser.evaluate(SHOWN) == ["case-blob-path-emoji"]
    browser.go(f"{page}#case-struct-zero")
    # The address has changed without the page being another one: its event comes a moment later.
    browser.evaluate("new Promise(done => setTimeout(done))")
    assert browser.evaluate("document.getElementById('case-struct-zero').open")
    assert len(browser.evaluate(SHOWN)) == 5


def test_without_scripts_everything_can_be_read_and_no_control_is_dead(
    reports: dict[str, Path],
) -> None:
    with Browser(scripts=False) as browser:
        browser.open(reports["good"])
        assert len(browser.evaluate(SHOWN)) == 5
        assert not browser.evaluate("document.querySelector('.tools').checkVisibility()")
        browser.click("#case-struct-standard summary")
        assert "Id = 100" in text(browser, "#case-struct-standard .body")[0]
        assert browser.problems == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("page", ["good", "bad"])
def test_every_text_stands_out_from_its_ground(
    browser: Browser, reports: dict[str, Path], page: str, dark: bool
) -> None:
    browser.dark(on=dark)
    browser.open(reports[page])
    browser.click("#open")
    ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (ground == "rgb(17, 22, 29)") is dark
    contrast, where = browser.evaluate(CONTRAST)
    # https://www.w3.org/TR/WCAG22/#contrast-minimum
    assert contrast >= 4.5, where


def test_a_narrow_window_has_no_sideways_scrolling(
    browser: Browser, reports: dict[str, Path]
) -> None:
    browser.resize(400, 800)
    browser.open(reports["bad"])
    browser.click("#open")
    assert browser.evaluate("document.documentElement.scrollWidth") <= 400


def test_a_script_in_a_case_s_name_does_not_run(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    name = f"{NASTY}</script></style><img src=x onerror=document.title='caught'>"
    story = f"E   {name}"
    written(path, a_run(name, group=name, outcome=Outcome.FAILED, story=story), status=1)
    write(read(path), path.with_suffix(".html"))
    browser.open(path.with_suffix(".html"))
    assert browser.evaluate("document.title").startswith("Failed")
    assert browser.evaluate("document.querySelectorAll('img, main script').length") == 0
    assert "<script>alert(1)</script>" in text(browser, ".failure")[0]


def test_scripts_of_others_are_refused(reports: dict[str, Path], tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    added = "<script>document.title = 'caught'</script></main>"
    page.write_text(reports["good"].read_text("utf-8").replace("</main>", added), encoding="utf-8")
    with Browser() as browser:
        browser.open(page)
        assert browser.evaluate("document.title") != "caught"
        assert any("Content Security Policy" in problem for problem in browser.problems)


def test_the_command_takes_a_picture(tmp_path: Path) -> None:
    report, picture = tmp_path / "report.jsonl", tmp_path / "docs" / "picture.png"
    assert run(*SELECTION, "--interop-report", str(report)).returncode == 0
    assert command_line.main(["report", str(report), "--picture", str(picture)]) == 0
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1280
    assert 1000 < height <= 2000


def test_a_picture_of_a_case_that_is_not_there_is_refused(
    reports: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(BrowserError, match="has no case nobody"):
        take_picture(reports["good"], tmp_path / "picture.png", "nobody")
    assert not (tmp_path / "picture.png").exists()


def test_a_page_that_complains_is_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>console.error('e'); missing();</script>", encoding="utf-8")
    with Browser() as browser:
        browser.open(page)
        assert len(browser.problems) == 2
