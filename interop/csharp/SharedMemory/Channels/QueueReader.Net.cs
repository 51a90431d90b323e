#if NET
using System.Threading.Channels;

namespace SharedMemory;

/// <content>Makes the consumer a channel reader of .NET. QueueReader.NetStandard.cs is for older targets.</content>
public sealed partial class QueueReader<T> : ChannelReader<T>
{
    private AsyncWaits? _asyncWaits;
    private TaskCompletionSource? _completion;

    /// <summary>
    /// Gets a task that is completed when a wait or a read of this consumer has found the end of the channel,
    /// or the consumer is disposed.
    /// </summary>
    public override Task Completion => LazyInitializer.EnsureInitialized(
        ref _completion,
        static () => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <inheritdoc/>
    public override bool CanPeek => true;

    /// <inheritdoc/>
    public override bool CanCount => true;

    /// <summary>Gets the number of values that are published and not read yet.</summary>
    public override int Count => CountUnread();

    /// <summary>Reads the next value, if there is one.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public override bool TryRead(out T item)
    {
        bool isRead = TryTake(handBack: true, out T? value);
        item = value!;
        return isRead;
    }

    /// <summary>Reads the next value, if there is one. It stays unread.</summary>
    /// <param name="item">The value.</param>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed.</exception>
    public override bool TryPeek(out T item)
    {
        bool isRead = TryTake(handBack: false, out T? value);
        item = value!;
        return isRead;
    }

    /// <summary>Waits for the next value.</summary>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Whether there is one. If not, the writer has closed the channel.</returns>
    /// <exception cref="WriterDiedException">The writer died; thrown once for each writer.</exception>
    /// <exception cref="OperationCanceledException">The wait was canceled.</exception>
    /// <exception cref="ObjectDisposedException">The consumer is disposed, now or during the wait.</exception>
    public override ValueTask<bool> WaitToReadAsync(CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(cancellationToken);
        }

        WaitResult result = WaitForNext(0, CancellationToken.None);
        if (result != WaitResult.TimedOut)
        {
            return new ValueTask<bool>(result == WaitResult.Newer);
        }

        _asyncWaits ??= new AsyncWaits();
        return new ValueTask<bool>(_asyncWaits.Run(
            () => WaitForNext(Timeout.Infinite, cancellationToken) == WaitResult.Newer));
    }

    private void OnEnded()
    {
        _ = Completion;
        _completion!.TrySetResult();
    }
}
#endif
