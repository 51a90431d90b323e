using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>The flock that makes an open file a holder of the map.</summary>
internal static class HolderLock
{
    /// <summary>Becomes a holder; false if somebody has the file for itself.</summary>
    public static bool TryShared(SafeFileHandle file) => Try(file, LockShared);

    /// <summary>True if nobody else holds the map. If not, this one's own lock may be gone as well.</summary>
    public static bool TryExclusive(SafeFileHandle file) => Try(file, LockExclusive);

    /// <summary>Holds nothing any more.</summary>
    public static void Release(SafeFileHandle file) => _ = Libc.Flock(file, LockRelease);

    private static bool Try(SafeFileHandle file, int operation)
    {
        if (Libc.Flock(file, operation | LockNonBlocking) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == WouldBlock
            ? false
            : throw PosixError.Last("locking the file of a map");
    }
}
