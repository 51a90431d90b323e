namespace SharedMemory;

/// <summary>
/// Runs the waits of one reader, one after the other, in a thread of its own: a sleep on shared memory
/// keeps a thread. The thread ends when it has had no wait for some seconds.
/// </summary>
internal sealed class AsyncWaits
{
    private const int Idle = 5000; // milliseconds

    private readonly object _monitor = new();
    private readonly Queue<Action> _waits = new();
    private bool _hasThread;

    /// <summary>Runs a wait. The task has its result or its exception.</summary>
    public Task<bool> Run(Func<bool> wait)
    {
        var source = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Add(() =>
        {
            try
            {
                source.TrySetResult(wait());
            }
            catch (OperationCanceledException error)
            {
                source.TrySetCanceled(error.CancellationToken);
            }
#pragma warning disable CA1031 // the task has the exception
            catch (Exception error)
#pragma warning restore CA1031
            {
                source.TrySetException(error);
            }
        });
        return source.Task;
    }

    private void Add(Action wait)
    {
        lock (_monitor)
        {
            _waits.Enqueue(wait);
            Monitor.Pulse(_monitor);
            if (!_hasThread)
            {
                _hasThread = true;
                new Thread(RunAll) { IsBackground = true, Name = "Pyshm channel reader" }.Start();
            }
        }
    }

    private void RunAll()
    {
        while (Take() is { } wait)
        {
            wait();
        }
    }

    private Action? Take()
    {
        lock (_monitor)
        {
            if (_waits.Count == 0)
            {
                Monitor.Wait(_monitor, Idle);
            }

            if (_waits.Count > 0)
            {
                return _waits.Dequeue();
            }

            _hasThread = false;
            return null;
        }
    }
}
