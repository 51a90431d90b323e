"""The Python programs and the commands of the pages for users do what the pages say.

test_docs_csharp.py runs the examples that need .NET.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from interop.doc_examples.pages import (
    DOCS,
    Example,
    ExampleError,
    examples_of,
    pages,
    problems_of,
)
from interop.doc_examples.runner import Runner

EXAMPLES = [
    pytest.param(example, variant, id=str(example))
    for page in pages()
    for example in examples_of(page)
    for variant in example.variants()
    if not example.needs_dotnet(variant)
]


@pytest.mark.parametrize(("example", "variant"), EXAMPLES)
def test_the_examples_of_a_section_do_what_the_page_says(
    example: Example, variant: Mapping[str, str], tmp_path: Path
) -> None:
    example.skip_if_impossible()
    Runner(tmp_path).run(example, variant)
    assert list((tmp_path / "maps").iterdir()) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_every_code_block_of_a_page_is_run_or_compared(page: Path) -> None:
    assert problems_of(page) == []


@pytest.mark.parametrize("page", [*pages(), DOCS.parent / "README.md"], ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text):
        name, _, anchor = target.partition("#")
        path = page.parent / name if name else page
        assert path.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in map(_anchor, headings), target


def _anchor(heading: str) -> str:
    """Return the fragment of a heading's address."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# --- the runner itself --------------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path):
    """Return a function that writes a page and returns its path."""

    def write(text: str) -> Path:
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def run(path: Path, tmp_path: Path) -> None:
    (example,) = examples_of(path)
    Runner(tmp_path / "run").run(example, example.variants()[0])


def test_a_block_without_a_marker_is_a_problem(page) -> None:
    assert "no test runs this block" in problems_of(page("```python\n1\n```\n"))[0]


@pytest.mark.parametrize("text", ["```py3.11\n1\n```\n", " ```\n1\n ```\n", "~~~\n1\n~~~\n"])
def test_a_fence_that_is_not_recognized_is_a_problem(page, text: str) -> None:
    assert "this fence is not recognized" in problems_of(page(text))[0]


def test_indented_code_is_a_problem(page) -> None:
    assert "put it in a fence: code" in problems_of(page("Text\n\n    code\n"))[0]


def test_a_language_that_can_not_run_is_a_problem(page) -> None:
    text = "<!-- example: a.rs -->\n```rust\n1\n```\n"
    assert "a.rs can't be run as rust" in problems_of(page(text))[0]


def test_a_suffix_of_another_language_is_a_problem(page) -> None:
    text = "<!-- example: a.py -->\n```sh\n1\n```\n"
    assert "a.py can't be run as sh" in problems_of(page(text))[0]


def test_an_output_of_another_section_is_a_problem(page) -> None:
    text = (
        "## A\n<!-- example: a.py -->\n```python\n1\n```\n## B\n<!-- output: a -->\n```text\n```\n"
    )
    assert "no program a runs before it" in problems_of(page(text))[0]


@pytest.mark.parametrize(("name", "language"), [("a.py", "python"), ("a.sh", "sh")])
def test_two_programs_with_one_name_are_a_problem(page, name: str, language: str) -> None:
    text = "<!-- example: a.py -->\n```python\n1\n```\n"
    other = f"<!-- example: {name} -->\n```{language}\n1\n```\n"
    assert "another program a" in problems_of(page(text + other))[0]


def test_a_failing_example_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py -->\n```python\nraise SystemExit('why')\n```\n"
    with pytest.raises(ExampleError, match=r"page\.md, line 1, a\.py: exit status 1\nwhy"):
        run(page(text), tmp_path)


def test_an_example_that_should_fail_and_does_not_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, fails -->\n```python\n1\n```\n"
    with pytest.raises(ExampleError, match="exit status 0"):
        run(page(text), tmp_path)


def test_another_output_is_an_error(page, tmp_path: Path) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('seen\\nhere')\n```\n"
        "<!-- output: a -->\n```text\nseen\nthere\n```\n"
    )
    with pytest.raises(ExampleError, match="line 5, a: the page has\nseen\nthere\n\nthe output"):
        run(page(text), tmp_path)


@pytest.mark.parametrize("shown", ["one 1\n…\nfour 4", "one …\ntwo 2\nthree…\n… 4", "…"])
def test_an_ellipsis_stands_for_anything(page, tmp_path: Path, shown: str) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('one 1\\ntwo 2\\nthree 3\\nfour 4')\n```\n"
        f"<!-- output: a -->\n```text\n{shown}\n```\n"
    )
    run(page(text), tmp_path)


@pytest.mark.parametrize("shown", ["one…", "two…\n…", "…\nfour"])
def test_the_text_beside_an_ellipsis_must_be_right(page, tmp_path: Path, shown: str) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('one 1\\ntwo 2\\nthree 3\\nfour 4')\n```\n"
        f"<!-- output: a -->\n```text\n{shown}\n```\n"
    )
    with pytest.raises(ExampleError, match="the output is"):
        run(page(text), tmp_path)


def test_a_held_program_runs_until_the_section_ends(page, tmp_path: Path) -> None:
    text = (
        "<!-- example: a.py, held -->\n```python\n"
        "import pathlib\nprint('READY')\ninput()\npathlib.Path('end').touch()\n```\n"
        "<!-- example: b.py -->\n```python\n"
        "import pathlib\nassert not pathlib.Path('end').exists()\n```\n"
    )
    run(page(text), tmp_path)
    assert (tmp_path / "run" / "folder" / "end").exists()


def test_a_held_program_that_ends_early_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, held -->\n```python\nraise SystemExit(3)\n```\n"
    with pytest.raises(ExampleError, match="ended with 3 and printed nothing"):
        run(page(text), tmp_path)


def test_a_held_program_that_fails_at_its_end_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, held -->\n```python\ninput('READY')\nraise OSError\n```\n"
    with pytest.raises(ExampleError, match="exit status 1\nREADYTraceback"):
        run(page(text), tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="it looks into /proc")
def test_the_error_of_a_program_names_the_held_one_that_had_ended(page, tmp_path: Path) -> None:
    text = (
        "<!-- example: a.py, held -->\n```python\nimport os, pathlib\n"
        "pathlib.Path('pid').write_text(str(os.getpid()))\nprint('READY')\n"
        "raise OSError('why')\n```\n"
        "<!-- example: b.py -->\n```python\nimport pathlib\n"
        "process = pathlib.Path('/proc', pathlib.Path('pid').read_text(), 'stat')\n"
        "while ') Z' not in process.read_text():\n    pass\nraise SystemExit(2)\n```\n"
    )
    with pytest.raises(
        ExampleError, match=r"(?s)b\.py: exit status 2.*a\.py had ended with 1.*why"
    ):
        run(page(text), tmp_path)


def test_a_change_that_no_longer_applies_is_an_error(page, tmp_path: Path) -> None:
    text = (
        "<!-- page: checkout -->\n<!-- example: a.diff, interop/worlds/world.py -->\n"
        "```diff\n-not in the file\n+a new line\n```\n"
    )
    with pytest.raises(ExampleError, match="has these lines 0 times"):
        run(page(text), tmp_path)


def test_a_program_in_two_languages_has_two_variants(page) -> None:
    text = "<!-- example: a.py -->\n```python\n```\n<!-- example: A.cs -->\n```csharp\n```\n"
    (example,) = examples_of(page(text))
    assert example.variants() == [{"a": "python"}, {"a": "csharp"}]
    assert [example.needs_dotnet(variant) for variant in example.variants()] == [False, True]


def test_a_program_in_csharp_only_needs_dotnet(page) -> None:
    (example,) = examples_of(page("<!-- example: A.cs -->\n```csharp\n```\n"))
    assert example.variants() == [{}]
    assert example.needs_dotnet({})
