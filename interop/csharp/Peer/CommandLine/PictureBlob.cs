using System.Buffers.Binary;
using System.Text;

namespace Peer;

/// <summary>Finds blobs with a picture (docs/protocol.md, "dump").</summary>
internal static class PictureBlob
{
    private const int LongestPath = 4096;

    private static readonly UTF8Encoding s_strictUtf8 = new(false, throwOnInvalidBytes: true);

    // How pictures begin; pyshm/formats/recognize.py has the same table.
    private static readonly (int Offset, byte[] Bytes)[][] s_signatures =
    [
        [(0, [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])], // PNG
        [(0, [0xff, 0xd8, 0xff])], // JPEG
        [(0, "GIF87a"u8.ToArray())],
        [(0, "GIF89a"u8.ToArray())],
        [(0, "RIFF"u8.ToArray()), (8, "WEBP"u8.ToArray())],
        [(0, "BM"u8.ToArray()), (6, [0, 0, 0, 0]), (15, [0, 0, 0])],
        [(0, "II*\0"u8.ToArray())], // TIFF
        [(0, "MM\0*"u8.ToArray())],
        [(4, "ftypavif"u8.ToArray())],
        [(0, "\0\0\0\fjP  \r\n"u8.ToArray()), (10, [0x87, 0x0a])], // JPEG 2000
    ];

    /// <summary>Returns whether the bytes prove that they are a blob with a picture.</summary>
    public static bool IsIn(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < 8)
        {
            return false;
        }

        int pathLength = BinaryPrimitives.ReadInt32LittleEndian(bytes);
        if (pathLength < 0 || pathLength > Math.Min(LongestPath, bytes.Length - 8))
        {
            return false;
        }

        int contentAt = 8 + pathLength;
        int contentLength = BinaryPrimitives.ReadInt32LittleEndian(bytes[(contentAt - 4)..]);
        if (contentLength <= 0 || contentLength > bytes.Length - contentAt)
        {
            return false;
        }

        byte[] content = bytes.Slice(contentAt, contentLength).ToArray();
        return IsPath(bytes.Slice(4, pathLength))
            && s_signatures.Any(parts => parts.All(part => HasAt(content, part.Offset, part.Bytes)));
    }

    private static bool IsPath(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return !s_strictUtf8.GetString(bytes).Contains('\0', StringComparison.Ordinal);
        }
        catch (DecoderFallbackException)
        {
            return false;
        }
    }

    private static bool HasAt(byte[] content, int offset, byte[] part) =>
        content.AsSpan(Math.Min(offset, content.Length)).StartsWith(part);
}
