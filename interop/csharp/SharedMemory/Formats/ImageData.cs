using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Text;

namespace SharedMemory;

/// <summary>
/// Represents an encoded picture and its path: the image blob of docs/format.md. The picture is not
/// decoded. Its methods throw <see cref="MapFormatException"/>.
/// </summary>
public sealed class ImageData
{
    // Array.MaxLength, which older targets do not have.
    private const int MaxArrayLength = 0x7FFFFFC7;

    /// <summary>Initializes an instance. The content is not copied.</summary>
    /// <param name="path">The path. It can be any text.</param>
    /// <param name="content">The encoded picture.</param>
    public ImageData(string path, ReadOnlyMemory<byte> content)
    {
        Guard.NotNull(path);
        Path = path;
        Content = content;
    }

    /// <summary>Gets the path. A file with this path may not exist.</summary>
    public string Path { get; }

    /// <summary>Gets the encoded picture.</summary>
    public ReadOnlyMemory<byte> Content { get; }

    /// <summary>Gets the size of the blob in bytes.</summary>
    public long Size => BlobLayout.Size(StrictUtf8.CountBytes(Path), Content.Length);

    /// <summary>Reads a blob from the beginning of <paramref name="source"/>.</summary>
    /// <param name="source">The buffer. It can be longer than the blob.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace invalid UTF-8 by U+FFFD instead of throwing.
    /// </param>
    public static ImageData FromBytes(ReadOnlySpan<byte> source, bool replaceInvalidUtf8 = false)
    {
        BlobLayout.CheckCapacity(source.Length);
        int pathLength = BinaryPrimitives.ReadInt32LittleEndian(source);
        BlobLayout.CheckPathLength(pathLength, source.Length);
        int contentLength = BinaryPrimitives.ReadInt32LittleEndian(
            source.Slice((int)BlobLayout.ContentLengthOffset(pathLength)));
        BlobLayout.CheckContentLength(contentLength, pathLength, source.Length);
        // A copy, because the source can be shared memory that changes while it is decoded.
        string path = StrictUtf8.Decode(
            source.Slice(BlobLayout.PathOffset, pathLength).ToArray(),
            BlobLayout.PathOffset,
            replaceInvalidUtf8);
        return new ImageData(
            path, source.Slice((int)BlobLayout.ContentOffset(pathLength), contentLength).ToArray());
    }

    /// <summary>Reads a blob from the beginning of a view.</summary>
    /// <param name="accessor">The view.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace invalid UTF-8 by U+FFFD instead of throwing.
    /// </param>
    public static ImageData FromAccessor(
        MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8 = false)
    {
        Guard.NotNull(accessor);
        // Other processes may write at the same time, so read each length once, then check and use it.
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

    /// <summary>Returns the bytes of the blob.</summary>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    public byte[] ToBytes(bool replaceInvalidUtf8 = false)
    {
        long size = CheckedSize(MaxArrayLength, replaceInvalidUtf8);
        var bytes = new byte[size];
        WriteTo(bytes, replaceInvalidUtf8);
        return bytes;
    }

    /// <summary>Writes the blob to the beginning of <paramref name="destination"/>.</summary>
    /// <param name="destination">The buffer. Its bytes after the blob do not change.</param>
    /// <returns>The number of bytes written.</returns>
    public int WriteTo(Span<byte> destination) => WriteTo(destination, false);

    /// <summary>Writes the blob to the beginning of <paramref name="destination"/>.</summary>
    /// <param name="destination">The buffer. Its bytes after the blob do not change.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The number of bytes written.</returns>
    public int WriteTo(Span<byte> destination, bool replaceInvalidUtf8)
    {
        int size = (int)CheckedSize(destination.Length, replaceInvalidUtf8);
        int pathLength = size - (int)BlobLayout.Size(0, Content.Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination, BlobLayout.Unfinished);
        Interlocked.MemoryBarrier();
        Encoding.UTF8.GetBytes(Path, destination.Slice(BlobLayout.PathOffset, pathLength));
        BinaryPrimitives.WriteInt32LittleEndian(
            destination.Slice((int)BlobLayout.ContentLengthOffset(pathLength)), Content.Length);
        Content.Span.CopyTo(destination.Slice((int)BlobLayout.ContentOffset(pathLength)));
        Interlocked.MemoryBarrier();
        BinaryPrimitives.WriteInt32LittleEndian(destination, pathLength);
        return size;
    }

    /// <summary>Writes the blob to the beginning of a view.</summary>
    /// <param name="accessor">The view. Its bytes after the blob do not change.</param>
    /// <returns>The number of bytes written.</returns>
    public long WriteTo(MemoryMappedViewAccessor accessor) => WriteTo(accessor, false);

    /// <summary>Writes the blob to the beginning of a view.</summary>
    /// <param name="accessor">The view. Its bytes after the blob do not change.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The number of bytes written.</returns>
    public long WriteTo(MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8)
    {
        Guard.NotNull(accessor);
        long size = CheckedSize(accessor.Capacity, replaceInvalidUtf8);
        byte[] path = Encoding.UTF8.GetBytes(Path);
        // -1 first, the path's length last. Meanwhile, a reader gets an error, not half a picture.
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
            StrictUtf8.ThrowIfLoneSurrogate(Path, BlobLayout.PathOffset);
        }

        long pathLength = StrictUtf8.CountBytes(Path);
        BlobLayout.CheckFits(pathLength, Content.Length, capacity);
        return BlobLayout.Size(pathLength, Content.Length);
    }

    // The accessor reads and writes integers in the byte order of the machine.
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
        // At the end of a view, ReadArray throws even if the count is 0.
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
            segment = new ArraySegment<byte>(bytes.ToArray());
        }

        accessor.WriteArray(position, segment.Array!, segment.Offset, segment.Count);
    }
}
