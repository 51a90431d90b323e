using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Peer;

/// <summary>Reads and writes JSON strings that may not be valid Unicode, unlike System.Text.Json.</summary>
internal static class JsonText
{
    /// <summary>Gets the options of every writer.</summary>
    public static JsonWriterOptions WriterOptions { get; } = new()
    {
        // Programs read the output, so characters that are special in HTML need no escapes.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>Returns text as UTF-8, with U+FFFD for each lone surrogate.</summary>
    public static byte[] Encode(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Returns the text of a JSON string, including lone surrogates.</summary>
    public static string Decode(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw new ProtocolException($"expected a string, not {element.GetRawText()}");
        }

        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            return Unescape(element.GetRawText().AsSpan()[1..^1]);
        }
    }

    // The parser has checked the syntax.
    private static string Unescape(ReadOnlySpan<char> raw)
    {
        var text = new StringBuilder(raw.Length);
        while (!raw.IsEmpty)
        {
            if (raw[0] != '\\')
            {
                text.Append(raw[0]);
                raw = raw[1..];
            }
            else if (raw[1] == 'u')
            {
                text.Append((char)ushort.Parse(
                    raw.Slice(2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture));
                raw = raw[6..];
            }
            else
            {
                text.Append(raw[1] switch
                {
                    'b' => '\b',
                    'f' => '\f',
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    char other => other,
                });
                raw = raw[2..];
            }
        }

        return text.ToString();
    }
}
