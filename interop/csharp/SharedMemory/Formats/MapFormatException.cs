using System.Globalization;
using System.Text;

namespace SharedMemory;

/// <summary>Bytes that break a format, or a value that its format cannot hold (docs/format.md).</summary>
public sealed class MapFormatException : FormatException
{
    /// <summary>Makes the exception; its message is put together from the arguments.</summary>
    /// <param name="kind">One of <see cref="FormatErrorKind"/>.</param>
    /// <param name="field">The field's name as docs/format.md has it.</param>
    /// <param name="offset">Where the field begins, in bytes from the beginning of the buffer.</param>
    /// <param name="value">What was found.</param>
    /// <param name="limit">What would have been allowed.</param>
    public MapFormatException(
        string kind, string field, long? offset = null, Int128? value = null, Int128? limit = null)
        : base(Describe(kind, field, offset, value, limit))
    {
        Kind = kind;
        Field = field;
        Offset = offset;
        Value = value;
        Limit = limit;
    }

    /// <summary>What is wrong, as one of the words of <see cref="FormatErrorKind"/>.</summary>
    public string Kind { get; }

    /// <summary>The name of the field it is about.</summary>
    public string Field { get; }

    /// <summary>Where that field begins, in bytes; for invalid UTF-8 in a buffer the bad byte itself.</summary>
    public long? Offset { get; }

    /// <summary>What was found, if it is a number.</summary>
    public Int128? Value { get; }

    /// <summary>What would have been allowed, if there is a bound.</summary>
    public Int128? Limit { get; }

    private static string Describe(string kind, string field, long? offset, Int128? value, Int128? limit)
    {
        var text = new StringBuilder($"{kind}: {field}");
        if (offset is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $" at offset {offset}");
        }

        if (value is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $", value {value}");
        }

        if (limit is not null)
        {
            text.Append(CultureInfo.InvariantCulture, $", limit {limit}");
        }

        return text.ToString();
    }
}
