using System.Numerics;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Converts the values of channels to and from JSON, with .NET alone.</summary>
internal abstract class PeerValues<T>
{
    public abstract T From(StepArguments arguments);

    /// <summary>Writes the properties of a value.</summary>
    public abstract void Write(Utf8JsonWriter writer, T value, ReadOnlySpan<long> shape);

    /// <summary>Publishes the value of a step to a channel for the newest value.</summary>
    public virtual void Publish(LatestWriter<T> writer, StepArguments arguments) =>
        writer.Publish(From(arguments));

    /// <summary>Publishes the value of a step to a queue.</summary>
    public virtual void Publish(QueueWriter<T> writer, StepArguments arguments, TimeSpan timeout) =>
        writer.Publish(From(arguments), timeout);

    /// <summary>Publishes a loan whose first bytes are the value.</summary>
    public virtual void Commit(FrameLoan loan, int length, StepArguments arguments) => loan.Commit(length);

    protected static void WriteBytes(Utf8JsonWriter writer, ReadOnlySpan<byte> bytes) =>
        writer.WriteString("bytes", Hex.Encode(bytes));
}

/// <summary>Values that are any bytes.</summary>
internal sealed class BytesValues : PeerValues<byte[]>
{
    public override byte[] From(StepArguments arguments) => arguments.Bytes("bytes");

    public override void Write(Utf8JsonWriter writer, byte[] value, ReadOnlySpan<long> shape) =>
        WriteBytes(writer, value);
}

/// <summary>Values that are images.</summary>
internal sealed class ImageValues : PeerValues<ImageData>
{
    public override ImageData From(StepArguments arguments) => ModelValues.Image(arguments);

    public override void Write(Utf8JsonWriter writer, ImageData value, ReadOnlySpan<long> shape)
    {
        writer.WriteString("path", JsonText.Encode(value.Path));
        WriteBytes(writer, value.Content.Span);
    }
}

/// <summary>Creates structures from declarations in JSON.</summary>
internal static class StructValues
{
    public static PeerChannels Channels(JsonElement types)
    {
        var name = new AssemblyName("Carried");
        ModuleBuilder module = AssemblyBuilder
            .DefineDynamicAssembly(name, AssemblyBuilderAccess.RunAndCollect)
            .DefineDynamicModule(name.Name!);
        Type type = new TypeEmitter(module, "Carried").Emit(types);
        object values = Activator.CreateInstance(typeof(StructValues<>).MakeGenericType(type))!;
        return (PeerChannels)Activator.CreateInstance(typeof(PeerChannels<>).MakeGenericType(type), values)!;
    }
}

/// <summary>Values that are structures, which .NET marshals.</summary>
internal sealed class StructValues<T> : PeerValues<T>
{
    public override T From(StepArguments arguments)
    {
        byte[] bytes = arguments.Bytes("bytes");
        GCHandle handle = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            return Marshal.PtrToStructure<T>(handle.AddrOfPinnedObject())!;
        }
        finally
        {
            handle.Free();
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, ReadOnlySpan<long> shape)
    {
        var bytes = new byte[Marshal.SizeOf<T>()];
        GCHandle handle = GCHandle.Alloc(bytes, GCHandleType.Pinned);
        try
        {
            Marshal.StructureToPtr(value!, handle.AddrOfPinnedObject(), fDeleteOld: false);
        }
        finally
        {
            handle.Free();
        }

        WriteBytes(writer, bytes);
    }
}

/// <summary>Finds the arrays of an element type.</summary>
internal static class ArrayValues
{
    public static PeerChannels Channels(string dtype) => dtype switch
    {
        "|b1" => Of<bool>(dtype),
        "|i1" => Of<sbyte>(dtype),
        "|u1" => Of<byte>(dtype),
        "<i2" => Of<short>(dtype),
        "<u2" => Of<ushort>(dtype),
        "<i4" => Of<int>(dtype),
        "<u4" => Of<uint>(dtype),
        "<i8" => Of<long>(dtype),
        "<u8" => Of<ulong>(dtype),
        "<f4" => Of<float>(dtype),
        "<f8" => Of<double>(dtype),
        "<c16" => Of<Complex>(dtype),
        _ => throw new ProtocolException($"unknown element type \"{dtype}\""),
    };

    private static PeerChannels<TElement[]> Of<TElement>(string dtype)
        where TElement : unmanaged => new(new ArrayValues<TElement>(dtype));
}

/// <summary>Values that are arrays.</summary>
internal sealed class ArrayValues<TElement>(string dtype) : PeerValues<TElement[]>
    where TElement : unmanaged
{
    public override TElement[] From(StepArguments arguments) =>
        MemoryMarshal.Cast<byte, TElement>(arguments.Bytes("bytes")).ToArray();

    public override void Publish(LatestWriter<TElement[]> writer, StepArguments arguments) =>
        writer.PublishArray<TElement>(From(arguments), arguments.Int64s("shape")!);

    public override void Publish(QueueWriter<TElement[]> writer, StepArguments arguments, TimeSpan timeout) =>
        writer.PublishArray<TElement>(From(arguments), arguments.Int64s("shape")!, timeout);

    public override void Commit(FrameLoan loan, int length, StepArguments arguments) =>
        loan.Commit(arguments.Int64s("shape")!);

    public override void Write(Utf8JsonWriter writer, TElement[] value, ReadOnlySpan<long> shape)
    {
        WriteBytes(writer, MemoryMarshal.AsBytes(value.AsSpan()));
        writer.WriteString("dtype", dtype);
        writer.WriteStartArray("shape");
        foreach (long size in shape)
        {
            writer.WriteNumberValue(size);
        }

        writer.WriteEndArray();
    }
}
