using System.Globalization;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Exceptions as the protocol reports them.</summary>
internal static class ErrorReport
{
    private const int AlreadyExists = unchecked((int)0x800700B7); // ERROR_ALREADY_EXISTS
    private const int FileExists = unchecked((int)0x80070050); // ERROR_FILE_EXISTS
    private const int UnixFileExists = 17; // EEXIST, as .NET passes it on

    /// <summary>The protocol's word for an exception.</summary>
    public static string KindOf(Exception error) => error switch
    {
        MapFormatException format => format.Kind,
        NoObjectException => "no-object",
        ArgumentNullException => "argument-null",
        ArgumentOutOfRangeException => "argument-out-of-range",
        ArgumentException => "argument",
        FileNotFoundException or DirectoryNotFoundException => "not-found",
        IOException { HResult: AlreadyExists or FileExists or UnixFileExists } => "already-exists",
        IOException => "io",
        UnauthorizedAccessException => "unauthorized",
        PlatformNotSupportedException => "platform-not-supported",
        NotSupportedException => "not-supported",
        ObjectDisposedException => "disposed",
        InvalidOperationException => "invalid-operation",
        OverflowException => "overflow",
        _ => "unexpected",
    };

    /// <summary>Writes the error object.</summary>
    public static void Write(Utf8JsonWriter writer, Exception error)
    {
        var format = error as MapFormatException;
        writer.WriteStartObject();
        writer.WriteString("kind", KindOf(error));
        writer.WriteString("type", error.GetType().Name);
        writer.WriteString("message", JsonText.Encode(error.Message));
        writer.WriteString("field", format?.Field);
        WriteNumber(writer, "offset", format?.Offset);
        WriteNumber(writer, "value", format?.Value);
        WriteNumber(writer, "limit", format?.Limit);
        writer.WriteEndObject();
    }

    private static void WriteNumber(Utf8JsonWriter writer, string name, Int128? number)
    {
        writer.WritePropertyName(name);
        // The writer knows integers of 64 bits only.
        writer.WriteRawValue(number?.ToString(CultureInfo.InvariantCulture) ?? "null");
    }
}
