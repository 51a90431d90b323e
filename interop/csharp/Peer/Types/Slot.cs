using System.Runtime.CompilerServices;

namespace Peer;

/// <summary>Reads and writes values of one type in memory, as managed code does.</summary>
internal abstract class Slot
{
    /// <summary>Gets the size of a value in bytes.</summary>
    public abstract int Size { get; }

    /// <summary>Gets whether a value contains references.</summary>
    public abstract bool HasReferences { get; }

    /// <summary>Gets the default value.</summary>
    public abstract object? Default { get; }

    public abstract object? Load(ref byte place);

    public abstract void Store(ref byte place, object? value);

    /// <summary>Returns the slot for a type. A pointer is a nint.</summary>
    /// <exception cref="ArgumentException">
    /// The type is a ref struct, so it can't be a generic argument.
    /// </exception>
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
