using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>
/// Represents the mark of a map's file (docs/named-maps.md). A marked file that no process holds is
/// not another program's, even if a view of it exists.
/// </summary>
internal static unsafe class MapMark
{
    /// <summary>Marks a file, if the system can.</summary>
    public static void Set(SafeHandle file)
    {
        if (Host.IsLinux)
        {
            ulong hint = HintOfMap;
            _ = Libc.Fcntl(file, SetHint, &hint);
        }
    }

    /// <summary>Returns whether a process has marked the file.</summary>
    public static bool Has(SafeHandle file)
    {
        ulong hint = 0;
        return Host.IsLinux && Libc.Fcntl(file, GetHint, &hint) == 0 && hint == HintOfMap;
    }
}
