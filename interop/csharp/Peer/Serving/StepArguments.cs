using System.Globalization;
using System.Text.Json;

namespace Peer;

/// <summary>The arguments of one step. Left out and null are told apart only where it matters.</summary>
internal readonly struct StepArguments(JsonElement step)
{
    /// <summary>Whether the argument is there, be it null.</summary>
    public bool Has(string name) => step.TryGetProperty(name, out _);

    /// <summary>The argument, or null if it is left out or null.</summary>
    public JsonElement? Optional(string name) =>
        step.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public JsonElement Required(string name) =>
        Optional(name) ?? throw new ProtocolException($"the step needs the argument \"{name}\"");

    public string? Text(string name) =>
        Optional(name) is { } value ? JsonText.Decode(value) : null;

    public string RequiredText(string name) => JsonText.Decode(Required(name));

    public Int128 Integer(string name) => ParseInteger(Required(name));

    public long Int64(string name, long otherwise) =>
        Optional(name) is { } value ? checked((long)ParseInteger(value)) : otherwise;

    public long Int64(string name) => checked((long)Integer(name));

    public int Int32(string name, int otherwise) =>
        Optional(name) is { } value ? checked((int)ParseInteger(value)) : otherwise;

    public int Int32(string name) => checked((int)Integer(name));

    public bool Boolean(string name) => Optional(name) is { } value && value.GetBoolean();

    public byte[] Bytes(string name) => Convert.FromHexString(Required(name).GetString()!);

    /// <summary>The enum's value of that number, known or not.</summary>
    public T Enumeration<T>(string name, T otherwise)
        where T : struct, Enum =>
        Optional(name) is { } value ? (T)(object)checked((int)ParseInteger(value)) : otherwise;

    /// <summary>A list of integers; null if it is null or left out.</summary>
    public Int128[]? Integers(string name) =>
        Optional(name) is { } list ? [.. list.EnumerateArray().Select(ParseInteger)] : null;

    /// <summary>A JSON integer of any size.</summary>
    public static Int128 ParseInteger(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number
        && Int128.TryParse(
            value.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out Int128 number)
            ? number
            : throw new ProtocolException($"an integer was expected, not {value.GetRawText()}");
}
