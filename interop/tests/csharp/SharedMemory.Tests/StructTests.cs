using System.Runtime.InteropServices;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Writes structures that the marshaller would change, or that have too few elements.</summary>
public class StructTests
{
    /// <summary>Gets values with an array that is too short, and the name of its field.</summary>
    public static TheoryData<Func<byte[]>, string> ShortArrays => new()
    {
        { () => StructBytes.ToBytes(new Row { Cells = [1, 2] }), "Row.Cells has 2 elements, its ByValArray 4." },
        { () => StructBytes.ToBytes(new Row { Cells = [] }), "Row.Cells has 0 elements, its ByValArray 4." },
        { () => StructBytes.ToBytes(new Outer { First = Full(), Second = new Row { Cells = [1] } }), "Row.Cells has 1 elements, its ByValArray 4." },
        { () => StructBytes.ToBytes(new Table { Rows = [Full()] }), "Table.Rows has 1 elements, its ByValArray 2." },
        { () => StructBytes.ToBytes(new Table { Rows = [Full(), new Row { Cells = [1] }] }), "Row.Cells has 1 elements, its ByValArray 4." },
        { () => StructBytes.ToBytes(new Letters { Text = ['a', 'b'] }), "Letters.Text has 2 elements, its ByValArray 3." },
        { () => StructBytes.ToBytes(new Switches { IsOn = [true] }), "Switches.IsOn has 1 elements, its ByValArray 2." },
        { () => StructBytes.ToBytes(new Grid { Cells = new int[1, 3] }), "Grid.Cells has 3 elements, its ByValArray 4." },
        { () => StructBytes.ToBytes(new WithClass { Part = new Derived { Cells = [1], Last = 1 } }), "Part.Cells has 1 elements, its ByValArray 2." },
        { () => StructBytes.ToBytes(new One { Cells = [] }), "One.Cells has 0 elements, its ByValArray 1." },
    };

    [Theory]
    [MemberData(nameof(ShortArrays))]
    public void A_short_array_is_refused(Func<byte[]> write, string message)
    {
        var error = Assert.Throws<ArgumentException>(write);
        Assert.StartsWith(message, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_short_array_is_refused_by_each_way_to_write()
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen($"pyshm-test-{Guid.NewGuid():N}", 64);
        var row = new Row { Id = 7, Cells = [1, 2] };
        var bytes = new byte[64];
        Assert.Throws<ArgumentException>(() => helper.WriteStruct(row));
        Assert.Throws<ArgumentException>(() => helper.WriteStruct(row, 8));
        Assert.Throws<ArgumentException>(() => helper.Accessor.WriteStruct(row));
        Assert.Throws<ArgumentException>(() => StructBytes.WriteStruct(bytes, row));
        Assert.Equal(new byte[64], bytes);
        Assert.Equal(new byte[64], helper.ReadBytes());
    }

    [Fact]
    public void Null_and_what_the_structure_has_room_for_are_written()
    {
        Assert.Equal([7, 0, 0, 0, .. new byte[16]], StructBytes.ToBytes(new Row { Id = 7 }));
        Assert.Equal(new byte[40], StructBytes.ToBytes(default(Table)));
        Assert.Equal(new byte[9], StructBytes.ToBytes(default(WithClass)));
        byte[] row = [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0];
        Assert.Equal(row, StructBytes.ToBytes(Full()));
        // The marshaller does not read the third row.
        Assert.Equal(
            [.. row, .. row], StructBytes.ToBytes(new Table { Rows = [Full(), Full(), new Row { Cells = [1] }] }));
        Assert.Equal(row, StructBytes.ToBytes(new Row { Cells = [1, 2, 3, 4, 5] }));
        Assert.Equal("abc"u8.ToArray(), StructBytes.ToBytes(new Letters { Text = ['a', 'b', 'c'] }));
    }

    [Fact]
    public void The_marshaller_shortens_a_text_unless_the_structure_is_validated()
    {
        byte[] expected = [7, (byte)'a', (byte)'b', (byte)'c', 0];
        Assert.Equal(expected, StructBytes.ToBytes(new Named { Id = 7, Name = "abcdef" }));
        Assert.Equal(expected, StructBytes.ToBytes(new ValidatedName { Id = 7, Name = "abc" }));
        var error = Assert.Throws<MapFormatException>(
            () => StructBytes.ToBytes(new ValidatedName { Id = 7, Name = "abcd" }));
        Assert.Equal((FormatErrorKind.TooLong, "Name", 4L), (error.Kind, error.Field, error.Value));
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen($"pyshm-test-{Guid.NewGuid():N}", 5);
        Assert.Throws<MapFormatException>(
            () => helper.WriteStruct(new ValidatedName { Id = 7, Name = "abcd" }));
        Assert.Equal(0, helper.Accessor.ReadByte(0));
    }

    private static Row Full() => new() { Cells = [1, 2, 3, 4] };

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Row
    {
        public int Id;

        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)]
        public int[]? Cells;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Outer
    {
        public Row First;
        public Row Second;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Table
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
        public Row[]? Rows;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Letters
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 3)]
        public char[]? Text;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Switches
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
        public bool[]? IsOn;
    }

    [StructLayout(LayoutKind.Explicit)]
    private struct Grid
    {
        [FieldOffset(8)]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4)]
        public int[,]? Cells;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct One
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 1)]
        public int[]? Cells;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct WithClass
    {
        public Derived? Part;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private class Part
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
        internal int[]? Cells;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private sealed class Derived : Part
    {
        internal byte Last;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct Named
    {
        public byte Id;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 4)]
        public string? Name;
    }

    [StructLayout(LayoutKind.Sequential, Pack = 1)]
    private struct ValidatedName : IValidated
    {
        public byte Id;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 4)]
        public string Name;

        public readonly void Validate()
        {
            if (Name.Length > 3)
            {
                throw new MapFormatException(FormatErrorKind.TooLong, "Name", 1, Name.Length, 3);
            }
        }
    }
}
