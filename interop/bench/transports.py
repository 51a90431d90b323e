"""Ways to send small messages and frames to another process: channels, and what they replace.

Both ends of a benchmark use these classes: the one that starts first makes the transport, the other
one connects to it. channels.cs has the same in C#.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, Protocol

from pyshm import LatestChannel
from pyshm.channels import LatestReader, LatestWriter

__all__ = ["FRAME", "KINDS", "MESSAGE", "SPINNING", "Link", "connect", "listen"]

MESSAGE = 48
"""The size of a small message in bytes."""
FRAME = 8_000_000
"""The size of a frame in bytes."""
SPINNING = "channel, spinning"
KINDS = ("unix socket", "tcp", "pipe", "channel")


class Closable(Protocol):
    """A socket, a file or a part of a channel."""

    def close(self) -> None: ...


class Link(NamedTuple):
    """One end of a transport: functions that send and receive one message."""

    send: Callable[[bytes], object]
    receive: Callable[[], bytes]
    ends: tuple[Closable, ...]
    """What is closed with the link."""

    def close(self) -> None:
        """Close this end."""
        for end in self.ends:
            end.close()


def listen(kind: str, folder: Path) -> Callable[[], Link]:
    """Make a transport in ``folder``. Return a function that waits for the other end."""
    if kind == "channel":
        there, back = (LatestChannel.create(_name(folder, way), capacity=MESSAGE) for way in _WAYS)
        link = _of_channels(there.writer(), back.reader())
        return lambda: link
    if kind == "pipe":
        for way in _WAYS:
            os.mkfifo(folder / way)
        return lambda: _of_pipes(
            (folder / "there").open("wb", buffering=0), (folder / "back").open("rb", buffering=0)
        )
    listener = _listener(kind, folder)

    def accept() -> Link:
        with listener:
            return _of_socket(listener.accept()[0])

    return accept


def connect(kind: str, folder: Path) -> Link:
    """Connect to a transport that another process has made."""
    if kind == "channel":
        there, back = (LatestChannel.open(_name(folder, way)) for way in _WAYS)
        return _of_channels(back.writer(), there.reader())
    if kind == "pipe":
        incoming = (folder / "there").open("rb", buffering=0)
        return _of_pipes((folder / "back").open("wb", buffering=0), incoming)
    if kind == "tcp":
        port = int((folder / "port").read_text())
        return _of_socket(socket.create_connection(("127.0.0.1", port)))
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(str(folder / "socket"))
    return _of_socket(connected)


_WAYS = ("there", "back")


def _name(folder: Path, way: str) -> str:
    return f"{folder.name}-{way}"


def _listener(kind: str, folder: Path) -> socket.socket:
    if kind == "tcp":
        listener = socket.create_server(("127.0.0.1", 0))
        (folder / "port").write_text(str(listener.getsockname()[1]))
        return listener
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / "socket"))
    listener.listen()
    return listener


def _of_socket(connected: socket.socket) -> Link:
    if connected.family == socket.AF_INET:
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    receive = partial(connected.recv, MESSAGE, socket.MSG_WAITALL)
    return Link(connected.sendall, receive, (connected,))


def _of_pipes(outgoing: BinaryIO, incoming: BinaryIO) -> Link:
    return Link(outgoing.write, partial(incoming.read, MESSAGE), (outgoing, incoming))


def _of_channels(writer: LatestWriter, reader: LatestReader) -> Link:
    return Link(writer.publish, reader.next, (writer, reader))
