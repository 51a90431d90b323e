using System.Runtime.InteropServices;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Claims entries of readers, each with the lock that shows that its owner lives.</summary>
internal static class ReaderEntries
{
    /// <summary>Claims a free entry. Returns null if there is none.</summary>
    public static ChannelEnd? Claim(ChannelMap map, int first, int end, uint mode)
    {
        SafeHandle locks = map.OpenLocks();
        try
        {
            for (int entry = first; entry < end; entry++)
            {
                if (map.System.TryLock(locks, FirstEntryLock + entry))
                {
                    Register(new ChannelWords(map), entry, mode);
                    return new ChannelEnd(map, locks, entry);
                }
            }
        }
        catch
        {
            locks.Dispose();
            throw;
        }

        locks.Dispose();
        return null;
    }

    // A process that died may have left anything in the entry.
    private static void Register(ChannelWords words, int entry, uint mode)
    {
        Volatile.Write(ref words.Pin(entry), 0);
        words.EntryPid(entry) = Host.ProcessId;
        Volatile.Write(ref words.Cursor(entry), words.Newest);
        ChannelSteps.After("register");
        Volatile.Write(ref words.Mode(entry), mode);
        ChannelSteps.After("register");
        if (mode == Consumer)
        {
            // From here on, the writer waits for this consumer. It may have published meanwhile.
            Interlocked.MemoryBarrier();
            Volatile.Write(ref words.Cursor(entry), words.Newest);
            ChannelSteps.After("register");
        }
    }
}
