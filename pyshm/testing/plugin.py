"""The pytest plugin: the fixture ``dotnet_peer``.

pytest loads this file in every run on a machine that has pyshm. So it imports nothing and looks for
nothing until a test asks for the peer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .dotnet import DotNetPeer

# The pytest sessions of this process. There are several while a test runs pytest.
_sessions: list[pytest.Config] = []
_PEER = pytest.StashKey["DotNetPeer | Exception"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option ``--pyshm-require-dotnet``."""
    parser.getgroup("pyshm", "pyshm: types that are shared with .NET").addoption(
        "--pyshm-require-dotnet",
        action="store_true",
        help="fail tests that need .NET if it is missing, instead of skipping them",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Begin a session."""
    _sessions.append(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """End a session, and its peer if the fixture has not done so."""
    _sessions.remove(config)
    peer = config.stash.get(_PEER, None)
    if peer is not None and not isinstance(peer, Exception):
        peer.close()


@pytest.fixture(scope="session")
def dotnet_peer() -> Iterator[DotNetPeer]:
    """A .NET process for assert_same_layout and assert_round_trip; one for the session.

    Built when it is needed for the first time, which takes some seconds, and kept in a cache.
    Without the .NET SDK the test is skipped; with ``--pyshm-require-dotnet`` it fails.
    Relative paths of assemblies begin in pytest's rootdir.
    """
    peer = session_peer()
    assert peer is not None
    yield peer
    peer.close()


def session_peer() -> DotNetPeer | None:
    """Return the peer of the session that runs; None outside of one.

    Skip or fail the test if .NET is missing. Raises BuildError if the peer does not build.
    """
    if not _sessions:
        return None
    from .sdk import ToolchainError

    config = _sessions[-1]
    peer = config.stash[_PEER] = config.stash.get(_PEER, None) or _new_peer(config)
    if isinstance(peer, ToolchainError):
        reason = " ".join(str(peer).split())  # pytest's summary shows one line
        if config.getoption("--pyshm-require-dotnet"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    if isinstance(peer, Exception):
        raise peer.with_traceback(None)
    return peer


def _new_peer(config: pytest.Config) -> DotNetPeer | Exception:
    """Return a peer for the session, or why there is none, so that one attempt is made."""
    from ..errors import PyshmError
    from .dotnet import DotNetPeer

    plugins = config.pluginmanager
    reporter = plugins.get_plugin("terminalreporter")
    capture = plugins.get_plugin("capturemanager")

    def say(_line: str) -> None:
        if reporter is not None and capture is not None:
            with capture.global_and_fixture_disabled():
                reporter.write_line("pyshm: building the .NET peer, once for this version and SDK")

    try:
        return DotNetPeer(folder=config.rootpath, say=say)
    except PyshmError as error:
        return error
