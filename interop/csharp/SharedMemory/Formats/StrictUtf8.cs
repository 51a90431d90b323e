using System.Text;

namespace SharedMemory;

/// <summary>Provides UTF-8 that throws where <see cref="Encoding.UTF8"/> replaces characters.</summary>
internal static class StrictUtf8
{
    private const string Field = "path";

    // The size of a character that is two surrogates in UTF-16.
    private const int SizeOfPair = 4;

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
        for (int index = 0; index < text.Length; index++)
        {
            int size = SizeAt(text, index);
            count += size;
            index += size == SizeOfPair ? 1 : 0;
        }

        return count;
    }

    /// <summary>
    /// Throws <see cref="FormatErrorKind.InvalidUtf8"/> if the text has a lone surrogate. The offset
    /// of the error is that of the encoded surrogate.
    /// </summary>
    public static void ThrowIfLoneSurrogate(string text, long fieldOffset)
    {
        long offset = fieldOffset;
        for (int index = 0; index < text.Length; index++)
        {
            int size = SizeAt(text, index);
            if (size == SizeOfPair)
            {
                index++;
            }
            else if (char.IsSurrogate(text[index]))
            {
                throw new MapFormatException(FormatErrorKind.InvalidUtf8, Field, offset, text[index]);
            }

            offset += size;
        }
    }

    /// <summary>
    /// Returns the text of <paramref name="bytes"/>, which are at <paramref name="fieldOffset"/>.
    /// </summary>
    public static string Decode(ReadOnlySpan<byte> bytes, long fieldOffset, bool replaceInvalid)
    {
        int bad = Utf8Sequence.FirstInvalid(bytes);
        if (bad == bytes.Length)
        {
            return Encoding.UTF8.GetString(bytes);
        }

        return replaceInvalid
            ? Replace(bytes)
            : throw new MapFormatException(
                FormatErrorKind.InvalidUtf8, Field, fieldOffset + bad, bytes[bad]);
    }

    /// <summary>
    /// Decodes bytes as .NET does. .NET Framework and Mono write another number of U+FFFD.
    /// </summary>
    private static string Replace(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder(bytes.Length);
        while (!bytes.IsEmpty)
        {
            int valid = Utf8Sequence.FirstInvalid(bytes);
            text.Append(Encoding.UTF8.GetString(bytes.Slice(0, valid)));
            bytes = bytes.Slice(valid);
            if (!bytes.IsEmpty)
            {
                _ = Utf8Sequence.TryRead(bytes, out int replaced);
                text.Append('\uFFFD');
                bytes = bytes.Slice(replaced);
            }
        }

        return text.ToString();
    }

    /// <summary>Returns the size of a character in UTF-8. A lone surrogate becomes U+FFFD.</summary>
    private static int SizeAt(string text, int index) => text[index] switch
    {
        < '\u0080' => 1,
        < '\u0800' => 2,
        _ => char.IsSurrogatePair(text, index) ? SizeOfPair : 3,
    };
}
