using System.Text;

namespace SharedMemory;

/// <summary>
/// The exception that is thrown for bytes that do not follow a format of docs/format.md, and for
/// values that do not fit a format.
/// </summary>
public sealed class MapFormatException : FormatException
{
    /// <summary>Initializes the exception with a message that contains all arguments.</summary>
    /// <param name="kind">One of <see cref="FormatErrorKind"/>.</param>
    /// <param name="field">The name of the field in docs/format.md.</param>
    /// <param name="offset">The offset of the field in the buffer, in bytes.</param>
    /// <param name="value">The invalid value.</param>
    /// <param name="limit">The limit for the value.</param>
    public MapFormatException(
        string kind, string field, long? offset = null, long? value = null, long? limit = null)
        : this(kind, field, offset, value, limit, Describe(kind, field, offset, value, limit))
    {
    }

    private MapFormatException(
        string kind, string field, long? offset, long? value, long? limit, string message)
        : base(message)
    {
        Kind = kind;
        Field = field;
        Offset = offset;
        Value = value;
        Limit = limit;
    }

    /// <summary>Initializes the exception of a channel, whose message says what to do next.</summary>
    internal MapFormatException(string kind, string field, string explanation)
        : base($"{kind}: {field}: {explanation}")
    {
        Kind = kind;
        Field = field;
    }

    /// <summary>Gets the kind of the error, one of <see cref="FormatErrorKind"/>.</summary>
    public string Kind { get; }

    /// <summary>Gets the name of the invalid field.</summary>
    public string Field { get; }

    /// <summary>
    /// Gets the offset of the field in bytes. For invalid UTF-8, the offset of the invalid byte.
    /// </summary>
    public long? Offset { get; }

    /// <summary>Gets the invalid value, if it is a number.</summary>
    public long? Value { get; }

    /// <summary>Gets the limit for the value, if there is one.</summary>
    public long? Limit { get; }

    /// <summary>Returns the same exception with a longer message: the reason, or what to do.</summary>
    internal MapFormatException With(string detail) =>
        new(Kind, Field, Offset, Value, Limit, $"{Message}: {detail}");

    private static string Describe(string kind, string field, long? offset, long? value, long? limit)
    {
        var text = new StringBuilder($"{kind}: {field}");
        if (offset is not null)
        {
            text.Append(FormattableString.Invariant($" at offset {offset}"));
        }

        if (value is not null)
        {
            text.Append(FormattableString.Invariant($", value {value}"));
        }

        if (limit is not null)
        {
            text.Append(FormattableString.Invariant($", limit {limit}"));
        }

        return text.ToString();
    }
}
