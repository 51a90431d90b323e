using System.Globalization;
using System.Text.Json;

namespace Peer;

/// <summary>Represents the arguments of one step.</summary>
internal readonly struct StepArguments(JsonElement step)
{
    /// <summary>Returns whether the step has the argument. Its value may be null.</summary>
    public bool Has(string name) => step.TryGetProperty(name, out _);

    /// <summary>Returns the argument, or null if it is missing or null.</summary>
    public JsonElement? Optional(string name) =>
        step.TryGetProperty(name, out JsonElement value) && value.ValueKind != JsonValueKind.Null
            ? value
            : null;

    public JsonElement Required(string name) =>
        Optional(name) ?? throw new ProtocolException($"the step needs the argument \"{name}\"");

    public string? Text(string name) =>
        Optional(name) is { } value ? JsonText.Decode(value) : null;

    public string RequiredText(string name) => JsonText.Decode(Required(name));

    public long Int64(string name, long defaultValue) =>
        Optional(name) is { } value ? checked((long)ParseInteger(value)) : defaultValue;

    public long Int64(string name) => checked((long)ParseInteger(Required(name)));

    public int Int32(string name, int defaultValue) =>
        Optional(name) is { } value ? checked((int)ParseInteger(value)) : defaultValue;

    public int Int32(string name) => checked((int)ParseInteger(Required(name)));

    public bool Boolean(string name) => Optional(name) is { } value && value.GetBoolean();

    public byte[] Bytes(string name) => Convert.FromHexString(Required(name).GetString()!);

    /// <summary>Returns the enumeration value of a number. The enumeration may not define it.</summary>
    public T Enumeration<T>(string name, T defaultValue)
        where T : struct, Enum =>
        Optional(name) is { } value ? (T)(object)checked((int)ParseInteger(value)) : defaultValue;

    /// <summary>Returns a list of integers, or null if the argument is missing or null.</summary>
    public long[]? Int64s(string name) => Optional(name) is { } list
        ? [.. list.EnumerateArray().Select(static item => checked((long)ParseInteger(item)))]
        : null;

    /// <summary>Returns the value of a JSON integer.</summary>
    public static Int128 ParseInteger(JsonElement value) =>
        value.ValueKind == JsonValueKind.Number
        && Int128.TryParse(
            value.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out Int128 number)
            ? number
            : throw new ProtocolException($"expected an integer, not {value.GetRawText()}");
}
