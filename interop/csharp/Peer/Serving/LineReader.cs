namespace Peer;

/// <summary>Lines of any length from a stream, as bytes and without copying them.</summary>
internal sealed class LineReader(Stream input)
{
    private const byte LineFeed = (byte)'\n';

    private byte[] _buffer = new byte[1 << 16];
    private int _begin;
    private int _end;

    /// <summary>The next line without its end; valid until the next call. False at the end.</summary>
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

            int waiting = _end - _begin;
            MakeRoom();
            searched = _begin + waiting;
            int count = input.Read(_buffer, _end, _buffer.Length - _end);
            if (count == 0)
            {
                line = _buffer.AsMemory(_begin, waiting);
                _begin = _end;
                return waiting > 0;
            }

            _end += count;
        }
    }

    private void MakeRoom()
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
