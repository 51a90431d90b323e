using System.Runtime.InteropServices;

namespace LinePeer;

/// <summary>Has 2 rows with 3 cells each: 24 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Table
{
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
    public Row[] Rows;

    /// <summary>Returns a table with these rows, as many as there are.</summary>
    public static Table Of(IEnumerable<long[]> rows) => new()
    {
        Rows = rows.Select(cells => new Row { Cells = cells.Select(cell => (int)cell).ToArray() }).ToArray(),
    };
}

[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Row
{
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 3)]
    public int[] Cells;
}

/// <summary>Has a text of at most 3 characters, and a byte after it: 5 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Pack = 1)]
internal struct Named
{
    [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 4)]
    public string Name;
    public byte Last;
}
