"""The steps for channels, by pyshm (docs/protocol.md, "Channels")."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol

from pyshm.channels import LatestChannel, QueueChannel
from pyshm.errors import WriterDiedError
from pyshm.formats.image import ImageData
from pyshm.layout.schema import from_json
from pyshm.structs.from_declaration import struct_from

from .channel_runs import run
from .serve import Step
from .stepping import Stepping
from .values import BadStepError

if TYPE_CHECKING:
    from pyshm.structs.struct import Struct

__all__ = ["ChannelSteps"]

_CLASSES: dict[str, Any] = {"latest": LatestChannel, "queue": QueueChannel}
_SIZES = ("capacity", "pins", "slots", "readers", "plain")


class Peer(Protocol):
    """What the steps need of the peer: its objects, and all its steps."""

    steps: dict[str, Callable[[Step], Any]]

    def keep(self, step: Step, target: Any) -> None:
        """Store an object under the name that the step gives."""

    def find(self, name: str | None) -> Any:
        """Return the object that is stored under a name."""


class ChannelSteps:
    """The steps. Channels, writers and readers are objects of the peer."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self._held: dict[str, Any] = {}
        self._contents: dict[str, Step] = {}
        self._loans: dict[str, Any] = {}
        self._stepping = Stepping()

    def table(self) -> dict[str, Callable[[Step], Any]]:
        """Return the steps by their names."""
        return {
            "channel-create": self._create,
            "channel-open": self._open,
            "channel-writer": self._writer,
            "channel-publish": self._publish,
            "channel-loan": self._loan,
            "channel-reader": self._reader,
            "channel-viewer": self._viewer,
            "channel-read": self._read,
            "channel-wait": self._wait,
            "channel-hold": self._hold,
            "channel-release": self._release,
            "channel-state": self._state,
            "channel-step": self._step,
            "channel-run": self._run,
        }

    # --- channels and their ends ---

    def _create(self, step: Step) -> None:
        sizes = {key: step[key] for key in _SIZES if key in step}
        cls = _CLASSES[step["discipline"]]
        create: Any = cls.create_or_open if step.get("how") == "create-or-open" else cls.create
        self._keep(step, create(step["name"], **_content(step), **sizes), step)

    def _open(self, step: Step) -> None:
        cls = _CLASSES[step["discipline"]]
        self._keep(step, cls.open(step["name"], **_content(step)), step)

    def _writer(self, step: Step) -> None:
        self._keep(step, self._find(step["channel"]).writer(), self._contents[step["channel"]])

    def _reader(self, step: Step) -> None:
        self._keep(step, Reading(self._find(step["channel"]).reader()))

    def _viewer(self, step: Step) -> None:
        self._keep(step, Reading(self._find(step["channel"]).viewer()))

    # --- values ---

    def _publish(self, step: Step) -> int:
        value = _value(self._contents[step["writer"]], step)
        number: int = self._find(step["writer"]).publish(
            value, **{key: step[key] for key in ("tag", "timeout") if key in step}
        )
        return number

    def _loan(self, step: Step) -> None:
        name = step["writer"]
        loan = self._loans.pop(name, None)
        if loan is None:
            options = {key: step[key] for key in ("shape", "tag", "timeout") if key in step}
            loan = self._find(name).loan(**options)
        data = bytes.fromhex(step.get("bytes", ""))
        loan.data[: len(data)] = data
        end = step.get("end", "publish")
        if end == "keep":
            self._loans[name] = loan
        elif end == "abandon":
            loan.abandon()
        else:
            with loan:
                if self._contents[name]["content"] in ("bytes", "image"):
                    loan.length = len(data)

    def _read(self, step: Step) -> dict[str, Any] | None:
        reading = self._find(step["reader"])
        value = reading.next(step["timeout"]) if "timeout" in step else reading.newer()
        if value is None:
            return None
        reader = reading.reader
        return {"number": reader.number, "tag": reader.tag, **_report(value)}

    def _wait(self, step: Step) -> bool:
        found: bool = self._find(step["reader"]).wait(step.get("timeout"))
        return found

    def _hold(self, step: Step) -> dict[str, Any]:
        name = step["reader"]
        if not step.get("again"):
            self._held[name] = self._find(name).reader.hold(step.get("timeout", 0))
        frame = self._held[name]
        return {"number": frame.number, "tag": frame.tag, "bytes": bytes(frame.data).hex()}

    def _release(self, step: Step) -> None:
        self._held.pop(step["reader"]).release()

    def _state(self, step: Step) -> dict[str, Any]:
        target = self._find(step["target"])
        if isinstance(target, Reading):
            reader = target.reader
            counters = {key: getattr(reader, key) for key in ("number", "skipped", "retries")}
            return {"writer": reader.writer_state, "deaths": target.deaths, **counters}
        return {"published": target.published, "epoch": target.epoch}

    # --- many steps ---

    def _step(self, step: Step) -> list[str]:
        """Carry out another step, and note or stop at the stores of channels."""
        inner = step["step"]
        self._stepping.begin(step.get("after", 0))
        try:
            self._peer.steps[inner["do"]](inner)
        finally:
            done = self._stepping.end()
        return done

    def _run(self, step: Step) -> dict[str, Any]:
        return run(step, self._find)

    def _keep(self, step: Step, target: Any, content: Step | None = None) -> None:
        self._peer.keep(step, target)
        if content is not None:
            self._contents[step["as"]] = content

    def _find(self, name: str) -> Any:
        return self._peer.find(name)


class Reading:
    """A reader, whose waits go on when a writer has died, and count that."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.deaths = 0

    def wait(self, timeout: float | None) -> bool:
        """Wait for a newer value."""
        return self._repeated(self.reader.wait, timeout)  # type: ignore[no-any-return]

    def next(self, timeout: float | None) -> Any:
        """Wait for the next value, and return it."""
        return self._repeated(self.reader.next, timeout)

    def newer(self) -> Any:
        """Return the next value if there is one, else None."""
        reader = self.reader
        if reader.channel.published <= reader.number:
            return None
        return reader.latest() if hasattr(reader, "latest") else reader.next(0)

    def close(self) -> None:
        """Close the reader."""
        self.reader.close()

    def _repeated(self, call: Callable[[float | None], Any], timeout: float | None) -> Any:
        deadline = None if timeout is None else monotonic() + timeout
        while True:
            try:
                return call(None if deadline is None else max(0.0, deadline - monotonic()))
            except WriterDiedError:
                self.deaths += 1


def _content(step: Step) -> dict[str, Any]:
    """Return the arguments that say what a channel carries."""
    content = step["content"]
    if content == "bytes":
        return {"content": bytes}
    if content == "image":
        return {"content": ImageData}
    if content == "array":
        shape = step.get("shape")
        return {"array": step["dtype"] if shape is None else (step["dtype"], tuple(shape))}
    if content == "struct":
        return {"content": _class(step)}
    raise BadStepError(f"there is no content {content!r}")


def _class(step: Step) -> type[Struct]:
    """Return the class of a step's struct, always the same one."""
    return _class_of(json.dumps(step["types"]))


@cache
def _class_of(types: str) -> type[Struct]:
    return struct_from(from_json(json.loads(types)))


def _value(content: Step, step: Step) -> Any:
    """Return the value of a step, as the channel's content has it."""
    data = bytes.fromhex(step["bytes"])
    if content["content"] == "image":
        return ImageData(step["path"], data)
    if content["content"] == "array":
        import numpy as np

        return np.frombuffer(data, content["dtype"]).reshape(step["shape"])
    if content["content"] == "struct":
        return _class(content).from_bytes(data)
    return data


def _report(value: Any) -> dict[str, Any]:
    """Return a value as the answer has it: its bytes, and what else belongs to it."""
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, ImageData):
        return {"path": value.path, "bytes": bytes(value.content).hex()}
    if hasattr(value, "dtype"):
        found = {"dtype": value.dtype.str, "shape": list(value.shape)}
        return {"bytes": value.tobytes().hex(), **found}
    return {"bytes": value.to_bytes().hex()}
