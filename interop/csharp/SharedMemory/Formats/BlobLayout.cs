namespace SharedMemory;

/// <summary>Defines the offsets of the image blob and its checks, in the order of docs/format.md.</summary>
internal static class BlobLayout
{
    public const int LengthSize = sizeof(int);
    public const int PathLengthOffset = 0;
    public const int PathOffset = LengthSize;

    /// <summary>The value of <c>path_length</c> while a program writes the blob.</summary>
    public const int Unfinished = -1;

    private const string UnfinishedDetail = "a write is in progress, or the writer was killed during it";

    private const string PathLength = "path_length";
    private const string ContentLength = "content_length";

    public static long ContentLengthOffset(long pathLength) => PathOffset + pathLength;

    public static long ContentOffset(long pathLength) => PathOffset + pathLength + LengthSize;

    public static long Size(long pathLength, long contentLength) =>
        ContentOffset(pathLength) + contentLength;

    public static void CheckCapacity(long capacity)
    {
        if (capacity < LengthSize)
        {
            throw new MapFormatException(
                FormatErrorKind.Truncated, PathLength, PathLengthOffset, capacity, LengthSize);
        }
    }

    public static void CheckPathLength(int length, long capacity)
    {
        if (length == Unfinished)
        {
            throw Negative(PathLength, PathLengthOffset, length).With(UnfinishedDetail);
        }

        CheckLength(PathLength, PathLengthOffset, length, capacity - PathOffset);
        if (capacity < ContentOffset(length))
        {
            throw new MapFormatException(
                FormatErrorKind.Truncated,
                ContentLength,
                ContentLengthOffset(length),
                capacity,
                ContentOffset(length));
        }
    }

    public static void CheckContentLength(int length, int pathLength, long capacity) =>
        CheckLength(
            ContentLength, ContentLengthOffset(pathLength), length, capacity - ContentOffset(pathLength));

    public static void CheckFits(long pathLength, long contentLength, long capacity)
    {
        if (pathLength > int.MaxValue)
        {
            throw new MapFormatException(
                FormatErrorKind.TooLong, "path", PathOffset, pathLength, int.MaxValue);
        }

        if (contentLength > int.MaxValue)
        {
            throw new MapFormatException(
                FormatErrorKind.TooLong,
                "content",
                ContentOffset(pathLength),
                contentLength,
                int.MaxValue);
        }

        long size = Size(pathLength, contentLength);
        if (size > capacity)
        {
            throw new MapFormatException(
                FormatErrorKind.DoesNotFit, "blob", PathLengthOffset, size, capacity)
                .With(FormattableString.Invariant($"path {pathLength} bytes, content {contentLength}"));
        }
    }

    private static void CheckLength(string field, long offset, int length, long available)
    {
        if (length < 0)
        {
            throw Negative(field, offset, length);
        }

        if (length > available)
        {
            throw new MapFormatException(
                FormatErrorKind.LengthExceedsBuffer, field, offset, length, available);
        }
    }

    private static MapFormatException Negative(string field, long offset, int length) =>
        new(FormatErrorKind.NegativeLength, field, offset, length, 0);
}
