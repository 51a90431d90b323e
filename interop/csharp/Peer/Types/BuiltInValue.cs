using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Converts the values of a built-in type to and from JSON (docs/protocol.md, "define").</summary>
internal sealed record BuiltInValue(Func<JsonElement, object> Read, Action<Utf8JsonWriter, object> Write)
{
    private const long LargestExact = 1L << 53; // above, a double can't represent every integer

    private static readonly Dictionary<Type, BuiltInValue> s_all = new()
    {
        [typeof(bool)] = new(
            static json => json.GetBoolean(), static (writer, value) => writer.WriteBooleanValue((bool)value)),
        [typeof(char)] = new(
            static json => checked((char)Integer(json)),
            static (writer, value) => writer.WriteNumberValue((char)value)),
        [typeof(sbyte)] = OfInteger(static number => checked((sbyte)number)),
        [typeof(byte)] = OfInteger(static number => checked((byte)number)),
        [typeof(short)] = OfInteger(static number => checked((short)number)),
        [typeof(ushort)] = OfInteger(static number => checked((ushort)number)),
        [typeof(int)] = OfInteger(static number => checked((int)number)),
        [typeof(uint)] = OfInteger(static number => checked((uint)number)),
        [typeof(long)] = OfInteger(static number => checked((long)number)),
        [typeof(ulong)] = OfInteger(static number => checked((ulong)number)),
        [typeof(nint)] = OfInteger(static number => checked((nint)number)),
        [typeof(nuint)] = OfInteger(static number => checked((nuint)number)),
        [typeof(CLong)] = new(
            static json => new CLong(checked((nint)Integer(json))),
            static (writer, value) => WriteInteger(writer, (Int128)((CLong)value).Value)),
        [typeof(CULong)] = new(
            static json => new CULong(checked((nuint)Integer(json))),
            static (writer, value) => WriteInteger(writer, (UInt128)((CULong)value).Value)),
        [typeof(Int128)] = OfInteger(static number => number),
        [typeof(UInt128)] = new(
            static json => UInt128.Parse(NumberText(json), CultureInfo.InvariantCulture),
            static (writer, value) => WriteInteger(writer, (UInt128)value)),
        [typeof(TimeSpan)] = new(
            static json => new TimeSpan(checked((long)Integer(json))),
            static (writer, value) => WriteInteger(writer, ((TimeSpan)value).Ticks)),
        [typeof(DateOnly)] = new(
            static json => DateOnly.FromDayNumber(checked((int)Integer(json))),
            static (writer, value) => WriteInteger(writer, ((DateOnly)value).DayNumber)),
        [typeof(TimeOnly)] = new(
            static json => new TimeOnly(checked((long)Integer(json))),
            static (writer, value) => WriteInteger(writer, ((TimeOnly)value).Ticks)),
        [typeof(Half)] = new(
            static json => BitConverter.UInt16BitsToHalf((ushort)Bits(json)),
            static (writer, value) => WriteBits(writer, BitConverter.HalfToUInt16Bits((Half)value), 4)),
        [typeof(float)] = new(
            static json => BitConverter.UInt32BitsToSingle((uint)Bits(json)),
            static (writer, value) => WriteBits(writer, BitConverter.SingleToUInt32Bits((float)value), 8)),
        [typeof(NFloat)] = new(
            static json => new NFloat(BitConverter.UInt64BitsToDouble(Bits(json))),
            static (writer, value) =>
                WriteBits(writer, BitConverter.DoubleToUInt64Bits(((NFloat)value).Value), 16)),
        [typeof(double)] = new(
            static json => BitConverter.UInt64BitsToDouble(Bits(json)),
            static (writer, value) => WriteBits(writer, BitConverter.DoubleToUInt64Bits((double)value), 16)),
        [typeof(decimal)] = new(static json => ReadDecimal(json), WriteDecimal),
        [typeof(Guid)] = new(
            static json => Guid.ParseExact(json.GetString()!, "D"),
            static (writer, value) => writer.WriteStringValue((Guid)value)),
        [typeof(DateTime)] = new(static json => ReadDateTime(json), WriteDateTime),
        [typeof(DateTimeOffset)] = new(static json => ReadDateTimeOffset(json), WriteDateTimeOffset),
        [typeof(string)] = new(ReadText, WriteText),
    };

    /// <summary>Gets the built-in types that have values.</summary>
    public static IEnumerable<Type> Types => s_all.Keys;

    /// <summary>Returns the converter of a type, or null if the type is not built-in.</summary>
    public static BuiltInValue? Of(Type type) => s_all.GetValueOrDefault(type);

    /// <summary>Returns the value of a JSON number or string with an integer.</summary>
    public static Int128 Integer(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number && json.TryGetInt64(out long number)
            ? number
            : Int128.Parse(NumberText(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);

    /// <summary>
    /// Writes an integer as a JSON number, or as a string if a double can't represent it.
    /// </summary>
    public static void WriteInteger(Utf8JsonWriter writer, Int128 number)
    {
        if (number > -LargestExact && number < LargestExact)
        {
            writer.WriteNumberValue((long)number);
        }
        else
        {
            writer.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static void WriteInteger(Utf8JsonWriter writer, UInt128 number)
    {
        if (number < LargestExact)
        {
            writer.WriteNumberValue((long)number);
        }
        else
        {
            writer.WriteStringValue(number.ToString(CultureInfo.InvariantCulture));
        }
    }

    private static BuiltInValue OfInteger<T>(Func<Int128, T> narrow)
        where T : struct, System.Numerics.INumberBase<T> => new(
        json => narrow(Integer(json)),
        static (writer, value) => WriteInteger(writer, Int128.CreateChecked((T)value)));

    private static string NumberText(JsonElement json) =>
        json.ValueKind == JsonValueKind.String ? json.GetString()! : json.GetRawText();

    private static ulong Bits(JsonElement json)
    {
        string text = json.GetString()!;
        return text.StartsWith("0x", StringComparison.Ordinal)
            ? ulong.Parse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture)
            : throw new FormatException($"the bits of a number must begin with 0x, not \"{text}\"");
    }

    private static void WriteBits(Utf8JsonWriter writer, ulong bits, int digits) =>
        writer.WriteStringValue(
            "0x" + bits.ToString("x16", CultureInfo.InvariantCulture)[(16 - digits)..]);

    private static decimal ReadDecimal(JsonElement json)
    {
        int[] parts = [.. json.EnumerateArray().Select(static part => unchecked((int)(long)Integer(part)))];
        return new decimal(parts);
    }

    private static void WriteDecimal(Utf8JsonWriter writer, object value)
    {
        writer.WriteStartArray();
        foreach (int part in decimal.GetBits((decimal)value))
        {
            writer.WriteNumberValue((uint)part);
        }

        writer.WriteEndArray();
    }

    private static DateTime ReadDateTime(JsonElement json) => new DateTime(
        checked((long)Integer(json.GetProperty("ticks"))),
        (DateTimeKind)(int)Integer(json.GetProperty("kind")));

    private static void WriteDateTime(Utf8JsonWriter writer, object value)
    {
        var dateTime = (DateTime)value;
        writer.WriteStartObject();
        writer.WritePropertyName("ticks");
        WriteInteger(writer, dateTime.Ticks);
        writer.WriteNumber("kind", (int)dateTime.Kind);
        writer.WriteEndObject();
    }

    private static DateTimeOffset ReadDateTimeOffset(JsonElement json) => new DateTimeOffset(
        checked((long)Integer(json.GetProperty("ticks"))),
        TimeSpan.FromMinutes((int)Integer(json.GetProperty("minutes"))));

    private static void WriteDateTimeOffset(Utf8JsonWriter writer, object value)
    {
        var dateTime = (DateTimeOffset)value;
        writer.WriteStartObject();
        writer.WritePropertyName("ticks");
        WriteInteger(writer, dateTime.Ticks);
        writer.WriteNumber("minutes", dateTime.Offset.Ticks / TimeSpan.TicksPerMinute);
        writer.WriteEndObject();
    }

    private static string ReadText(JsonElement json) => new string(
        MemoryMarshal.Cast<byte, char>(Convert.FromHexString(json.GetProperty("utf16").GetString()!)));

    private static void WriteText(Utf8JsonWriter writer, object value)
    {
        writer.WriteStartObject();
        writer.WriteString("utf16", Hex.Encode(MemoryMarshal.AsBytes(((string)value).AsSpan())));
        writer.WriteEndObject();
    }
}
