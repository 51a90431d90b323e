"""A peer's process: what is reported when it fails, and that it can be started again."""

from __future__ import annotations

import os
import signal
import sys
import time

import pytest

from interop.peers.start import python_peer
from pyshm.testing.process import Outcome, Peer, PeerFailure


def test_a_program_that_does_not_exist_could_not_start() -> None:
    with pytest.raises(PeerFailure) as caught:
        Peer("missing", [os.path.join(os.sep, "no", "such", "program")]).start()
    assert caught.value.outcome is Outcome.COULD_NOT_START


def test_a_peer_starts_again_after_a_failure() -> None:
    peer = python_peer()
    peer.request({"do": "ping"})
    first = peer.pid
    os.kill(first, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
    with pytest.raises(PeerFailure) as caught:
        peer.request({"do": "ping"})
    assert caught.value.outcome is Outcome.CRASHED
    assert peer.request({"do": "ping"}) == [{"value": "pong"}]
    assert peer.pid != first
    assert peer.starts == 2
    peer.close()


def test_a_failure_contains_what_the_peer_wrote_to_standard_error() -> None:
    script = "import sys; print('the reason', file=sys.stderr); sys.exit(5)"
    with pytest.raises(PeerFailure, match="the reason") as caught:
        Peer("speaker", [sys.executable, "-c", script]).start()
    assert "status 5" in str(caught.value)


PARENT = """
import subprocess, sys
# It does not end by itself when its parent is killed.
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print('{"hello": {"protocol": 1, "child": %d}}' % child.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.posix
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups")
def test_killing_a_peer_ends_what_it_has_started() -> None:
    peer = Peer("parent", [sys.executable, "-c", PARENT]).start()
    child = peer.hello["child"]
    peer.kill()
    end = time.monotonic() + 30
    while _runs(child):
        assert time.monotonic() < end, f"process {child} still runs"
        time.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        # A process that has ended stays until its parent asks for its status.
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
