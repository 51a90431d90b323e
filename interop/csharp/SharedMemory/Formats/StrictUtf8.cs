using System.Buffers;
using System.Text;

namespace SharedMemory;

/// <summary>Provides UTF-8 that throws where <see cref="Encoding.UTF8"/> replaces characters.</summary>
internal static class StrictUtf8
{
    private const string Field = "path";

    /// <summary>
    /// Returns the size of <paramref name="text"/> in UTF-8. An array may be too small for it.
    /// </summary>
    public static long CountBytes(string text)
    {
        // GetByteCount throws if the result does not fit 32 bits.
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
    /// Throws <see cref="FormatErrorKind.InvalidUtf8"/> if the text has a lone surrogate. The offset
    /// of the error is that of the encoded surrogate.
    /// </summary>
    public static void ThrowIfLoneSurrogate(string text, long fieldOffset)
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

    /// <summary>
    /// Returns the text of <paramref name="bytes"/>, which are at <paramref name="fieldOffset"/>.
    /// </summary>
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
