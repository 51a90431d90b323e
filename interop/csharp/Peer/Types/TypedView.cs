using System.IO.MemoryMappedFiles;

namespace Peer;

/// <summary>A view's own Read and Write of one struct, for a type that is known at run time only.</summary>
internal abstract class TypedView
{
    public static TypedView Of(Type type) =>
        (TypedView)Activator.CreateInstance(typeof(TypedView<>).MakeGenericType(type))!;

    public abstract object Read(MemoryMappedViewAccessor view, long position);

    public abstract void Write(MemoryMappedViewAccessor view, long position, object value);
}

/// <inheritdoc/>
internal sealed class TypedView<T> : TypedView
    where T : struct
{
    public override object Read(MemoryMappedViewAccessor view, long position)
    {
        view.Read(position, out T value);
        return value;
    }

    public override void Write(MemoryMappedViewAccessor view, long position, object value)
    {
        var boxed = (T)value;
        view.Write(position, ref boxed);
    }
}
