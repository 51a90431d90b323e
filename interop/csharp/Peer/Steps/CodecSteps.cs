using System.Runtime.InteropServices;
using SharedMemory;

namespace Peer;

/// <summary>Implements the steps that encode and decode formats without a map.</summary>
internal static class CodecSteps
{
    public static void AddTo(Dictionary<string, Step> table)
    {
        table["layout"] = Layout;
        table["encode-image"] = EncodeImage;
        table["decode-image"] = DecodeImage;
        table["encode-struct"] = EncodeStruct;
        table["decode-struct"] = DecodeStruct;
    }

    private static StepValue Layout(StepArguments arguments)
    {
        string type = arguments.RequiredText("type");
        if (type != nameof(TestData))
        {
            throw new ProtocolException($"unknown structure \"{type}\"");
        }

        string[] names = [nameof(TestData.Id), nameof(TestData.Age), nameof(TestData.Scores)];
        int size = Marshal.SizeOf<TestData>();
        // With Pack = 1, each field ends at the offset of the next one.
        int[] bounds = [.. names.Select(static name => (int)Marshal.OffsetOf<TestData>(name)), size];
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("size", size);
            writer.WriteStartArray("fields");
            for (int index = 0; index < names.Length; index++)
            {
                writer.WriteStartObject();
                writer.WriteString("name", names[index]);
                writer.WriteNumber("offset", bounds[index]);
                writer.WriteNumber("size", bounds[index + 1] - bounds[index]);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        };
    }

    private static StepValue EncodeImage(StepArguments arguments)
    {
        ImageData image = ModelValues.Image(arguments);
        bool replace = arguments.Boolean("replace");
        if (arguments.Optional("length") is null)
        {
            return ModelValues.Bytes(image.ToBytes(replace));
        }

        var buffer = new byte[arguments.Int32("length")];
        image.WriteTo(buffer, replace);
        return ModelValues.Bytes(buffer);
    }

    private static StepValue DecodeImage(StepArguments arguments) => ModelValues.Found(
        ImageData.FromBytes(arguments.Bytes("bytes"), arguments.Boolean("replace")));

    private static StepValue EncodeStruct(StepArguments arguments)
    {
        TestData data = ModelValues.Struct(arguments);
        var buffer = new byte[arguments.Int32("length", Marshal.SizeOf<TestData>())];
        StructBytes.WriteStruct<TestData>(buffer, data);
        return ModelValues.Bytes(buffer);
    }

    private static StepValue DecodeStruct(StepArguments arguments) =>
        ModelValues.Found(StructBytes.FromBytes<TestData>(arguments.Bytes("bytes")));
}
