using System.Globalization;
using System.Text;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Represents a field of a dump.</summary>
/// <param name="Name">The name in docs/format.md, or stale for bytes after the last field.</param>
/// <param name="Offset">The offset in bytes.</param>
/// <param name="Size">The size in bytes.</param>
/// <param name="Number">The value, if it is a number.</param>
/// <param name="Text">The value, if it is text.</param>
internal sealed record DumpField(
    string Name, long Offset, long Size, int? Number = null, string? Text = null)
{
    /// <summary>Gets whether the field has bytes without a value, of which only some are shown.</summary>
    public bool IsOpaque => Number is null && Text is null;

    /// <summary>Gets the text at the right of the first row.</summary>
    public string Note => this switch
    {
        { Number: { } number } => string.Create(CultureInfo.InvariantCulture, $"{Name} = {number}"),
        { Text: { } text } => $"{Name} = {Quote(text)}",
        _ => string.Create(CultureInfo.InvariantCulture, $"{Name} ({Size} bytes)"),
    };

    /// <summary>Returns the fields of a blob and the bytes after it.</summary>
    public static List<DumpField> OfBlob(byte[] bytes, ImageData image)
    {
        int pathLength = Encoding.UTF8.GetByteCount(image.Path);
        int contentLength = image.Content.Length;
        var fields = new List<DumpField>
        {
            new("path_length", 0, 4, pathLength),
            new("path", 4, pathLength, Text: image.Path),
            new("content_length", 4L + pathLength, 4, contentLength),
            new("content", 8L + pathLength, contentLength),
        };
        AddStale(fields, bytes);
        return fields;
    }

    /// <summary>Returns the fields of a TestData and the bytes after it.</summary>
    public static List<DumpField> OfTestData(byte[] bytes, TestData data)
    {
        var fields = new List<DumpField> { new("Id", 0, 4, data.Id), new("Age", 4, 4, data.Age) };
        for (int index = 0; index < TestData.ScoreCount; index++)
        {
            string name = string.Create(CultureInfo.InvariantCulture, $"Scores[{index}]");
            fields.Add(new DumpField(name, 8 + (4 * index), 4, data.Scores[index]));
        }

        AddStale(fields, bytes);
        return fields;
    }

    /// <summary>Writes the field as JSON.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("name", Name);
        writer.WriteNumber("offset", Offset);
        writer.WriteNumber("size", Size);
        if (Number is { } number)
        {
            writer.WriteNumber("value", number);
        }
        else
        {
            writer.WriteString("value", Text);
        }

        writer.WriteEndObject();
    }

    private static void AddStale(List<DumpField> fields, byte[] bytes)
    {
        long end = fields[^1].Offset + fields[^1].Size;
        if (end < bytes.Length)
        {
            fields.Add(new DumpField("stale", end, bytes.Length - end));
        }
    }

    // Escapes only what JSON requires. The encoders of .NET escape more.
    private static string Quote(string text)
    {
        var quoted = new StringBuilder("\"");
        foreach (char unit in text)
        {
            _ = unit switch
            {
                '"' => quoted.Append("\\\""),
                '\\' => quoted.Append(@"\\"),
                '\b' => quoted.Append(@"\b"),
                '\f' => quoted.Append(@"\f"),
                '\n' => quoted.Append(@"\n"),
                '\r' => quoted.Append(@"\r"),
                '\t' => quoted.Append(@"\t"),
                < ' ' => quoted.Append(CultureInfo.InvariantCulture, $"\\u{(int)unit:x4}"),
                _ => quoted.Append(unit),
            };
        }

        return quoted.Append('"').ToString();
    }
}
