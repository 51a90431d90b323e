"""The search for a .NET SDK, and the command that installs one."""

from __future__ import annotations

import platform
import sys

import pytest

from pyshm.testing import sdk


@pytest.fixture
def only_this_dotnet(dotnet, monkeypatch):
    """The fake dotnet, where the search can't find a real one."""
    monkeypatch.setattr(sdk, "_dotnet_candidates", lambda: iter([dotnet / "dotnet"]))
    monkeypatch.setattr(sdk, "dotnet_remedy", lambda: "install it")
    return dotnet


def test_dotnet_root_comes_first(dotnet):
    assert sdk.find_dotnet() == sdk.Dotnet(dotnet / "dotnet", "9.0.101")


@pytest.mark.parametrize("version", ["8.0.404", "9.0.101", "10.0.100-rc.1.25451.107"])
def test_an_sdk_of_version_8_or_newer_is_accepted(only_this_dotnet, version):
    (only_this_dotnet / "sdk").write_text(version)
    assert sdk.find_dotnet().major >= 8


def test_the_error_names_an_older_sdk(only_this_dotnet):
    (only_this_dotnet / "sdk").write_text("6.0.428")
    with pytest.raises(sdk.ToolchainError, match=r"has SDK 6\.0\.428") as caught:
        sdk.find_dotnet()
    assert caught.value.remedy == "install it"


def test_the_error_names_a_runtime_without_an_sdk(only_this_dotnet):
    (only_this_dotnet / "sdk").unlink()
    with pytest.raises(sdk.ToolchainError, match="has no SDK that works"):
        sdk.find_dotnet()


def test_the_error_is_a_sentence_and_a_command_on_its_own_line(only_this_dotnet, monkeypatch):
    monkeypatch.setattr(sdk, "_dotnet_candidates", lambda: iter([]))
    with pytest.raises(sdk.ToolchainError) as caught:
        sdk.find_dotnet()
    sentence, line = str(caught.value).splitlines()
    assert sentence == "the .NET SDK (version 8 or newer) is missing; this installs it:"
    assert line == "    install it"


@pytest.mark.parametrize(
    ("release", "apt_package", "remedy"),
    [
        ({"ID": "ubuntu"}, "dotnet-sdk-8.0", "apt-get install -y dotnet-sdk-8.0"),
        ({"ID": "debian"}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
        ({"ID": "fedora"}, None, "dnf install -y dotnet-sdk-10.0"),
        ({"ID": "nixos"}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
        ({}, None, "dotnet-install.sh | bash -s -- --channel 10.0"),
    ],
)
def test_the_install_command_fits_the_system(monkeypatch, release, apt_package, remedy):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(platform, "freedesktop_os_release", lambda: release)
    monkeypatch.setattr(sdk, "_apt_sdk", lambda: apt_package)
    assert remedy in sdk.dotnet_remedy()
    assert "\n" not in sdk.dotnet_remedy()
