namespace SharedMemory;

/// <summary>Writes values to offset 0 of a map, in the formats of docs/format.md.</summary>
internal static unsafe class PlainArea
{
    /// <summary>Copies a value. A picture is written in the order of a blob.</summary>
    public static void Write(byte* area, byte* value, long length, ChannelContent content)
    {
        bool isBlob = content == ChannelContent.Image && length >= BlobLayout.LengthSize;
        if (!isBlob)
        {
            Buffer.MemoryCopy(value, area, length, length);
            return;
        }

        // -1 first, and the path's length last: a reader gets an error, not half a picture.
        *(int*)area = BlobLayout.Unfinished;
        Interlocked.MemoryBarrier();
        long rest = length - BlobLayout.PathOffset;
        Buffer.MemoryCopy(value + BlobLayout.PathOffset, area + BlobLayout.PathOffset, rest, rest);
        Interlocked.MemoryBarrier();
        *(int*)area = *(int*)value;
    }
}
