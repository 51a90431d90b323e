using System.Buffers;
using System.Reflection;
using System.Reflection.Emit;
using System.Text.Json;

namespace Peer;

/// <summary>Implements the step reflect, which reports the layouts of the types of an assembly.</summary>
internal static class ReflectStep
{
    private const int InitialCapacity = 1 << 16; // bytes

    public static void AddTo(Dictionary<string, Step> table) => table["reflect"] = Reflect;

    private static StepValue Reflect(StepArguments arguments)
    {
        string[]? names = arguments.Optional("types") is { } list
            ? [.. list.EnumerateArray().Select(JsonText.Decode)]
            : null;
        using InspectedAssembly assembly = InspectedAssembly.Of(arguments);
        if (arguments.Text("out") is { } path)
        {
            int count = WriteFile(path, assembly, names);
            return writer => writer.WriteNumberValue(count);
        }

        var answers = new ArrayBufferWriter<byte>(InitialCapacity);
        using (var writer = new Utf8JsonWriter(answers, JsonText.WriterOptions))
        {
            writer.WriteStartArray();
            using var report = new Report(assembly, writer);
            foreach (FoundType found in TypesOf(assembly.Assembly, names))
            {
                report.Write(found);
            }

            writer.WriteEndArray();
        }

        return writer => writer.WriteRawValue(answers.WrittenSpan, skipInputValidation: true);
    }

    /// <summary>Writes a file with one line for each type. An incomplete file is removed.</summary>
    private static int WriteFile(string path, InspectedAssembly assembly, string[]? names)
    {
        path = Path.GetFullPath(path);
        string temporary = path + ".part";
        int count = 0;
        try
        {
            using (var file = new FileStream(temporary, FileMode.Create, FileAccess.Write))
            using (var writer = new Utf8JsonWriter(file, JsonText.WriterOptions))
            using (var report = new Report(assembly, writer))
            {
                foreach (FoundType found in TypesOf(assembly.Assembly, names))
                {
                    report.Write(found);
                    writer.Flush();
                    writer.Reset();
                    file.Write("\n"u8);
                    count++;
                }
            }

            File.Move(temporary, path, overwrite: true);
        }
        finally
        {
            File.Delete(temporary);
        }

        return count;
    }

    private static IEnumerable<FoundType> TypesOf(Assembly assembly, string[]? names) =>
        names is null ? AssemblyTypes.WithLayout(assembly) : AssemblyTypes.Named(assembly, names);

    private sealed class Report(InspectedAssembly assembly, Utf8JsonWriter writer) : IDisposable
    {
        private readonly PoisonedMemory _memory = new();
        private readonly ModuleBuilder _module = assembly.NewModule();
        private int _probes;

        public void Dispose() => _memory.Dispose();

        public void Write(FoundType found)
        {
            Type? type = found.Type;
            LayoutProbe? layout = null;
            Exception? error = found.Error;
            if (type is { IsGenericTypeDefinition: true })
            {
                error = new NotSupportedException("an open generic type has no layout");
            }
            else if (type is not null)
            {
                error = Attempt.Run(() => layout = LayoutProbe.Of(
                    type, () => TypeEmitter.EmitProbe(_module, $"Probe{_probes++}", type), _memory));
            }

            writer.WriteStartObject();
            writer.WriteString("type", JsonText.Encode(found.Name));
            writer.WriteString("kind", found.IsClass ? "class" : "struct");
            writer.WriteBoolean("generic", type is { IsGenericType: true });
            writer.WriteBoolean("by_ref_like", type is { IsByRefLike: true });
            writer.WriteString("layout", LayoutOf(type));
            if (layout is null)
            {
                LayoutReport.WriteRefused(writer, error!);
            }
            else
            {
                LayoutReport.Write(writer, layout);
            }

            WriteFields(layout);
            writer.WriteEndObject();
        }

        private static string LayoutOf(Type? type) =>
            type is { IsExplicitLayout: true } ? "explicit"
            : type is { IsLayoutSequential: true } ? "sequential"
            : "auto";

        private void WriteFields(LayoutProbe? layout)
        {
            writer.WriteStartArray("fields");
            for (int index = 0; index < layout?.Fields.Count; index++)
            {
                writer.WriteStartObject();
                writer.WriteString("name", JsonText.Encode(layout.Fields[index].Name));
                LayoutReport.WriteNumber(writer, "native_offset", layout.NativeOffsets?[index]);
                LayoutReport.WriteNumber(writer, "managed_offset", layout.ManagedOffsets?[index]);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }
    }
}
