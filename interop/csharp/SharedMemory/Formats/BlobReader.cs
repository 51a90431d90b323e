using System.Buffers;

namespace SharedMemory;

/// <summary>
/// Reads blobs into memory of the caller. It allocates nothing while the path stays the same: it
/// keeps the last path.
/// </summary>
internal sealed class BlobReader
{
    private byte[] _path = [];
    private byte[] _nextPath = [];
    private int _pathLength;
    private string _pathText = "";

    /// <summary>Reads a blob. Returns the length of its content.</summary>
    public int Read(LongSpan source, Span<byte> content, out string path)
    {
        BlobHead head = BlobHead.Read(source);
        path = ReadPath(head.Path(source));
        ReadOnlySpan<byte> found = head.Content(source);
        CheckFits(found, content);
        found.CopyTo(content);
        return found.Length;
    }

    /// <summary>Reads a blob. Returns the length of its content.</summary>
    public int Read(LongSpan source, IBufferWriter<byte> content, out string path)
    {
        BlobHead head = BlobHead.Read(source);
        path = ReadPath(head.Path(source));
        ReadOnlySpan<byte> found = head.Content(source);
        found.CopyTo(content.GetSpan(found.Length));
        content.Advance(found.Length);
        return found.Length;
    }

    /// <summary>
    /// Reads a blob. Returns false if a program writes it. Then the content is undefined.
    /// </summary>
    public bool TryRead(LongSpan source, Span<byte> content, out int length, out string path)
    {
        length = 0;
        if (!TryReadHead(source, out BlobHead head, out path))
        {
            return false;
        }

        ReadOnlySpan<byte> found = head.Content(source);
        if (found.Length <= content.Length)
        {
            found.CopyTo(content);
        }

        if (head.HasChanged(source))
        {
            return false;
        }

        CheckFits(found, content);
        length = found.Length;
        return true;
    }

    /// <summary>Reads a blob. Returns false, and adds nothing, if a program writes it.</summary>
    public bool TryRead(LongSpan source, IBufferWriter<byte> content, out int length, out string path)
    {
        length = 0;
        if (!TryReadHead(source, out BlobHead head, out path))
        {
            return false;
        }

        ReadOnlySpan<byte> found = head.Content(source);
        found.CopyTo(content.GetSpan(found.Length));
        if (head.HasChanged(source))
        {
            return false;
        }

        content.Advance(found.Length);
        length = found.Length;
        return true;
    }

    private bool TryReadHead(LongSpan source, out BlobHead head, out string path)
    {
        path = "";
        if (!BlobHead.TryRead(source, out head))
        {
            return false;
        }

        try
        {
            path = ReadPath(head.Path(source));
            return true;
        }
        catch (MapFormatException) when (head.HasChanged(source))
        {
            return false;
        }
    }

    private string ReadPath(ReadOnlySpan<byte> bytes)
    {
        if (_nextPath.Length < bytes.Length)
        {
            _nextPath = new byte[bytes.Length];
        }

        // A copy, because the bytes can be shared memory that changes while it is decoded.
        Span<byte> copy = _nextPath.AsSpan(0, bytes.Length);
        bytes.CopyTo(copy);
        if (!copy.SequenceEqual(_path.AsSpan(0, _pathLength)))
        {
            _pathText = StrictUtf8.Decode(copy, BlobLayout.PathOffset, replaceInvalid: false);
            (_path, _nextPath) = (_nextPath, _path);
            _pathLength = bytes.Length;
        }

        return _pathText;
    }

    private static void CheckFits(ReadOnlySpan<byte> found, Span<byte> content)
    {
        if (found.Length > content.Length)
        {
            throw new ArgumentException(
                $"The content of the blob has {found.Length} bytes, the buffer {content.Length}.",
                nameof(content));
        }
    }
}
