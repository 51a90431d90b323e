namespace SharedMemory;

/// <summary>
/// Gets each value of a <see cref="QueueChannel{T}"/> that is published after the consumer was opened, in
/// order and once. The writer waits for it.
/// </summary>
/// <typeparam name="T">What the channel carries.</typeparam>
/// <remarks>
/// For one thread at a time; another thread may only dispose of it, which ends a wait. With .NET 8 or newer
/// it is a <c>System.Threading.Channels.ChannelReader&lt;T&gt;</c>, with <c>ReadAllAsync</c> and
/// <c>WaitToReadAsync</c>. The end of the channel comes when its writer has closed it and the last value is
/// read. If the writer dies, a wait throws <see cref="WriterDiedException"/> once, and the next one goes on until
/// another writer opens the channel.
/// </remarks>
public sealed unsafe partial class QueueReader<T> : IDisposable
{
    private readonly ChannelEnd _end;
    private readonly ChannelWords _words;
    private readonly ValueCodec<T> _codec;
    private readonly FrameRules _rules;
    private readonly NewestWaiter _waiter;
    private readonly long[] _shape = new long[ChannelLayout.MaxDimensions];
    private FrameInfo _last;

    internal QueueReader(ChannelEnd end, ValueCodec<T> codec, in FrameRules rules)
    {
        _end = end;
        _words = new ChannelWords(end.Map);
        _codec = codec;
        _rules = rules;
        _waiter = new NewestWaiter(end, _words);
        _last.Number = _words.Cursor(end.Entry);
    }

    /// <summary>Gets whether the channel has a writer, and how the last one ended.</summary>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
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

    /// <summary>Gets the number of the last value that was read, or was published before it was opened.</summary>
    public long SequenceNumber => (long)_last.Number;

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
    /// Copies the next value to a buffer, if there is one: any bytes, an image blob, the marshalled bytes of a
    /// structure, or the elements of an array. Allocates nothing.
    /// </summary>
    /// <param name="destination">The buffer.</param>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="ArgumentException">The buffer is too short. The value was not read.</exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public bool TryReadBytes(Span<byte> destination, out int length)
    {
        length = 0;
        _end.Enter(this);
        try
        {
            if (!TryFind(out FrameInfo info, out byte* slot))
            {
                return false;
            }

            if (info.Length > destination.Length)
            {
                throw new ArgumentException(
                    $"The value has {info.Length} bytes, the buffer {destination.Length}.", nameof(destination));
            }

            length = (int)info.Length;
            new ReadOnlySpan<byte>(slot, length).CopyTo(destination);
            HandBack(info);
            return true;
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>
    /// Copies the elements of the next array to a buffer, if there is one. <see cref="Shape"/> has its shape
    /// then. Allocates nothing.
    /// </summary>
    /// <typeparam name="TElement">The type of the elements of the channel.</typeparam>
    /// <param name="destination">The buffer.</param>
    /// <param name="count">The number of elements.</param>
    /// <exception cref="ArgumentException">
    /// The buffer is too short, or its elements have another type. The value was not read.
    /// </exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public bool TryReadArray<TElement>(Span<TElement> destination, out int count)
        where TElement : unmanaged
    {
        bool isRead = TryReadBytes(ValueReader.BytesOf(_codec.Element, destination), out int length);
        count = length / sizeof(TElement);
        return isRead;
    }

    /// <summary>Waits for the next value.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// Whether there is one. If not, the time has passed or the writer has closed the channel, which
    /// <see cref="WriterState"/> shows.
    /// </returns>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed, now or during the wait.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        WaitForNext(Waits.Milliseconds(timeout), cancellationToken) == WaitResult.Newer;

    /// <summary>Waits for the next value, and reads it.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">The time has passed.</exception>
    /// <exception cref="InvalidOperationException">
    /// The writer has closed the channel, and all values are read. With .NET 8 or newer, it is a
    /// <c>System.Threading.Channels.ChannelClosedException</c>.
    /// </exception>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed, now or during the wait.</exception>
    public T Next(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        WaitResult result = WaitForNext(Waits.Milliseconds(timeout), cancellationToken);
        return result switch
        {
            WaitResult.Newer when TryRead(out T? value) => value!,
            WaitResult.Ended => throw ChannelEnded.Error(_end.Map.Name),
            _ => throw ValueReader.TimedOut(_end.Map.Name, timeout),
        };
    }

    /// <summary>Closes the consumer: the writer does not wait for it any more. Ends a wait.</summary>
    public void Dispose()
    {
        _end.Dispose();
        OnEnded();
    }

    private int CountUnread()
    {
        _end.Enter(this);
        try
        {
            return (int)Math.Min(_words.Newest - _last.Number, (ulong)_end.Map.Geometry.Slots);
        }
        finally
        {
            _end.Exit();
        }
    }

    private WaitResult WaitForNext(int milliseconds, CancellationToken token)
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

    private bool TryTake(bool handBack, out T? value)
    {
        value = default;
        _end.Enter(this);
        try
        {
            if (!TryFind(out FrameInfo info, out byte* slot))
            {
                return false;
            }

            try
            {
                value = _codec.Read(slot, info.Length);
                return true;
            }
            finally
            {
                // Also a value that is not valid is done: the next one may be.
                if (handBack)
                {
                    HandBack(info);
                }
            }
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>Finds the next value. While the cursor stands, its slot is this consumer's.</summary>
    private bool TryFind(out FrameInfo info, out byte* slot)
    {
        info = default;
        slot = null;
        ulong number = _last.Number + 1; // C1
        if (number > _words.Newest)
        {
            return false;
        }

        int index = (int)(number % (ulong)_end.Map.Geometry.Slots);
        ulong stamp = Volatile.Read(ref _words.Stamp(index)); // C2
        long descriptor = _end.Map.Geometry.DescriptorOffset + (index * ChannelLayout.Line);
        if (stamp != ChannelWords.Complete(number))
        {
            throw new MapFormatException(
                FormatErrorKind.ChannelHeader,
                "stamp",
                descriptor + ChannelLayout.Stamp,
                (long)Math.Min(stamp, long.MaxValue),
                (long)ChannelWords.Complete(number));
        }

        info.Read(_words.Descriptor(index), number, _rules.Content);
        slot = _words.Slot(index);
        return info.Check(_rules, descriptor) is { } error ? throw error : true;
    }

    private void HandBack(in FrameInfo info)
    {
        _last = info;
        for (int index = 0; index < info.Dimensions; index++)
        {
            _shape[index] = info.Shape[index];
        }

        Volatile.Write(ref _words.Cursor(_end.Entry), info.Number); // C3
        ChannelSteps.After("C3");
        Interlocked.MemoryBarrier(); // C4
        if (Volatile.Read(ref _words.WriterWaits) != 0) // C5
        {
            _end.Map.System.WakeOne((uint*)_words.Entry(_end.Entry));
            ChannelSteps.After("C5");
        }
    }
}
