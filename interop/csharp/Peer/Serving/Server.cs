using System.Buffers;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Reads requests and writes responses until the input ends.</summary>
internal sealed class Server : IDisposable
{
    private const int Protocol = 1;

    private readonly LineReader _requests;
    private readonly Stream _output;
    private readonly ArrayBufferWriter<byte> _response = new(1 << 16);
    private readonly Utf8JsonWriter _writer;
    private readonly ObjectStore _store = new();
    private readonly Dictionary<string, Step> _steps;

    public Server(Stream input, Stream output)
    {
        _requests = new LineReader(input);
        _output = output;
        _writer = new Utf8JsonWriter(_response, JsonText.WriterOptions);
        _steps = StepTable.Create(_store);
    }

    public void Run()
    {
        // A process that a signal kills would leave the files of its maps.
        using PosixSignalRegistration interrupt =
            PosixSignalRegistration.Create(PosixSignal.SIGINT, static context => Quit(context, 2));
        using PosixSignalRegistration terminate =
            PosixSignalRegistration.Create(PosixSignal.SIGTERM, static context => Quit(context, 15));
        WriteHello();
        Send();
        while (_requests.TryRead(out ReadOnlyMemory<byte> line))
        {
            Answer(line);
            Send();
        }
    }

    public void Dispose()
    {
        _store.Reset();
        _writer.Dispose();
    }

    // Exit releases the maps. Shells use this status for a process that a signal kills.
    private static void Quit(PosixSignalContext context, int signal)
    {
        context.Cancel = true;
        Environment.Exit(128 + signal);
    }

    private static string Version()
    {
        string version = typeof(Server).Assembly
            .GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
        return version.Split('+')[0];
    }

    /// <summary>Returns what the library in use was compiled for.</summary>
    private static string LibraryTarget() =>
        typeof(NamedMap).Assembly.GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName;

    private static string SystemName() =>
        OperatingSystem.IsWindows() ? "windows" : OperatingSystem.IsMacOS() ? "macos" : "linux";

    private void WriteHello()
    {
        _writer.WriteStartObject();
        _writer.WriteStartObject("hello");
        _writer.WriteNumber("protocol", Protocol);
        _writer.WriteString("language", "dotnet");
        _writer.WriteString("runtime", RuntimeInformation.FrameworkDescription);
        _writer.WriteString("version", Version());
        _writer.WriteString("library", LibraryTarget());
        _writer.WriteString("system", SystemName());
        _writer.WriteNumber("pid", Environment.ProcessId);
        _writer.WriteEndObject();
        _writer.WriteEndObject();
    }

    private void Send()
    {
        _writer.Flush();
        _response.Write("\n"u8);
        _output.Write(_response.WrittenSpan);
        _output.Flush();
        _response.ResetWrittenCount();
        _writer.Reset();
    }

    private void Answer(ReadOnlyMemory<byte> line)
    {
        JsonDocument request;
        try
        {
            request = JsonDocument.Parse(line);
        }
        catch (JsonException error)
        {
            WriteFatal(default, $"invalid JSON: {error.Message}");
            return;
        }

        using (request)
        {
            JsonElement root = request.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                WriteFatal(default, "a request must be a JSON object");
            }
            else if (FindProblem(root) is { } reason)
            {
                WriteFatal(root, reason);
            }
            else
            {
                RunSteps(root);
            }
        }
    }

    private static string? FindProblem(JsonElement root)
    {
        if (!root.TryGetProperty("steps", out JsonElement steps)
            || steps.ValueKind != JsonValueKind.Array)
        {
            return "a request must have \"steps\", an array";
        }

        foreach (JsonElement step in steps.EnumerateArray())
        {
            if (step.ValueKind != JsonValueKind.Object
                || !step.TryGetProperty("do", out JsonElement name)
                || name.ValueKind != JsonValueKind.String)
            {
                return "a step must be an object with \"do\", a string";
            }
        }

        return root.TryGetProperty("on_error", out JsonElement onError)
            && !(onError.ValueKind == JsonValueKind.String
                && (onError.ValueEquals("stop") || onError.ValueEquals("continue")))
            ? "\"on_error\" must be \"stop\" or \"continue\""
            : null;
    }

    private void RunSteps(JsonElement root)
    {
        bool continueOnError = root.TryGetProperty("on_error", out JsonElement onError)
            && onError.ValueEquals("continue");
        WriteBeginning(root);
        _writer.WriteStartArray("outcomes");
        foreach (JsonElement step in root.GetProperty("steps").EnumerateArray())
        {
            bool succeeded = TryRunStep(step);
            if (!succeeded && !continueOnError)
            {
                break;
            }
        }

        _writer.WriteEndArray();
        _writer.WriteEndObject();
    }

    private bool TryRunStep(JsonElement step)
    {
        StepValue? value;
        try
        {
            string name = JsonText.Decode(step.GetProperty("do"));
            value = _steps.TryGetValue(name, out Step? run)
                ? run(new StepArguments(step))
                : throw new ProtocolException($"unknown step \"{name}\"");
        }
#pragma warning disable CA1031 // every error is an outcome of the step
        catch (Exception error)
#pragma warning restore CA1031
        {
            _writer.WriteStartObject();
            _writer.WritePropertyName("error");
            ErrorReport.Write(_writer, error);
            _writer.WriteEndObject();
            return false;
        }

        _writer.WriteStartObject();
        _writer.WritePropertyName("value");
        if (value is null)
        {
            _writer.WriteNullValue();
        }
        else
        {
            value(_writer);
        }

        _writer.WriteEndObject();
        return true;
    }

    private void WriteFatal(JsonElement root, string reason)
    {
        WriteBeginning(root);
        _writer.WriteString("fatal", JsonText.Encode(reason));
        _writer.WriteEndObject();
    }

    private void WriteBeginning(JsonElement root)
    {
        _writer.WriteStartObject();
        Echo(root, "id");
        Echo(root, "nonce");
    }

    private void Echo(JsonElement root, string name)
    {
        _writer.WritePropertyName(name);
        if (root.ValueKind == JsonValueKind.Object && root.TryGetProperty(name, out JsonElement value))
        {
            _writer.WriteRawValue(value.GetRawText(), skipInputValidation: true);
        }
        else
        {
            _writer.WriteNullValue();
        }
    }
}
