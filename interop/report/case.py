"""A case on the page: every pair that ran it. What all pairs have in common is shown once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from pyshm.dump.html import fragment
from pyshm.testing.process import Outcome

from ..exchange.memory import Memory
from ..exchange.record import CONSUMER, PRODUCER, Entry
from ..semantics.run import label
from .lines import Run
from .matrix import Cells, State
from .text import duration, id_of, named, spoken, text

__all__ = ["SIGNS", "Case", "by_case", "bytes_section", "case_section"]

SIGNS = {"passed": "✓", "failed": "✗", "skipped": "–"}


class Case(NamedTuple):
    """One case, with the run of each pair."""

    group: str
    name: str
    runs: list[Run]

    @property
    def cells(self) -> Cells:
        """The number of each outcome."""
        cells = Cells()
        cells.counts.update(run.outcome for run in self.runs)
        return cells

    @property
    def id(self) -> str:
        """Its id on the page, before escaping."""
        within = self.name.startswith(f"{self.group}-")
        return f"case-{self.name}" if within else f"case-{self.group}-{self.name}"


def by_case(runs: Iterable[Run]) -> list[Case]:
    """Group runs by case, in the order of the first run of each."""
    cases: dict[tuple[str, str], Case] = {}
    for run in runs:
        key = run.group, run.case
        cases.setdefault(key, Case(*key, [])).runs.append(run)
    return list(cases.values())


def _variants(runs: Sequence[Run], part: Callable[[Run], Any]) -> list[tuple[list[Run], Any]]:
    """Group runs by the value of ``part``, the most frequent first."""
    found: dict[str, tuple[list[Run], Any]] = {}
    for run in runs:
        item = part(run)
        found.setdefault(json.dumps(item, sort_keys=True), ([], item))[0].append(run)
    return sorted(found.values(), key=lambda variant: -len(variant[0]))


def _by(some: Sequence[Run], runs: Sequence[Run]) -> str:
    """Return which of ``runs`` are ``some``, or "" if all are."""
    if len(some) == len(runs):
        return ""
    for attribute in (PRODUCER, CONSUMER):
        names = {getattr(run, attribute) for run in some}
        if all((getattr(run, attribute) in names) == (run in some) for run in runs):
            return f" <small>{attribute} {text(', '.join(sorted(names)))}</small>"
    return f" <small>{text(', '.join(run.pair for run in some))}</small>"


def _state_of(run: Run) -> State:
    if run.failed:
        return "failed"
    return "passed" if run.outcome is Outcome.PASSED else "skipped"


def case_section(case: Case) -> Iterator[str]:
    """Yield a case: what was written, the bytes, what was read, and each pair's outcome."""
    state = case.cells.state
    words = f"{case.name} {spoken(case.name)} {case.group} " + " ".join(
        sorted({run.outcome.value for run in case.runs})
    )
    seconds = sum(run.seconds for run in case.runs)
    yield (
        f'<details class="case" id="{id_of(case.id)}" data-state="{state}" '
        f'data-words="{text(words.lower())}">'
    )
    chips = "".join(
        f'<span class="chip {_state_of(run)}" role="img" '
        f'aria-label="{text(run.pair)}: {run.outcome.value}" '
        f'title="{text(run.pair)}: {run.outcome.value}">{SIGNS[_state_of(run)]}</span>'
        for run in case.runs
    )
    yield (
        f'<summary><span class="name">{named(case.name)}</span> '
        f'<span class="chips">{chips}</span> <span class="count">{case.cells}</span> '
        f'<span class="time">{duration(seconds)}</span></summary>'
    )
    yield '<div class="body">'
    yield from _steps("Written", "the producer", case.runs, PRODUCER)
    for runs, memory in _variants(case.runs, lambda run: run.record.get("memory")):
        if memory is not None and runs[0].memory is not None:
            yield f"<h4>In the map{_by(runs, case.runs)}</h4>"
            yield bytes_section(runs[0].memory)
    yield from _steps("Read", "the consumer", case.runs, CONSUMER)
    yield '<h4>Runs</h4><table class="plain"><thead><tr><th scope="col">producer → consumer</th>'
    yield '<th scope="col">outcome</th><th scope="col">duration</th></tr></thead><tbody>'
    for run in case.runs:
        tag = f'<span class="tag {_state_of(run)}">{run.outcome.value}</span>'
        why = f" {text(run.message)}" if run.outcome is Outcome.SKIPPED else ""
        yield (
            f'<tr><th scope="row">{text(run.producer)} → {text(run.consumer)}</th>'
            f"<td>{tag}{why}</td><td>{duration(run.seconds)}</td></tr>"
        )
    yield "</tbody></table></div></details>"


def _steps(title: str, who: str, runs: Sequence[Run], by: str) -> Iterator[str]:
    """Yield the steps of one peer and its answers; different answers with their pairs."""

    def steps(run: Run) -> list[Any]:
        return [step for step in run.record.get("steps", []) if step["by"] == by]

    for some, found in _variants(runs, steps):
        if not found:
            continue
        yield f"<h4>{title}{_by(some, runs)}</h4>"
        yield '<div class="wide"><table class="plain steps"><thead><tr><th scope="col">step</th>'
        yield f'<th scope="col">{who} reported</th></tr></thead><tbody>'
        yield from (_step(entry) for entry in some[0].steps(by))
        yield "</tbody></table></div>"
        if some[0].left_out:
            yield f"<p>… and {some[0].left_out} more steps of both</p>"


def _step(entry: Entry) -> str:
    verb, _, arguments = label(entry.step).partition(" ")
    return (
        f'<tr><th scope="row"><code><b>{text(verb)}</b> {text(arguments)}</code></th>'
        f"<td>{_outcome(entry.outcome)}{_expectation(entry)}</td></tr>"
    )


def _outcome(outcome: dict[str, Any] | None) -> str:
    if outcome is None:
        return '<span class="tag failed">no answer</span>'
    if "error" in outcome:
        error = outcome["error"]
        facts = {key: error[key] for key in ("field", "offset", "value", "limit")
                 if error.get(key) is not None}  # fmt: skip
        details = f" {label(facts)}" if facts else ""
        return (
            f'<span class="tag error">{text(error.get("kind"))}</span> '
            f"<code>{text(error.get('type', ''))}{text(details)}</code><br>"
            f"{text(error.get('message', ''))}"
        )
    value = outcome.get("value")
    if isinstance(value, dict):
        return f"<code>{text(label(value))}</code>"
    return f"<code>{text('done' if value is None else value)}</code>"


def _expectation(entry: Entry) -> str:
    """Return what was expected of a step, or "" if nothing was."""
    if entry.expected is None:
        return ""
    (what, parts), *_ = entry.expected.items()
    wanted = label(parts) if isinstance(parts, dict) else str(parts)
    return f"<br><small>expected {what}: <code>{text(wanted)}</code></small>"


def bytes_section(memory: Memory) -> str:
    """Return the bytes of a map by field, with the wrong ones marked."""
    facts = f"{memory.kind}, {memory.size} bytes" + (f"; {memory.remark}" if memory.remark else "")
    if memory.wanted is not None:
        facts += "; wrong bytes are marked"
    table = fragment(memory.found, memory.regions, expected=memory.wanted)
    difference = f"<pre>{text(memory.difference)}</pre>" if memory.difference else ""
    return f'<p class="bytes">{text(facts)}</p><div class="wide">{table}</div>{difference}'
