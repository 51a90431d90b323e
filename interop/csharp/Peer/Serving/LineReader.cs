namespace Peer;

/// <summary>Reads lines of any length from a stream, as bytes and without copying them.</summary>
internal sealed class LineReader(Stream input)
{
    private const byte LineFeed = (byte)'\n';

    private byte[] _buffer = new byte[1 << 16];
    private int _begin;
    private int _end;

    /// <summary>
    /// Reads the next line, without its line feed. The bytes are valid until the next call. Returns
    /// false at the end of the stream.
    /// </summary>
    public bool TryRead(out ReadOnlyMemory<byte> line)
    {
        int searched = _begin;
        while (true)
        {
            int found = _buffer.AsSpan(searched, _end - searched).IndexOf(LineFeed);
            if (found >= 0)
            {
                int lineEnd = searched + found;
                line = _buffer.AsMemory(_begin, lineEnd - _begin);
                _begin = lineEnd + 1;
                return true;
            }

            int pending = _end - _begin;
            EnsureSpace();
            searched = _begin + pending;
            int count = input.Read(_buffer, _end, _buffer.Length - _end);
            if (count == 0)
            {
                line = _buffer.AsMemory(_begin, pending);
                _begin = _end;
                return pending > 0;
            }

            _end += count;
        }
    }

    private void EnsureSpace()
    {
        if (_begin > 0)
        {
            _buffer.AsSpan(_begin, _end - _begin).CopyTo(_buffer);
            _end -= _begin;
            _begin = 0;
        }

        if (_end == _buffer.Length)
        {
            Array.Resize(ref _buffer, _buffer.Length * 2);
        }
    }
}
