using System.IO.MemoryMappedFiles;
using System.Text;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Runs the commands that write or read one value.</summary>
internal static class Commands
{
    private static readonly long[] s_standardScores = [60, 61, 62, 63, 64, 65, 66, 67, 68, 69];

    /// <summary>Runs the command of the command line.</summary>
    public static void Run(CommandLine line, Stream output)
    {
        switch (line.Command)
        {
            case "write-image":
                WriteImage(line, output);
                break;
            case "read-image":
                ReadImage(line, output);
                break;
            case "write-struct":
                WriteStruct(line, output);
                break;
            case "read-struct":
                ReadStruct(line, output);
                break;
            case "dump":
                Dump.Run(line, output);
                break;
            default:
                throw new UsageException($"unknown command: {line.Command}");
        }
    }

    /// <summary>Opens the map of the command line for reading.</summary>
    public static ShareMemoryHelper OpenToRead(CommandLine line)
    {
        var helper = new ShareMemoryHelper(line.Map, access: MemoryMappedFileAccess.Read);
        if (line.Has("--file"))
        {
            helper.OpenFileToRead(line.Map);
        }
        else
        {
            helper.Open();
        }

        return helper;
    }

    /// <summary>Prints text, or a JSON object with --json.</summary>
    public static void Print(
        CommandLine line, Stream output, Action<Utf8JsonWriter> writeJson, Func<string> getText)
    {
        if (line.Has("--json"))
        {
            using (var writer = new Utf8JsonWriter(output, JsonText.WriterOptions))
            {
                writer.WriteStartObject();
                writeJson(writer);
                writer.WriteEndObject();
            }

            output.Write("\n"u8);
        }
        else
        {
            output.Write(Encoding.UTF8.GetBytes(getText() + "\n"));
        }

        output.Flush();
    }

    private static void WriteImage(CommandLine line, Stream output)
    {
        var image = new ImageData(line.Text("--path") ?? line.File, File.ReadAllBytes(line.File));
        WriteAndHold(line, output, image.ToBytes(), helper => helper.WriteImage(image));
    }

    private static void WriteStruct(CommandLine line, Stream output)
    {
        TestData data = TestData.Create(
            line.Number("--id", 100),
            line.Number("--age", 20),
            line.Numbers("--scores") ?? s_standardScores);
        WriteAndHold(line, output, StructBytes.ToBytes(data), helper => helper.WriteStruct(data));
    }

    private static void WriteAndHold(
        CommandLine line, Stream output, byte[] bytes, Action<ShareMemoryHelper> write)
    {
        // Handle signals before the map exists, so that it is released.
        using var stop = new StopSignal();
        using var helper = new ShareMemoryHelper(
            line.Map,
            line.Count("--capacity") ?? Math.Max(ShareMemoryHelper.DefaultCapacity, bytes.Length));
        if (line.Has("--file"))
        {
            helper.CreateFromFile(line.Map);
        }
        else
        {
            helper.CreateOrOpen();
        }

        write(helper);
        Print(
            line,
            output,
            writer =>
            {
                writer.WriteString("status", "READY");
                writer.WriteString("map", JsonText.Encode(line.Map));
                writer.WriteNumber("bytes", bytes.Length);
                writer.WriteString("sha256", Hex.Sha256(bytes));
            },
            () => "READY");
        stop.Wait();
    }

    private static void ReadImage(CommandLine line, Stream output)
    {
        ImageData image;
        using (ShareMemoryHelper helper = OpenToRead(line))
        {
            image = helper.ReadImage(line.Has("--replace"));
        }

        string? outFile = line.Text("--out");
        if (outFile is not null)
        {
            using var stream = new FileStream(outFile, FileMode.Create, FileAccess.Write);
            stream.Write(image.Content.Span);
        }

        string hash = Hex.Sha256(image.Content.Span);
        Print(
            line,
            output,
            writer =>
            {
                writer.WriteString("map", JsonText.Encode(line.Map));
                writer.WriteString("path", image.Path);
                writer.WriteNumber("length", image.Content.Length);
                writer.WriteString("sha256", hash);
                writer.WriteString("out", outFile);
            },
            () => $"path: {image.Path}\nlength: {image.Content.Length}\nsha256: {hash}");
    }

    private static void ReadStruct(CommandLine line, Stream output)
    {
        TestData data;
        using (ShareMemoryHelper helper = OpenToRead(line))
        {
            data = helper.ReadStruct<TestData>();
        }

        Print(
            line,
            output,
            writer =>
            {
                writer.WriteString("map", JsonText.Encode(line.Map));
                ModelValues.WriteFields(writer, data);
            },
            data.ToString);
    }
}
