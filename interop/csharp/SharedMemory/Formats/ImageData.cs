using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace SharedMemory;

/// <summary>
/// An encoded picture and the path it belongs to: the image blob of docs/format.md. The content
/// is not looked into. Errors are <see cref="MapFormatException"/>s.
/// </summary>
public sealed class ImageData
{
    /// <summary>Takes both as they are; nothing is copied.</summary>
    /// <param name="path">The text that is stored as the path.</param>
    /// <param name="content">The picture's encoded bytes.</param>
    public ImageData(string path, ReadOnlyMemory<byte> content)
    {
        ArgumentNullException.ThrowIfNull(path);
        Path = path;
        Content = content;
    }

    /// <summary>The path, which need not lead anywhere.</summary>
    public string Path { get; }

    /// <summary>The encoded picture.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>The blob's size in bytes.</summary>
    public long Size => BlobLayout.Size(StrictUtf8.CountBytes(Path), Content.Length);

    /// <summary>Reads a blob from the beginning of <paramref name="source"/>.</summary>
    /// <param name="source">The buffer; it may be longer than the blob.</param>
    /// <param name="replaceInvalidUtf8">Read what is no UTF-8 as U+FFFD instead of failing.</param>
    public static ImageData FromBytes(ReadOnlySpan<byte> source, bool replaceInvalidUtf8 = false)
    {
        BlobLayout.CheckCapacity(source.Length);
        int pathLength = BinaryPrimitives.ReadInt32LittleEndian(source);
        BlobLayout.CheckPathLength(pathLength, source.Length);
        int contentLength = BinaryPrimitives.ReadInt32LittleEndian(
            source[(int)BlobLayout.ContentLengthOffset(pathLength)..]);
        BlobLayout.CheckContentLength(contentLength, pathLength, source.Length);
        string path = StrictUtf8.Decode(
            source.Slice(BlobLayout.PathOffset, pathLength), BlobLayout.PathOffset, replaceInvalidUtf8);
        return new ImageData(
            path, source.Slice((int)BlobLayout.ContentOffset(pathLength), contentLength).ToArray());
    }

    /// <summary>Reads a blob from the beginning of a view.</summary>
    /// <param name="accessor">The view; its capacity is the bound for everything that is read.</param>
    /// <param name="replaceInvalidUtf8">Read what is no UTF-8 as U+FFFD instead of failing.</param>
    public static ImageData FromAccessor(
        MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8 = false)
    {
        ArgumentNullException.ThrowIfNull(accessor);
        // Others may write while this reads: a length is fetched once, and what was checked is used.
        long capacity = accessor.Capacity;
        BlobLayout.CheckCapacity(capacity);
        int pathLength = ReadInt32(accessor, BlobLayout.PathLengthOffset);
        BlobLayout.CheckPathLength(pathLength, capacity);
        int contentLength = ReadInt32(accessor, BlobLayout.ContentLengthOffset(pathLength));
        BlobLayout.CheckContentLength(contentLength, pathLength, capacity);
        string path = StrictUtf8.Decode(
            ReadBytes(accessor, BlobLayout.PathOffset, pathLength),
            BlobLayout.PathOffset,
            replaceInvalidUtf8);
        return new ImageData(
            path, ReadBytes(accessor, BlobLayout.ContentOffset(pathLength), contentLength));
    }

    /// <summary>The blob's bytes.</summary>
    /// <param name="replaceInvalidUtf8">Write a lone surrogate as U+FFFD instead of failing.</param>
    public byte[] ToBytes(bool replaceInvalidUtf8 = false)
    {
        long size = CheckedSize(Array.MaxLength, replaceInvalidUtf8);
        var bytes = new byte[size];
        WriteTo(bytes, replaceInvalidUtf8);
        return bytes;
    }

    /// <summary>Writes the blob to the beginning of <paramref name="destination"/>.</summary>
    /// <param name="destination">The buffer; what lies behind the blob is left alone.</param>
    /// <param name="replaceInvalidUtf8">Write a lone surrogate as U+FFFD instead of failing.</param>
    /// <returns>The number of bytes written.</returns>
    public int WriteTo(Span<byte> destination, bool replaceInvalidUtf8 = false)
    {
        int size = (int)CheckedSize(destination.Length, replaceInvalidUtf8);
        int pathLength = size - (int)BlobLayout.Size(0, Content.Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination, BlobLayout.Unfinished);
        Interlocked.MemoryBarrier();
        Encoding.UTF8.GetBytes(Path, destination.Slice(BlobLayout.PathOffset, pathLength));
        BinaryPrimitives.WriteInt32LittleEndian(
            destination[(int)BlobLayout.ContentLengthOffset(pathLength)..], Content.Length);
        Content.Span.CopyTo(destination[(int)BlobLayout.ContentOffset(pathLength)..]);
        Interlocked.MemoryBarrier();
        BinaryPrimitives.WriteInt32LittleEndian(destination, pathLength);
        return size;
    }

    /// <summary>Writes the blob to the beginning of a view.</summary>
    /// <param name="accessor">The view; what lies behind the blob is left alone.</param>
    /// <param name="replaceInvalidUtf8">Write a lone surrogate as U+FFFD instead of failing.</param>
    /// <returns>The number of bytes written.</returns>
    public long WriteTo(MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8 = false)
    {
        ArgumentNullException.ThrowIfNull(accessor);
        long size = CheckedSize(accessor.Capacity, replaceInvalidUtf8);
        byte[] path = Encoding.UTF8.GetBytes(Path);
        // -1 first and the true length last: a reader in between meets an error, not half a picture.
        WriteInt32(accessor, BlobLayout.PathLengthOffset, BlobLayout.Unfinished);
        Interlocked.MemoryBarrier();
        WriteBytes(accessor, BlobLayout.PathOffset, path);
        WriteInt32(accessor, BlobLayout.ContentLengthOffset(path.Length), Content.Length);
        WriteBytes(accessor, BlobLayout.ContentOffset(path.Length), Content);
        Interlocked.MemoryBarrier();
        WriteInt32(accessor, BlobLayout.PathLengthOffset, path.Length);
        return size;
    }

    private long CheckedSize(long capacity, bool replaceInvalidUtf8)
    {
        if (!replaceInvalidUtf8)
        {
            StrictUtf8.RefuseSurrogates(Path, BlobLayout.PathOffset);
        }

        long pathLength = StrictUtf8.CountBytes(Path);
        BlobLayout.CheckFits(pathLength, Content.Length, capacity);
        return BlobLayout.Size(pathLength, Content.Length);
    }

    // The accessor's own integers are in the machine's order of bytes.
    private static int ReadInt32(MemoryMappedViewAccessor accessor, long position)
    {
        int raw = accessor.ReadInt32(position);
        return BitConverter.IsLittleEndian ? raw : BinaryPrimitives.ReverseEndianness(raw);
    }

    private static void WriteInt32(MemoryMappedViewAccessor accessor, long position, int value) =>
        accessor.Write(
            position, BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value));

    private static byte[] ReadBytes(MemoryMappedViewAccessor accessor, long position, int count)
    {
        var bytes = new byte[count];
        // At its very end an accessor refuses to read even no bytes at all.
        if (count > 0)
        {
            accessor.ReadArray(position, bytes, 0, count);
        }

        return bytes;
    }

    private static void WriteBytes(
        MemoryMappedViewAccessor accessor, long position, ReadOnlyMemory<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        if (!MemoryMarshal.TryGetArray(bytes, out ArraySegment<byte> segment))
        {
            segment = bytes.ToArray();
        }

        accessor.WriteArray(position, segment.Array!, segment.Offset, segment.Count);
    }
}
