using System.Buffers;
using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>
/// Implements the step manifest, which reports the declarations and layouts of a type and of all
/// types in it.
/// </summary>
internal static class ManifestStep
{
    // Both lengths are odd, so that padding would be visible.
    private const string ExamplePath = "abc";

    private static readonly byte[] s_exampleContent = [0xA1, 0xA2, 0xA3, 0xA4, 0xA5];

    public static void AddTo(Dictionary<string, Step> table) => table["manifest"] = Manifest;

    private static StepValue Manifest(StepArguments arguments)
    {
        if (arguments.Optional("types") is { } types)
        {
            ModuleBuilder module = NewModule();
            return Describe(new TypeEmitter(module, "Described").Emit(types), module);
        }

        string name = arguments.RequiredText("type");
        if (arguments.Text("assembly") is not null)
        {
            using InspectedAssembly assembly = InspectedAssembly.Of(arguments);
            Type type = assembly.Find(name);
            Assembly[] needed = [.. new TypeDescription(type).Types.Select(static type => type.Assembly)];
            return Describe(type, assembly.NewModule(needed));
        }

        return name switch
        {
            nameof(TestData) => Describe(typeof(TestData), NewModule()),
            nameof(ImageData) => Blob,
            _ => throw new ProtocolException($"unknown type \"{name}\""),
        };
    }

    private static ModuleBuilder NewModule()
    {
        var name = new AssemblyName("Described");
        return AssemblyBuilder
            .DefineDynamicAssembly(name, AssemblyBuilderAccess.RunAndCollect)
            .DefineDynamicModule(name.Name!);
    }

    private static StepValue Describe(Type root, ModuleBuilder module)
    {
        var answer = new ArrayBufferWriter<byte>(1 << 12);
        using (var writer = new Utf8JsonWriter(answer, JsonText.WriterOptions))
        using (var memory = new PoisonedMemory())
        {
            var description = new TypeDescription(root);
            writer.WriteStartArray();
            for (int index = 0; index < description.Types.Count; index++)
            {
                Type type = description.Types[index];
                writer.WriteStartObject();
                description.WriteHead(writer, type);
                if (TypeDescription.HasLayout(type))
                {
                    string name = $"Probe{index}";
                    LayoutProbe layout = LayoutProbe.Of(
                        type, () => TypeEmitter.EmitProbe(module, name, type), memory);
                    WriteFields(writer, description, type, layout, module, name);
                    LayoutReport.Write(writer, layout);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        return writer => writer.WriteRawValue(answer.WrittenSpan, skipInputValidation: true);
    }

    private static void WriteFields(
        Utf8JsonWriter writer,
        TypeDescription description,
        Type type,
        LayoutProbe layout,
        ModuleBuilder module,
        string name)
    {
        writer.WriteStartArray("fields");
        for (int index = 0; index < layout.Fields.Count; index++)
        {
            FieldInfo field = layout.Fields[index];
            if (field.DeclaringType != type)
            {
                continue; // the entry of its base class has it
            }

            int? nativeSize = null;
            int? managedSize = null;
            _ = Attempt.Run(() => nativeSize = NativeSize(module, $"{name}.Field{index}", field));
            _ = Attempt.Run(() => managedSize = Slot.Of(field.FieldType).Size);
            writer.WriteStartObject();
            description.WriteField(writer, field);
            LayoutReport.WriteNumber(writer, "native_offset", layout.NativeOffsets?[index]);
            LayoutReport.WriteNumber(writer, "native_size", nativeSize);
            LayoutReport.WriteNumber(writer, "managed_offset", layout.ManagedOffsets?[index]);
            LayoutReport.WriteNumber(writer, "managed_size", managedSize);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    /// <summary>Returns the marshalled size of a field, which is the offset of the next one.</summary>
    private static int NativeSize(ModuleBuilder module, string name, FieldInfo field) =>
        (int)Marshal.OffsetOf(
            TypeEmitter.EmitFieldProbe(module, name, field), LayoutProbe.NextField);

    /// <summary>Writes the blob of a picture as a structure. The offsets are found in its bytes.</summary>
    private static void Blob(Utf8JsonWriter writer)
    {
        byte[] bytes = new ImageData(ExamplePath, s_exampleContent).ToBytes();
        int path = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(ExamplePath));
        int content = bytes.AsSpan().IndexOf(s_exampleContent);
        writer.WriteStartArray();
        writer.WriteStartObject();
        writer.WriteString("name", nameof(ImageData));
        writer.WriteString("kind", "struct");
        writer.WriteNumber("pack", 1);
        writer.WriteStartArray("fields");
        WriteLength(writer, "path_length", bytes, path, ExamplePath.Length);
        WriteBytes(writer, "path", path, ExamplePath.Length);
        WriteLength(writer, "content_length", bytes, content, s_exampleContent.Length);
        WriteBytes(writer, "content", content, s_exampleContent.Length);
        writer.WriteEndArray();
        writer.WriteNumber("native_size", bytes.Length);
        writer.WriteEndObject();
        writer.WriteEndArray();
    }

    /// <summary>Writes a length field, which is before the bytes that it counts.</summary>
    private static void WriteLength(
        Utf8JsonWriter writer, string name, byte[] bytes, int countedOffset, int length)
    {
        int offset = countedOffset - sizeof(int);
        bool isFound = offset >= 0
            && BinaryPrimitives.ReadInt32LittleEndian(bytes.AsSpan(offset)) == length;
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteString("type", "int");
        LayoutReport.WriteNumber(writer, "native_offset", isFound ? offset : null);
        LayoutReport.WriteNumber(writer, "native_size", isFound ? sizeof(int) : null);
        writer.WriteEndObject();
    }

    private static void WriteBytes(Utf8JsonWriter writer, string name, int offset, int length)
    {
        writer.WriteStartObject();
        writer.WriteString("name", name);
        writer.WriteStartObject("type");
        writer.WriteString("array", "byte");
        writer.WriteEndObject();
        writer.WriteStartObject("marshal_as");
        writer.WriteString("unmanaged_type", nameof(UnmanagedType.ByValArray));
        writer.WriteNumber("size_const", length);
        writer.WriteEndObject();
        writer.WriteNumber("native_offset", offset);
        writer.WriteNumber("native_size", length);
        writer.WriteEndObject();
    }
}
