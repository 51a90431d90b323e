using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace SharedMemory.Tests;

#pragma warning disable CS0649, CS0169, CS0618, CA1823 // the fields are not used; Currency is obsolete

/// <summary>Compares the texts of types with texts that were written by hand from docs/channels.md.</summary>
public unsafe class ChannelTypeTextTests
{
    private enum Small : short
    {
        Zero,
    }

    [Fact]
    public void Numbers_have_their_kinds() => AssertText<Numbers>(
        """
        struct 64
        0 i1 a
        1 u1 b
        2 i2 c
        4 u2 d
        8 i4 e
        12 u4 f
        16 i8 g
        24 u8 h
        32 f4 i
        40 f8 j
        48 i2 k
        56 p8 l

        """);

    [Fact]
    public void Bools_chars_and_texts_are_marshalled() => AssertText<Texts>(
        """
        struct 40
        0 b4 plain
        4 b1 small
        5 c1 ansi
        6 c2 wide
        8 t1[5] text
        16 b4[2] flags
        24 x8 money
        32 p8 pointer

        """);

    [Fact]
    public void Unicode_is_in_the_layout_of_the_struct() => AssertText<WideTexts>(
        "struct 14\n0 c2 one\n2 t2[6] many\n");

    [Fact]
    public void Nested_structs_are_flattened() => AssertText<Outer>(
        """
        struct 48
        0 i2 before
        4 i4 middle.id
        8 f4 middle.x
        12 f4 middle.y
        16 i4 items[0].id
        20 f4 items[0].x
        24 f4 items[0].y
        28 i4 items[1].id
        32 f4 items[1].x
        36 f4 items[1].y
        40 u1[3] raw
        44 i4[1] numbers

        """);

    [Fact]
    public void Values_without_fields_are_named_by_their_size() => AssertText<Others>(
        """
        struct 56
        0 x16 guid
        16 x16 money
        32 x8 when
        40 x8 duration
        48 b4 maybe.hasvalue
        52 i4 maybe.value

        """);

    [Fact]
    public void Fields_at_one_offset_keep_their_order() => AssertText<Union>(
        "struct 8\n0 i8 whole\n0 i4 low\n4 i4 high\n");

    [Fact]
    public void Names_are_those_of_both_languages() => AssertText<Names>(
        "struct 16\n0 i4 topspeed\n4 i4 topspeed2\n8 i4 größe\n12 i4 x\n");

    [Fact]
    public void Simple_types_are_one_field()
    {
        AssertText<int>("struct 4\n0 i4 value\n");
        AssertText<double>("struct 8\n0 f8 value\n");
        AssertText<Guid>("struct 16\n0 x16 value\n");
    }

    [Fact]
    public void What_has_no_layout_is_refused()
    {
        Assert.Throws<NotSupportedException>(() => LatestChannel<Generic>.Create(ChannelNames.New()));
        Assert.ThrowsAny<Exception>(() => LatestChannel<Automatic>.Create(ChannelNames.New()));
    }

    private static void AssertText<T>(string expected)
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<T>.Create(name);
        using var raw = new RawMap(name);
        long text = raw.Length - 4096 + 1024;
        Assert.Equal(expected, Encoding.UTF8.GetString(raw.Read(text + 4, raw.Int32(text))));
    }

    private struct Numbers
    {
        public sbyte A;
        public byte B;
        public short C;
        public ushort D;
        public int E;
        public uint F;
        public long G;
        public ulong H;
        public float I;
        public double J;
        public Small K;
        public int* L;
    }

    private struct Texts
    {
        public bool Plain;

        [MarshalAs(UnmanagedType.U1)]
        public bool Small;

        public char Ansi;

        [MarshalAs(UnmanagedType.U2)]
        public char Wide;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 5)]
        public string Text;

        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
        public bool[] Flags;

        [MarshalAs(UnmanagedType.Currency)]
        public decimal Money;

        public string Pointer;
    }

    [StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
    private struct WideTexts
    {
        public char One;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 6)]
        public string Many;
    }

    private struct Outer
    {
        public short Before;
        public Sample Middle;

        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
        public Sample[] Items;

        public fixed byte Raw[3];

        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 1)]
        public int[] Numbers;
    }

    private struct Others
    {
        public Guid Guid;
        public decimal Money;
        public DateTime When;
        public TimeSpan Duration;
        public int? Maybe;
    }

    [StructLayout(LayoutKind.Explicit)]
    private struct Union
    {
        [FieldOffset(0)]
        public long Whole;

        [FieldOffset(4)]
        public int High;

        [FieldOffset(0)]
        public int Low;
    }

    private struct Names
    {
        public int Top_Speed;
        public int _TopSpeed2;

        public int Größe;

        public int X { get; set; }
    }

    private struct Generic
    {
        public KeyValuePair<int, int> Pair;
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Automatic
    {
        public int Value;
    }
}
