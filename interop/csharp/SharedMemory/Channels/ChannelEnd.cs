using System.Diagnostics;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Represents what each open end of a channel owns: a descriptor with its locks, a reader entry, and
/// a part in keeping the map. Another thread may dispose of it; the thread that uses the end then
/// releases everything when its call returns.
/// </summary>
internal sealed unsafe class ChannelEnd
{
    private const int Disposed = 1 << 30;

    // How long a thread that disposes of the end waits for the thread that uses it.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly SafeBuffer _memory;
    private readonly Action? _closing;
    private readonly ChannelWords _words;
    private int _state; // the number of calls in progress, and Disposed
    private int _isReleased; // 1 while it is being released, 2 then
    private int _thread; // the one of the last call
    private uint* _sleepingOn;
    private int _sleeps; // odd while a thread sleeps

    /// <summary>Opens an end.</summary>
    /// <param name="map">The channel.</param>
    /// <param name="locks">What has the end's locks. This object disposes of it.</param>
    /// <param name="entry">The number of the end's reader entry, or -1.</param>
    /// <param name="closing">What is done before the locks are released.</param>
    public ChannelEnd(ChannelMap map, SafeHandle locks, int entry, Action? closing = null)
    {
        Map = map;
        Locks = locks;
        Entry = entry;
        _words = new ChannelWords(map);
        _closing = closing;
        _memory = map.AddUser();
    }

    /// <summary>Releases the pin and the locks of an end that was not disposed.</summary>
    ~ChannelEnd()
    {
        if (_memory is not null && Interlocked.Exchange(ref _isReleased, 1) == 0)
        {
            ReleaseEntry();
            Locks.Dispose();
            _memory.DangerousRelease();
            Map.Release();
        }
    }

    public ChannelMap Map { get; }

    public SafeHandle Locks { get; }

    public int Entry { get; }

    /// <summary>Gets whether the end is disposed, or will be when the calls in progress return.</summary>
    public bool IsDisposed => Volatile.Read(ref _state) >= Disposed;

    /// <summary>Begins a call, which keeps the memory mapped until <see cref="Exit"/>.</summary>
    /// <exception cref="ObjectDisposedException">The end is disposed.</exception>
    public void Enter(object owner)
    {
        Guard.NotDisposed(!TryEnter(), owner);
    }

    /// <summary>Begins a call. Returns false if the end is disposed.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Increment(ref _state) < Disposed)
        {
            _thread = Environment.CurrentManagedThreadId;
            return true;
        }

        Exit();
        return false;
    }

    /// <summary>Ends a call.</summary>
    public void Exit()
    {
        if (Interlocked.Decrement(ref _state) == Disposed)
        {
            Release();
        }
    }

    /// <summary>Releases everything, or lets the last call in progress do it. Ends its sleep.</summary>
    public void Dispose()
    {
        int before;
        do
        {
            before = Volatile.Read(ref _state);
            if (before >= Disposed)
            {
                return;
            }
        }
        while (Interlocked.CompareExchange(ref _state, before + Disposed, before) != before);

        if (before == 0)
        {
            Release();
        }
        else if (_thread != Environment.CurrentManagedThreadId)
        {
            Interrupt();
            SpinWait.SpinUntil(() => Volatile.Read(ref _isReleased) > 1, s_patience);
        }
    }

    /// <summary>
    /// Sleeps while a word has a value, for at most a time. Returns false if the time has passed.
    /// <paramref name="token"/> and <see cref="Dispose"/> end the sleep.
    /// </summary>
    public bool Sleep(uint* word, uint value, int milliseconds, CancellationToken token)
    {
        _sleepingOn = word;
        Interlocked.Increment(ref _sleeps);
        try
        {
            return IsDisposed || token.IsCancellationRequested
                || Map.System.Sleep(word, value, milliseconds);
        }
        finally
        {
            Interlocked.Increment(ref _sleeps);
        }
    }

    /// <summary>Ends the sleep of another thread, which has a reason to end it.</summary>
    public void Interrupt()
    {
        int sleep = Volatile.Read(ref _sleeps);
        long start = Stopwatch.GetTimestamp();
        // A wake does nothing if the thread does not sleep yet. So repeat it until it has woken.
        while (sleep % 2 != 0 && Volatile.Read(ref _sleeps) == sleep
            && Stopwatch.GetTimestamp() - start < Stopwatch.Frequency)
        {
            Map.System.WakeAll(_sleepingOn);
            Thread.Sleep(0);
        }
    }

    private void Release()
    {
        if (Interlocked.Exchange(ref _isReleased, 1) != 0)
        {
            return;
        }

        try
        {
            _closing?.Invoke();
            ReleaseEntry();
        }
        finally
        {
            Locks.Dispose();
            _memory.DangerousRelease();
            Map.Release();
            Volatile.Write(ref _isReleased, 2);
#pragma warning disable CA1816 // Dispose or the last call calls this method
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
        }
    }

    /// <summary>Frees the reader entry, while its lock is held.</summary>
    private void ReleaseEntry()
    {
        if (Entry < 0)
        {
            return;
        }

        Volatile.Write(ref _words.Pin(Entry), 0); // P6
        ChannelSteps.After("P6");
        bool isConsumer = _words.Mode(Entry) == ChannelLayout.Consumer;
        Volatile.Write(ref _words.Mode(Entry), ChannelLayout.Free);
        if (isConsumer)
        {
            // The writer need not wait for this consumer any more.
            Map.System.WakeOne((uint*)_words.Entry(Entry));
        }
    }
}
