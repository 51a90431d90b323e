"""Compare structs.py with bin/Telemetry.dll: the real .NET says whether they are the same."""

from pathlib import Path

import pytest
import structs
from structs import Color, Gear, Snapshot, Telemetry, Wheel

from pyshm.testing import assert_round_trip, assert_same_layout

ASSEMBLY = Path(__file__).parent / "bin" / "Telemetry.dll"


def test_telemetry():
    sent = Telemetry(
        Time=1_500_000,
        Speed=83.25,
        Gear=Gear.Second,
        Wet=True,
        Driver="Jürgen",
        Wheels=[Wheel(Temperature=71.5 + i, Airborne=i == 3, Wear=50 * i) for i in range(4)],
        Light=Color(Argb=0xFF_20_40_80),
    )
    assert_same_layout(Telemetry, "Racing.Telemetry", ASSEMBLY)
    assert_round_trip(sent, "Racing.Telemetry", ASSEMBLY)


def test_snapshot():
    sent = Snapshot(12, [81_250, 80_999, 2**32 - 1], Color(Red=255, Alpha=128), Gear.Reverse)
    assert_round_trip(sent, "Racing.Snapshot", ASSEMBLY)  # compares the layouts first


@pytest.mark.parametrize("struct", [structs.Wheel, structs.Color], ids=lambda s: s.__name__)
def test_parts(struct):
    assert_same_layout(struct, f"Racing.{struct.__name__}", ASSEMBLY)
