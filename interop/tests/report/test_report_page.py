"""The page of a report: its text, and in Chromium the effect of its script and its style."""

from __future__ import annotations

import html
import json
import re
import struct
from pathlib import Path
from typing import Any

import pytest

from interop import __main__ as command_line
from interop.report.browser import BrowserError, dump, take_picture
from interop.report.lines import read
from interop.report.page import write
from interop.tests.report.test_report import NASTY, a_run, written
from interop.tests.runs import SELECTION, run
from pyshm.testing.process import Outcome

pytestmark = pytest.mark.slow

# The lowest contrast of a text to its background, and the element.
# https://www.w3.org/TR/WCAG22/#contrast-minimum
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
    const light = (color) => color
      .map(c => c <= .04045 ? c / 12.92 : ((c + .055) / 1.055) ** 2.4)
      .reduce((sum, c, i) => sum + c * [.2126, .7152, .0722][i], 0);
    const [one, two] = [light(front), light(back)].sort((a, b) => b - a);
    return [(one + .05) / (two + .05), e.outerHTML.slice(0, 120)];
  }).sort((a, b) => a[0] - b[0])[0]"""


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run without a failure."""
    path = tmp_path_factory.mktemp("good") / "page.html"
    report = str(path.with_suffix(".jsonl"))
    done = run(*SELECTION, "--interop-html", str(path), "--interop-report", report)
    assert done.returncode == 0, done.stdout
    return path


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a real run whose producer writes the wrong byte order."""
    path = tmp_path_factory.mktemp("bad") / "page.html"
    done = run(*SELECTION, "--interop-html", str(path), fault="big-endian")
    assert done.returncode == 1, done.stdout
    return path


def shown(document: str) -> list[str]:
    """The ids of the cases that the filter left."""
    tags = re.findall(r'<details class="case"[^>]*>', document)
    return [re.findall(r'id="(.*?)"', tag)[0] for tag in tags if " hidden" not in tag]


def evaluate(page: Path, script: str, *options: str, fragment: str = "") -> Any:
    """Open a copy of the page that may run ``script`` after its own; return what that returns."""
    text = re.sub(r'<meta http-equiv="Content-Security-Policy".*', "", page.read_text("utf-8"))
    last = f"<script>document.title = JSON.stringify((() => {{ {script} }})())</script></body>"
    copy = page.with_name("copy.html")
    copy.write_text(text.replace("</body>", last), encoding="utf-8")
    title = re.findall(r"<title>(.*?)</title>", dump(copy.as_uri() + fragment, *options))[0]
    return json.loads(html.unescape(title))


# --- as text ------------------------------------------------------------------------------


def test_the_matrix_has_a_cell_for_each_group(good: Path) -> None:
    matrix = re.findall(r'<table class="matrix">(.*?)</table>', good.read_text("utf-8"), re.DOTALL)
    assert re.findall(r'<th scope="col">(.*?)</th>', matrix[0]) == [
        "producer → consumer", "struct", "blob", "stale", "limits", "all",
    ]  # fmt: skip
    assert re.findall(r'<th scope="row">(.*?)</th>', matrix[0]) == ["python → python"]
    cells = re.findall(r'<td class="passed"><a [^>]*>(.*?)</a>', matrix[0])
    assert cells == ["2/2", "1/1", "1/1", "1/1", "5/5"]


def test_a_failure_shows_the_wrong_bytes_the_right_ones_and_the_command(bad: Path) -> None:
    text = bad.read_text("utf-8")
    assert text.count('<article class="failure"') == 2
    first = text.partition('<article class="failure"')[2].partition("</article>")[0]
    assert "Id at 0, byte 0: expected 64 00 00 00, found 00 00 00 64" in first
    assert "test_case[struct-standard-python-to-python]" in first
    marks = re.findall(r'<span class="mark"[^>]* title="(.*?)">(.*?)</span>', first)
    assert marks[:2] == [("expected 64", "00"), ("expected 00", "64")]
    assert re.findall(r'<td class="failed"><a href="(.*?)">(.*?)</a>', text)[:2] == [
        ("#failure-0", "1/2"), ("#failure-1", "0/1"),
    ]  # fmt: skip


def test_a_case_shows_what_was_written_the_bytes_what_was_read_and_the_outcome(good: Path) -> None:
    case = good.read_text("utf-8").partition('id="case-struct-standard"')[2].partition("</details")
    text = html.unescape(re.sub("<[^>]*>", "", case[0].partition("</summary>")[2]))
    parts = ("Written", "write-struct helper=m id=100 age=20", "In the map", "64 00 00 00",
             "Id = 100", "Read", "read-struct", "Id=100,Age=20", "passed")  # fmt: skip
    places = [text.find(part) for part in parts]
    assert places == sorted(places)
    assert places[0] >= 0


def test_without_its_script_the_page_shows_every_case_and_no_controls(good: Path) -> None:
    text = good.read_text("utf-8")
    assert len(shown(text)) == 5
    assert '<form class="tools" hidden>' in text


# --- in Chromium --------------------------------------------------------------------------


@pytest.mark.browser
def test_the_filter_shows_the_cases_that_have_all_its_words(good: Path) -> None:
    document = dump(f"{good.as_uri()}#filter=STRUCT%20sta")
    assert shown(document) == ["case-struct-standard", "case-stale-struct-over-blob"]
    assert ">2 of 5 cases</output>" in document
    assert len(re.findall(r'<section class="group">', document)) == 2
    assert '<form class="tools">' in document
    assert not re.search(r'<details class="case"[^>]* open', document)


@pytest.mark.browser
@pytest.mark.parametrize("fragment", ["filter=emoji", "case-blob-path-emoji"])
def test_an_address_opens_a_case(good: Path, fragment: str) -> None:
    document = dump(f"{good.as_uri()}#{fragment}")
    opened = re.findall(r'<details class="case" id="(.*?)"[^>]* open', document)
    assert opened == ["case-blob-path-emoji"]
    assert len(shown(document)) == (1 if fragment.startswith("filter") else 5)


@pytest.mark.browser
def test_the_controls_filter_by_outcome_and_open_and_close_all(bad: Path) -> None:
    failed, opened, closed, all_again = evaluate(
        bad,
        """
        const [outcome, filter] = ["#outcome", "#filter"].map(s => document.querySelector(s));
        const count = (what) => document.querySelectorAll(".case" + what).length;
        const key = (key) => document.body.dispatchEvent(
          new KeyboardEvent("keydown", {key, bubbles: true, cancelable: true}));
        outcome.value = "failed";
        outcome.dispatchEvent(new Event("change"));
        const failed = [...document.querySelectorAll(".case:not([hidden])")].map(e => e.id);
        document.querySelector("#open").click();
        const opened = count("[open]");
        document.querySelector("#close").click();
        const closed = count("[open]");
        outcome.value = "";
        filter.value = "nothing has this";
        key("/");
        key("Escape");
        return [failed, opened, closed, count(":not([hidden])")];
        """,
    )
    assert failed == ["case-struct-standard", "case-stale-struct-over-blob"]
    assert (opened, closed, all_again) == (2, 0, 5)


@pytest.mark.browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", ["good", "bad"])
def test_every_text_has_enough_contrast(
    name: str, dark: bool, request: pytest.FixtureRequest
) -> None:
    ground, (contrast, where) = evaluate(
        request.getfixturevalue(name),
        f"""
        document.querySelector("#open").click();
        const ground = getComputedStyle(document.body).backgroundColor;
        return [ground, {CONTRAST}];
        """,
        f"--blink-settings=preferredColorScheme={0 if dark else 1}",
    )
    assert (ground == "rgb(17, 22, 29)") is dark
    assert contrast >= 4.5, where


@pytest.mark.browser
def test_a_narrow_page_does_not_scroll_sideways(bad: Path) -> None:
    # Chromium's narrowest window has 500 pixels.
    needed = evaluate(
        bad,
        """
        document.querySelector("#open").click();
        document.body.style.width = "400px";
        return document.body.scrollWidth;
        """,
    )
    assert needed == 400


@pytest.mark.browser
def test_a_script_in_the_name_of_a_case_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "report.jsonl"
    name = f"{NASTY}</script></style><img src=x onerror=document.title='caught'>"
    message = f"E   {name}"
    written(path, a_run(name, group=name, outcome=Outcome.FAILED, message=message), status=1)
    page = path.with_suffix(".html")
    write(read(path), page)
    document = dump(page.as_uri())
    assert "<title>Failed" in document
    assert "<img" not in document
    assert document.count("<script") == 1


@pytest.mark.browser
def test_a_script_that_is_not_the_page_s_own_is_refused(good: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    added = "<script>document.title = 'caught'</script></main>"
    page.write_text(good.read_text("utf-8").replace("</main>", added), encoding="utf-8")
    with pytest.raises(BrowserError, match="Content Security Policy"):
        dump(page.as_uri())


@pytest.mark.browser
def test_a_page_that_writes_to_its_console_is_an_error(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<script>console.error('one'); missing();</script>", encoding="utf-8")
    with pytest.raises(BrowserError, match=r"one(.|\n)*missing is not defined"):
        dump(page.as_uri())


@pytest.mark.browser
def test_the_command_takes_a_picture(good: Path, tmp_path: Path) -> None:
    report, page = str(good.with_suffix(".jsonl")), str(tmp_path / "page.html")
    picture = tmp_path / "docs" / "picture.png"
    assert command_line.main(["report", report, "-o", page, "--picture", str(picture)]) == 0
    data = picture.read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert width == 1280
    assert 1000 < height <= 2000


@pytest.mark.browser
def test_a_picture_of_an_unknown_case_is_refused(good: Path, tmp_path: Path) -> None:
    with pytest.raises(BrowserError, match="not exactly one case has the words of 'unknown'"):
        take_picture(good, tmp_path / "picture.png", "unknown")
    assert not (tmp_path / "picture.png").exists()
