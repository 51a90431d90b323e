using System.IO.MemoryMappedFiles;
using System.Text.Json;

namespace Peer;

/// <summary>
/// Represents a type of elements of a view: how an accessor reads and writes it, and its JSON.
/// </summary>
internal abstract class ElementType
{
    /// <summary>Reads an element.</summary>
    public abstract StepValue Read(MemoryMappedViewAccessor view, long position);

    /// <summary>Writes an element.</summary>
    public abstract void Write(MemoryMappedViewAccessor view, long position, JsonElement value);

    /// <summary>Calls ReadArray.</summary>
    /// <param name="view">The view.</param>
    /// <param name="position">The offset in the view.</param>
    /// <param name="length">The length of the array, or null to pass a null array.</param>
    /// <param name="offset">The index of the first element in the array.</param>
    /// <param name="count">The number of elements.</param>
    public abstract StepValue ReadArray(
        MemoryMappedViewAccessor view, long position, int? length, int offset, int count);

    /// <summary>Calls WriteArray.</summary>
    /// <param name="view">The view.</param>
    /// <param name="position">The offset in the view.</param>
    /// <param name="items">The array, or null to pass a null array.</param>
    /// <param name="offset">The index of the first element in the array.</param>
    /// <param name="count">The number of elements, or null for all from the offset.</param>
    public abstract void WriteArray(
        MemoryMappedViewAccessor view, long position, JsonElement? items, int offset, int? count);
}

/// <inheritdoc/>
internal sealed class ElementType<T>(
    Func<MemoryMappedViewAccessor, long, T> read,
    Action<MemoryMappedViewAccessor, long, T> write,
    Action<Utf8JsonWriter, T> toJson,
    Func<JsonElement, T> fromJson)
    : ElementType
    where T : struct
{
    public override StepValue Read(MemoryMappedViewAccessor view, long position)
    {
        T value = read(view, position);
        return writer => toJson(writer, value);
    }

    public override void Write(MemoryMappedViewAccessor view, long position, JsonElement value) =>
        write(view, position, fromJson(value));

    public override StepValue ReadArray(
        MemoryMappedViewAccessor view, long position, int? length, int offset, int count)
    {
        T[]? array = length is null ? null : new T[length.Value];
        int found = view.ReadArray(position, array!, offset, count);
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("count", found);
            writer.WritePropertyName("items");
            WriteItems(writer, array!);
            writer.WriteEndObject();
        };
    }

    public override void WriteArray(
        MemoryMappedViewAccessor view, long position, JsonElement? items, int offset, int? count)
    {
        T[]? array = items is null ? null : ParseItems(items.Value);
        view.WriteArray(position, array!, offset, count ?? ((array?.Length ?? 0) - offset));
    }

    private void WriteItems(Utf8JsonWriter writer, T[] array)
    {
        // `array is byte[]` would also be true for an sbyte[].
        if (typeof(T) == typeof(byte))
        {
            writer.WriteStringValue(Hex.Encode((byte[])(object)array));
            return;
        }

        writer.WriteStartArray();
        foreach (T item in array)
        {
            toJson(writer, item);
        }

        writer.WriteEndArray();
    }

    private T[] ParseItems(JsonElement items) =>
        typeof(T) == typeof(byte)
            ? (T[])(object)Convert.FromHexString(items.GetString()!)
            : [.. items.EnumerateArray().Select(fromJson)];
}
