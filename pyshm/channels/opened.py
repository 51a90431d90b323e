"""The map of a channel, opened or created, with all that its parts share."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from .._support.integers import integer
from .._support.shown import shown
from ..errors import (
    ArgumentError,
    ArgumentOutOfRangeError,
    ChannelFormatError,
    ChannelTypeError,
    MapExistsError,
    MapNotFoundError,
)
from ..maps.mapping import MemoryMappedFile
from .contents import TAIL, TAIL_SIZE, Arrays, Bytes, Content, Images
from .geometry import (
    LATEST,
    MAX_CAPACITY,
    MAX_READERS,
    MAX_SLOTS,
    QUEUE,
    Geometry,
    has_magic,
    header_offset,
    plan,
    read_header,
    read_text,
    write_header,
)
from .linux import Locks, check_platform
from .type_text import hash_of
from .words import memory_words

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Opened", "Wanted", "create", "create_or_open", "open_existing"]

_PATIENCE = 10.0  # seconds; a creator writes the header directly after it has made the map
_NAMES = {LATEST: "LatestChannel", QUEUE: "QueueChannel"}
_CONTENTS = ("bytes", "images", "structs", "arrays")


class Wanted:
    """What a program wants of a channel that it creates or opens."""

    def __init__(
        self,
        discipline: int,
        content: Content | None,
        *,
        capacity: int | None = None,
        slots: int = 3,
        viewers: int = 0,
        readers: int = 32,
        plain: bool = False,
    ) -> None:
        self.discipline = discipline
        self.content = content
        self.capacity = None if capacity is None else integer(capacity, "capacity")
        least = 3 if discipline == LATEST else 2
        self.slots = _in_range(slots, "slots", least, MAX_SLOTS)
        self.readers = _in_range(readers, "readers", 1, MAX_READERS)
        most = min(self.slots - 2, self.readers) if discipline == LATEST else 0
        self.viewers = _in_range(viewers, "pins", 0, most)
        self.plain = plain

    def geometry(self) -> Geometry:
        """Return where a creator puts everything. Raises ArgumentOutOfRangeError."""
        content = self.content or Bytes()
        capacity = self.capacity if self.capacity is not None else content.capacity
        if capacity is None:
            raise ArgumentOutOfRangeError(
                f"a channel of {content} needs capacity=, the most bytes of a value",
                field="capacity",
            )
        capacity = _in_range(capacity, "capacity", content.capacity or 1, MAX_CAPACITY)
        if self.plain:
            content.check_plain()
        return plan(
            discipline=self.discipline,
            slots=self.slots,
            capacity=capacity,
            readers=self.readers,
            viewers=self.viewers,
            content=content.kind,
            type_hash=hash_of(content.text),
            channel_id=secrets.randbits(64) or 1,
            plain=self.plain,
        )

    def check(self, found: Geometry, text: str, name: str) -> Content:
        """Return the content of a channel that was opened. Raises ChannelTypeError."""
        if found.discipline != self.discipline:
            raise ChannelTypeError(
                f"the channel {name!r} is a {_NAMES[found.discipline]}; open it as one, not as a "
                f"{_NAMES[self.discipline]}",
                field="discipline", value=found.discipline, limit=self.discipline,
            )  # fmt: skip
        content = self.content or _content_found(found, text, name)
        if found.content != content.kind or found.type != hash_of(content.text):
            raise ChannelTypeError(
                f"the channel {name!r} carries {_described(found.content, text)}; it can't be "
                f"opened for {content}{_more(content.text)}",
                field="type", value=text, limit=content.text,
            )  # fmt: skip
        least = self.capacity if self.capacity is not None else content.capacity
        if least is not None and found.capacity < least:
            raise ChannelTypeError(
                f"the channel {name!r} has a capacity of {found.capacity} bytes for a value, but "
                f"{least} are needed",
                field="capacity", value=found.capacity, limit=least,
            )  # fmt: skip
        return content


class Opened:
    """A channel's map, and what its parts share. ``memory`` stays mapped after ``close``."""

    def __init__(self, name: str, map_: MemoryMappedFile, memory: memoryview) -> None:
        self.name = name
        self.map = map_
        self.memory = memory
        self.words, self.halves, self.fence, self.weak = memory_words(memory)
        self.header = header_offset(len(memory))
        self.probe = self.open_locks()
        self.probe.owned()

    def use(self, geometry: Geometry, content: Content) -> None:
        """Note the checked header, and the memory of each slot."""
        self.geometry = geometry
        self.content = content
        memory, capacity = self.memory, geometry.capacity
        slots = range(geometry.slots)
        self.slots = [memory[at : at + capacity] for at in map(geometry.slot_at, slots)]
        self.tails = [
            memory[at + TAIL : at + TAIL + TAIL_SIZE] for at in map(geometry.descriptor_at, slots)
        ]
        self.plain = memory[: geometry.plain] if geometry.plain else None

    def open_locks(self) -> Locks:
        """Return another open file description of the map's file."""
        return Locks(self.map.handle)

    def close(self) -> None:
        """Release the map."""
        self.probe.close()
        self.map.close()


def create(name: str, wanted: Wanted) -> Opened:
    """Create the channel. Raises MapExistsError if a process holds a map of that name."""
    check_platform()
    geometry = wanted.geometry()
    content = wanted.content or Bytes()
    map_ = MemoryMappedFile.create_new(name, geometry.length)
    try:
        opened = Opened(name, map_, map_.create_view_accessor().buffer)
        opened.use(geometry, content)
        write_header(opened.memory, geometry, content.text.encode())
        return opened
    except BaseException:
        map_.close()
        raise


def open_existing(name: str, wanted: Wanted) -> Opened:
    """Open the channel that a process holds. Raises MapNotFoundError, ChannelFormatError."""
    check_platform()
    map_ = MemoryMappedFile.open_existing(name)
    try:
        accessor = map_.create_view_accessor()
        accessor.check_backed()
        memory = accessor.buffer
        for _ in _attempts():
            if has_magic(memory):
                break
        else:
            raise ChannelFormatError(
                f"the map {name!r} is not a channel: there are zeros where a channel has its magic",
                kind="not-a-channel", field="magic", offset=header_offset(len(memory)), value=0,
            )  # fmt: skip
        geometry = read_header(memory)
        content = wanted.check(geometry, read_text(memory), name)
        opened = Opened(name, map_, memory)
        opened.use(geometry, content)
        return opened
    except BaseException:
        map_.close()
        raise


def create_or_open(name: str, wanted: Wanted) -> Opened:
    """Open the channel if a process holds it, else create it."""
    for _ in _attempts():
        try:
            return open_existing(name, wanted)
        except MapNotFoundError:
            pass
        try:
            return create(name, wanted)
        except MapExistsError:
            pass  # another process was faster, or the file is not a map
    return create(name, wanted)


def _attempts() -> Iterator[None]:
    from time import monotonic, sleep

    deadline = monotonic() + _PATIENCE
    while True:
        yield
        if monotonic() > deadline:
            return
        sleep(0.001)


def _in_range(number: int, field: str, least: int, most: int) -> int:
    number = integer(number, field)
    if not least <= number <= most:
        raise ArgumentOutOfRangeError(
            f"{field} must be {least} to {most}, not {number}",
            field=field, value=number, limit=least if number < least else most,
        )  # fmt: skip
    return number


def _content_found(found: Geometry, text: str, name: str) -> Content:
    """Return the content of a channel that a program opens without naming one."""
    if found.content == Arrays.kind:
        try:
            return Arrays(text.removeprefix("array ").strip(), None)
        except ArgumentError:
            raise ChannelTypeError(
                f"the channel {name!r} carries {_described(found.content, text)}, which is not an "
                "element type that this library reads",
                field="type", value=text,
            ) from None  # fmt: skip
    if found.content > Images.kind:
        raise ChannelTypeError(
            f"the channel {name!r} carries {_described(found.content, text)}; give the Struct "
            "class that it is opened with",
            field="content", value=found.content,
        )  # fmt: skip
    return Images() if found.content == Images.kind else Bytes()


def _described(content: int, text: str) -> str:
    return _CONTENTS[content] + _more(text)


def _more(text: str) -> str:
    return f" ({shown(text.strip())})" if text else ""
