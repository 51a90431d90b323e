using System.Runtime.InteropServices;

namespace Peer;

/// <summary>Reads and writes values in their managed layout, as UnmanagedMemoryAccessor does.</summary>
internal abstract class ManagedMemory
{
    /// <summary>Gets the size of a value in bytes.</summary>
    public abstract int Size { get; }

    /// <summary>Gets the distance between array elements in bytes, or null if it is not measured.</summary>
    public virtual int? Stride => null;

    public abstract void Write(object value, PoisonedMemory memory);

    public abstract object Read(PoisonedMemory memory);

    /// <summary>Returns the reader and writer for a type. Throws if the accessor would throw.</summary>
    public static ManagedMemory Of(Type type, LayoutProbe layout, bool byAccessor)
    {
        if (!byAccessor && layout.HasReferences)
        {
            throw new ArgumentException("a structure with references has no managed bytes");
        }

        return byAccessor
            ? (ManagedMemory)Activator.CreateInstance(typeof(AccessorMemory<>).MakeGenericType(type))!
            : new CopiedMemory(Slot.Of(type));
    }

    /// <summary>
    /// Copies the value, as the accessor does. This is faster than an accessor for each type.
    /// </summary>
    private sealed class CopiedMemory(Slot slot) : ManagedMemory
    {
        public override int Size => slot.Size;

        public override void Write(object value, PoisonedMemory memory) =>
            slot.Store(ref MemoryMarshal.GetReference(memory.Bytes), value);

        public override object Read(PoisonedMemory memory) =>
            slot.Load(ref MemoryMarshal.GetReference(memory.Bytes))!;
    }
}
