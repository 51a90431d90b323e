using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Represents a frame that a viewer holds: the bytes of a slot of the channel, without a copy. The writer
/// does not overwrite them until the lease is disposed.
/// </summary>
/// <remarks>
/// Copies of this value are the same lease. After <see cref="Dispose"/>, the members throw
/// <see cref="ObjectDisposedException"/>, and a span that was returned before must not be used.
/// </remarks>
[SuppressMessage("Performance", "CA1815", Justification = "Leases are not compared.")]
public readonly struct FrameLease : IDisposable
{
    private readonly FrameHolder? _holder;
    private readonly int _version;

    internal FrameLease(FrameHolder holder)
    {
        _holder = holder;
        _version = holder.Version;
    }

    /// <summary>Gets the bytes of the frame, in the memory of the channel.</summary>
    public ReadOnlySpan<byte> Span => Holder.Span(_version);

    /// <summary>
    /// Gets the bytes of the frame as memory, which can be used in asynchronous methods. Each call
    /// allocates an object. While the memory is pinned, the frame stays held.
    /// </summary>
    public ReadOnlyMemory<byte> Memory => new FrameMemory(Holder, _version).Memory;

    /// <summary>Gets the number of elements in each dimension of an array; empty for other frames.</summary>
    public ReadOnlySpan<long> Shape => Holder.Shape(_version);

    /// <summary>
    /// Gets the type of the elements of an array, as NumPy writes it, for example <c>&lt;f4</c>; empty for
    /// other frames.
    /// </summary>
    public string ElementType => Holder.ElementType(_version);

    /// <summary>Gets the number of the frame: the first one that was published has the number 1.</summary>
    public long SequenceNumber => (long)Holder.Info(_version).Number;

    /// <summary>Gets the number that the writer gave the frame.</summary>
    public uint Tag => Holder.Info(_version).Tag;

    /// <summary>Gets when the frame was published: nanoseconds of the system's monotonic clock.</summary>
    public long PublishedAt => Holder.Info(_version).Published;

    /// <summary>Gets how long ago the frame was published.</summary>
    public TimeSpan Age => MonotonicClock.Since(PublishedAt);

    private FrameHolder Holder => _holder ?? throw new ObjectDisposedException(nameof(FrameLease));

    /// <summary>Returns the elements of the frame, in the memory of the channel.</summary>
    /// <typeparam name="TElement">A structure without references, or a number.</typeparam>
    public ReadOnlySpan<TElement> As<TElement>()
        where TElement : unmanaged => MemoryMarshal.Cast<byte, TElement>(Span);

    /// <summary>Ends the lease.</summary>
    public void Dispose() => _holder?.EndLease(_version);
}

/// <summary>Represents the bytes of a frame as memory.</summary>
internal sealed unsafe class FrameMemory(FrameHolder holder, int version) : MemoryManager<byte>
{
    public override Memory<byte> Memory => CreateMemory(holder.Span(version).Length);

    public override Span<byte> GetSpan()
    {
        ReadOnlySpan<byte> bytes = holder.Span(version);
        fixed (byte* start = bytes)
        {
            return new Span<byte>(start, bytes.Length);
        }
    }

    public override MemoryHandle Pin(int elementIndex = 0)
    {
        int length = holder.Span(version).Length;
        return elementIndex >= 0 && elementIndex <= length
            ? new MemoryHandle(holder.PinMemory(version) + elementIndex, default, this)
            : throw new ArgumentOutOfRangeException(nameof(elementIndex));
    }

    public override void Unpin() => holder.Unpin();

    protected override void Dispose(bool disposing)
    {
        // The lease owns the frame.
    }
}
