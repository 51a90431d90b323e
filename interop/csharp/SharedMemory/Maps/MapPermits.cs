using System.IO.MemoryMappedFiles;

namespace SharedMemory;

/// <summary>Specifies the access that a map allows its views, as in a section object of Windows.</summary>
[Flags]
internal enum MapPermits
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>Converts between <see cref="MapPermits"/> and the enumerations of .NET.</summary>
internal static class MapPermitsConversions
{
    /// <summary>Returns what a map that is created with <paramref name="access"/> permits.</summary>
    public static MapPermits ToPermits(this MemoryMappedFileAccess access) => access switch
    {
        MemoryMappedFileAccess.ReadWrite => MapPermits.Read | MapPermits.Write,
        MemoryMappedFileAccess.Read => MapPermits.Read,
        MemoryMappedFileAccess.Write => MapPermits.Write,
        MemoryMappedFileAccess.CopyOnWrite => MapPermits.Read,
        MemoryMappedFileAccess.ReadExecute => MapPermits.Read | MapPermits.Execute,
        MemoryMappedFileAccess.ReadWriteExecute =>
            MapPermits.Read | MapPermits.Write | MapPermits.Execute,
        _ => throw new ArgumentOutOfRangeException(nameof(access)),
    };

    /// <summary>
    /// Returns what a map must permit for a view with <paramref name="access"/>. As on Windows, a
    /// view that writes can read too.
    /// </summary>
    public static MapPermits ToRequiredPermits(this MemoryMappedFileAccess access)
    {
        MapPermits permits = access.ToPermits();
        return (permits & MapPermits.Write) != 0 ? permits & ~MapPermits.Read : permits;
    }

    /// <summary>
    /// Returns what a map that is opened with <paramref name="rights"/> permits. As on Windows,
    /// CopyOnWrite means Read if it is the whole value, and nothing together with other rights.
    /// </summary>
    public static MapPermits ToPermits(this MemoryMappedFileRights rights)
    {
        if (rights == MemoryMappedFileRights.CopyOnWrite)
        {
            return MapPermits.Read;
        }

        MapPermits permits = MapPermits.None;
        if ((rights & MemoryMappedFileRights.Read) != 0)
        {
            permits |= MapPermits.Read;
        }

        if ((rights & MemoryMappedFileRights.Write) != 0)
        {
            permits |= MapPermits.Write;
        }

        if ((rights & MemoryMappedFileRights.Execute) != 0)
        {
            permits |= MapPermits.Execute;
        }

        return permits;
    }

    /// <summary>Returns the rights that a map needs for views with <paramref name="access"/>.</summary>
    public static MemoryMappedFileRights ToRights(this MemoryMappedFileAccess access) => access switch
    {
        MemoryMappedFileAccess.ReadWrite => MemoryMappedFileRights.ReadWrite,
        MemoryMappedFileAccess.Read => MemoryMappedFileRights.Read,
        MemoryMappedFileAccess.Write => MemoryMappedFileRights.Write,
        MemoryMappedFileAccess.CopyOnWrite => MemoryMappedFileRights.CopyOnWrite,
        MemoryMappedFileAccess.ReadExecute => MemoryMappedFileRights.ReadExecute,
        MemoryMappedFileAccess.ReadWriteExecute => MemoryMappedFileRights.ReadWriteExecute,
        _ => throw new ArgumentOutOfRangeException(nameof(access)),
    };

    /// <summary>
    /// Returns the same access without execution. A file system that is mounted with noexec refuses
    /// executable maps.
    /// </summary>
    public static MemoryMappedFileAccess WithoutExecute(this MemoryMappedFileAccess access) =>
        access switch
        {
            MemoryMappedFileAccess.ReadExecute => MemoryMappedFileAccess.Read,
            MemoryMappedFileAccess.ReadWriteExecute => MemoryMappedFileAccess.ReadWrite,
            _ => access,
        };
}
