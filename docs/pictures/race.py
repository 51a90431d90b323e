"""The struct of layout.svg: the state of a car, which a racing game sends many times a second."""

from enum import IntEnum
from typing import Annotated

from pyshm import Struct
from pyshm import types as t


class Gear(IntEnum):
    """The gear of a car."""

    REVERSE = 0
    NEUTRAL = 1
    FIRST = 2


class Flags(Struct, layout="explicit", name="Race.Flags"):
    """Four bytes, as a whole and in parts."""

    bits: Annotated[t.UInt32, t.FieldOffset(0)]
    lamps: Annotated[t.Byte, t.FieldOffset(0)]
    wipers: Annotated[t.Byte, t.FieldOffset(1)]
    session: Annotated[t.UInt16, t.FieldOffset(2)]


class Wheel(Struct, name="Race.Wheel"):
    """One of the four wheels."""

    flat: t.Bool8
    pressure: t.Single
    temperatures: Annotated[list[float], t.ByValArray(t.Single, 3)]


class Car(Struct, charset="unicode", name="Race.Car"):
    """The position and the state of a car."""

    lap: t.Byte
    lap_time: t.Double
    driver: Annotated[str, t.ByValTStr(12)]
    gear: Annotated[Gear, t.Enum(t.Byte)]
    flags: Flags
    wheels: Annotated[list[Wheel], t.ByValArray(Wheel, 4)]
    wet: t.Bool
    seen: t.DateTime
