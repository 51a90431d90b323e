"""The pages for users do what they say: each of their examples runs, in Python and in the shell.

What they have in C#, interop/tests/docs/test_docs_csharp.py compiles and runs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest

from interop.doc_examples.pages import (
    DOCS,
    ExampleError,
    Story,
    pages,
    problems_of,
    stories_of,
)
from interop.doc_examples.runner import Stage

STORIES = [
    pytest.param(story, cast, id=str(story))
    for page in pages()
    for story in stories_of(page)
    for cast in story.casts()
    if not story.needs_dotnet(cast)
]


@pytest.mark.parametrize(("story", "cast"), STORIES)
def test_the_examples_of_a_section_do_what_the_page_says(
    story: Story, cast: Mapping[str, str], tmp_path: Path
) -> None:
    story.skip_if_impossible()
    Stage(tmp_path).tell(story, cast)
    assert list((tmp_path / "maps").iterdir()) == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_no_code_of_a_page_is_left_out(page: Path) -> None:
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
    """The fragment by which a heading is found."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


# --- the machinery itself -----------------------------------------------------------------


@pytest.fixture
def page(tmp_path: Path):
    """``page(text)``: the path of a page with that text."""

    def write(text: str) -> Path:
        path = tmp_path / "page.md"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def tell(path: Path, tmp_path: Path) -> None:
    (story,) = stories_of(path)
    Stage(tmp_path / "stage").tell(story, story.casts()[0])


def test_a_block_without_a_marker_is_a_problem(page) -> None:
    assert "no test runs this block" in problems_of(page("```python\n1\n```\n"))[0]


@pytest.mark.parametrize("text", ["```py3.11\n1\n```\n", " ```\n1\n ```\n", "~~~\n1\n~~~\n"])
def test_a_fence_that_is_not_understood_is_a_problem(page, text: str) -> None:
    assert "a fence that nothing finds" in problems_of(page(text))[0]


def test_indented_code_is_a_problem(page) -> None:
    assert "fence it: code" in problems_of(page("Text\n\n    code\n"))[0]


def test_a_language_that_nothing_runs_is_a_problem(page) -> None:
    text = "<!-- example: a.rs -->\n```rust\n1\n```\n"
    assert "is no rust that is run" in problems_of(page(text))[0]


def test_a_name_of_another_language_is_a_problem(page) -> None:
    text = "<!-- example: a.py -->\n```sh\n1\n```\n"
    assert "is no sh that is run" in problems_of(page(text))[0]


def test_an_output_of_another_section_is_a_problem(page) -> None:
    text = (
        "## A\n<!-- example: a.py -->\n```python\n1\n```\n## B\n<!-- output: a -->\n```text\n```\n"
    )
    assert "does not run before it" in problems_of(page(text))[0]


@pytest.mark.parametrize(("name", "language"), [("a.py", "python"), ("a.sh", "sh")])
def test_two_examples_of_one_name_are_a_problem(page, name: str, language: str) -> None:
    text = "<!-- example: a.py -->\n```python\n1\n```\n"
    other = f"<!-- example: {name} -->\n```{language}\n1\n```\n"
    assert "a second example a" in problems_of(page(text + other))[0]


def test_a_failing_example_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py -->\n```python\nraise SystemExit('why')\n```\n"
    with pytest.raises(ExampleError, match=r"page\.md, line 1, a\.py: exit status 1\nwhy"):
        tell(page(text), tmp_path)


def test_an_example_that_should_fail_and_does_not_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, fails -->\n```python\n1\n```\n"
    with pytest.raises(ExampleError, match="exit status 0"):
        tell(page(text), tmp_path)


def test_another_output_is_an_error(page, tmp_path: Path) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('seen\\nhere')\n```\n"
        "<!-- output: a -->\n```text\nseen\nthere\n```\n"
    )
    with pytest.raises(ExampleError, match="line 5, a: the page has\nseen\nthere\n\nbut it is\n"):
        tell(page(text), tmp_path)


@pytest.mark.parametrize("shown", ["one 1\n…\nfour 4", "one …\ntwo 2\nthree…\n… 4", "…"])
def test_an_ellipsis_stands_for_anything(page, tmp_path: Path, shown: str) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('one 1\\ntwo 2\\nthree 3\\nfour 4')\n```\n"
        f"<!-- output: a -->\n```text\n{shown}\n```\n"
    )
    tell(page(text), tmp_path)


@pytest.mark.parametrize("shown", ["one…", "two…\n…", "…\nfour"])
def test_an_ellipsis_does_not_stand_for_everything(page, tmp_path: Path, shown: str) -> None:
    text = (
        "<!-- example: a.py -->\n```python\nprint('one 1\\ntwo 2\\nthree 3\\nfour 4')\n```\n"
        f"<!-- output: a -->\n```text\n{shown}\n```\n"
    )
    with pytest.raises(ExampleError, match="but it is"):
        tell(page(text), tmp_path)


def test_a_held_program_runs_until_the_section_ends(page, tmp_path: Path) -> None:
    text = (
        "<!-- example: a.py, held -->\n```python\n"
        "import pathlib\nprint('READY')\ninput()\npathlib.Path('end').touch()\n```\n"
        "<!-- example: b.py -->\n```python\n"
        "import pathlib\nassert not pathlib.Path('end').exists()\n```\n"
    )
    tell(page(text), tmp_path)
    assert (tmp_path / "stage" / "folder" / "end").exists()


def test_a_held_program_that_ends_early_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, held -->\n```python\nraise SystemExit(3)\n```\n"
    with pytest.raises(ExampleError, match="ended with 3 before it was ready"):
        tell(page(text), tmp_path)


def test_a_held_program_that_fails_at_its_end_is_an_error(page, tmp_path: Path) -> None:
    text = "<!-- example: a.py, held -->\n```python\ninput('READY')\nraise OSError\n```\n"
    with pytest.raises(ExampleError, match="exit status 1\nREADYTraceback"):
        tell(page(text), tmp_path)


def test_a_change_that_no_longer_applies_is_an_error(page, tmp_path: Path) -> None:
    text = (
        "<!-- page: checkout -->\n<!-- example: a.diff, interop/worlds/world.py -->\n"
        "```diff\n-nobody wrote this\n+at all\n```\n"
    )
    with pytest.raises(ExampleError, match="has these lines 0 times"):
        tell(page(text), tmp_path)


def test_a_program_in_two_languages_is_cast_twice(page) -> None:
    text = "<!-- example: a.py -->\n```python\n```\n<!-- example: A.cs -->\n```csharp\n```\n"
    (story,) = stories_of(page(text))
    assert story.casts() == [{"a": "python"}, {"a": "csharp"}]
    assert [story.needs_dotnet(cast) for cast in story.casts()] == [False, True]


def test_a_program_in_csharp_alone_needs_dotnet(page) -> None:
    (story,) = stories_of(page("<!-- example: A.cs -->\n```csharp\n```\n"))
    assert story.casts() == [{}]
    assert story.needs_dotnet({})
