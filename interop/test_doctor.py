"""``python -m interop doctor`` looks at everything, and tells what mends it."""

from __future__ import annotations

import pytest

from interop import doctor, toolchain, wine


def subjects(findings: list[doctor.Finding]) -> list[str]:
    return [finding.subject for finding in findings]


def test_everything_that_is_used_is_looked_at() -> None:
    found = list(doctor.examine())
    assert subjects(found)[:5] == ["Python", "cffi", "Pillow", "pytest", "named maps"]
    assert subjects(found)[-1] == "the Windows world"
    maps = found[4]
    assert "created, opened and shared" in maps.state
    assert not maps.needed


def test_what_is_missing_comes_with_the_line_that_mends_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing() -> toolchain.Dotnet:
        raise toolchain.ToolchainError("the .NET SDK is missing", "get-it --now")

    monkeypatch.setattr(toolchain, "find_dotnet", missing)
    monkeypatch.setattr(wine, "find", lambda: None)
    found = {finding.subject: str(finding) for finding in doctor.examine()}
    assert found[".NET"].startswith("optional")
    assert found[".NET"].endswith("get-it --now")
    assert found["the Windows world"].endswith("python -m interop windows")


def test_a_module_that_is_needed_and_not_there_fails_the_examination(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def missing(name: str) -> None:
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr("importlib.import_module", missing)
    finding = next(item for item in doctor.examine() if item.subject == "cffi")
    assert finding.needed
    assert "pip install cffi" in str(finding)
