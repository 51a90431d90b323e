"""LatestChannel and QueueChannel: live exchange between programs, never torn (docs/channels.md)."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from .._support.closing import Closing
from .._support.integers import integer
from .._support.live import refuse_copy
from ..errors import ClosedError
from .contents import content_of
from .geometry import EPOCH, LATEST, LATEST_WORD, QUEUE
from .holding import HoldingReader
from .latest_reader import LatestReader
from .latest_writer import LatestWriter
from .opened import Opened, Wanted, create, create_or_open, open_existing
from .parts import Part, writer_state
from .queue_reader import QueueReader
from .queue_writer import QueueWriter
from .viewer import LatestViewer
from .words import LOW_56

if TYPE_CHECKING:
    from typing import NoReturn, Self, TypeVar

    from .parts import WriterState

    _P = TypeVar("_P", bound=Part)

__all__ = ["LatestChannel", "QueueChannel"]


class _Channel(Closing):
    """What both kinds of channels have."""

    def __init__(self, opened: Opened) -> None:
        """Do not call this; use ``create``, ``create_or_open`` or ``open``."""
        self._opened = opened
        self._closed = False
        self._parts: WeakSet[Part] = WeakSet()

    @property
    def name(self) -> str:
        """The name of the channel's map."""
        return self._opened.name

    @property
    def content(self) -> str:
        """What the channel carries, in words."""
        return str(self._opened.content)

    @property
    def capacity(self) -> int:
        """The most bytes of a value."""
        return self._opened.geometry.capacity

    @property
    def slots(self) -> int:
        """How many values the channel has room for."""
        return self._opened.geometry.slots

    @property
    def published(self) -> int:
        """The number of the newest value; 0 if nothing was published yet."""
        self._check_open()
        return self._opened.words[(self._opened.header + LATEST_WORD) // 8] & LOW_56

    @property
    def epoch(self) -> int:
        """How many writers the channel has had."""
        self._check_open()
        return self._opened.words[(self._opened.header + EPOCH) // 8]

    @property
    def writer_state(self) -> WriterState:
        """What is known of the writer: "none" yet, "alive", "died" without closing, "closed"."""
        self._check_open()
        return writer_state(self._opened)

    @property
    def closed(self) -> bool:
        """Whether :meth:`close` was called."""
        return self._closed

    def close(self) -> None:
        """Close the channel and its writer, readers and viewers. Another call does nothing.

        Raises FrameInUseError if an array still uses a frame; then the channel stays open.
        """
        if self._closed:
            return
        # Readers that hold frames are first: after their error the writer is still open.
        for part in sorted(self._parts, key=lambda part: not isinstance(part, HoldingReader)):
            part.close()
        self._closed = True
        self._opened.close()

    def _add(self, part: _P) -> _P:
        self._parts.add(part)
        part.channel = self
        return part

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"the channel {self.name!r} is closed")

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"{self.slots} slots of {self.capacity} bytes"
        return f"<{type(self).__name__} {self.name!r} of {self.content}, {state}>"

    def __del__(self) -> None:
        if getattr(self, "_closed", True) is False:
            with suppress(Exception):
                self.close()

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        refuse_copy("a channel", "let the other process open it by its name")


class LatestChannel(_Channel):
    """A channel whose readers get the newest value. Its writer never waits.

        with LatestChannel.create_or_open("pose", Pose) as channel:
            with channel.writer() as writer:
                writer.publish(Pose(1, 2, 3))

    ``content`` is ``bytes``, ``ImageData`` or a Struct class; ``array`` is an element type and a
    shape instead. ``capacity`` is the most bytes of a value, which bytes and images need. ``pins``
    is how many viewers can hold a frame at the same time. With ``plain=True`` each value is also
    written at offset 0, for programs that read the map of a struct or an image without a channel.
    """

    @classmethod
    def create(
        cls,
        name: str,
        content: type = bytes,
        *,
        array: object = None,
        capacity: int | None = None,
        pins: int = 1,
        slots: int | None = None,
        readers: int = 32,
        plain: bool = False,
    ) -> Self:
        """Create the channel. Raises MapExistsError if a process holds a map of that name.

        Raises ArgumentError for arguments out of range, and as MemoryMappedFile.create_new does.
        """
        wanted = _latest(content, array, capacity, pins, slots, readers, plain)
        return cls(create(name, wanted))

    @classmethod
    def create_or_open(
        cls,
        name: str,
        content: type = bytes,
        *,
        array: object = None,
        capacity: int | None = None,
        pins: int = 1,
        slots: int | None = None,
        readers: int = 32,
        plain: bool = False,
    ) -> Self:
        """Open the channel if a process holds it, else create it.

        Raises ChannelTypeError for a channel of another kind, content or type, or with a smaller
        capacity. Its other numbers are those of its creator.
        """
        wanted = _latest(content, array, capacity, pins, slots, readers, plain)
        return cls(create_or_open(name, wanted))

    @classmethod
    def open(cls, name: str, content: type | None = None, *, array: object = None) -> Self:
        """Open the channel that a process holds. Raises MapNotFoundError if none does.

        Without ``content`` it is opened as what it carries, which must not be a struct. Raises
        ChannelTypeError for a channel of another kind, content or type, and ChannelFormatError for
        a map that is not a channel.
        """
        return cls(open_existing(name, Wanted(LATEST, _content(content, array))))

    def writer(self) -> LatestWriter:
        """Become the writer. Raises WriterAliveError if another one is alive."""
        self._check_open()
        return self._add(LatestWriter(self._opened))

    def reader(self) -> LatestReader:
        """Return a reader, which copies values."""
        self._check_open()
        return self._add(LatestReader(self._opened))

    def viewer(self) -> LatestViewer:
        """Return a viewer, which can hold a value without a copy. Raises ChannelFullError."""
        self._check_open()
        return self._add(LatestViewer(self._opened))


class QueueChannel(_Channel):
    """A channel each of whose readers gets every value, in order. Its writer waits for them.

        with QueueChannel.create_or_open("commands", Command) as channel:
            with channel.reader() as reader:
                for command in reader: ...

    ``content``, ``array``, ``capacity`` and ``plain`` are those of :class:`LatestChannel`. A reader
    gets the values that are published after it was opened; at most ``slots`` of them wait for it.
    """

    @classmethod
    def create(
        cls,
        name: str,
        content: type = bytes,
        *,
        array: object = None,
        capacity: int | None = None,
        slots: int = 8,
        readers: int = 32,
        plain: bool = False,
    ) -> Self:
        """Create the channel. Raises as LatestChannel.create."""
        return cls(create(name, _queue(content, array, capacity, slots, readers, plain)))

    @classmethod
    def create_or_open(
        cls,
        name: str,
        content: type = bytes,
        *,
        array: object = None,
        capacity: int | None = None,
        slots: int = 8,
        readers: int = 32,
        plain: bool = False,
    ) -> Self:
        """Open the channel if a process holds it, else create it.

        Raises as LatestChannel.create_or_open.
        """
        return cls(create_or_open(name, _queue(content, array, capacity, slots, readers, plain)))

    @classmethod
    def open(cls, name: str, content: type | None = None, *, array: object = None) -> Self:
        """Open the channel that a process holds. Raises as LatestChannel.open."""
        return cls(open_existing(name, Wanted(QUEUE, _content(content, array))))

    def writer(self) -> QueueWriter:
        """Become the writer. Raises WriterAliveError if another one is alive."""
        self._check_open()
        return self._add(QueueWriter(self._opened))

    def reader(self) -> QueueReader:
        """Return a reader, which gets each value from now on. Raises ChannelFullError."""
        self._check_open()
        return self._add(QueueReader(self._opened))


def _content(content: type | None, array: object) -> Any:
    if content is None and array is None:
        return None
    return content_of(bytes if content is None else content, array)


def _latest(
    content: type,
    array: object,
    capacity: int | None,
    pins: int,
    slots: int | None,
    readers: int,
    plain: bool,
) -> Wanted:
    return Wanted(
        LATEST,
        content_of(content, array),
        capacity=capacity,
        slots=max(3, integer(pins, "pins") + 2) if slots is None else slots,
        viewers=pins,
        readers=readers,
        plain=plain,
    )


def _queue(
    content: type,
    array: object,
    capacity: int | None,
    slots: int,
    readers: int,
    plain: bool,
) -> Wanted:
    return Wanted(
        QUEUE,
        content_of(content, array),
        capacity=capacity,
        slots=slots,
        readers=readers,
        plain=plain,
    )
