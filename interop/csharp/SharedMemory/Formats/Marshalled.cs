using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Represents a copy of a structure in its marshalled layout, outside of .NET's heap.</summary>
internal readonly unsafe ref struct Marshalled<T>
    where T : struct
{
    private readonly nint _memory;

    /// <summary>Copies a value, which the caller has checked.</summary>
    public Marshalled(T value)
    {
        Size = Marshal.SizeOf<T>();
        _memory = Marshal.AllocHGlobal(Size);
        try
        {
            // The padding is copied too, so it must not contain old bytes of the heap.
            new Span<byte>((void*)_memory, Size).Clear();
            Marshal.StructureToPtr(value, _memory, fDeleteOld: false);
        }
        catch
        {
            Marshal.FreeHGlobal(_memory);
            throw;
        }
    }

    /// <summary>Gets the number of bytes.</summary>
    public int Size { get; }

    /// <summary>Gets the bytes.</summary>
    public ReadOnlySpan<byte> Bytes => new((void*)_memory, Size);

    /// <summary>Releases the copy, and the strings and other objects that it refers to.</summary>
    public void Dispose()
    {
        Marshal.DestroyStructure<T>(_memory);
        Marshal.FreeHGlobal(_memory);
    }
}
