using System.IO.MemoryMappedFiles;

namespace Peer;

/// <summary>Calls Read and Write of a view for a structure that is known only at run time.</summary>
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
