"""The pytest plugin: the fixture ``dotnet_peer``.

pytest loads it in every run of everybody who has pyshm installed. So nothing is imported here, and
nothing looked for, before a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .dotnet import DotNetPeer


def pytest_addoption(parser: pytest.Parser) -> None:
    """One option, with a prefix of its own."""
    parser.getgroup("pyshm", "pyshm: types that are shared with .NET").addoption(
        "--pyshm-require-dotnet",
        action="store_true",
        help="fail the tests that need .NET where it is missing, instead of skipping them",
    )


@pytest.fixture(scope="session")
def dotnet_peer(request: pytest.FixtureRequest) -> Iterator[DotNetPeer]:
    """A .NET process for assert_same_layout and assert_round_trip; one for the session.

    Built when it is needed for the first time, which takes some seconds, and kept in a cache.
    Without the .NET SDK the test is skipped; with ``--pyshm-require-dotnet`` it fails.
    Relative paths of assemblies begin in pytest's rootdir.
    """
    from .asserting import set_current
    from .dotnet import DotNetPeer
    from .sdk import ToolchainError

    plugins = request.config.pluginmanager
    reporter = plugins.get_plugin("terminalreporter")
    capture = plugins.get_plugin("capturemanager")

    def say(_line: str) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line("pyshm: building the .NET peer, once for this version and SDK")

    try:
        peer = DotNetPeer(folder=request.config.rootpath, say=say)
    except ToolchainError as error:
        reason = " ".join(str(error).split())  # pytest's summary shows one line
        if request.config.getoption("--pyshm-require-dotnet"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    set_current(peer)
    try:
        yield peer
    finally:
        set_current(None)
        peer.close()
