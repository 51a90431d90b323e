using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the flock of a map's file. A process that has it holds the map.</summary>
internal static class HolderLock
{
    /// <summary>Takes a shared lock. Returns false if another process has an exclusive lock.</summary>
    public static bool TryShared(SafeHandle file) => Try(file, LockShared);

    /// <summary>
    /// Takes an exclusive lock. Returns false if another process has a lock; in that case, the shared
    /// lock of this file may be lost.
    /// </summary>
    public static bool TryExclusive(SafeHandle file) => Try(file, LockExclusive);

    /// <summary>Releases the lock.</summary>
    public static void Release(SafeHandle file) => _ = Libc.Flock(file, LockRelease);

    private static bool Try(SafeHandle file, int operation)
    {
        if (Libc.Flock(file, operation | LockNonBlocking) == 0)
        {
            return true;
        }

        return Marshal.GetLastWin32Error() == WouldBlock
            ? false
            : throw PosixError.Last("locking the file of a map");
    }
}
