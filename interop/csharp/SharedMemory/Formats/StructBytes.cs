using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Converts structures to bytes in their marshalled layout, which other languages can share, and
/// back. <see cref="UnmanagedMemoryAccessor.Write{T}(long, ref T)"/> uses the managed layout, and so
/// do <see cref="WriteUnmanaged{T}"/> and <see cref="ReadUnmanaged{T}"/>.
/// </summary>
/// <remarks>
/// Several threads can call the methods at the same time. A value is not read or written in one
/// step: if another thread or process writes it meanwhile, its parts can be of different values.
/// <para>
/// The marshaller of .NET shortens values without an error: a text (ByValTStr) or an array
/// (ByValArray) that is longer than its field loses its end, and null becomes zeros. Implement
/// <see cref="IValidated"/> to refuse such values. An array that is shorter than its field is an
/// <see cref="ArgumentException"/>, but not in a native (AOT) program, where it is not checked.
/// </para>
/// </remarks>
public static class StructBytes
{
    // What the trimmer must keep of a type so that the marshaller can create its values.
    internal const DynamicallyAccessedMemberTypes Constructors =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.NonPublicConstructors;

    /// <summary>Returns the marshalled bytes of <paramref name="value"/>.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    /// <returns>A new array.</returns>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid.</exception>
    public static byte[] ToBytes<T>(T value)
        where T : struct
    {
        Validate(value);
        using var marshalled = new Marshalled<T>(value);
        return marshalled.Bytes.ToArray();
    }

    /// <summary>
    /// Returns the value of the marshalled bytes at the beginning of <paramref name="source"/>.
    /// </summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="source">The buffer. It can be longer than the structure.</param>
    /// <returns>The value.</returns>
    /// <exception cref="MapFormatException">The source is too short (truncated).</exception>
    public static T FromBytes<[DynamicallyAccessedMembers(Constructors)] T>(ReadOnlySpan<byte> source)
        where T : struct
    {
        int size = Marshal.SizeOf<T>();
        CheckCapacity<T>(source.Length, 0, size);
        nint memory = Marshal.AllocHGlobal(size);
        try
        {
            // A copy, because the source can be shared memory that changes while it is read.
            unsafe
            {
                source.Slice(0, size).CopyTo(new Span<byte>((void*)memory, size));
            }

            return Marshal.PtrToStructure<T>(memory);
        }
        finally
        {
            Marshal.FreeHGlobal(memory);
        }
    }

    /// <summary>
    /// Writes the marshalled bytes of <paramref name="value"/> to the beginning of a view.
    /// </summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid or does not fit.</exception>
    public static int WriteStruct<T>(this MemoryMappedViewAccessor accessor, T value)
        where T : struct => WriteStruct(accessor, value, 0);

    /// <summary>Writes the marshalled bytes of <paramref name="value"/> to a view.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    /// <param name="offset">The offset in the view, in bytes.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the view.</exception>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid or does not fit.</exception>
    public static int WriteStruct<T>(this MemoryMappedViewAccessor accessor, T value, long offset)
        where T : struct
    {
        Guard.NotNull(accessor);
        PinnedView.CheckOffset(offset, accessor.Capacity);
        Validate(value);
        using var marshalled = new Marshalled<T>(value);
        CheckFits<T>(marshalled.Size, offset, accessor.Capacity);
        PinnedView.Write(accessor, offset, marshalled.Bytes);
        return marshalled.Size;
    }

    /// <summary>Writes the marshalled bytes of <paramref name="value"/> to a buffer.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="destination">The buffer. Its bytes after the structure do not change.</param>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid or does not fit.</exception>
    public static int WriteStruct<T>(Span<byte> destination, T value)
        where T : struct
    {
        Validate(value);
        using var marshalled = new Marshalled<T>(value);
        CheckFits<T>(marshalled.Size, 0, destination.Length);
        marshalled.Bytes.CopyTo(destination);
        return marshalled.Size;
    }

    /// <summary>Reads a value in its marshalled layout from the beginning of a view.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <returns>The value.</returns>
    /// <exception cref="MapFormatException">The source is too short (truncated).</exception>
    public static T ReadStruct<[DynamicallyAccessedMembers(Constructors)] T>(
        this MemoryMappedViewAccessor accessor)
        where T : struct => ReadStruct<T>(accessor, 0);

    /// <summary>Reads a value in its marshalled layout from a view.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <param name="offset">The offset in the view, in bytes.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the view.</exception>
    /// <exception cref="MapFormatException">The view ends before the value ends.</exception>
    public static T ReadStruct<[DynamicallyAccessedMembers(Constructors)] T>(
        this MemoryMappedViewAccessor accessor, long offset)
        where T : struct
    {
        Guard.NotNull(accessor);
        PinnedView.CheckOffset(offset, accessor.Capacity);
        int size = Marshal.SizeOf<T>();
        CheckCapacity<T>(accessor.Capacity, offset, size);
        using PinnedView view = PinnedView.ToRead(accessor);
        return FromBytes<T>(view.Bytes.Slice(offset, size));
    }

    /// <summary>
    /// Writes a value in its managed layout to a view: the bytes that it has in the memory of .NET.
    /// Its padding is written too.
    /// </summary>
    /// <typeparam name="T">A structure without references.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <param name="value">The value.</param>
    /// <param name="offset">The offset in the view, in bytes.</param>
    /// <remarks>
    /// The layout is not that of <see cref="WriteStruct{T}(MemoryMappedViewAccessor, T, long)"/>: here,
    /// a <see cref="bool"/> has one byte and a <see cref="char"/> two. Nothing is allocated.
    /// </remarks>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the view.</exception>
    /// <exception cref="MapFormatException">The value does not fit.</exception>
    public static unsafe int WriteUnmanaged<T>(
        this MemoryMappedViewAccessor accessor, T value, long offset)
        where T : unmanaged
    {
        Guard.NotNull(accessor);
        PinnedView.CheckOffset(offset, accessor.Capacity);
        CheckFits<T>(sizeof(T), offset, accessor.Capacity);
        PinnedView.Write(accessor, offset, new ReadOnlySpan<byte>(&value, sizeof(T)));
        return sizeof(T);
    }

    /// <summary>
    /// Reads a value in its managed layout from a view: the bytes that it has in the memory of .NET.
    /// </summary>
    /// <typeparam name="T">A structure without references.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <param name="offset">The offset in the view, in bytes.</param>
    /// <returns>The value.</returns>
    /// <remarks>
    /// The layout is not that of <see cref="ReadStruct{T}(MemoryMappedViewAccessor, long)"/>: here, a
    /// <see cref="bool"/> has one byte and a <see cref="char"/> two. Nothing is allocated.
    /// </remarks>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the view.</exception>
    /// <exception cref="MapFormatException">The view ends before the value ends.</exception>
    public static unsafe T ReadUnmanaged<T>(this MemoryMappedViewAccessor accessor, long offset)
        where T : unmanaged
    {
        Guard.NotNull(accessor);
        PinnedView.CheckOffset(offset, accessor.Capacity);
        CheckCapacity<T>(accessor.Capacity, offset, sizeof(T));
        T value = default;
        _ = PinnedView.Read(accessor, offset, new Span<byte>(&value, sizeof(T)));
        return value;
    }

    /// <summary>Throws if the marshaller would lose a part of the value, or read other memory.</summary>
    private static void Validate<T>(T value)
        where T : struct
    {
        (value as IValidated)?.Validate();
        _ = Marshal.SizeOf<T>(); // throws if the type can't be marshalled
        EmbeddedArrays.Check(value);
    }

    private static void CheckCapacity<T>(long capacity, long offset, int size)
    {
        if (capacity - offset < size)
        {
            throw new MapFormatException(
                FormatErrorKind.Truncated, typeof(T).Name, offset, capacity, offset + size);
        }
    }

    private static void CheckFits<T>(int size, long offset, long capacity)
    {
        if (size > capacity - offset)
        {
            throw new MapFormatException(
                FormatErrorKind.DoesNotFit, typeof(T).Name, offset, offset + size, capacity);
        }
    }
}
