"""The structs of the .NET assembly Telemetry 1.0.0.0.

Made from its metadata by `pyshm bind`: what is to change changes in C#.
"""

from enum import IntEnum
from typing import Annotated

from pyshm import Struct
from pyshm import types as t


class Wheel(Struct, name="Racing.Wheel"):
    """One wheel."""

    Temperature: t.Single
    """Degrees Celsius."""
    Airborne: t.Bool
    """Whether it is off the ground. The marshaller makes four bytes of a bool."""
    Wear: t.Byte
    """Of the tyre: 0 is new, 255 worn out."""


class Colour(Struct, layout="explicit", name="Racing.Colour"):
    """A colour, as one number or by its parts: a union."""

    Argb: Annotated[t.UInt32, t.FieldOffset(0)]
    """All four parts."""
    Blue: Annotated[t.Byte, t.FieldOffset(0)]
    """Blue, which comes first in memory."""
    Green: Annotated[t.Byte, t.FieldOffset(1)]
    """Green."""
    Red: Annotated[t.Byte, t.FieldOffset(2)]
    """Red."""
    Alpha: Annotated[t.Byte, t.FieldOffset(3)]
    """How opaque it is."""


class Gear(IntEnum):
    """Which gear is in."""

    Reverse = -1
    """Backwards."""
    Neutral = 0
    """None."""
    First = 1
    """The lowest."""
    Second = 2
    """The next one."""


_Gear = Gear


class Telemetry(Struct, pack=4, charset="unicode", name="Racing.Telemetry"):
    """What a car sends, many times a second."""

    Time: t.Int64
    """Microseconds since the start of the race; aligned to 4 bytes, by Pack."""
    Speed: t.Double
    """Metres a second."""
    Gear: Annotated[_Gear, t.Enum(t.SByte, "Racing.Gear")]
    """The gear that is in."""
    Wet: t.Bool8
    """Whether it rains; one byte."""
    Driver: Annotated[str, t.ByValTStr(16)]
    """Who drives, in at most 15 characters."""
    Wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 4)]
    """Front left, front right, rear left, rear right."""
    Light: Colour
    """The light on the dashboard."""


class Snapshot(Struct, name="Racing.Snapshot"):
    """Numbers alone: accessor.Read<Snapshot> takes it as it lies there."""

    Laps: t.Int32
    """How many laps are done."""
    LapTimes: Annotated[list[int], t.FixedBuffer(t.UInt32, 3)]
    """The last three, in milliseconds."""
    Light: Colour
    """The light."""
    Gear: Annotated[_Gear, t.Enum(t.SByte, "Racing.Gear")]
    """The gear."""
