using System.Globalization;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>Converts exceptions to the errors of the protocol.</summary>
internal static class ErrorReport
{
    private const int AlreadyExists = unchecked((int)0x800700B7); // ERROR_ALREADY_EXISTS
    private const int FileExists = unchecked((int)0x80070050); // ERROR_FILE_EXISTS
    private const int UnixFileExists = 17; // EEXIST

    /// <summary>Returns the kind of an exception.</summary>
    public static string KindOf(Exception error) => error switch
    {
        MapFormatException format => format.Kind,
        NoObjectException => "no-object",
        ArgumentNullException => "argument-null",
        ArgumentOutOfRangeException => "argument-out-of-range",
        ArgumentException => "argument",
        WriterAliveException => "writer-alive",
        WriterDiedException => "writer-died",
        ChannelFullException => "channel-full",
        TimeoutException => "timeout",
        FileNotFoundException or DirectoryNotFoundException => "not-found",
        IOException { HResult: AlreadyExists or FileExists or UnixFileExists } => "already-exists",
        IOException => "io",
        UnauthorizedAccessException => "unauthorized",
        PlatformNotSupportedException => "platform-not-supported",
        NotSupportedException => "not-supported",
        ObjectDisposedException => "disposed",
        // Some targets of the library have no type of their own for the end of a channel.
        InvalidOperationException { Message: string message } when message.EndsWith(
            "has closed it, and all values are read.", StringComparison.Ordinal) => "channel-ended",
        InvalidOperationException => "invalid-operation",
        OverflowException => "overflow",
        _ => "unexpected",
    };

    /// <summary>Writes an exception as a JSON object.</summary>
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

    private static void WriteNumber(Utf8JsonWriter writer, string name, long? number)
    {
        if (number is { } value)
        {
            writer.WriteNumber(name, value);
        }
        else
        {
            writer.WriteNull(name);
        }
    }
}
