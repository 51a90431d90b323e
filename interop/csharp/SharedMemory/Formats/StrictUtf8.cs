using System.Buffers;
using System.Text;

namespace SharedMemory;

/// <summary>UTF-8 that reports what <see cref="Encoding.UTF8"/> would silently replace.</summary>
internal static class StrictUtf8
{
    private const string Field = "path";

    /// <summary>How many bytes <paramref name="text"/> takes; may be more than an array can have.</summary>
    public static long CountBytes(string text)
    {
        // GetByteCount overflows where 32 bits are not enough.
        if (text.Length <= int.MaxValue / 3)
        {
            return Encoding.UTF8.GetByteCount(text);
        }

        long count = 0;
        foreach (Rune rune in text.EnumerateRunes())
        {
            count += rune.Utf8SequenceLength;
        }

        return count;
    }

    /// <summary>
    /// Throws invalid-utf8 at the first lone surrogate; its offset is where its bytes would have begun.
    /// </summary>
    public static void RefuseSurrogates(string text, long fieldOffset)
    {
        ReadOnlySpan<char> rest = text;
        long offset = fieldOffset;
        while (!rest.IsEmpty)
        {
            if (Rune.DecodeFromUtf16(rest, out Rune rune, out int used) != OperationStatus.Done)
            {
                throw new MapFormatException(FormatErrorKind.InvalidUtf8, Field, offset, rest[0]);
            }

            offset += rune.Utf8SequenceLength;
            rest = rest[used..];
        }
    }

    /// <summary>The text of <paramref name="bytes"/>, which begin at <paramref name="fieldOffset"/>.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes, long fieldOffset, bool replaceInvalid)
    {
        if (!replaceInvalid && !System.Text.Unicode.Utf8.IsValid(bytes))
        {
            int bad = FirstInvalid(bytes);
            throw new MapFormatException(
                FormatErrorKind.InvalidUtf8, Field, fieldOffset + bad, bytes[bad]);
        }

        return Encoding.UTF8.GetString(bytes);
    }

    private static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int index = 0;
        while (Rune.DecodeFromUtf8(bytes[index..], out _, out int used) == OperationStatus.Done)
        {
            index += used;
        }

        return index;
    }
}
