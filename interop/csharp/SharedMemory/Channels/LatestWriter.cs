namespace SharedMemory;

/// <summary>
/// Publishes the values of a <see cref="LatestChannel{T}"/>. It never waits for readers.
/// </summary>
/// <typeparam name="T">What the channel carries.</typeparam>
/// <remarks>
/// For one thread at a time; another thread may only dispose of it. With .NET 8 or newer it is a
/// <c>System.Threading.Channels.ChannelWriter&lt;T&gt;</c>. A writer that is garbage without
/// <see cref="Dispose"/> has died for the readers.
/// </remarks>
public sealed unsafe partial class LatestWriter<T> : IDisposable
{
    private readonly Publisher _publisher;
    private readonly ValueCodec<T> _codec;

    internal LatestWriter(Publisher publisher, ValueCodec<T> codec)
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

    /// <summary>Publishes a value. Allocates nothing for a structure without references.</summary>
    /// <param name="value">The value. The elements of an array get one dimension.</param>
    /// <exception cref="MapFormatException">The value is not valid, or larger than a slot.</exception>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void Publish(in T value) =>
        _ = ValueWriter.TryWrite(_publisher, _codec, value, 0, default);

    /// <summary>
    /// Publishes bytes: any bytes, an image blob, or the marshalled bytes of a structure. Allocates nothing.
    /// </summary>
    /// <param name="value">The bytes.</param>
    /// <exception cref="MapFormatException">The value is larger than a slot.</exception>
    /// <exception cref="ArgumentException">The structure has another size.</exception>
    /// <exception cref="InvalidOperationException">The channel carries arrays, or a loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void PublishBytes(ReadOnlySpan<byte> value) =>
        _ = ValueWriter.TryWrite(_publisher, value, _publisher.Describe(value.Length), 0, default);

    /// <summary>Publishes an array. Allocates nothing.</summary>
    /// <typeparam name="TElement">The type of the elements of the channel.</typeparam>
    /// <param name="elements">The elements, in C order.</param>
    /// <param name="shape">The number of elements in each dimension, at most 8 dimensions.</param>
    /// <exception cref="MapFormatException">The array is larger than a slot.</exception>
    /// <exception cref="ArgumentException">The shape or the type does not fit the elements.</exception>
    /// <exception cref="InvalidOperationException">The channel carries no arrays, or a loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public void PublishArray<TElement>(
        ReadOnlySpan<TElement> elements, ReadOnlySpan<long> shape)
        where TElement : unmanaged
    {
        FrameInfo info = _publisher.Describe(shape);
        ReadOnlySpan<byte> bytes = ValueWriter.BytesOf(_publisher, elements, info.Length);
        _ = ValueWriter.TryWrite(_publisher, bytes, info, 0, default);
    }

    /// <summary>
    /// Lends the memory of a free slot, so that the value is made in place. Publish it with
    /// <see cref="FrameLoan.Commit()"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public FrameLoan Loan()
    {
        _ = ValueWriter.TryLoan(_publisher, 0, default, out FrameLoan loan);
        return loan;
    }

    /// <summary>Does what <see cref="Loan"/> does. There is always a free slot, so it returns true.</summary>
    /// <param name="loan">The loan.</param>
    /// <exception cref="InvalidOperationException">A loan is open.</exception>
    /// <exception cref="ObjectDisposedException">The writer is disposed.</exception>
    public bool TryLoan(out FrameLoan loan) => ValueWriter.TryLoan(_publisher, 0, default, out loan);

    /// <summary>
    /// Closes the channel for writing. The readers get the last value, and then the end. Another writer can
    /// open the channel.
    /// </summary>
    public void Dispose() => _publisher.Dispose();

    private bool TryPublish(in T item)
    {
        if (_publisher.End.IsDisposed)
        {
            return false;
        }

        Publish(item);
        return true;
    }

    private bool TryClose()
    {
        bool wasOpen = !_publisher.End.IsDisposed;
        Dispose();
        return wasOpen;
    }
}
