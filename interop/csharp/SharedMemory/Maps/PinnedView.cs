using System.IO.MemoryMappedFiles;
using Microsoft.Win32.SafeHandles;

namespace SharedMemory;

/// <summary>
/// Gives access to the bytes of a view, and keeps the view mapped until it is disposed. Each copy
/// between a view and a buffer is made with it: the methods of the accessor copy byte by byte.
/// </summary>
internal readonly unsafe ref struct PinnedView
{
    private readonly SafeMemoryMappedViewHandle _handle;

    private PinnedView(MemoryMappedViewAccessor accessor)
    {
        byte* start = Acquire(accessor, out _handle, out long length);
        Bytes = new LongSpan(start, length);
    }

    /// <summary>Gets the bytes of the view.</summary>
    public LongSpan Bytes { get; }

    /// <summary>Returns the bytes to read them.</summary>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <exception cref="NotSupportedException">The view can't be read.</exception>
    public static PinnedView ToRead(MemoryMappedViewAccessor accessor) =>
        accessor.CanRead ? new PinnedView(accessor) : throw Refused(accessor, "reading");

    /// <summary>Returns the bytes to write them.</summary>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    public static PinnedView ToWrite(MemoryMappedViewAccessor accessor) =>
        accessor.CanWrite ? new PinnedView(accessor) : throw Refused(accessor, "writing");

    /// <summary>Copies bytes of a view. Returns how many: fewer at the end of the view.</summary>
    public static int Read(MemoryMappedViewAccessor accessor, long offset, Span<byte> destination)
    {
        CheckOffset(offset, accessor.Capacity);
        using PinnedView view = ToRead(accessor);
        int count = (int)Math.Min(destination.Length, view.Bytes.Length - offset);
        view.Bytes.Slice(offset, count).CopyTo(destination);
        return count;
    }

    /// <summary>Copies bytes to a view, all or none. Throws what WriteArray throws.</summary>
    public static void Write(
        MemoryMappedViewAccessor accessor, long offset, ReadOnlySpan<byte> source)
    {
        if (offset < 0 || offset >= accessor.Capacity)
        {
            throw NotInside(offset, accessor.Capacity);
        }

        using PinnedView view = ToWrite(accessor);
        if (source.Length > view.Bytes.Length - offset)
        {
            throw new ArgumentException(
                $"{source.Length} bytes at offset {offset} do not fit the view of {view.Bytes.Length} bytes.",
                nameof(source));
        }

        source.CopyTo(view.Bytes.Slice(offset, source.Length));
    }

    /// <summary>Throws if a read or write of no bytes could not begin at the offset.</summary>
    public static void CheckOffset(long offset, long capacity)
    {
        if (offset < 0 || offset > capacity)
        {
            throw NotInside(offset, capacity);
        }
    }

    /// <summary>Releases the pointer. The view can be unmapped then.</summary>
    public void Dispose() => _handle.ReleasePointer();

    /// <summary>
    /// Returns the address of the first byte of a view. The view stays mapped until the caller calls
    /// ReleasePointer of the handle.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The view is disposed.</exception>
    public static byte* Acquire(
        MemoryMappedViewAccessor accessor, out SafeMemoryMappedViewHandle handle, out long length)
    {
        handle = accessor.SafeMemoryMappedViewHandle;
        if (IsClosed(accessor))
        {
            throw Closed();
        }

        long offset = accessor.PointerOffset;
        // The handle has the number of bytes that are mapped.
        length = Math.Min(accessor.Capacity, checked((long)handle.ByteLength) - offset);
        byte* start = null;
        handle.AcquirePointer(ref start);
        return start + offset;
    }

    private static ArgumentOutOfRangeException NotInside(long offset, long capacity) => new(
        nameof(offset), offset, $"The offset is not inside of the view of {capacity} bytes.");

    private static Exception Refused(MemoryMappedViewAccessor accessor, string use) =>
        IsClosed(accessor) ? Closed() : new NotSupportedException($"The view does not support {use}.");

    // The handle is open until the last pointer is released. A disposed accessor can do nothing.
    private static bool IsClosed(MemoryMappedViewAccessor accessor) =>
        accessor.SafeMemoryMappedViewHandle.IsClosed || !(accessor.CanRead || accessor.CanWrite);

    private static ObjectDisposedException Closed() => new(nameof(MemoryMappedViewAccessor));
}
