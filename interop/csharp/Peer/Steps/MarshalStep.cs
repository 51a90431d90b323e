using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>The step marshal: bytes to a value of a real type, and that value to bytes again.</summary>
internal sealed class MarshalStep(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table) => table["marshal"] = Marshalled;

    private static object FromMemory(Type type, nint address)
    {
        if (type.IsValueType)
        {
            return Marshal.PtrToStructure(address, type)!;
        }

        // No constructor of the user's is run.
        object value = RuntimeHelpers.GetUninitializedObject(type);
#pragma warning disable CA1816 // a finalizer would be the user's code
        GC.SuppressFinalize(value);
#pragma warning restore CA1816
        Marshal.PtrToStructure(address, value);
        return value;
    }

    private static StepValue Answer(Type type, object value, string bytes, bool overrun)
    {
        // Written now: the assembly is not loaded any more when the answer is.
        using var text = new MemoryStream();
        using (var writer = new Utf8JsonWriter(text, JsonText.WriterOptions))
        {
            writer.WriteStartObject();
            writer.WritePropertyName("value");
            new TypeValue().Write(writer, type, value);
            writer.WriteString("bytes", bytes);
            writer.WriteBoolean("overrun", overrun);
            writer.WriteEndObject();
        }

        byte[] json = text.ToArray();
        return writer => writer.WriteRawValue(json, skipInputValidation: true);
    }

    private StepValue Marshalled(StepArguments arguments)
    {
        using InspectedAssembly assembly = InspectedAssembly.Of(arguments);
        Type type = assembly.Find(arguments.RequiredText("type"));
        if (arguments.Text("view") is { } name)
        {
            var view = store.Get<MemoryMappedViewAccessor>(name);
            return arguments.Boolean("managed")
                ? InView(type, view, arguments.Int64("position", 0), arguments.Int64("to"))
                : ThroughView(type, view, arguments.Int64("position", 0), arguments.Int64("to"));
        }

        return Copied(type, arguments.Bytes("bytes"), arguments.Boolean("managed"));
    }

    private static StepValue Copied(Type type, byte[] bytes, bool managed)
    {
        object value;
        bool overrun = false;
        if (managed)
        {
            Slot slot = SlotOf(type, bytes.Length);
            value = slot.Load(ref bytes[0])!;
            bytes.AsSpan().Clear();
            slot.Store(ref bytes[0], value);
        }
        else
        {
            Check(Marshal.SizeOf(type), bytes.Length);
            value = ThereAndBack(type, bytes, out overrun);
        }

        return Answer(type, value, Hex.Encode(bytes), overrun);
    }

    /// <summary>PtrToStructure; then StructureToPtr, whose bytes replace the given ones.</summary>
    private static object ThereAndBack(Type type, byte[] bytes, out bool overrun)
    {
        using var memory = new PoisonedMemory();
        memory.Prepare(bytes.Length);
        bytes.CopyTo(memory.Bytes);
        object value = FromMemory(type, memory.Address);
        memory.Prepare(bytes.Length);
        Marshal.StructureToPtr(value, memory.Address, fDeleteOld: false);
        overrun = memory.IsOverrun;
        memory.Bytes.CopyTo(bytes);
        Marshal.DestroyStructure(memory.Address, type);
        return value;
    }

    private static Slot SlotOf(Type type, int length)
    {
        Slot slot = Slot.Of(type);
        if (slot.HasReferences)
        {
            throw new ArgumentException("only a structure without references has managed bytes");
        }

        Check(slot.Size, length);
        return slot;
    }

    private static void Check(int size, int length)
    {
        if (size != length)
        {
            throw new ArgumentException($"the type has {size} bytes, not {length}");
        }
    }

    /// <summary>The marshaller's bytes, out of a view and into it.</summary>
    private static StepValue ThroughView(
        Type type, MemoryMappedViewAccessor view, long position, long to)
    {
        var bytes = new byte[Marshal.SizeOf(type)];
        Read(view, position, bytes);
        object value = ThereAndBack(type, bytes, out bool overrun);
        view.WriteArray(to, bytes, 0, bytes.Length);
        return Answer(type, value, Hex.Encode(bytes), overrun);
    }

    /// <summary>The accessor's own Read and Write.</summary>
    private static StepValue InView(
        Type type, MemoryMappedViewAccessor view, long position, long to)
    {
        TypedView typed = TypedView.Of(type);
        object value = typed.Read(view, position);
        typed.Write(view, to, value);
        var bytes = new byte[Slot.Of(type).Size];
        Read(view, to, bytes);
        return Answer(type, value, Hex.Encode(bytes), overrun: false);
    }

    private static void Read(MemoryMappedViewAccessor view, long position, byte[] bytes)
    {
        if (view.ReadArray(position, bytes, 0, bytes.Length) != bytes.Length)
        {
            throw new ArgumentException($"the view has less than {bytes.Length} bytes at {position}");
        }
    }
}
