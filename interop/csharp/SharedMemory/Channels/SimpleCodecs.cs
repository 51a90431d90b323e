using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Copies structures whose managed bytes are their marshalled bytes.</summary>
internal sealed unsafe class BlittableCodec<T>(ChannelType type) : ValueCodec<T>(type)
{
#pragma warning disable CS8500 // T has no references: its fields were looked at
    public static int ManagedSize => sizeof(T);

    public override int FixedSize => sizeof(T);

    public override long Measure(in T value) => sizeof(T);

    public override void Write(in T value, byte* slot, long length) => *(T*)slot = value;

    public override T Read(byte* slot, long length) => *(T*)slot;
#pragma warning restore CS8500
}

/// <summary>Converts structures to their marshalled bytes.</summary>
internal sealed unsafe class MarshalledCodec<[DynamicallyAccessedMembers(StructBytes.Constructors)] T>(
    ChannelType type, int size) : ValueCodec<T>(type)
{
    public override int FixedSize => size;

    public override bool ReadsInPlace => false;

    public override long Measure(in T value)
    {
        (value as IValidated)?.Validate();
        EmbeddedArrays.Check(value);
        return size;
    }

    public override void Write(in T value, byte* slot, long length)
    {
        nint memory = Marshal.AllocHGlobal(size);
        try
        {
            // The marshaller does not write the padding.
            var bytes = new Span<byte>((void*)memory, size);
            bytes.Clear();
            Marshal.StructureToPtr(value!, memory, fDeleteOld: false);
            bytes.CopyTo(new Span<byte>(slot, size));
            Marshal.DestroyStructure<T>(memory);
        }
        finally
        {
            Marshal.FreeHGlobal(memory);
        }
    }

    public override T Read(byte* slot, long length) => Marshal.PtrToStructure<T>((nint)slot)!;
}

/// <summary>Copies bytes.</summary>
internal sealed unsafe class BytesCodec() : ValueCodec<byte[]>(ChannelType.Bytes)
{
    public override long Measure(in byte[] value)
    {
        Guard.NotNull(value);
        return value.Length;
    }

    public override void Write(in byte[] value, byte* slot, long length) =>
        value.AsSpan().CopyTo(new Span<byte>(slot, value.Length));

    public override byte[] Read(byte* slot, long length) =>
        new ReadOnlySpan<byte>(slot, checked((int)length)).ToArray();
}

/// <summary>Converts pictures to image blobs.</summary>
internal sealed unsafe class ImageCodec() : ValueCodec<ImageData>(ChannelType.Image)
{
    public override bool ReadsInPlace => false;

    public override long Measure(in ImageData value)
    {
        Guard.NotNull(value);
        return value.Size;
    }

    public override void Write(in ImageData value, byte* slot, long length) =>
        value.WriteTo(new Span<byte>(slot, checked((int)length)));

    public override ImageData Read(byte* slot, long length) =>
        ImageData.FromBytes(new ReadOnlySpan<byte>(slot, checked((int)length)));
}

/// <summary>Copies arrays of numbers.</summary>
internal sealed unsafe class ArrayCodec<TElement>()
    : ValueCodec<TElement[]>(ChannelType.Array(ElementTypeOf<TElement>.Found!.Name))
    where TElement : unmanaged
{
    public override ElementType? Element => ElementTypeOf<TElement>.Found;

    public override long Measure(in TElement[] value)
    {
        Guard.NotNull(value);
        return (long)value.Length * sizeof(TElement);
    }

    public override void Write(in TElement[] value, byte* slot, long length) =>
        value.AsSpan().CopyTo(new Span<TElement>(slot, value.Length));

    public override TElement[] Read(byte* slot, long length) =>
        new ReadOnlySpan<TElement>(slot, checked((int)(length / sizeof(TElement)))).ToArray();
}

/// <summary>
/// Copies arrays of bytes. In a channel, <c>byte[]</c> is any bytes, which have no shape; an array of
/// bytes, which has one, is <c>Memory&lt;byte&gt;</c>.
/// </summary>
internal sealed unsafe class ByteArrayCodec() : ValueCodec<Memory<byte>>(
    ChannelType.Array(ElementTypeOf<byte>.Found!.Name))
{
    public override ElementType? Element => ElementTypeOf<byte>.Found;

    public override long Measure(in Memory<byte> value) => value.Length;

    public override void Write(in Memory<byte> value, byte* slot, long length) =>
        value.Span.CopyTo(new Span<byte>(slot, value.Length));

    public override Memory<byte> Read(byte* slot, long length) =>
        new ReadOnlySpan<byte>(slot, checked((int)length)).ToArray();
}
