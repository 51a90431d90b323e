#if NET
using System.Threading.Channels;

namespace SharedMemory;

/// <content>Makes the writer a channel writer of .NET. LatestWriter.NetStandard.cs is for older targets.</content>
public sealed partial class LatestWriter<T> : ChannelWriter<T>
{
    /// <summary>Publishes a value.</summary>
    /// <param name="item">The value.</param>
    /// <returns>Whether it is published: false if the writer is disposed.</returns>
    public override bool TryWrite(T item) => TryPublish(item);

    /// <summary>Returns at once: the writer never waits.</summary>
    /// <param name="cancellationToken">Is not used.</param>
    /// <returns>Whether the writer is open.</returns>
    public override ValueTask<bool> WaitToWriteAsync(CancellationToken cancellationToken = default) =>
        new(!_publisher.End.IsDisposed);

    /// <summary>Closes the channel for writing.</summary>
    /// <param name="error">Is not used: readers get the end, without a reason.</param>
    /// <returns>Whether the writer was open.</returns>
    public override bool TryComplete(Exception? error = null) => TryClose();
}
#endif
