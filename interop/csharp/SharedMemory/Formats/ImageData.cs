using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Text;

namespace SharedMemory;

/// <summary>
/// Represents an encoded picture and its path: the image blob of docs/format.md. The picture is not
/// decoded. Its methods throw <see cref="MapFormatException"/>.
/// </summary>
/// <remarks>
/// An instance can be used by several threads, because it does not change. A write is not one step:
/// a program that reads at the same time gets an error, or bytes of two pictures if it began before
/// the write.
/// </remarks>
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
    /// <returns>The picture in a new array, and its path.</returns>
    /// <exception cref="MapFormatException">
    /// The bytes are not a blob, or a program writes it now.
    /// </exception>
    public static ImageData FromBytes(ReadOnlySpan<byte> source, bool replaceInvalidUtf8 = false)
    {
        unsafe
        {
            fixed (byte* start = source)
            {
                var bytes = new LongSpan(start, source.Length);
                return Read(bytes, BlobHead.Read(bytes), replaceInvalidUtf8);
            }
        }
    }

    /// <summary>
    /// Reads a blob from the beginning of <paramref name="source"/>. Returns false if a program
    /// writes it now, or was stopped in the middle of the write.
    /// </summary>
    /// <param name="source">The buffer. It can be longer than the blob.</param>
    /// <param name="image">The blob.</param>
    /// <returns>Whether the picture is finished. If it is not, nothing is read.</returns>
    /// <exception cref="MapFormatException">The bytes are not a blob.</exception>
    public static bool TryFromBytes(
        ReadOnlySpan<byte> source, [NotNullWhen(true)] out ImageData? image)
    {
        unsafe
        {
            fixed (byte* start = source)
            {
                return TryRead(new LongSpan(start, source.Length), out image);
            }
        }
    }

    /// <summary>
    /// Returns the content of the blob at the beginning of <paramref name="source"/>, in place. The
    /// path is not decoded.
    /// </summary>
    /// <param name="source">The buffer. It can be longer than the blob.</param>
    /// <returns>The content, a part of the buffer.</returns>
    /// <exception cref="MapFormatException">The bytes are not a blob.</exception>
    public static ReadOnlySpan<byte> GetContent(ReadOnlySpan<byte> source)
    {
        unsafe
        {
            fixed (byte* start = source)
            {
                return BlobHead.Read(new LongSpan(start, source.Length)).ContentOf(source);
            }
        }
    }

    /// <summary>
    /// Finds the content of the blob at the beginning of <paramref name="source"/>, in place. Returns
    /// false if a program writes the blob now, or was stopped in the middle of the write. A write
    /// that begins later changes the content.
    /// </summary>
    /// <param name="source">The buffer. It can be longer than the blob.</param>
    /// <param name="content">The content, a part of the buffer.</param>
    /// <returns>Whether the picture is finished.</returns>
    /// <exception cref="MapFormatException">The bytes are not a blob.</exception>
    public static bool TryGetContent(ReadOnlySpan<byte> source, out ReadOnlySpan<byte> content)
    {
        unsafe
        {
            fixed (byte* start = source)
            {
                bool isRead = BlobHead.TryRead(new LongSpan(start, source.Length), out BlobHead head);
                content = isRead ? head.ContentOf(source) : default;
                return isRead;
            }
        }
    }

    /// <summary>Reads a blob from the beginning of a view.</summary>
    /// <param name="accessor">The view.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace invalid UTF-8 by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The picture in a new array, and its path.</returns>
    /// <exception cref="MapFormatException">
    /// The bytes are not a blob, or a program writes it now.
    /// </exception>
    /// <exception cref="NotSupportedException">The view can't be read.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public static ImageData FromAccessor(
        MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8 = false)
    {
        Guard.NotNull(accessor);
        using PinnedView view = PinnedView.ToRead(accessor);
        return Read(view.Bytes, BlobHead.Read(view.Bytes), replaceInvalidUtf8);
    }

    /// <summary>
    /// Reads a blob from the beginning of a view. Returns false if a program writes it now, or was
    /// stopped in the middle of the write.
    /// </summary>
    /// <param name="accessor">The view.</param>
    /// <param name="image">The blob.</param>
    /// <returns>Whether the picture is finished. If it is not, nothing is read.</returns>
    /// <exception cref="MapFormatException">The bytes are not a blob.</exception>
    public static bool TryFromAccessor(
        MemoryMappedViewAccessor accessor, [NotNullWhen(true)] out ImageData? image)
    {
        Guard.NotNull(accessor);
        using PinnedView view = PinnedView.ToRead(accessor);
        return TryRead(view.Bytes, out image);
    }

    /// <summary>Returns the bytes of the blob.</summary>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <returns>A new array.</returns>
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the blob is too large (does-not-fit).
    /// </exception>
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
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the blob is too large (does-not-fit).
    /// </exception>
    public int WriteTo(Span<byte> destination) => WriteTo(destination, false);

    /// <summary>Writes the blob to the beginning of <paramref name="destination"/>.</summary>
    /// <param name="destination">The buffer. Its bytes after the blob do not change.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the blob is too large (does-not-fit).
    /// </exception>
    public int WriteTo(Span<byte> destination, bool replaceInvalidUtf8)
    {
        int size = (int)CheckedSize(destination.Length, replaceInvalidUtf8);
        unsafe
        {
            fixed (byte* start = destination)
            {
                Write(new LongSpan(start, destination.Length), size);
            }
        }

        return size;
    }

    /// <summary>Writes the blob to the beginning of a view.</summary>
    /// <param name="accessor">The view. Its bytes after the blob do not change.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the blob is too large (does-not-fit).
    /// </exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public long WriteTo(MemoryMappedViewAccessor accessor) => WriteTo(accessor, false);

    /// <summary>Writes the blob to the beginning of a view.</summary>
    /// <param name="accessor">The view. Its bytes after the blob do not change.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the blob is too large (does-not-fit).
    /// </exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public long WriteTo(MemoryMappedViewAccessor accessor, bool replaceInvalidUtf8)
    {
        Guard.NotNull(accessor);
        long size = CheckedSize(accessor.Capacity, replaceInvalidUtf8);
        using PinnedView view = PinnedView.ToWrite(accessor);
        Write(view.Bytes, size);
        return size;
    }

    private static ImageData Read(LongSpan source, BlobHead head, bool replaceInvalidUtf8)
    {
        // A copy, because the source can be shared memory that changes while it is decoded.
        string path = StrictUtf8.Decode(
            head.Path(source).ToArray(), BlobLayout.PathOffset, replaceInvalidUtf8);
        return new ImageData(path, head.Content(source).ToArray());
    }

    private static bool TryRead(LongSpan source, [NotNullWhen(true)] out ImageData? image)
    {
        image = null;
        if (!BlobHead.TryRead(source, out BlobHead head))
        {
            return false;
        }

        try
        {
            ImageData found = Read(source, head, replaceInvalidUtf8: false);
            image = head.HasChanged(source) ? null : found;
        }
        catch (MapFormatException) when (head.HasChanged(source))
        {
            // The path changed.
        }

        return image is not null;
    }

    /// <summary>
    /// Writes -1 first, and the path's length last. Meanwhile, a reader gets an error, not half a
    /// picture.
    /// </summary>
    private void Write(LongSpan destination, long size)
    {
        int pathLength = (int)(size - BlobLayout.Size(0, Content.Length));
        destination.WriteInt32(BlobLayout.PathLengthOffset, BlobLayout.Unfinished);
        Interlocked.MemoryBarrier();
        Encoding.UTF8.GetBytes(Path, destination.Slice(BlobLayout.PathOffset, pathLength));
        destination.WriteInt32(BlobLayout.ContentLengthOffset(pathLength), Content.Length);
        Content.Span.CopyTo(
            destination.Slice(BlobLayout.ContentOffset(pathLength), Content.Length));
        Interlocked.MemoryBarrier();
        destination.WriteInt32(BlobLayout.PathLengthOffset, pathLength);
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
}
