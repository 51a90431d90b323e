#if NET
using System.Threading.Channels;

namespace SharedMemory;

/// <content>Makes the writer a channel writer of .NET. QueueWriter.NetStandard.cs is for older targets.</content>
public sealed partial class QueueWriter<T> : ChannelWriter<T>
{
    private AsyncWaits? _asyncWaits;

    /// <summary>Publishes a value, if there is room.</summary>
    /// <param name="item">The value.</param>
    /// <returns>Whether it is published: false if a consumer is behind, or the writer is disposed.</returns>
    public override bool TryWrite(T item) => TryWriteNow(item);

    /// <summary>Waits for room.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there is room. If not, the writer is disposed.</returns>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    public override ValueTask<bool> WaitToWriteAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        if (_publisher.End.IsDisposed || ValueWriter.WaitForRoom(_publisher, 0, default))
        {
            return new ValueTask<bool>(!_publisher.End.IsDisposed);
        }

        _asyncWaits ??= new AsyncWaits();
        return new ValueTask<bool>(_asyncWaits.Run(
            () => ValueWriter.WaitForRoom(_publisher, Timeout.Infinite, cancellationToken)));
    }

    /// <summary>Closes the channel for writing.</summary>
    /// <param name="error">Is not used: consumers get the end, without a reason.</param>
    /// <returns>Whether the writer was open.</returns>
    public override bool TryComplete(Exception? error = null) => TryClose();
}
#endif
