namespace SharedMemory;

/// <summary>
/// Represents the lengths of an image blob. Other processes may write at the same time, so each
/// length is read once, then checked, then used.
/// </summary>
internal readonly struct BlobHead
{
    private readonly int _pathLength;
    private readonly int _contentLength;

    private BlobHead(int pathLength, int contentLength)
    {
        _pathLength = pathLength;
        _contentLength = contentLength;
    }

    /// <summary>Reads and checks the lengths of the blob at the beginning of a buffer.</summary>
    public static BlobHead Read(LongSpan source) => Read(source, ReadPathLength(source));

    /// <summary>
    /// Does the same, but returns false if a program writes the blob now, or stopped in the middle.
    /// </summary>
    public static bool TryRead(LongSpan source, out BlobHead head)
    {
        head = default;
        int pathLength = ReadPathLength(source);
        if (pathLength == BlobLayout.Unfinished)
        {
            return false;
        }

        try
        {
            head = Read(source, pathLength);
            return true;
        }
        catch (MapFormatException) when (HasChanged(source, pathLength))
        {
            return false;
        }
    }

    /// <summary>
    /// Returns whether a program began to write the blob since its lengths were read. A program that
    /// has also finished, with a path of the same length, is not noticed.
    /// </summary>
    public bool HasChanged(LongSpan source) => HasChanged(source, _pathLength);

    /// <summary>Returns the bytes of the path, in the buffer.</summary>
    public ReadOnlySpan<byte> Path(LongSpan source) =>
        source.Slice(BlobLayout.PathOffset, _pathLength);

    /// <summary>Returns the content, in the buffer.</summary>
    public ReadOnlySpan<byte> Content(LongSpan source) =>
        source.Slice(BlobLayout.ContentOffset(_pathLength), _contentLength);

    /// <summary>Returns the content, in the buffer.</summary>
    public ReadOnlySpan<byte> ContentOf(ReadOnlySpan<byte> source) =>
        source.Slice((int)BlobLayout.ContentOffset(_pathLength), _contentLength);

    private static int ReadPathLength(LongSpan source)
    {
        BlobLayout.CheckCapacity(source.Length);
        return source.ReadInt32(BlobLayout.PathLengthOffset);
    }

    private static BlobHead Read(LongSpan source, int pathLength)
    {
        BlobLayout.CheckPathLength(pathLength, source.Length);
        int contentLength = source.ReadInt32(BlobLayout.ContentLengthOffset(pathLength));
        BlobLayout.CheckContentLength(contentLength, pathLength, source.Length);
        return new BlobHead(pathLength, contentLength);
    }

    private static bool HasChanged(LongSpan source, int pathLength)
    {
        // The bytes of the blob are read before its first length is read again.
        Interlocked.MemoryBarrier();
        return source.ReadInt32(BlobLayout.PathLengthOffset) != pathLength;
    }
}
