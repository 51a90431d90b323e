using System.Runtime.InteropServices;

namespace Peer;

/// <summary>Values in memory in their managed layout, as UnmanagedMemoryAccessor has them.</summary>
internal abstract class ManagedMemory
{
    /// <summary>How many bytes a value takes.</summary>
    public abstract int Size { get; }

    /// <summary>The distance of an array's elements; null where nobody has measured it.</summary>
    public virtual int? Stride => null;

    public abstract void Write(object value, PoisonedMemory memory);

    public abstract object Read(PoisonedMemory memory);

    /// <summary>The way of a type, which is refused like the accessor refuses it.</summary>
    public static ManagedMemory Of(Type type, LayoutProbe layout, bool byAccessor)
    {
        if (!byAccessor && layout.HasReferences)
        {
            throw new ArgumentException("only a structure without references has managed bytes");
        }

        return byAccessor
            ? (ManagedMemory)Activator.CreateInstance(typeof(AccessorMemory<>).MakeGenericType(type))!
            : new CopiedMemory(Slot.Of(type));
    }

    /// <summary>A copy of the value, which is what the accessor makes, without compiling it anew.</summary>
    private sealed class CopiedMemory(Slot slot) : ManagedMemory
    {
        public override int Size => slot.Size;

        public override void Write(object value, PoisonedMemory memory) =>
            slot.Store(ref MemoryMarshal.GetReference(memory.Bytes), value);

        public override object Read(PoisonedMemory memory) =>
            slot.Load(ref MemoryMarshal.GetReference(memory.Bytes))!;
    }
}
