using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>
/// Locks single bytes of files on Linux. A lock belongs to the open file description and ends with it.
/// </summary>
internal static unsafe class RecordLocks
{
    /// <summary>Locks a byte for writing. Returns false if another descriptor has locked it.</summary>
    public static bool TryLock(SafeHandle file, int offset)
    {
        Libc.RecordLock request = OfByte(offset, WriteLock);
        if (Libc.Fcntl(file, SetOpenFileLock, &request) == 0)
        {
            return true;
        }

        return Marshal.GetLastWin32Error() is var number && (number == WouldBlock || number == AccessDenied)
            ? false
            : throw PosixError.Of(number, $"locking byte {offset} of the file of a map");
    }

    /// <summary>Releases the lock of a byte.</summary>
    public static void Release(SafeHandle file, int offset)
    {
        Libc.RecordLock request = OfByte(offset, NoLock);
        _ = Libc.Fcntl(file, SetOpenFileLock, &request);
    }

    /// <summary>Returns whether another descriptor has locked a byte.</summary>
    public static bool IsLocked(SafeHandle file, int offset)
    {
        Libc.RecordLock request = OfByte(offset, WriteLock);
        return Libc.Fcntl(file, GetOpenFileLock, &request) == 0
            ? request.Type != NoLock
            : throw PosixError.Last($"reading the lock of byte {offset} of the file of a map");
    }

    private static Libc.RecordLock OfByte(int offset, short type) =>
        new() { Type = type, Start = offset, Length = 1 };
}
