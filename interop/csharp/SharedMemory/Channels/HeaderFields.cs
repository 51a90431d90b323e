using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Reads fields of a header, each from memory exactly once, and checks their ranges.</summary>
internal readonly unsafe struct HeaderFields(byte* header, long headerOffset)
{
    /// <summary>Gets the offset of the header: the other parts are before it.</summary>
    public long HeaderOffset => headerOffset;

    /// <summary>Throws if the channel has another major version.</summary>
    public void RequireVersion()
    {
        uint major = Volatile.Read(ref *(uint*)(header + Major));
        if (major != MajorVersion)
        {
            throw new MapFormatException(
                FormatErrorKind.ChannelVersion, "major", headerOffset + Major, major, MajorVersion);
        }
    }

    /// <summary>Reads a number with 4 bytes.</summary>
    public int UInt32(int field, string name, int least, int most)
    {
        uint value = Volatile.Read(ref *(uint*)(header + field));
        return value >= least && value <= most ? (int)value : throw Invalid(field, name, value, most);
    }

    /// <summary>Reads a number with 8 bytes.</summary>
    public long UInt64(int field, string name, long least, long most, long limit)
    {
        long value = (long)Math.Min(UInt64(field), long.MaxValue);
        return value >= least && value <= most ? value : throw Invalid(field, name, value, limit);
    }

    /// <summary>Reads a number with 8 bytes, which may be any.</summary>
    public ulong UInt64(int field) => Volatile.Read(ref *(ulong*)(header + field));

    /// <summary>Reads a number with 8 bytes, which must not be 0.</summary>
    public ulong NotZero(int field, string name) =>
        UInt64(field) is var value && value != 0 ? value : throw Invalid(field, name, 0, 1);

    /// <summary>Returns the error for a field.</summary>
    public MapFormatException Invalid(int field, string name, long value, long limit) =>
        new(FormatErrorKind.ChannelHeader, name, headerOffset + field, value, limit);
}

/// <summary>Checks that the parts of a channel are before its header, and do not overlap.</summary>
internal sealed class ChannelRegions(HeaderFields fields)
{
    private readonly List<(long Start, long End, int Field, string Name)> _placed = [];

    /// <summary>Reads the offset of <paramref name="count"/> parts of <paramref name="size"/> bytes.</summary>
    public long Place(int field, string name, int unit, int count, long size)
    {
        ulong found = fields.UInt64(field);
        long start = (long)Math.Min(found, long.MaxValue);
        if (found % (ulong)unit != 0)
        {
            throw fields.Invalid(field, name, start, unit);
        }

        // Without an overflow: the numbers can be any.
        bool isInside = start <= fields.HeaderOffset && size <= (fields.HeaderOffset - start) / count;
        if (!isInside)
        {
            long room = size > fields.HeaderOffset ? 0 : fields.HeaderOffset - (size * count);
            throw fields.Invalid(field, name, start, Math.Max(0, room));
        }

        _placed.Add((start, start + (size * count), field, name));
        return start;
    }

    /// <summary>Reads the size of the plain area, which begins at offset 0.</summary>
    public long PlacePlainArea(int field, string name)
    {
        long size = fields.UInt64(field, name, 0, fields.HeaderOffset, fields.HeaderOffset);
        _placed.Add((0, size, field, name));
        return size;
    }

    /// <summary>Throws if two parts overlap.</summary>
    public void RequireApart()
    {
        _placed.Sort();
        for (int index = 1; index < _placed.Count; index++)
        {
            (long start, _, int field, string name) = _placed[index];
            long end = _placed[index - 1].End;
            if (start < end)
            {
                throw fields.Invalid(field, name, start, end);
            }
        }
    }
}
