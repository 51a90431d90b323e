using System.Diagnostics;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Lets the writer of a queue wait until each consumer is done with the value in the next slot.</summary>
internal sealed unsafe class QueueGate(ChannelEnd end, ChannelWords words)
{
    private const int LongestSleep = 100; // milliseconds, after which a consumer is asked whether it lives
    private const int None = -1;

    private readonly int _entries = end.Map.Geometry.ReaderEntries;
    private readonly int _first = end.Map.Geometry.ViewerEntries;
    private ulong _passUntil; // up to this number, there is room

    /// <summary>Waits for at most a time. Returns false if a consumer is still behind.</summary>
    public bool WaitForRoom(ulong number, ulong slots, int milliseconds, CancellationToken token)
    {
        if (number <= slots || number <= _passUntil)
        {
            return true;
        }

        ulong needed = number - slots;
        int behind = FindBehind(needed); // G1
        if (behind == None)
        {
            // A consumer that registers later begins at the newest value.
            _passUntil = Slowest(number - 1) + slots;
            return true;
        }

        long start = Stopwatch.GetTimestamp();
        while (behind != None)
        {
            token.ThrowIfCancellationRequested();
            Guard.NotDisposed(end.IsDisposed, end);

            int rest = Waits.Rest(start, milliseconds);
            if (rest == 0)
            {
                // Do not wait, but do not let a dead consumer stop the writer for ever.
                ForgetIfDead(behind);
                return FindBehind(needed) == None;
            }

            bool hasMoved = SleepOnCursor(behind, needed, Math.Min(rest, LongestSleep), token);
            if (!hasMoved)
            {
                ForgetIfDead(behind);
            }

            behind = FindBehind(needed);
        }

        return true;
    }

    /// <summary>Returns false if the time has passed.</summary>
    private bool SleepOnCursor(int entry, ulong needed, int milliseconds, CancellationToken token)
    {
        words.WriterWaits = 1; // G2
        ChannelSteps.After("G2");
        Interlocked.MemoryBarrier(); // G3
        ulong cursor = Volatile.Read(ref words.Cursor(entry)); // G4
        try
        {
            return cursor >= needed
                || end.Sleep((uint*)words.Entry(entry), (uint)cursor, milliseconds, token); // G5
        }
        finally
        {
            words.WriterWaits = 0; // G6
            ChannelSteps.After("G6");
        }
    }

    private ulong Slowest(ulong newest)
    {
        ulong slowest = newest;
        for (int entry = _first; entry < _entries; entry++)
        {
            if (Volatile.Read(ref words.Mode(entry)) == Consumer)
            {
                slowest = Math.Min(slowest, Volatile.Read(ref words.Cursor(entry)));
            }
        }

        return slowest;
    }

    private int FindBehind(ulong needed)
    {
        for (int entry = _first; entry < _entries; entry++)
        {
            if (IsBehind(entry, needed))
            {
                return entry;
            }
        }

        return None;
    }

    private bool IsBehind(int entry, ulong needed) =>
        Volatile.Read(ref words.Mode(entry)) == Consumer && Volatile.Read(ref words.Cursor(entry)) < needed;

    /// <summary>Frees the entry of a consumer that died, while this end holds its lock.</summary>
    private void ForgetIfDead(int entry)
    {
        int index = FirstEntryLock + entry;
        if (end.Map.System.TryLock(end.Locks, index)) // G7
        {
            Volatile.Write(ref words.Mode(entry), Free);
            ChannelSteps.After("G7");
            end.Map.System.Unlock(end.Locks, index);
        }
    }
}
