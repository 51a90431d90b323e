"""Renders a report as one HTML page that loads nothing else.

Failures come first, each with the command that repeats it. A case shows once what all pairs have
in common. Without JavaScript the page shows everything, and no filter.
"""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from pyshm.dump import html as dump_html
from pyshm.testing.process import Outcome

from .case import SIGNS, Case, by_case, bytes_section, case_section
from .lines import Report, Run
from .matrix import State
from .text import LONGEST, counted, duration, essence, id_of, link_to, named, text

__all__ = ["render", "write"]

_FOLDER = Path(__file__).resolve().parent
_MOST_TRACES = 40  # failures that show their bytes and their whole traceback


def render(report: Report) -> str:
    """Return the page, to be written in UTF-8."""
    script = (_FOLDER / "page.js").read_text(encoding="utf-8") + dump_html.SCRIPT
    style = (_FOLDER / "page.css").read_text(encoding="utf-8") + dump_html.STYLE
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    # The page loads nothing. No other script runs, even if the name of a case contains one.
    policy = (
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'"
    )
    cases = by_case(report.runs)
    word = _verdict(report)[1]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{text(policy)}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<link rel="icon" href="data:,">',
            f"<title>{text(word)}: Python and .NET, case by case</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            *_head(report, len(cases)),
            "<main>",
            *_failures(report),
            *_matrix(report),
            *_peers(report),
            *_all_cases(cases, report.matrix.groups),
            "</main>",
            f"<script>{script}</script>",
            "</body>",
            "</html>",
            "",
        ]
    )


def write(report: Report, path: Path) -> None:
    """Write the page to ``path``, and create its folder."""
    text = render(report)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


# --- the parts, from top to bottom ----------------------------------------------------------


def _verdict(report: Report) -> tuple[State, str]:
    """Return the state of the whole run, and a word for it."""
    if not report.passed:
        return "failed", "Failed"
    if report.footer.get("whole") is False:
        return "skipped", "Passed, not all cases ran"
    return report.matrix.total.state, "Passed"


def _head(report: Report, cases: int) -> Iterator[str]:
    state, word = _verdict(report)
    counts = report.matrix.total.counts
    totals = [f"{counts[outcome]} {outcome.value}" for outcome in Outcome if counts[outcome]]
    facts = [
        counted(cases, "case"),
        counted(len(report.matrix.rows), "pair"),
        f"seed {report.header.get('seed', '?')}",
        f"started {str(report.header.get('started', '?')).replace('T', ' ')}",
    ]
    if "seconds" in report.footer:
        facts.append(f"took {duration(report.footer['seconds'])}")
    yield "<header>"
    yield "<h1>Python and .NET, case by case</h1>"
    yield f'<p class="verdict"><strong class="{state}">{text(word)}</strong> '
    yield f"<span>{text(', '.join(totals))}</span></p>"
    yield f'<p class="facts">{text(" · ".join(facts))}</p>'
    yield "</header>"


def _matrix(report: Report) -> Iterator[str]:
    matrix = report.matrix
    first_failures: dict[tuple[str, str, str | None], int] = {}
    for number, run in enumerate(report.failures):
        for group in (run.group, None):
            first_failures.setdefault((run.producer, run.consumer, group), number)
    yield '<section aria-labelledby="matrix"><h2 id="matrix">Matrix</h2>'
    yield '<div class="wide"><table class="matrix">'
    yield "<caption>Passed of total, by producer and consumer</caption>"
    heads = "".join(f'<th scope="col">{text(group)}</th>' for group in [*matrix.groups, "all"])
    yield f'<thead><tr><th scope="col">producer → consumer</th>{heads}</tr></thead><tbody>'
    for producer, consumer in matrix.rows:
        cells = []
        for group in (*matrix.groups, None):
            found = matrix.cell(producer, consumer, group)
            failure = first_failures.get((producer, consumer, group))
            target = f"failure-{failure}" if failure is not None else f"group-{group or 'all'}"
            link = f'<a href="{link_to(target)}">{found}</a>' if found.total else str(found)
            cells.append(f'<td class="{found.state}">{link}</td>')
        yield f'<tr><th scope="row">{text(producer)} → {text(consumer)}</th>{"".join(cells)}</tr>'
    yield "</tbody></table></div></section>"


def _peers(report: Report) -> Iterator[str]:
    yield '<section aria-labelledby="peers"><h2 id="peers">Peers</h2>'
    if report.peers:
        titles = ("language", "runtime", "version", "library", "system", "protocol")
        heads = "".join(f'<th scope="col">{title}</th>' for title in ("peer", *titles))
        yield '<div class="wide"><table class="plain">'
        yield "<caption>As they describe themselves</caption>"
        yield f"<thead><tr>{heads}</tr></thead><tbody>"
        labels = [label for row in report.matrix.rows for label in row]
        for name in dict.fromkeys([*labels, *report.peers]):
            hello = report.peers.get(name, {})
            facts = "".join(f"<td>{text(hello.get(key, '?'))}</td>" for key in titles)
            yield f'<tr><th scope="row">{text(name)}</th>{facts}</tr>'
        yield "</tbody></table></div>"
    facts_of_run = {
        "pyshm": "pyshm", "python": "Python of the harness", "dotnet": ".NET",
        "os": "System", "worlds": "Worlds",
    }  # fmt: skip
    yield '<dl class="run">'
    for key, title in facts_of_run.items():
        value = report.header.get(key, "?")
        shown = ", ".join(map(str, value)) if isinstance(value, list) else value
        yield f"<div><dt>{title}</dt><dd>{text(shown)}</dd></div>"
    yield "</dl></section>"


def _failures(report: Report) -> Iterator[str]:
    failures = report.failures
    if not failures:
        return
    yield '<section aria-labelledby="failures">'
    yield f'<h2 id="failures">Failures <small>{len(failures)}</small></h2>'
    for number, run in enumerate(failures):
        yield f'<article class="failure" id="failure-{number}">'
        yield f'<h3><a href="{link_to(Case(run.group, run.case, []).id)}">{named(run.case)}</a> '
        yield f'<span class="pair">{text(run.producer)} → {text(run.consumer)}</span> '
        yield f'<span class="tag failed">{run.outcome.value}</span></h3>'
        yield f'<pre class="message">{text(essence(run.message))}</pre>'
        if number < _MOST_TRACES:
            if run.memory is not None:
                yield bytes_section(run.memory)
            if len(run.message) > len(essence(run.message)):
                yield "<details><summary>The whole traceback</summary>"
                yield f"<pre>{text(run.message[-LONGEST:])}</pre></details>"
        if run.test:
            yield f"<p>Repeat it:</p><pre><code>{text(_command(report, run))}</code></pre>"
        yield "</article>"
    yield "</section>"


def _all_cases(cases: list[Case], groups: list[str]) -> Iterator[str]:
    yield '<section aria-labelledby="group-all"><h2 id="group-all">Cases</h2>'
    yield '<form class="tools" hidden>'
    yield '<label>Filter <input type="search" id="filter" autocomplete="off"></label>'
    yield '<label>Outcome <select id="outcome"><option value="">all</option>'
    for state in SIGNS:
        yield f"<option>{state}</option>"
    yield "</select></label>"
    yield '<button type="button" id="open">Open all</button>'
    yield '<button type="button" id="close">Close all</button>'
    yield '<output id="count" for="filter outcome"></output></form>'
    for group in groups:
        members = [case for case in cases if case.group == group]
        yield f'<section class="group"><h3 id="{id_of(f"group-{group}")}">{text(group)} '
        yield f"<small>{len(members)}</small></h3>"
        # Failures first, then in the order of the run.
        for case in sorted(members, key=lambda case: case.cells.state != "failed"):
            yield from case_section(case)
        yield "</section>"
    yield "</section>"


def _command(report: Report, run: Run) -> str:
    """Return the command that repeats one run, for the root of the checkout."""
    words = ["python", "-m", "pytest", run.test, "--seed", str(report.header.get("seed"))]
    world = report.header.get("world", "native")
    return shlex.join([*words, "--world", world] if world != "native" else words)
