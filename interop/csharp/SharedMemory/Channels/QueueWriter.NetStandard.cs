#if !NET
namespace SharedMemory;

/// <content>Has what QueueWriter.Net.cs overrides.</content>
public sealed partial class QueueWriter<T>
{
    /// <summary>Publishes a value, if there is room.</summary>
    /// <param name="item">The value.</param>
    /// <returns>Whether it is published: false if a consumer is behind, or the writer is disposed.</returns>
    public bool TryWrite(T item) => TryWriteNow(item);

    /// <summary>Closes the channel for writing.</summary>
    /// <param name="error">Is not used: consumers get the end, without a reason.</param>
    /// <returns>Whether the writer was open.</returns>
    public bool TryComplete(Exception? error = null) => TryClose();
}
#endif
