namespace SharedMemory;

/// <summary>
/// Reads copies of the newest value of a <see cref="LatestChannel{T}"/>. Each value is returned once, none
/// is torn, and none is older than one that was returned before. Values that are overwritten before they
/// are read are skipped, and counted.
/// </summary>
/// <typeparam name="T">What the channel carries.</typeparam>
/// <remarks>
/// For one thread at a time; another thread may only dispose of it, which ends a wait. With .NET 8 or newer
/// it is a <c>System.Threading.Channels.ChannelReader&lt;T&gt;</c>, with <c>ReadAllAsync</c> and
/// <c>WaitToReadAsync</c>: its thread waits only for this reader. The end of the channel comes when its
/// writer has closed it and the last value is read. If the writer dies, a wait throws
/// <see cref="WriterDiedException"/> once, and the next one goes on until another writer opens the channel.
/// </remarks>
public sealed unsafe partial class LatestReader<T> : IDisposable
{
    private readonly ChannelEnd _end;
    private readonly ChannelWords _words;
    private readonly ValueCodec<T> _codec;
    private readonly NewestFrame _newest;
    private readonly NewestWaiter _waiter;
    private readonly long[] _shape = new long[ChannelLayout.MaxDimensions];
    private FrameInfo _last;
    private byte[] _buffer = [];

    internal LatestReader(ChannelEnd end, ValueCodec<T> codec, in FrameRules rules)
    {
        _end = end;
        _words = new ChannelWords(end.Map);
        _codec = codec;
        _newest = new NewestFrame(end.Map, _words, rules);
        _waiter = new NewestWaiter(end, _words);
    }

    /// <summary>Gets whether the channel has a writer, and how the last one ended.</summary>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public WriterState WriterState
    {
        get
        {
            _end.Enter(this);
            try
            {
                return _waiter.State;
            }
            finally
            {
                _end.Exit();
            }
        }
    }

    /// <summary>Gets the number of the last value that was read; 0 if there is none.</summary>
    public long SequenceNumber => (long)_last.Number;

    /// <summary>Gets how many values were published between those that were read.</summary>
    public long Skipped { get; private set; }

    /// <summary>Gets how often a value was overwritten while it was copied, and another one was read.</summary>
    public long Retries => _newest.Retries;

    /// <summary>Gets the number that the writer gave the last value that was read.</summary>
    public uint Tag => _last.Tag;

    /// <summary>Gets the number of elements in each dimension of the last array that was read.</summary>
    public ReadOnlySpan<long> Shape => _shape.AsSpan(0, (int)_last.Dimensions);

    /// <summary>
    /// Gets when the last value that was read was published: nanoseconds of the system's monotonic clock.
    /// </summary>
    public long PublishedAt => _last.Published;

    /// <summary>Gets how long ago the last value that was read was published.</summary>
    public TimeSpan Age => MonotonicClock.Since(_last.Published);

    /// <summary>
    /// Copies the newest value to a buffer, if it was not read yet. The bytes are any bytes, an image blob,
    /// the marshalled bytes of a structure, or the elements of an array. Allocates nothing.
    /// </summary>
    /// <param name="destination">The buffer.</param>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="ArgumentException">The buffer is too short. The value was not read.</exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="TimeoutException">The writer overwrote each value for a second.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public bool TryReadBytes(Span<byte> destination, out int length)
    {
        length = 0;
        _end.Enter(this);
        try
        {
            FrameInfo info = default;
            _newest.Begin();
            while (_newest.TryFind(_last.Number, ref info, out byte* slot))
            {
                bool fits = info.Length <= destination.Length;
                if (fits)
                {
                    new ReadOnlySpan<byte>(slot, (int)info.Length).CopyTo(destination);
                }

                if (_newest.IsWhole(info, slot))
                {
                    length = fits ? (int)info.Length : throw DoesNotFit(info.Length, destination.Length);
                    Accept(info);
                    return true;
                }
            }

            return false;
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>
    /// Copies the elements of the newest array to a buffer, if it was not read yet. <see cref="Shape"/> has
    /// its shape then. Allocates nothing.
    /// </summary>
    /// <typeparam name="TElement">The type of the elements of the channel.</typeparam>
    /// <param name="destination">The buffer.</param>
    /// <param name="count">The number of elements.</param>
    /// <exception cref="ArgumentException">
    /// The buffer is too short, or its elements have another type. The value was not read.
    /// </exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="TimeoutException">The writer overwrote each value for a second.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public bool TryReadArray<TElement>(Span<TElement> destination, out int count)
        where TElement : unmanaged
    {
        bool isRead = TryReadBytes(ValueReader.BytesOf(_codec.Element, destination), out int length);
        count = length / sizeof(TElement);
        return isRead;
    }

    /// <summary>Waits for a value that was not read yet.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// Whether there is one. If not, the time has passed or the writer has closed the channel, which
    /// <see cref="WriterState"/> shows.
    /// </returns>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed, now or during the wait.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitForNewer(Waits.Milliseconds(timeout), cancellationToken) == WaitResult.Newer;

    /// <summary>Waits for a value that was not read yet, and reads it.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">The time has passed.</exception>
    /// <exception cref="InvalidOperationException">
    /// The writer has closed the channel, and all values are read. With .NET 8 or newer, it is a
    /// <c>System.Threading.Channels.ChannelClosedException</c>.
    /// </exception>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed, now or during the wait.</exception>
    public T Next(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        int milliseconds = Waits.Milliseconds(timeout);
        while (true)
        {
            switch (WaitForNewer(milliseconds, cancellationToken))
            {
                case WaitResult.Newer when TryRead(out T? value):
                    return value!;
                case WaitResult.TimedOut:
                    throw ValueReader.TimedOut(_end.Map.Name, timeout);
                case WaitResult.Ended:
                    throw ChannelEnded.Error(_end.Map.Name);
            }
        }
    }

    /// <summary>Closes the reader. Ends a wait of another thread.</summary>
    public void Dispose()
    {
        _end.Dispose();
        OnEnded();
    }

    private WaitResult WaitForNewer(int milliseconds, CancellationToken token)
    {
        _end.Enter(this);
        try
        {
            WaitResult result = _waiter.Wait(_last.Number, milliseconds, token);
            if (result == WaitResult.Ended)
            {
                OnEnded();
            }

            return result;
        }
        finally
        {
            _end.Exit();
        }
    }

    private bool TryTake(ulong seen, bool accept, out T? value)
    {
        value = default;
        _end.Enter(this);
        try
        {
            FrameInfo info = default;
            _newest.Begin();
            while (_newest.TryFind(seen, ref info, out byte* slot))
            {
                T? found = default;
                if (_codec.ReadsInPlace)
                {
                    found = _codec.Read(slot, info.Length);
                }
                else
                {
                    CopyToBuffer(slot, info.Length);
                }

                if (_newest.IsWhole(info, slot))
                {
                    if (accept)
                    {
                        Accept(info);
                    }

                    value = _codec.ReadsInPlace ? found : Decode(info.Length);
                    return true;
                }
            }

            return false;
        }
        finally
        {
            _end.Exit();
        }
    }

    private void CopyToBuffer(byte* slot, long length)
    {
        if (_buffer.Length < length)
        {
            _buffer = new byte[checked((int)length)];
        }

        new ReadOnlySpan<byte>(slot, (int)length).CopyTo(_buffer);
    }

    private T Decode(long length)
    {
        // An empty array has no address.
        byte nothing;
        fixed (byte* start = _buffer)
        {
            return _codec.Read(start is null ? &nothing : start, length);
        }
    }

    private void Accept(in FrameInfo info)
    {
        Skipped += _last.Number == 0 ? 0 : (long)(info.Number - _last.Number - 1);
        _last = info;
        for (int index = 0; index < info.Dimensions; index++)
        {
            _shape[index] = info.Shape[index];
        }
    }

    private static ArgumentException DoesNotFit(long length, int room) =>
        new($"The value has {length} bytes, the buffer {room}.");
}
