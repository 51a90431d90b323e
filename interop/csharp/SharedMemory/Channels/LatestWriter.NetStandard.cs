#if !NET
namespace SharedMemory;

/// <content>Has what LatestWriter.Net.cs overrides.</content>
public sealed partial class LatestWriter<T>
{
    /// <summary>Publishes a value.</summary>
    /// <param name="item">The value.</param>
    /// <returns>Whether it is published: false if the writer is disposed.</returns>
    public bool TryWrite(T item) => TryPublish(item);

    /// <summary>Closes the channel for writing.</summary>
    /// <param name="error">Is not used: readers get the end, without a reason.</param>
    /// <returns>Whether the writer was open.</returns>
    public bool TryComplete(Exception? error = null) => TryClose();
}
#endif
