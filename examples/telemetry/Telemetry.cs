using System.Runtime.InteropServices;

namespace Racing;

/// <summary>The gears.</summary>
public enum Gear : sbyte
{
    /// <summary>Drives backwards.</summary>
    Reverse = -1,

    /// <summary>No gear is selected.</summary>
    Neutral = 0,

    /// <summary>The lowest gear.</summary>
    First = 1,

    /// <summary>The next gear.</summary>
    Second = 2,
}

/// <summary>One wheel.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Wheel
{
    /// <summary>In degrees Celsius.</summary>
    public float Temperature;

    /// <summary>Whether it is off the ground. The marshaller writes a bool as four bytes.</summary>
    public bool Airborne;

    /// <summary>The wear of the tire: 0 is new, 255 is worn out.</summary>
    public byte Wear;
}

/// <summary>A color, as one number or by its parts: a union.</summary>
[StructLayout(LayoutKind.Explicit)]
public struct Color
{
    /// <summary>All four parts.</summary>
    [FieldOffset(0)]
    public uint Argb;

    /// <summary>Blue, which comes first in memory.</summary>
    [FieldOffset(0)]
    public byte Blue;

    /// <summary>Green.</summary>
    [FieldOffset(1)]
    public byte Green;

    /// <summary>Red.</summary>
    [FieldOffset(2)]
    public byte Red;

    /// <summary>How opaque it is.</summary>
    [FieldOffset(3)]
    public byte Alpha;
}

/// <summary>What a car sends, many times per second.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4, CharSet = CharSet.Unicode)]
public struct Telemetry
{
    /// <summary>In microseconds since the start of the race. Pack aligns it to 4 bytes.</summary>
    public long Time;

    /// <summary>In meters per second.</summary>
    public double Speed;

    /// <summary>The current gear.</summary>
    public Gear Gear;

    /// <summary>Whether it rains; one byte.</summary>
    [MarshalAs(UnmanagedType.U1)]
    public bool Wet;

    /// <summary>The name of the driver, at most 15 characters.</summary>
    [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 16)]
    public string Driver;

    /// <summary>Front left, front right, rear left, rear right.</summary>
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)]
    public Wheel[] Wheels;

    /// <summary>The light on the dashboard.</summary>
    public Color Light;
}

/// <summary>Only numbers, so <c>accessor.Read&lt;Snapshot&gt;</c> reads it from a map without marshalling.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Snapshot
{
    /// <summary>The number of finished laps.</summary>
    public int Laps;

    /// <summary>The last three lap times, in milliseconds.</summary>
    public fixed uint LapTimes[3];

    /// <summary>The light on the dashboard.</summary>
    public Color Light;

    /// <summary>The current gear.</summary>
    public Gear Gear;
}
