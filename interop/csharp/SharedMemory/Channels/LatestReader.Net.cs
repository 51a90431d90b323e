#if NET
using System.Threading.Channels;

namespace SharedMemory;

/// <content>Makes the reader a channel reader of .NET. LatestReader.NetStandard.cs is for older targets.</content>
public sealed partial class LatestReader<T> : ChannelReader<T>
{
    private AsyncWaits? _asyncWaits;
    private TaskCompletionSource? _completion;

    /// <summary>
    /// Gets a task that is completed when a wait or a read of this reader has found the end of the channel,
    /// or the reader is disposed.
    /// </summary>
    public override Task Completion => LazyInitializer.EnsureInitialized(
        ref _completion,
        static () => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <inheritdoc/>
    public override bool CanPeek => true;

    /// <summary>Reads the newest value, if it was not read yet.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="TimeoutException">The writer overwrote each value for a second.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed.</exception>
    public override bool TryRead(out T item)
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
    public override bool TryPeek(out T item)
    {
        bool isRead = TryTake(0, accept: false, out T? value);
        item = value!;
        return isRead;
    }

    /// <summary>Waits for a value that was not read yet.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there is one. If not, the writer has closed the channel.</returns>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The reader is disposed, now or during the wait.</exception>
    public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        WaitResult result = WaitForNewer(0, CancellationToken.None);
        if (result != WaitResult.TimedOut)
        {
            return new ValueTask<bool>(result == WaitResult.Newer);
        }

        _asyncWaits ??= new AsyncWaits();
        return new ValueTask<bool>(_asyncWaits.Run(
            () => WaitForNewer(Timeout.Infinite, cancellationToken) == WaitResult.Newer));
    }

    private void OnEnded()
    {
        _ = Completion;
        _completion!.TrySetResult();
    }
}
#endif
