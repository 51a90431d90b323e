namespace SharedMemory;

/// <summary>
/// Publishes the values of a <see cref="QueueChannel{T}"/>. It waits for the slowest consumer, and forgets
/// consumers whose processes have ended.
/// </summary>
/// <typeparam name="T">What the channel carries.</typeparam>
/// <remarks>
/// For one thread at a time; another thread may only dispose of it. With .NET 8 or newer it is a
/// <c>System.Threading.Channels.ChannelWriter&lt;T&gt;</c>. A writer that is garbage without
/// <see cref="Dispose"/> has died for the readers.
/// </remarks>
public sealed unsafe partial class QueueWriter<T> : IDisposable
{
    private readonly Publisher _publisher;
    private readonly ValueCodec<T> _codec;

    internal QueueWriter(Publisher publisher, ValueCodec<T> codec)
    {
        _publisher = publisher;
        _codec = codec;
    }

    /// <summary>Gets the number of the last value that this or an earlier writer published; 0 before the first.</summary>
    public long Published => _publisher.Published;

    /// <summary>Gets how many writers the channel has had, this one included.</summary>
    public long Epoch => _publisher.Epoch;

    /// <summary>Gets or sets a number for the readers, which each published value gets.</summary>
    public uint Tag
    {
        get => _publisher.Tag;
        set => _publisher.Tag = value;
    }

    /// <summary>
    /// Publishes a value, after waiting for room. Allocates nothing for a structure without references.
    /// </summary>
    /// <param name="value">The value. The elements of an array get one dimension.</param>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">A consumer is so many values behind as there are slots.</exception>
    /// <exception cref="MapFormatException">The value is not valid, or larger than a slot.</exception>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed, now or during the wait.</exception>
    public void Publish(in T value, TimeSpan timeout, CancellationToken cancellationToken = default)
    {
        if (!ValueWriter.TryWrite(_publisher, _codec, value, Waits.Milliseconds(timeout), cancellationToken))
        {
            throw HasNoRoom(timeout);
        }
    }

    /// <summary>
    /// Publishes bytes, after waiting for room: any bytes, an image blob, or the marshalled bytes of a
    /// structure. Allocates nothing.
    /// </summary>
    /// <param name="value">The bytes.</param>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <exception cref="TimeoutException">A consumer is so many values behind as there are slots.</exception>
    /// <exception cref="MapFormatException">The value is larger than a slot.</exception>
    /// <exception cref="ArgumentException">The structure has another size.</exception>
    /// <exception cref="InvalidOperationException">The channel carries arrays, or a loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed, now or during the wait.</exception>
    public void PublishBytes(ReadOnlySpan<byte> value, TimeSpan timeout)
    {
        FrameInfo info = _publisher.Describe(value.Length);
        if (!ValueWriter.TryWrite(_publisher, value, info, Waits.Milliseconds(timeout), default))
        {
            throw HasNoRoom(timeout);
        }
    }

    /// <summary>Publishes an array, after waiting for room. Allocates nothing.</summary>
    /// <typeparam name="TElement">The type of the elements of the channel.</typeparam>
    /// <param name="elements">The elements, in C order.</param>
    /// <param name="shape">The number of elements in each dimension, at most 8 dimensions.</param>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <exception cref="TimeoutException">A consumer is so many values behind as there are slots.</exception>
    /// <exception cref="MapFormatException">The array is larger than a slot.</exception>
    /// <exception cref="ArgumentException">The shape or the type does not fit the elements.</exception>
    /// <exception cref="InvalidOperationException">The channel carries no arrays, or a loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed, now or during the wait.</exception>
    public void PublishArray<TElement>(
        ReadOnlySpan<TElement> elements, ReadOnlySpan<long> shape, TimeSpan timeout)
        where TElement : unmanaged
    {
        FrameInfo info = _publisher.Describe(shape);
        ReadOnlySpan<byte> bytes = ValueWriter.BytesOf(_publisher, elements, info.Length);
        if (!ValueWriter.TryWrite(_publisher, bytes, info, Waits.Milliseconds(timeout), default))
        {
            throw HasNoRoom(timeout);
        }
    }

    /// <summary>
    /// Lends the memory of the next slot, if all consumers are done with it, so that the value is made in
    /// place. Publish it with <see cref="FrameLoan.Commit()"/>.
    /// </summary>
    /// <param name="loan">The loan.</param>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public bool TryLoan(out FrameLoan loan) => ValueWriter.TryLoan(_publisher, 0, default, out loan);

    /// <summary>Waits for room, and lends the memory of the next slot.</summary>
    /// <param name="timeout">The longest time, or <see cref="Timeout.InfiniteTimeSpan"/>.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="TimeoutException">A consumer is so many values behind as there are slots.</exception>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed, now or during the wait.</exception>
    public FrameLoan Loan(TimeSpan timeout, CancellationToken cancellationToken = default) =>
        ValueWriter.TryLoan(
            _publisher, Waits.Milliseconds(timeout), cancellationToken, out FrameLoan loan)
            ? loan
            : throw HasNoRoom(timeout);

    /// <summary>
    /// Closes the channel for writing. The consumers get the last value, and then the end. Another writer can
    /// open the channel.
    /// </summary>
    public void Dispose() => _publisher.Dispose();

    private bool TryWriteNow(in T item) =>
        !_publisher.End.IsDisposed && ValueWriter.TryWrite(_publisher, _codec, item, 0, default);

    private bool TryClose()
    {
        bool wasOpen = !_publisher.End.IsDisposed;
        Dispose();
        return wasOpen;
    }

    private TimeoutException HasNoRoom(TimeSpan timeout) => new(
        $"The channel \"{_publisher.End.Map.Name}\" had no room within {timeout}: a consumer is"
        + $" {_publisher.End.Map.Geometry.Slots} values behind. Wait longer, or create it with more slots.");
}
