using System.Runtime.CompilerServices;

namespace Peer;

/// <summary>A place in memory that holds a value of one type, as managed code reads and writes it.</summary>
internal abstract class Slot
{
    /// <summary>Unsafe.SizeOf of the type.</summary>
    public abstract int Size { get; }

    /// <summary>Whether the garbage collector has to know of such a place.</summary>
    public abstract bool HasReferences { get; }

    /// <summary>What an untouched place holds.</summary>
    public abstract object? Default { get; }

    public abstract object? Load(ref byte place);

    public abstract void Store(ref byte place, object? value);

    /// <summary>The place for a type; for a pointer one that holds its address.</summary>
    /// <exception cref="ArgumentException">The type can't be a generic argument: a ref struct.</exception>
    public static Slot Of(Type type) => (Slot)Activator.CreateInstance(
        typeof(Slot<>).MakeGenericType(
            type.IsPointer || type.IsFunctionPointer ? typeof(nint) : type))!;
}

/// <inheritdoc/>
internal sealed class Slot<T> : Slot
{
    public override int Size => Unsafe.SizeOf<T>();

    public override bool HasReferences => RuntimeHelpers.IsReferenceOrContainsReferences<T>();

    public override object? Default => default(T);

    public override object? Load(ref byte place) => Unsafe.As<byte, T>(ref place);

    public override void Store(ref byte place, object? value) =>
        Unsafe.As<byte, T>(ref place) = (T)value!;
}
