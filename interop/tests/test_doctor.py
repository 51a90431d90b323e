"""``python -m interop doctor`` looks at everything, and tells what mends it."""

from __future__ import annotations

import pytest

from interop import doctor
from interop.desktop import display
from interop.report import browser
from interop.worlds import wine
from pyshm.doctor import examine_library
from pyshm.testing import sdk

DISPLAY = "a display for the windows"
BROWSER = "a browser for the report's page"


def subjects(findings: list[doctor.Finding]) -> list[str]:
    return [finding.subject for finding in findings]


def test_what_the_library_looks_at_comes_first_and_the_harness_adds_its_own() -> None:
    found = list(doctor.examine())
    library = subjects(list(examine_library()))
    assert subjects(found)[: len(library)] == library
    assert subjects(found)[len(library) : len(library) + 2] == ["pytest", ".NET"]
    assert subjects(found)[-3:] == ["the Windows world", DISPLAY, BROWSER]
    assert not any(finding.needed for finding in found)


def test_what_is_missing_comes_with_the_line_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> sdk.Dotnet:
        raise sdk.ToolchainError("the .NET SDK is missing", "get-it --now")

    monkeypatch.setattr(sdk, "find_dotnet", missing)
    monkeypatch.setattr(wine, "find", lambda: None)
    monkeypatch.setattr(display, "missing", lambda: "no X server: get-x")
    monkeypatch.setattr(browser, "missing", lambda: "no browser: get-one")
    found = {finding.subject: str(finding) for finding in doctor.examine()}
    assert found[".NET"].startswith("optional")
    assert found[".NET"].endswith("get-it --now")
    assert found["the Windows world"].endswith("python -m interop windows")
    assert found[DISPLAY].splitlines()[1].strip() == "no X server: get-x"
    assert found[BROWSER].splitlines()[1].strip() == "no browser: get-one"
