#if !NET && !NETSTANDARD2_1_OR_GREATER
using System.Text;

namespace SharedMemory;

/// <summary>Has overloads of newer versions of .NET. Where these exist, the compiler takes them.</summary>
internal static unsafe class TextExtensions
{
    public static bool Contains(this string text, char character) => text.IndexOf(character) >= 0;

    public static bool StartsWith(this string text, char character) =>
        text.Length > 0 && text[0] == character;

    public static int GetBytes(this Encoding encoding, string text, Span<byte> bytes)
    {
        // A pointer to an empty span or string is null, which the method of .NET refuses.
        if (text.Length == 0)
        {
            return 0;
        }

        byte nothing;
        fixed (char* characters = text)
        fixed (byte* target = bytes)
        {
            return encoding.GetBytes(
                characters, text.Length, target is null ? &nothing : target, bytes.Length);
        }
    }

    public static string GetString(this Encoding encoding, ReadOnlySpan<byte> bytes)
    {
        fixed (byte* source = bytes)
        {
            return bytes.IsEmpty ? string.Empty : encoding.GetString(source, bytes.Length);
        }
    }
}
#endif
