"""The loop of the protocol in docs/protocol.md, "serve": read a request, answer it, go on."""

from __future__ import annotations

import json
import os
import platform
import sys
from typing import Any, BinaryIO, Protocol

import pyshm

__all__ = ["Answering", "Step", "answer", "hello", "send", "serve"]

PROTOCOL = 1

Step = dict[str, Any]


class Answering(Protocol):
    """What carries out the steps."""

    def outcome(self, step: Step) -> dict[str, Any]:
        """Carry out one step; return ``{"value": ...}`` or ``{"error": ...}``."""

    def close(self) -> None:
        """Release everything that the steps made."""


def hello() -> dict[str, Any]:
    """Return the first message of a peer."""
    return {
        "hello": {
            "protocol": PROTOCOL,
            "language": "python",
            "runtime": f"{platform.python_implementation()} {platform.python_version()}",
            "version": pyshm.__version__,
            "system": {"win32": "windows", "darwin": "macos"}.get(sys.platform, sys.platform),
            "pid": os.getpid(),
        }
    }


def answer(peer: Answering, line: bytes) -> dict[str, Any]:
    """Return the response to one line with a request."""
    try:
        request = json.loads(line)
    except ValueError as error:
        return {"id": None, "nonce": None, "fatal": f"not JSON: {error}"}
    except RecursionError:
        return {"id": None, "nonce": None, "fatal": "not JSON: it is nested too deeply"}
    if not isinstance(request, dict):
        return {"id": None, "nonce": None, "fatal": "a request is a JSON object"}
    response: dict[str, Any] = {"id": request.get("id"), "nonce": request.get("nonce")}
    reason = _refusal(request)
    if reason is not None:
        return {**response, "fatal": reason}
    outcomes: list[dict[str, Any]] = []
    for step in request["steps"]:
        outcomes.append(peer.outcome(step))
        if "error" in outcomes[-1] and request.get("on_error", "stop") == "stop":
            break
    return {**response, "outcomes": outcomes}


def _refusal(request: dict[str, Any]) -> str | None:
    """Return why none of the request's steps can be carried out; None if they can."""
    steps = request.get("steps")
    if not isinstance(steps, list):
        return 'a request has "steps", an array'
    if not all(isinstance(step, dict) and isinstance(step.get("do"), str) for step in steps):
        return 'a step is an object with "do", a string'
    if request.get("on_error", "stop") not in ("stop", "continue"):
        return '"on_error" is "stop" or "continue"'
    return None


def send(message: dict[str, Any], target: BinaryIO) -> None:
    """Write one message as a line, at once."""
    target.write(json.dumps(message).encode("ascii") + b"\n")
    target.flush()


def serve(source: BinaryIO, target: BinaryIO, peer: Answering) -> int:
    """Answer every line of ``source`` until it ends, then close ``peer``; return exit status 0."""
    try:
        send(hello(), target)
        for line in source:
            send(answer(peer, line), target)
    finally:
        peer.close()
    return 0
