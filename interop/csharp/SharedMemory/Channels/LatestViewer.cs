namespace SharedMemory;

/// <summary>
/// Holds frames of a <see cref="LatestChannel{T}"/> in the memory of the channel, without a copy. The
/// writer goes on meanwhile, and does not overwrite the held frame.
/// </summary>
/// <typeparam name="T">What the channel carries.</typeparam>
/// <remarks>
/// A viewer holds one frame at a time; several viewers hold several. For one thread at a time; another thread
/// may only dispose of it, which ends a wait. If a frame is held then, the viewer is closed when its lease
/// ends.
/// </remarks>
public sealed class LatestViewer<T> : IDisposable
{
    private readonly ChannelEnd _end;
    private readonly NewestFrame _newest;
    private readonly NewestWaiter _waiter;
    private readonly FrameHolder _holder;

    internal LatestViewer(ChannelEnd end, in FrameRules rules)
    {
        _end = end;
        var words = new ChannelWords(end.Map);
        _newest = new NewestFrame(end.Map, words, rules);
        _waiter = new NewestWaiter(end, words);
        _holder = new FrameHolder(end, words, _newest, end.Entry, rules);
    }

    /// <summary>Gets whether the channel has a writer, and how the last one ended.</summary>
    /// <exception cref="ObjectDisposedException">The viewer is disposed.</exception>
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

    /// <summary>Gets how many values were published between the frames that were held.</summary>
    public long Skipped => _holder.Skipped;

    /// <summary>Gets how often a frame was overwritten before it was held, and another one was held.</summary>
    public long Retries => _newest.Retries;

    /// <summary>Holds the newest frame. Allocates nothing.</summary>
    /// <exception cref="InvalidOperationException">
    /// Nothing is published, or this viewer holds a frame.
    /// </exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The viewer is disposed.</exception>
    public FrameLease Hold() => TryHold(out FrameLease lease)
        ? lease
        : throw new InvalidOperationException(
            $"Nothing is published in the channel \"{_end.Map.Name}\". Wait for a frame before you hold it.");

    /// <summary>Holds the newest frame. Returns false if nothing is published. Allocates nothing.</summary>
    /// <param name="lease">The frame.</param>
    /// <exception cref="InvalidOperationException">This viewer holds a frame.</exception>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The viewer is disposed.</exception>
    public bool TryHold(out FrameLease lease)
    {
        _end.Enter(this);
        bool isHeld = false;
        try
        {
            isHeld = _holder.TryHold();
            lease = isHeld ? new FrameLease(_holder) : default;
            return isHeld;
        }
        finally
        {
            if (!isHeld)
            {
                _end.Exit(); // a lease does it later
            }
        }
    }

    /// <summary>Waits for a frame that is newer than the last one that was held.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>
    /// Whether there is one. If not, the time has passed or the writer has closed the channel, which
    /// <see cref="WriterState"/> shows.
    /// </returns>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The viewer is disposed, now or during the wait.</exception>
    public bool Wait(TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        int milliseconds = Waits.Milliseconds(timeout);
        _end.Enter(this);
        try
        {
            return _waiter.Wait(_holder.Number, milliseconds, cancellationToken) == WaitResult.Newer;
        }
        finally
        {
            _end.Exit();
        }
    }

    /// <summary>Closes the viewer. Ends a lease of this thread, and a wait of another thread.</summary>
    public void Dispose() => _holder.Dispose();
}
