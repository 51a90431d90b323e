#if !NET
namespace SharedMemory;

/// <content>Has what QueueReader.Net.cs overrides.</content>
public sealed partial class QueueReader<T>
{
    /// <summary>Gets the number of values that are published and not read yet.</summary>
    public int Count => CountUnread();

    /// <summary>Reads the next value, if there is one.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public bool TryRead(out T item)
    {
        bool isRead = TryTake(handBack: true, out T? value);
        item = value!;
        return isRead;
    }

    /// <summary>Reads the next value, if there is one. It stays unread.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public bool TryPeek(out T item)
    {
        bool isRead = TryTake(handBack: false, out T? value);
        item = value!;
        return isRead;
    }

    private static void OnEnded()
    {
        // There is no task that ends.
    }
}
#endif
