#if !NET
namespace SharedMemory;

/// <content>Has what LatestReader.Net.cs overrides.</content>
public sealed partial class LatestReader<T>
{
    /// <summary>Reads the newest value, if it was not read yet.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="TimeoutException">The writer overwrote each value for a second.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public bool TryRead(out T item)
    {
        bool isRead = TryTake(_last.Number, accept: true, out T? value);
        item = value!;
        return isRead;
    }

    /// <summary>Reads the newest value, also one that was read before. It stays unread.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="TimeoutException">The writer overwrote each value for a second.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public bool TryPeek(out T item)
    {
        bool isRead = TryTake(0, accept: false, out T? value);
        item = value!;
        return isRead;
    }

    private static void OnEnded()
    {
        // There is no task that ends.
    }
}
#endif
