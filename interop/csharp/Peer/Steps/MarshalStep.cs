using System.IO.MemoryMappedFiles;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>
/// Implements the step marshal, which converts bytes to a value of a type of an assembly, and the
/// value to bytes.
/// </summary>
internal sealed class MarshalStep(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table) => table["marshal"] = RunMarshal;

    private static object FromMemory(Type type, nint address)
    {
        if (type.IsValueType)
        {
            return Marshal.PtrToStructure(address, type)!;
        }

        // Do not run a constructor, which is the user's code.
        object value = RuntimeHelpers.GetUninitializedObject(type);
#pragma warning disable CA1816 // do not run a finalizer, which is the user's code
        GC.SuppressFinalize(value);
#pragma warning restore CA1816
        Marshal.PtrToStructure(address, value);
        return value;
    }

    private static StepValue Answer(Type type, object value, string bytes, bool overrun)
    {
        // The assembly is unloaded before the response is written, so the value is written now.
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

    private StepValue RunMarshal(StepArguments arguments)
    {
        using InspectedAssembly assembly = InspectedAssembly.Of(arguments);
        Type type = assembly.Find(arguments.RequiredText("type"));
        if (arguments.Text("view") is { } name)
        {
            var view = store.Get<MemoryMappedViewAccessor>(name);
            return arguments.Boolean("managed")
                ? AccessInView(type, view, arguments.Int64("position", 0), arguments.Int64("to"))
                : MarshalInView(type, view, arguments.Int64("position", 0), arguments.Int64("to"));
        }

        return InBytes(type, arguments.Bytes("bytes"), arguments.Boolean("managed"));
    }

    private static StepValue InBytes(Type type, byte[] bytes, bool managed)
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
            value = RoundTrip(type, bytes, out overrun);
        }

        return Answer(type, value, Hex.Encode(bytes), overrun);
    }

    /// <summary>Calls PtrToStructure, then StructureToPtr, and replaces the bytes.</summary>
    private static object RoundTrip(Type type, byte[] bytes, out bool overrun)
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
            throw new ArgumentException("a structure with references has no managed bytes");
        }

        Check(slot.Size, length);
        return slot;
    }

    private static void Check(int size, int length)
    {
        if (size != length)
        {
            throw new ArgumentException($"the type needs {size} bytes, not {length}");
        }
    }

    /// <summary>Reads the marshalled bytes from a view and writes them to it.</summary>
    private static StepValue MarshalInView(
        Type type, MemoryMappedViewAccessor view, long position, long to)
    {
        var bytes = new byte[Marshal.SizeOf(type)];
        Read(view, position, bytes);
        object value = RoundTrip(type, bytes, out bool overrun);
        view.WriteArray(to, bytes, 0, bytes.Length);
        return Answer(type, value, Hex.Encode(bytes), overrun);
    }

    /// <summary>Calls Read and Write of the accessor.</summary>
    private static StepValue AccessInView(
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
            throw new ArgumentException($"the view has fewer than {bytes.Length} bytes at offset {position}");
        }
    }
}
