using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Converts structures to bytes in their marshalled layout, which other languages can share, and
/// back. <see cref="UnmanagedMemoryAccessor.Write{T}(long, ref T)"/> uses the managed layout.
/// </summary>
public static class StructBytes
{
    // What the trimmer must keep of a type so that the marshaller can create its values.
    internal const DynamicallyAccessedMemberTypes Constructors =
        DynamicallyAccessedMemberTypes.PublicConstructors
        | DynamicallyAccessedMemberTypes.NonPublicConstructors;

    /// <summary>Returns the marshalled bytes of <paramref name="value"/>.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    public static byte[] ToBytes<T>(T value)
        where T : struct
    {
        (value as IValidated)?.Validate();
        var bytes = new byte[Marshal.SizeOf<T>()];
        nint memory = Marshal.AllocHGlobal(bytes.Length);
        try
        {
            // The padding is copied too, so it must not contain old bytes of the heap.
            Marshal.Copy(bytes, 0, memory, bytes.Length);
            Marshal.StructureToPtr(value, memory, fDeleteOld: false);
            try
            {
                Marshal.Copy(memory, bytes, 0, bytes.Length);
            }
            finally
            {
                Marshal.DestroyStructure<T>(memory);
            }
        }
        finally
        {
            Marshal.FreeHGlobal(memory);
        }

        return bytes;
    }

    /// <summary>
    /// Returns the value of the marshalled bytes at the beginning of <paramref name="source"/>.
    /// </summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="source">The buffer. It can be longer than the structure.</param>
    /// <exception cref="MapFormatException">The source is too short (truncated).</exception>
    public static T FromBytes<[DynamicallyAccessedMembers(Constructors)] T>(ReadOnlySpan<byte> source)
        where T : struct
    {
        int size = Marshal.SizeOf<T>();
        CheckCapacity<T>(source.Length, size);
        byte[] bytes = source.Slice(0, size).ToArray();
        nint memory = Marshal.AllocHGlobal(size);
        try
        {
            Marshal.Copy(bytes, 0, memory, size);
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
    /// <exception cref="MapFormatException">The value is not valid or does not fit.</exception>
    public static int WriteStruct<T>(this MemoryMappedViewAccessor accessor, T value)
        where T : struct
    {
        Guard.NotNull(accessor);
        byte[] bytes = ToBytes(value);
        CheckFits<T>(bytes.Length, accessor.Capacity);
        PinnedView.Write(accessor, 0, bytes);
        return bytes.Length;
    }

    /// <summary>Writes the marshalled bytes of <paramref name="value"/> to a buffer.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="destination">The buffer. Its bytes after the structure do not change.</param>
    /// <param name="value">The value. An <see cref="IValidated"/> value is checked first.</param>
    /// <returns>The number of bytes written.</returns>
    /// <exception cref="MapFormatException">The value is not valid or does not fit.</exception>
    public static int WriteStruct<T>(Span<byte> destination, T value)
        where T : struct
    {
        byte[] bytes = ToBytes(value);
        CheckFits<T>(bytes.Length, destination.Length);
        bytes.CopyTo(destination);
        return bytes.Length;
    }

    /// <summary>Reads a value from the beginning of a view.</summary>
    /// <typeparam name="T">A structure that can be marshalled.</typeparam>
    /// <param name="accessor">The view.</param>
    /// <exception cref="MapFormatException">The source is too short (truncated).</exception>
    public static T ReadStruct<[DynamicallyAccessedMembers(Constructors)] T>(
        this MemoryMappedViewAccessor accessor)
        where T : struct
    {
        Guard.NotNull(accessor);
        var bytes = new byte[Marshal.SizeOf<T>()];
        CheckCapacity<T>(accessor.Capacity, bytes.Length);
        _ = PinnedView.Read(accessor, 0, bytes);
        return FromBytes<T>(bytes);
    }

    private static void CheckCapacity<T>(long capacity, int size)
    {
        if (capacity < size)
        {
            throw new MapFormatException(
                FormatErrorKind.Truncated, typeof(T).Name, 0, capacity, size);
        }
    }

    private static void CheckFits<T>(int size, long capacity)
    {
        if (size > capacity)
        {
            throw new MapFormatException(
                FormatErrorKind.DoesNotFit, typeof(T).Name, 0, size, capacity);
        }
    }
}
