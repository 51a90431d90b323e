using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Converts pictures and structures to and from arguments and values of steps.</summary>
internal static class ModelValues
{
    public static ImageData Image(StepArguments arguments) => new(
        arguments.Text("path")!,
        arguments.Text("file") is { } file ? File.ReadAllBytes(file) : arguments.Bytes("bytes"));

    public static TestData Struct(StepArguments arguments) => TestData.Create(
        arguments.Int64("id"), arguments.Int64("age"), arguments.Int64s("scores"));

    /// <summary>Returns the size and hash of written bytes.</summary>
    public static StepValue Written(byte[] bytes) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("bytes", bytes.Length);
        writer.WriteString("sha256", Hex.Sha256(bytes));
        writer.WriteEndObject();
    };

    public static StepValue Found(byte[] bytes) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteNumber("length", bytes.Length);
        writer.WriteString("sha256", Hex.Sha256(bytes));
        writer.WriteEndObject();
    };

    public static StepValue Found(ImageData image) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("path", image.Path);
        writer.WriteNumber("length", image.Content.Length);
        writer.WriteString("sha256", Hex.Sha256(image.Content.Span));
        writer.WriteEndObject();
    };

    public static StepValue Found(TestData data) => writer =>
    {
        writer.WriteStartObject();
        WriteFields(writer, data);
        writer.WriteString("text", data.ToString());
        writer.WriteEndObject();
    };

    public static StepValue Bytes(byte[] bytes) => writer =>
    {
        writer.WriteStartObject();
        writer.WriteString("bytes", Hex.Encode(bytes));
        writer.WriteEndObject();
    };

    /// <summary>Writes the properties id, age and scores to the current JSON object.</summary>
    public static void WriteFields(Utf8JsonWriter writer, TestData data)
    {
        writer.WriteNumber("id", data.Id);
        writer.WriteNumber("age", data.Age);
        writer.WriteStartArray("scores");
        foreach (int score in data.Scores)
        {
            writer.WriteNumberValue(score);
        }

        writer.WriteEndArray();
    }
}
