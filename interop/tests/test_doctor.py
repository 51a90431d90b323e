"""``python -m interop doctor`` examines everything and shows how to install what is missing."""

from __future__ import annotations

import pytest

from interop import doctor
from interop.desktop import display
from interop.models import tools
from interop.report import browser
from interop.worlds import mono, wine
from pyshm.doctor import examine_library
from pyshm.testing import sdk

DISPLAY = "a display"
BROWSER = "a browser"
MODELS = ["spin", "relacy"]


def subjects(findings: list[doctor.Finding]) -> list[str]:
    return [finding.subject for finding in findings]


def test_the_findings_of_the_library_come_first() -> None:
    found = list(doctor.examine())
    library = subjects(list(examine_library()))
    assert subjects(found)[: len(library)] == library
    assert subjects(found)[len(library) : len(library) + 2] == ["pytest", ".NET"]
    assert subjects(found)[-6:] == ["the Windows world", "Mono", DISPLAY, BROWSER, *MODELS]
    assert not any(finding.needed for finding in found)


def test_a_missing_program_comes_with_the_command_that_installs_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> sdk.Dotnet:
        raise sdk.ToolchainError("the .NET SDK is missing", "get-it --now")

    def no_mono() -> str:
        raise sdk.ToolchainError("Mono is missing", "get-mono --now")

    monkeypatch.setattr(sdk, "find_dotnet", missing)
    monkeypatch.setattr(mono, "find_mono", no_mono)
    monkeypatch.setattr(wine, "find", lambda: None)
    monkeypatch.setattr(display, "missing", lambda: "no X server: get-x")
    monkeypatch.setattr(browser, "missing", lambda: "no browser: get-one")
    monkeypatch.setattr(tools, "missing", lambda tool: f"no {tool}: get-{tool}")
    found = {finding.subject: str(finding) for finding in doctor.examine()}
    assert found[".NET"].startswith("optional")
    assert found[".NET"].endswith("get-it --now")
    assert found["the Windows world"].endswith("python -m interop windows")
    assert "Mono is missing" in found["Mono"]
    assert found["Mono"].endswith("get-mono --now")
    assert found[DISPLAY].splitlines()[1].strip() == "no X server: get-x"
    assert found[BROWSER].splitlines()[1].strip() == "no browser: get-one"
    for tool in MODELS:
        assert found[tool].splitlines()[1].strip() == f"no {tool}: get-{tool}"


def test_mono_without_its_program_comes_with_the_command_that_builds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mono, "find_mono", lambda: "/usr/bin/mono")
    monkeypatch.setattr(mono, "find", lambda: None)
    found = {finding.subject: str(finding) for finding in doctor.examine()}
    assert found["Mono"].startswith("optional")
    assert "/usr/bin/mono" in found["Mono"]
    assert found["Mono"].endswith("python -m interop mono")
