using System.Buffers;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>
/// Implements the step define, which creates types from JSON, and reports their layouts and the bytes
/// of values in both layouts.
/// </summary>
internal sealed class DefineStep
{
    private int _batches;

    public void AddTo(Dictionary<string, Step> table) => table["define"] = Define;

    private StepValue Define(StepArguments arguments)
    {
        // The answers are written now, so that the types can be unloaded.
        using var memory = new PoisonedMemory();
        var answers = new ArrayBufferWriter<byte>(1 << 12);
        using (var writer = new Utf8JsonWriter(answers, JsonText.WriterOptions))
        {
            writer.WriteStartArray();
            var batch = new Batch(NewModule(), writer, memory);
            foreach (JsonElement item in arguments.Required("batch").EnumerateArray())
            {
                batch.Answer(new StepArguments(item));
            }

            writer.WriteEndArray();
        }

        return writer => writer.WriteRawValue(answers.WrittenSpan, skipInputValidation: true);
    }

    private ModuleBuilder NewModule()
    {
        var name = new AssemblyName($"Defined{++_batches}");
        return AssemblyBuilder
            .DefineDynamicAssembly(name, AssemblyBuilderAccess.RunAndCollect)
            .DefineDynamicModule(name.Name!);
    }

    /// <summary>Answers the items of one request. Their types are in one assembly.</summary>
    private sealed class Batch(ModuleBuilder module, Utf8JsonWriter writer, PoisonedMemory memory)
    {
        private readonly TypeValue _values = new();
        private int _items;

        public void Answer(StepArguments item)
        {
            string nameSpace = $"Item{_items++}";
            Type? type = null;
            Exception? error = Attempt.Run(
                () => type = new TypeEmitter(module, nameSpace).Emit(item.Required("types")));
            if (error is ProtocolException)
            {
                throw error;
            }

            writer.WriteStartObject();
            if (type is null)
            {
                LayoutReport.WriteRefused(writer, error!);
                WriteOffsets(null);
            }
            else
            {
                LayoutProbe layout = LayoutProbe.Of(
                    type, () => TypeEmitter.EmitProbe(module, $"{nameSpace}.Probe", type), memory);
                LayoutReport.Write(writer, layout);
                WriteOffsets(layout);
                WriteValues(item, type, layout);
            }

            writer.WriteEndObject();
        }

        private void WriteOffsets(LayoutProbe? layout)
        {
            LayoutReport.WriteNumbers(writer, "native_offsets", layout?.NativeOffsets);
            LayoutReport.WriteNumbers(
                writer, "managed_offsets", layout?.ManagedOffsets?.Select(static offset => (int?)offset));
        }

        private void WriteValues(StepArguments item, Type type, LayoutProbe layout)
        {
            WriteList(item, "values", "to_bytes", json => ToBytes(type, layout, json));
            WriteList(item, "bytes", "from_bytes", json => FromBytes(type, layout, json));
            bool byAccessor = item.Boolean("accessor");
            if (byAccessor)
            {
                int? stride = null;
                _ = Attempt.Run(() => stride = ManagedMemory.Of(type, layout, byAccessor).Stride);
                LayoutReport.WriteNumber(writer, "accessor_stride", stride);
            }

            WriteList(
                item, "values", "managed_to_bytes", json => ManagedToBytes(type, layout, json, byAccessor));
            WriteList(
                item,
                "managed_bytes",
                "managed_from_bytes",
                json => ManagedFromBytes(type, layout, json, byAccessor));
        }

        /// <summary>Writes an answer for each item of a list, if the step has the list.</summary>
        private void WriteList(
            StepArguments item, string argument, string answer, Func<JsonElement, Action> convert)
        {
            if (item.Optional(argument) is not { } list)
            {
                return;
            }

            writer.WriteStartArray(answer);
            foreach (JsonElement json in list.EnumerateArray())
            {
                Action? write = null;
                Exception? error = Attempt.Run(() => write = convert(json));
                writer.WriteStartObject();
                if (error is null)
                {
                    write!();
                }
                else
                {
                    LayoutReport.WriteError(writer, "error", error);
                }

                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        private Action ToBytes(Type type, LayoutProbe layout, JsonElement json)
        {
            object value = ReadRoot(type, json);
            memory.Prepare(layout.BufferSize);
            Marshal.StructureToPtr(value, memory.Address, fDeleteOld: false);
            bool overrun = memory.IsOverrun;
            string bytes = Hex.Encode(memory.Bytes);
            Marshal.DestroyStructure(memory.Address, type);
            return () =>
            {
                writer.WriteString("bytes", bytes);
                if (overrun)
                {
                    writer.WriteBoolean("overrun", true);
                }
            };
        }

        private Action FromBytes(Type type, LayoutProbe layout, JsonElement json)
        {
            byte[] bytes = Convert.FromHexString(json.GetString()!);
            memory.Prepare(Math.Max(layout.BufferSize, bytes.Length));
            bytes.CopyTo(memory.Bytes);
            object value;
            if (type.IsValueType)
            {
                value = Marshal.PtrToStructure(memory.Address, type)!;
            }
            else
            {
                value = RuntimeHelpers.GetUninitializedObject(type);
                Marshal.PtrToStructure(memory.Address, value);
            }

            return () => WriteValue(type, value);
        }

        private Action ManagedToBytes(Type type, LayoutProbe layout, JsonElement json, bool byAccessor)
        {
            object value = ReadRoot(type, json);
            ManagedMemory access = ManagedMemory.Of(type, layout, byAccessor);
            memory.Prepare(access.Size);
            access.Write(value, memory);
            string bytes = Hex.Encode(memory.Bytes);
            return () => writer.WriteString("bytes", bytes);
        }

        private Action ManagedFromBytes(Type type, LayoutProbe layout, JsonElement json, bool byAccessor)
        {
            byte[] bytes = Convert.FromHexString(json.GetString()!);
            ManagedMemory access = ManagedMemory.Of(type, layout, byAccessor);
            memory.Prepare(Math.Max(access.Size, bytes.Length));
            bytes.CopyTo(memory.Bytes);
            object value = access.Read(memory);
            return () => WriteValue(type, value);
        }

        private object ReadRoot(Type type, JsonElement json) =>
            _values.Read(type, json) ?? throw new FormatException("the value must not be null");

        private void WriteValue(Type type, object value)
        {
            writer.WritePropertyName("value");
            _values.Write(writer, type, value);
        }
    }
}
