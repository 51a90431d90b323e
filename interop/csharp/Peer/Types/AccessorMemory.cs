using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Peer;

/// <summary>
/// Reads and writes values with a real view. This is slow, but shows what the accessor does.
/// </summary>
internal sealed class AccessorMemory<T> : ManagedMemory
    where T : struct
{
    public override int Size => Unsafe.SizeOf<T>();

    public override int? Stride
    {
        get
        {
            if (RuntimeHelpers.IsReferenceOrContainsReferences<T>())
            {
                return null; // the accessor throws, and 0xFF bytes are not valid references
            }

            // The second of two elements consists of 0xFF bytes, so its offset is the first of them.
            var elements = new T[2];
            MemoryMarshal.CreateSpan(ref Unsafe.As<T, byte>(ref elements[1]), Size).Fill(0xFF);
            using MemoryMappedFile map = NewMap(elements.Length + 1);
            using MemoryMappedViewAccessor view = map.CreateViewAccessor();
            view.WriteArray(0, elements, 0, elements.Length);
            var bytes = new byte[(int)view.Capacity];
            view.ReadArray(0, bytes, 0, bytes.Length);
            return bytes.AsSpan().IndexOfAnyExcept((byte)0);
        }
    }

    public override void Write(object value, PoisonedMemory memory)
    {
        using MemoryMappedFile map = NewMap();
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        var bytes = memory.Bytes.ToArray();
        view.WriteArray(0, bytes, 0, bytes.Length);
        var boxed = (T)value;
        view.Write(0, ref boxed);
        view.ReadArray(0, bytes, 0, bytes.Length);
        bytes.CopyTo(memory.Bytes);
    }

    public override object Read(PoisonedMemory memory)
    {
        using MemoryMappedFile map = NewMap();
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        byte[] bytes = memory.Bytes[..Size].ToArray();
        view.WriteArray(0, bytes, 0, bytes.Length);
        view.Read(0, out T value);
        return value;
    }

    // The map also has space for padding between the elements.
    private static MemoryMappedFile NewMap(int elements = 1) =>
        MemoryMappedFile.CreateNew(null, (Unsafe.SizeOf<T>() + sizeof(long)) * (long)elements);
}
