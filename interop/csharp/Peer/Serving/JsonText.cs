using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Peer;

/// <summary>Strings in JSON that need not be valid Unicode, which System.Text.Json insists on.</summary>
internal static class JsonText
{
    public static JsonWriterOptions WriterOptions { get; } = new()
    {
        // The output is read by programs; what HTML makes of it does not matter.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
    };

    /// <summary>UTF-8 for the writer, with U+FFFD for a lone surrogate.</summary>
    public static byte[] Encode(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>The text of a JSON string, lone surrogates included.</summary>
    public static string Decode(JsonElement element)
    {
        if (element.ValueKind != JsonValueKind.String)
        {
            throw new ProtocolException($"a string was expected, not {element.GetRawText()}");
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

    // The parser has checked the syntax already.
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
                    char itself => itself,
                });
                raw = raw[2..];
            }
        }

        return text.ToString();
    }
}
