using System.Buffers.Binary;

namespace SharedMemory;

/// <summary>
/// Represents bytes at an address, as a span does, but there can be more than 2 GiB of them. The
/// creator keeps the memory in place for as long as this value is used.
/// </summary>
internal readonly unsafe ref struct LongSpan
{
    private readonly byte* _start;

    public LongSpan(byte* start, long length)
    {
        _start = start;
        Length = length;
    }

    /// <summary>Gets the number of bytes.</summary>
    public long Length { get; }

    /// <summary>Returns a part as a span. Throws if the part is not inside of these bytes.</summary>
    public Span<byte> Slice(long position, int count)
    {
        if (position < 0 || position > Length)
        {
            throw new ArgumentOutOfRangeException(nameof(position));
        }

        return count >= 0 && count <= Length - position
            ? new Span<byte>(_start + position, count)
            : throw new ArgumentOutOfRangeException(nameof(count));
    }

    /// <summary>Reads a little-endian int32, from memory exactly once.</summary>
    public int ReadInt32(long position) =>
        BinaryPrimitives.ReadInt32LittleEndian(Slice(position, sizeof(int)));

    /// <summary>Writes a little-endian int32.</summary>
    public void WriteInt32(long position, int value) =>
        BinaryPrimitives.WriteInt32LittleEndian(Slice(position, sizeof(int)), value);
}
