namespace SharedMemory;

/// <summary>Finds the characters in UTF-8. Older targets of the package have no type Rune.</summary>
internal static class Utf8Sequence
{
    private const int FirstContinuation = 0x80;
    private const int LastContinuation = 0xBF;

    /// <summary>
    /// Returns whether a character is at the beginning of <paramref name="bytes"/>, which are not
    /// empty. The table is in chapter 3.9 of the Unicode Standard, "Well-Formed UTF-8 Byte Sequences".
    /// </summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="length">
    /// The size of the character; or else the number of bytes that one U+FFFD replaces.
    /// </param>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out int length)
    {
        int first = bytes[0];
        int needed = first switch
        {
            < 0x80 => 1,
            < 0xC2 => 0, // a continuation, or a character that needs only one byte
            < 0xE0 => 2,
            < 0xF0 => 3,
            < 0xF5 => 4,
            _ => 0,
        };
        // No longer forms of shorter characters, no surrogates, nothing beyond U+10FFFF.
        int low = first switch { 0xE0 => 0xA0, 0xF0 => 0x90, _ => FirstContinuation };
        int high = first switch { 0xED => 0x9F, 0xF4 => 0x8F, _ => LastContinuation };
        length = 1;
        while (length < needed && length < bytes.Length && bytes[length] >= low && bytes[length] <= high)
        {
            length++;
            low = FirstContinuation;
            high = LastContinuation;
        }

        return length == needed;
    }

    /// <summary>
    /// Returns the offset of the first byte that does not begin a character; the number of bytes if
    /// there is none.
    /// </summary>
    public static int FirstInvalid(ReadOnlySpan<byte> bytes)
    {
        int index = 0;
        while (index < bytes.Length && TryRead(bytes.Slice(index), out int length))
        {
            index += length;
        }

        return index;
    }
}
