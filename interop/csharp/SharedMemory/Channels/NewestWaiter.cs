using System.Diagnostics;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Specifies how a wait for a newer value has ended.</summary>
internal enum WaitResult
{
    Newer,
    TimedOut,

    /// <summary>The writer has closed the channel, and there is no newer value.</summary>
    Ended,
}

/// <summary>Waits for values that are newer than the last one (docs/channels.md, "Waiting").</summary>
internal sealed unsafe class NewestWaiter(ChannelEnd end, ChannelWords words)
{
    private const int LongestSleep = 1000; // milliseconds, after which the writer is asked whether it lives

    // A short wait costs less than a sleep, if the last one was short too and another CPU can write.
    private static readonly long s_spin = Stopwatch.Frequency / 100_000; // 10 µs
    private static readonly bool s_canSpin = Environment.ProcessorCount > 1;

    private bool _spinHelps;
    private ulong _reportedEpoch;

    /// <summary>Gets the state of the writer.</summary>
    public WriterState State
    {
        get
        {
            while (true)
            {
                ulong epoch = Volatile.Read(ref words.Epoch);
                switch (Volatile.Read(ref words.State))
                {
                    case NoWriterYet:
                        return WriterState.None;
                    case Closed:
                        return WriterState.Closed;
                }

                if (end.Map.System.IsLocked(end.Locks, WriterLock))
                {
                    return WriterState.Alive;
                }

                // It may have closed the channel, and another one may have opened and closed it.
                bool isSame = Volatile.Read(ref words.State) == ChannelLayout.Open
                    && Volatile.Read(ref words.Epoch) == epoch;
                if (isSame)
                {
                    return WriterState.Died;
                }
            }
        }
    }

    /// <summary>Gets the number of the newest value.</summary>
    public ulong Newest => words.Newest;

    /// <summary>Waits for a value with a larger number.</summary>
    public WaitResult Wait(ulong seen, int milliseconds, CancellationToken token)
    {
        if (words.Newest > seen) // S1
        {
            return WaitResult.Newer;
        }

        token.ThrowIfCancellationRequested();
        if (milliseconds == 0)
        {
            // Only a look: nobody need wake this thread.
            return IsEnded(seen) ?? WaitResult.TimedOut;
        }

        using CancellationTokenRegistration registration = token.CanBeCanceled
            ? token.Register(static state => ((ChannelEnd)state!).Interrupt(), end)
            : default;
        long start = Stopwatch.GetTimestamp();
        bool isNewer = _spinHelps && Spin(seen, start); // S2
        WaitResult? result = isNewer ? WaitResult.Newer : null;
        while (result is null)
        {
            result = SleepOnce(seen, start, milliseconds, token);
        }

        _spinHelps = s_canSpin && Stopwatch.GetTimestamp() - start <= s_spin;
        return result.Value;
    }

    private WaitResult? SleepOnce(ulong seen, long start, int milliseconds, CancellationToken token)
    {
        Volatile.Write(ref words.Sleepers, 1); // S3
        ChannelSteps.After("S3");
        ulong word = Volatile.Read(ref words.Latest); // S4
        if ((word & NumberMask) > seen)
        {
            return WaitResult.Newer;
        }

        if (IsEnded(seen) is { } result)
        {
            return result;
        }

        int rest = Waits.Rest(start, milliseconds);
        if (rest == 0)
        {
            return words.Newest > seen ? WaitResult.Newer : WaitResult.TimedOut;
        }

        bool isWoken = end.Sleep(words.LatestWord, (uint)word, Math.Min(rest, LongestSleep), token); // S5
        if (words.Newest > seen) // S6
        {
            return WaitResult.Newer;
        }

        token.ThrowIfCancellationRequested();
        if (end.IsDisposed)
        {
            throw new ObjectDisposedException(null, "The reader was disposed of while it waited.");
        }

        if (!isWoken)
        {
            ThrowIfWriterDied();
        }

        return null;
    }

    /// <summary>Returns the result of a wait in a closed channel; null if it is not closed.</summary>
    private WaitResult? IsEnded(ulong seen)
    {
        if (Volatile.Read(ref words.State) != Closed)
        {
            return null;
        }

        // The writer may have published the last value after the look.
        return words.Newest > seen ? WaitResult.Newer : WaitResult.Ended;
    }

    private bool Spin(ulong seen, long start)
    {
        while (Stopwatch.GetTimestamp() - start < s_spin)
        {
            if (words.Newest > seen)
            {
                return true;
            }

            Thread.SpinWait(1);
        }

        return false;
    }

    /// <summary>Throws if the writer died, once for each writer.</summary>
    private void ThrowIfWriterDied()
    {
        ulong epoch = Volatile.Read(ref words.Epoch);
        if (epoch != _reportedEpoch && State == WriterState.Died)
        {
            _reportedEpoch = epoch;
            throw new WriterDiedException(end.Map.Name);
        }
    }
}
