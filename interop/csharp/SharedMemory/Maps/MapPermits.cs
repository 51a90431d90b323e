using System.IO.MemoryMappedFiles;

namespace SharedMemory;

/// <summary>What a map allows its views, as the Windows kernel has it for its section objects.</summary>
[Flags]
internal enum MapPermits
{
    None = 0,
    Read = 1,
    Write = 2,
    Execute = 4,
}

/// <summary>Conversions between <see cref="MapPermits"/> and .NET's own enums.</summary>
internal static class MapPermitsConversions
{
    /// <summary>What a map made with <paramref name="access"/> permits, and what such a view needs.</summary>
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
    /// What a view of <paramref name="access"/> needs. As in the Windows kernel, the right to write
    /// is enough for a view that reads, too.
    /// </summary>
    public static MapPermits ViewNeeds(this MemoryMappedFileAccess access)
    {
        MapPermits permits = access.ToPermits();
        return (permits & MapPermits.Write) != 0 ? permits & ~MapPermits.Read : permits;
    }

    public static MapPermits ToPermits(this MemoryMappedFileRights rights)
    {
        MapPermits permits = MapPermits.None;
        if ((rights & (MemoryMappedFileRights.Read | MemoryMappedFileRights.CopyOnWrite)) != 0)
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

    /// <summary>The rights to ask for in order to get views of <paramref name="access"/>.</summary>
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
    /// The same access without execution: nobody runs code from a picture, and on a directory
    /// mounted noexec the kernel would refuse.
    /// </summary>
    public static MemoryMappedFileAccess WithoutExecute(this MemoryMappedFileAccess access) =>
        access switch
        {
            MemoryMappedFileAccess.ReadExecute => MemoryMappedFileAccess.Read,
            MemoryMappedFileAccess.ReadWriteExecute => MemoryMappedFileAccess.ReadWrite,
            _ => access,
        };
}
