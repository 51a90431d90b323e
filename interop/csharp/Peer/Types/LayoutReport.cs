using System.Text.Json;

namespace Peer;

/// <summary>Writes the layouts of a type for the steps define, reflect and manifest.</summary>
internal static class LayoutReport
{
    public static void Write(Utf8JsonWriter writer, LayoutProbe layout)
    {
        WriteNumber(writer, "native_size", layout.NativeSize);
        WriteError(writer, "native_error", layout.NativeError);
        WriteNumber(writer, "native_alignment", layout.NativeAlignment);
        WriteNumber(writer, "managed_size", layout.ManagedSize);
        WriteError(writer, "managed_error", layout.ManagedError);
        WriteNumber(writer, "managed_alignment", layout.ManagedAlignment);
        WriteNumber(writer, "stride", layout.Stride);
        WriteError(writer, "structure_to_ptr_error", layout.StructureToPtrError);
    }

    /// <summary>Writes the answer for a type that does not load.</summary>
    public static void WriteRefused(Utf8JsonWriter writer, Exception error)
    {
        writer.WriteNull("native_size");
        WriteError(writer, "native_error", error);
        writer.WriteNull("native_alignment");
        writer.WriteNull("managed_size");
        WriteError(writer, "managed_error", error);
        writer.WriteNull("managed_alignment");
        writer.WriteNull("stride");
        WriteError(writer, "structure_to_ptr_error", error);
    }

    public static void WriteError(Utf8JsonWriter writer, string name, Exception? error)
    {
        if (error is null)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartObject(name);
        writer.WriteString("type", error.GetType().Name);
        writer.WriteString("message", JsonText.Encode(error.Message));
        writer.WriteEndObject();
    }

    public static void WriteNumber(Utf8JsonWriter writer, string name, int? number)
    {
        if (number is { } known)
        {
            writer.WriteNumber(name, known);
        }
        else
        {
            writer.WriteNull(name);
        }
    }

    public static void WriteNumbers(Utf8JsonWriter writer, string name, IEnumerable<int?>? numbers)
    {
        if (numbers is null)
        {
            writer.WriteNull(name);
            return;
        }

        writer.WriteStartArray(name);
        foreach (int? number in numbers)
        {
            if (number is { } known)
            {
                writer.WriteNumberValue(known);
            }
            else
            {
                writer.WriteNullValue();
            }
        }

        writer.WriteEndArray();
    }
}
