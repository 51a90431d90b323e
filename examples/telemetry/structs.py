"""The structs of the .NET assembly Telemetry 1.0.0.0.

Generated from its metadata by `pyshm bind`. Change the C# source, not this file.
"""

from enum import IntEnum
from typing import Annotated

from pyshm import Struct
from pyshm import types as t


class Wheel(Struct, name="Racing.Wheel"):
    """One wheel."""

    Temperature: t.Single
    """In degrees Celsius."""
    Airborne: t.Bool
    """Whether it is off the ground. The marshaller writes a bool as four bytes."""
    Wear: t.Byte
    """The wear of the tire: 0 is new, 255 is worn out."""


class Color(Struct, layout="explicit", name="Racing.Color"):
    """A color, as one number or by its parts: a union."""

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
    """The gears."""

    Reverse = -1
    """Drives backwards."""
    Neutral = 0
    """No gear is selected."""
    First = 1
    """The lowest gear."""
    Second = 2
    """The next gear."""


_Gear = Gear


class Telemetry(Struct, pack=4, charset="unicode", name="Racing.Telemetry"):
    """What a car sends, many times per second."""

    Time: t.Int64
    """In microseconds since the start of the race. Pack aligns it to 4 bytes."""
    Speed: t.Double
    """In meters per second."""
    Gear: Annotated[_Gear, t.Enum(t.SByte, "Racing.Gear")]
    """The current gear."""
    Wet: t.Bool8
    """Whether it rains; one byte."""
    Driver: Annotated[str, t.ByValTStr(16)]
    """The name of the driver, at most 15 characters."""
    Wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 4)]
    """Front left, front right, rear left, rear right."""
    Light: Color
    """The light on the dashboard."""


class Snapshot(Struct, name="Racing.Snapshot"):
    """Only numbers, so accessor.Read<Snapshot> reads it from a map without marshalling."""

    Laps: t.Int32
    """The number of finished laps."""
    LapTimes: Annotated[list[int], t.FixedBuffer(t.UInt32, 3)]
    """The last three lap times, in milliseconds."""
    Light: Color
    """The light on the dashboard."""
    Gear: Annotated[_Gear, t.Enum(t.SByte, "Racing.Gear")]
    """The current gear."""
