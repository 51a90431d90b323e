using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Converts values of all types to and from JSON (docs/protocol.md, "define").</summary>
/// <remarks>Each batch has its own instance, because it keeps the types of the batch in memory.</remarks>
internal sealed class TypeValue
{
    private readonly Dictionary<Type, Shape> _shapes = [];

    /// <summary>Reads a value from JSON.</summary>
    public object? Read(Type type, JsonElement json) => json.ValueKind == JsonValueKind.Null
        ? null
        : ShapeOf(type).Read(json);

    /// <summary>Writes a value as JSON.</summary>
    public void Write(Utf8JsonWriter writer, Type type, object? value)
    {
        if (value is null)
        {
            writer.WriteNullValue();
        }
        else
        {
            ShapeOf(type).Write(writer, value);
        }
    }

    /// <summary>Returns whether the type is the structure of <c>fixed T name[n]</c>.</summary>
    public static bool IsFixedBuffer(Type type, List<FieldInfo> fields) =>
        fields is [{ Name: "FixedElementField" }]
        && type.IsDefined(typeof(UnsafeValueTypeAttribute), inherit: false);

    private Shape ShapeOf(Type type)
    {
        if (!_shapes.TryGetValue(type, out Shape? shape))
        {
            shape = MakeShape(type);
            _shapes.Add(type, shape);
        }

        return shape;
    }

    private Shape MakeShape(Type type)
    {
        if (BuiltInValue.Of(type) is { } builtIn)
        {
            return new BuiltInShape(builtIn);
        }

        if (type.IsEnum)
        {
            return new EnumShape(type, BuiltInValue.Of(type.GetEnumUnderlyingType())!);
        }

        if (type.IsPointer || type.IsFunctionPointer)
        {
            return new PointerShape();
        }

        if (Nullable.GetUnderlyingType(type) is { } underlying)
        {
            return ShapeOf(underlying); // a boxed nullable is a boxed value
        }

        if (type.IsArray && type.GetArrayRank() == 1)
        {
            return new ArrayShape(this, type.GetElementType()!);
        }

        if (type.IsValueType)
        {
            List<FieldInfo> fields = LayoutProbe.FieldsOf(type);
            return type.IsDefined(typeof(InlineArrayAttribute), inherit: false) || IsFixedBuffer(type, fields)
                ? new InlineShape(this, type, fields[0].FieldType)
                : new FieldsShape(this, type, fields);
        }

        return type.IsLayoutSequential || type.IsExplicitLayout
            ? new FieldsShape(this, type, LayoutProbe.FieldsOf(type))
            : new AddressShape();
    }

    private abstract class Shape
    {
        public abstract object? Read(JsonElement json);

        public abstract void Write(Utf8JsonWriter writer, object value);
    }

    private sealed class BuiltInShape(BuiltInValue converter) : Shape
    {
        public override object Read(JsonElement json) => converter.Read(json);

        public override void Write(Utf8JsonWriter writer, object value) => converter.Write(writer, value);
    }

    private sealed class EnumShape(Type type, BuiltInValue converter) : Shape
    {
        public override object Read(JsonElement json) => Enum.ToObject(type, converter.Read(json));

        public override void Write(Utf8JsonWriter writer, object value) => converter.Write(
            writer, Convert.ChangeType(value, type.GetEnumUnderlyingType(), null));
    }

    /// <summary>Converts pointers. A slot returns a nint, and reflection a Pointer.</summary>
    private sealed unsafe class PointerShape : Shape
    {
        public override object Read(JsonElement json) => checked((nint)BuiltInValue.Integer(json));

        public override void Write(Utf8JsonWriter writer, object value) => BuiltInValue.WriteInteger(
            writer, value is Pointer pointer ? (nuint)Pointer.Unbox(pointer) : (nuint)(nint)value);
    }

    /// <summary>Converts delegates, objects and interfaces. Only null has a value in JSON.</summary>
    private sealed class AddressShape : Shape
    {
        public override object Read(JsonElement json) =>
            throw new FormatException($"expected null, not {json.GetRawText()}");

        public override void Write(Utf8JsonWriter writer, object value) => writer.WriteNullValue();
    }

    private sealed class ArrayShape(TypeValue values, Type element) : Shape
    {
        public override object Read(JsonElement json)
        {
            var array = Array.CreateInstance(element, json.GetArrayLength());
            Slot slot = Slot.Of(element);
            int index = 0;
            foreach (JsonElement item in json.EnumerateArray())
            {
                slot.Store(ref Place(array, slot, index++), values.Read(element, item) ?? slot.Default);
            }

            return array;
        }

        public override void Write(Utf8JsonWriter writer, object value)
        {
            var array = (Array)value;
            Slot slot = Slot.Of(element);
            writer.WriteStartArray();
            for (int index = 0; index < array.Length; index++)
            {
                values.Write(writer, element, slot.Load(ref Place(array, slot, index)));
            }

            writer.WriteEndArray();
        }

        private static ref byte Place(Array array, Slot slot, int index) => ref Unsafe.Add(
            ref MemoryMarshal.GetArrayDataReference(array), (nint)index * slot.Size);
    }

    /// <summary>Converts inline arrays and fixed buffers.</summary>
    private sealed class InlineShape(TypeValue values, Type type, Type element) : Shape
    {
        private readonly Slot _slot = Slot.Of(element);

        // There can be padding after the elements of an inline array.
        private int Count { get; } = type.GetCustomAttribute<InlineArrayAttribute>()?.Length
            ?? (Slot.Of(type).Size / Slot.Of(element).Size);

        public override object Read(JsonElement json)
        {
            int length = json.GetArrayLength();
            if (length != Count)
            {
                throw new FormatException($"{type.Name} needs {Count} elements, not {length}");
            }

            object box = RuntimeHelpers.GetUninitializedObject(type);
            int index = 0;
            foreach (JsonElement item in json.EnumerateArray())
            {
                _slot.Store(ref Place(box, index++), values.Read(element, item) ?? _slot.Default);
            }

            return box;
        }

        public override void Write(Utf8JsonWriter writer, object value)
        {
            writer.WriteStartArray();
            for (int index = 0; index < Count; index++)
            {
                values.Write(writer, element, _slot.Load(ref Place(value, index)));
            }

            writer.WriteEndArray();
        }

        private ref byte Place(object box, int index) =>
            ref Unsafe.Add(ref RawData.Of(box), (nint)index * _slot.Size);
    }

    private sealed class FieldsShape(TypeValue values, Type type, List<FieldInfo> fields) : Shape
    {
        public override object Read(JsonElement json)
        {
            object box = RuntimeHelpers.GetUninitializedObject(type);
            foreach (FieldInfo field in fields)
            {
                object? value = values.Read(field.FieldType, json.GetProperty(field.Name));
                field.SetValue(box, field.FieldType.IsPointer ? Boxed(value) : value);
            }

            return box;
        }

        public override void Write(Utf8JsonWriter writer, object value)
        {
            writer.WriteStartObject();
            foreach (FieldInfo field in fields)
            {
                writer.WritePropertyName(JsonText.Encode(field.Name));
                values.Write(writer, field.FieldType, field.GetValue(value));
            }

            writer.WriteEndObject();
        }

        private static unsafe object Boxed(object? address) =>
            Pointer.Box((void*)(nint)(address ?? (nint)0), typeof(void*));
    }
}
