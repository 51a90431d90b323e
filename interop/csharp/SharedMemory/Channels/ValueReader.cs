using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Has what the readers of both disciplines need.</summary>
internal static class ValueReader
{
    /// <summary>Returns the bytes of a buffer, after checking the type of its elements.</summary>
    public static Span<byte> BytesOf<TElement>(ElementType? expected, Span<TElement> destination)
        where TElement : unmanaged
    {
        if (expected is null || ElementTypeOf<TElement>.Found != expected)
        {
            string found = expected is null ? "no arrays" : $"elements {expected.Name}";
            throw new ArgumentException(
                $"The channel carries {found}, not elements {typeof(TElement)}.", nameof(destination));
        }

        return MemoryMarshal.AsBytes(destination);
    }

    /// <summary>Returns the exception for a wait that ended without a value.</summary>
    public static TimeoutException TimedOut(string channel, TimeSpan timeout) =>
        new($"The channel \"{channel}\" got no new value within {timeout}.");
}
