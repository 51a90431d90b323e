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
    public static BlobHead Read(LongSpan source)
    {
        BlobLayout.CheckCapacity(source.Length);
        int pathLength = source.ReadInt32(BlobLayout.PathLengthOffset);
        BlobLayout.CheckPathLength(pathLength, source.Length);
        int contentLength = source.ReadInt32(BlobLayout.ContentLengthOffset(pathLength));
        BlobLayout.CheckContentLength(contentLength, pathLength, source.Length);
        return new BlobHead(pathLength, contentLength);
    }

    /// <summary>Returns the bytes of the path, in the buffer.</summary>
    public ReadOnlySpan<byte> Path(LongSpan source) =>
        source.Slice(BlobLayout.PathOffset, _pathLength);

    /// <summary>Returns the content, in the buffer.</summary>
    public ReadOnlySpan<byte> Content(LongSpan source) =>
        source.Slice(BlobLayout.ContentOffset(_pathLength), _contentLength);
}
