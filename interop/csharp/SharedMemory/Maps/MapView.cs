using System.Buffers;
using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace SharedMemory;

/// <summary>
/// Represents the bytes of a view in place, as a span or as <see cref="Memory{T}"/>. Nothing is copied
/// or allocated when they are read or written.
/// </summary>
/// <remarks>
/// <para>
/// The view stays mapped until this object is disposed and each <see cref="MemoryHandle"/> of
/// <see cref="Pin"/> is disposed too. A span must not be used after that: an access to memory that is
/// not mapped ends the process. So does a write to a view whose access is Read, and an access to the
/// bytes that another program cut off the file of the map. An object that is never disposed keeps
/// the view mapped.
/// </para>
/// <para>
/// Threads may use the bytes at the same time; nothing orders their accesses. Do not dispose of the
/// object while another thread uses it.
/// </para>
/// </remarks>
public sealed unsafe class MapView : MemoryManager<byte>
{
    private readonly MemoryMappedViewAccessor? _owned;
    private readonly SafeMemoryMappedViewHandle _handle;
    private readonly byte* _start;
    private int _isDisposed;
    private int _pins;

    /// <summary>Initializes an instance for the bytes of an accessor.</summary>
    /// <param name="accessor">The accessor.</param>
    /// <param name="leaveOpen">Whether <see cref="Dispose()"/> does not dispose of the accessor.</param>
    /// <exception cref="ArgumentException">The view is larger than 2,147,483,647 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The accessor is disposed.</exception>
    public MapView(MemoryMappedViewAccessor accessor, bool leaveOpen = false)
    {
        Guard.NotNull(accessor);
        if (accessor.Capacity > int.MaxValue)
        {
            throw new ArgumentException(
                $"The view has {accessor.Capacity} bytes, a span at most {int.MaxValue}. Create a view"
                + " of a part of the map.",
                nameof(accessor));
        }

        _start = PinnedView.Acquire(accessor, out _handle, out long length);
        _owned = leaveOpen ? null : accessor;
        Length = (int)length;
        CanWrite = accessor.CanWrite;
    }

    /// <summary>Gets the number of bytes. On Windows, a view has whole pages.</summary>
    public int Length { get; }

    /// <summary>Gets whether the bytes may be written. If not, a write ends the process.</summary>
    public bool CanWrite { get; }

    /// <summary>
    /// Returns the bytes. A write to them ends the process if <see cref="CanWrite"/> is false; so does
    /// each access after <see cref="Dispose()"/>.
    /// </summary>
    /// <returns>The bytes of the view, not a copy.</returns>
    /// <exception cref="ObjectDisposedException">This object is disposed.</exception>
    public override Span<byte> GetSpan()
    {
        ThrowIfDisposed();
        return new Span<byte>(_start, Length);
    }

    /// <summary>Keeps the view mapped until the result is disposed.</summary>
    /// <param name="elementIndex">The offset that the result points to.</param>
    /// <returns>The address. Dispose of it to end the pin.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the view.</exception>
    /// <exception cref="ObjectDisposedException">This object is disposed.</exception>
    public override MemoryHandle Pin(int elementIndex = 0)
    {
        ThrowIfDisposed();
        if (elementIndex < 0 || elementIndex > Length)
        {
            throw new ArgumentOutOfRangeException(nameof(elementIndex));
        }

        byte* ignored = null;
        _handle.AcquirePointer(ref ignored);
        Interlocked.Increment(ref _pins);
        return new MemoryHandle(_start + elementIndex, default, this);
    }

    /// <summary>Ends one <see cref="Pin"/>. <see cref="MemoryHandle.Dispose"/> calls it.</summary>
    /// <exception cref="InvalidOperationException">Nothing is pinned.</exception>
    public override void Unpin()
    {
        if (Interlocked.Decrement(ref _pins) < 0)
        {
            Interlocked.Increment(ref _pins);
            throw new InvalidOperationException("The view is not pinned.");
        }

        _handle.ReleasePointer();
    }

    /// <summary>Releases the bytes, and the accessor if this object owns it.</summary>
    public void Dispose() => ((IDisposable)this).Dispose();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _handle.ReleasePointer();
            _owned?.Dispose();
        }
    }

    private void ThrowIfDisposed() =>
        Guard.NotDisposed(Volatile.Read(ref _isDisposed) != 0, this);
}
