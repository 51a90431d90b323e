using System.Runtime.InteropServices;

namespace Racing;

/// <summary>Which gear is in.</summary>
public enum Gear : sbyte
{
    /// <summary>Backwards.</summary>
    Reverse = -1,

    /// <summary>None.</summary>
    Neutral = 0,

    /// <summary>The lowest.</summary>
    First = 1,

    /// <summary>The next one.</summary>
    Second = 2,
}

/// <summary>One wheel.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct Wheel
{
    /// <summary>Degrees Celsius.</summary>
    public float Temperature;

    /// <summary>Whether it is off the ground. The marshaller makes four bytes of a bool.</summary>
    public bool Airborne;

    /// <summary>Of the tyre: 0 is new, 255 worn out.</summary>
    public byte Wear;
}

/// <summary>A colour, as one number or by its parts: a union.</summary>
[StructLayout(LayoutKind.Explicit)]
public struct Colour
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

/// <summary>What a car sends, many times a second.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 4, CharSet = CharSet.Unicode)]
public struct Telemetry
{
    /// <summary>Microseconds since the start of the race; aligned to 4 bytes, by Pack.</summary>
    public long Time;

    /// <summary>Metres a second.</summary>
    public double Speed;

    /// <summary>The gear that is in.</summary>
    public Gear Gear;

    /// <summary>Whether it rains; one byte.</summary>
    [MarshalAs(UnmanagedType.U1)]
    public bool Wet;

    /// <summary>Who drives, in at most 15 characters.</summary>
    [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 16)]
    public string Driver;

    /// <summary>Front left, front right, rear left, rear right.</summary>
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)]
    public Wheel[] Wheels;

    /// <summary>The light on the dashboard.</summary>
    public Colour Light;
}

/// <summary>Numbers alone: <c>accessor.Read&lt;Snapshot&gt;</c> takes it as it lies there.</summary>
[StructLayout(LayoutKind.Sequential)]
public unsafe struct Snapshot
{
    /// <summary>How many laps are done.</summary>
    public int Laps;

    /// <summary>The last three, in milliseconds.</summary>
    public fixed uint LapTimes[3];

    /// <summary>The light.</summary>
    public Colour Light;

    /// <summary>The gear.</summary>
    public Gear Gear;
}
