using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using SharedMemory.Posix;

namespace SharedMemory;

/// <summary>
/// A memory-mapped block that other processes open by its name. On Windows this is
/// <see cref="MemoryMappedFile"/> and nothing else; on other systems, where .NET has no named maps,
/// it is the convention of docs/named-maps.md with .NET's signatures and exceptions.
/// </summary>
/// <remarks>
/// The name goes when its last holder disposes of the map, exits or dies. Views stay usable after
/// the map was disposed of. Views are .NET's own: a file that is truncated under them ends the
/// process, as it does with <see cref="MemoryMappedFile"/>.
/// </remarks>
public sealed class NamedMap : IDisposable
{
    private readonly MemoryMappedFile _map;
    private readonly PosixMapFile? _file;

    private NamedMap(MemoryMappedFile map) => _map = map;

    private NamedMap(PosixMapFile file)
    {
        _file = file;
        try
        {
            // The descriptor can do everything; what the map may do is decided per view below.
            _map = MemoryMappedFile.CreateFromFile(
                file.Descriptor,
                mapName: null,
                file.Capacity,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: true);
        }
        catch
        {
            file.Release();
            throw;
        }
    }

    /// <summary>Lets go of a map that nobody disposed of: its name must not outlive it.</summary>
    ~NamedMap() => _file?.Release();

    /// <summary>Creates a map that must not exist yet.</summary>
    /// <param name="mapName">Its name; null for an anonymous map.</param>
    /// <param name="capacity">Its size in bytes, at least 1.</param>
    /// <param name="access">What the map permits; not Write.</param>
    /// <param name="options">Whether the memory is reserved now or as it is touched.</param>
    /// <param name="inheritability">Whether child processes get the map's handle.</param>
    /// <exception cref="IOException">The name is in use (HResult 0x800700B7), or no memory is left.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule, or the access is Write.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A capacity below 1 or an unknown enum value.</exception>
    /// <exception cref="UnauthorizedAccessException">Something that is no map's file is in the way.</exception>
    public static NamedMap CreateNew(
        string? mapName,
        long capacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite,
        MemoryMappedFileOptions options = MemoryMappedFileOptions.None,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string? name = mapName is null ? null : MapName.Check(mapName);
        if (name is null || OperatingSystem.IsWindows())
        {
            return new NamedMap(
                MemoryMappedFile.CreateNew(name, capacity, access, options, inheritability));
        }

        CheckCapacityAndAccess(capacity, access);
        if (access == MemoryMappedFileAccess.Write)
        {
            throw WriteCreatesNothing();
        }

        CheckOptions(options, inheritability);
        return new NamedMap(PosixMapFile.Create(
            name, capacity, access.ToPermits(), options, inheritability));
    }

    /// <summary>Opens a map, or creates it if nobody holds one of that name.</summary>
    /// <param name="mapName">Its name.</param>
    /// <param name="capacity">The size of a new map; one that exists keeps its own.</param>
    /// <param name="access">What the map permits; Write opens only.</param>
    /// <param name="options">Whether the memory of a new map is reserved now or as it is touched.</param>
    /// <param name="inheritability">Whether child processes get the map's handle.</param>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">
    /// The name breaks a rule, or the access is Write and there is no map.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">A capacity below 1 or an unknown enum value.</exception>
    /// <exception cref="UnauthorizedAccessException">Something that is no map's file is in the way.</exception>
    /// <exception cref="IOException">No memory is left.</exception>
    public static NamedMap CreateOrOpen(
        string mapName,
        long capacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite,
        MemoryMappedFileOptions options = MemoryMappedFileOptions.None,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string name = MapName.Check(mapName);
        if (OperatingSystem.IsWindows())
        {
            return new NamedMap(
                MemoryMappedFile.CreateOrOpen(name, capacity, access, options, inheritability));
        }

        CheckCapacityAndAccess(capacity, access);
        CheckOptions(options, inheritability);
        if (access != MemoryMappedFileAccess.Write)
        {
            return new NamedMap(PosixMapFile.CreateOrOpen(
                name, capacity, access.ToPermits(), options, inheritability));
        }

        try
        {
            return new NamedMap(PosixMapFile.Open(name, access.ToPermits(), inheritability));
        }
        catch (FileNotFoundException)
        {
            throw WriteCreatesNothing();
        }
    }

    /// <summary>Opens a map that somebody holds.</summary>
    /// <param name="mapName">Its name.</param>
    /// <param name="desiredAccessRights">What the map has to permit.</param>
    /// <param name="inheritability">Whether child processes get the map's handle.</param>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="ArgumentOutOfRangeException">Unknown rights or an unknown enum value.</exception>
    /// <exception cref="FileNotFoundException">Nobody holds a map of that name.</exception>
    /// <exception cref="UnauthorizedAccessException">The system refuses the rights.</exception>
    public static NamedMap OpenExisting(
        string mapName,
        MemoryMappedFileRights desiredAccessRights = MemoryMappedFileRights.ReadWrite,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string name = MapName.Check(mapName);
        if (OperatingSystem.IsWindows())
        {
            return new NamedMap(
                MemoryMappedFile.OpenExisting(name, desiredAccessRights, inheritability));
        }

        CheckInheritability(inheritability);
        const MemoryMappedFileRights known =
            MemoryMappedFileRights.FullControl | MemoryMappedFileRights.AccessSystemSecurity;
        if ((desiredAccessRights & ~known) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(desiredAccessRights));
        }

        return new NamedMap(
            PosixMapFile.Open(name, desiredAccessRights.ToPermits(), inheritability));
    }

    /// <summary>
    /// The map's handle, which a child process inherits where the map was made Inheritable. It stays
    /// the map's own. .NET: SafeMemoryMappedFileHandle.
    /// </summary>
    public SafeHandle Handle =>
        _file is null ? _map.SafeMemoryMappedFileHandle : _file.DescriptorForChildren;

    /// <summary>A view of the whole map for random access.</summary>
    public MemoryMappedViewAccessor CreateViewAccessor() =>
        CreateViewAccessor(0, 0, MemoryMappedFileAccess.ReadWrite);

    /// <summary>A view of a part of the map for random access, to read and write.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="size">Its size in bytes; 0 means to the end of the map.</param>
    public MemoryMappedViewAccessor CreateViewAccessor(long offset, long size) =>
        CreateViewAccessor(offset, size, MemoryMappedFileAccess.ReadWrite);

    /// <summary>A view of a part of the map for random access.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="size">Its size in bytes; 0 means to the end of the map.</param>
    /// <param name="access">What the view is for.</param>
    /// <exception cref="UnauthorizedAccessException">
    /// The view would end behind the map's end, or the map does not permit the access.
    /// </exception>
    public MemoryMappedViewAccessor CreateViewAccessor(
        long offset, long size, MemoryMappedFileAccess access) =>
        _map.CreateViewAccessor(offset, size, PermittedAccess(offset, size, access));

    /// <summary>A view of the whole map as a stream.</summary>
    public MemoryMappedViewStream CreateViewStream() =>
        CreateViewStream(0, 0, MemoryMappedFileAccess.ReadWrite);

    /// <summary>A view of a part of the map as a stream, to read and write.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="size">Its size in bytes; 0 means to the end of the map.</param>
    public MemoryMappedViewStream CreateViewStream(long offset, long size) =>
        CreateViewStream(offset, size, MemoryMappedFileAccess.ReadWrite);

    /// <summary>A view of a part of the map as a stream.</summary>
    /// <param name="offset">Where it begins.</param>
    /// <param name="size">Its size in bytes; 0 means to the end of the map.</param>
    /// <param name="access">What the view is for.</param>
    /// <exception cref="UnauthorizedAccessException">
    /// The view would end behind the map's end, or the map does not permit the access.
    /// </exception>
    public MemoryMappedViewStream CreateViewStream(
        long offset, long size, MemoryMappedFileAccess access) =>
        _map.CreateViewStream(offset, size, PermittedAccess(offset, size, access));

    /// <summary>Lets go of the map. Its views stay usable. Twice is fine.</summary>
    public void Dispose()
    {
        _map.Dispose();
        _file?.Release();
        GC.SuppressFinalize(this);
    }

    /// <summary>The access to ask .NET's map for, after a look at what this one permits.</summary>
    private MemoryMappedFileAccess PermittedAccess(
        long offset, long size, MemoryMappedFileAccess access)
    {
        if (_file is null)
        {
            return access;
        }

        // .NET itself complains about the arguments, and its complaints come first.
        bool argumentsAreFine = offset >= 0 && size >= 0 && Enum.IsDefined(access)
            && offset <= _file.Capacity && size <= _file.Capacity - offset;
        if (!argumentsAreFine)
        {
            return access;
        }

        if (!_file.IsReleased && (access.ViewNeeds() & ~_file.Permits) != 0)
        {
            throw new UnauthorizedAccessException(
                $"A view with access {access} of a map whose own access does not include it.");
        }

        return access.WithoutExecute();
    }

    private static void CheckCapacityAndAccess(long capacity, MemoryMappedFileAccess access)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        if (!Enum.IsDefined(access))
        {
            throw new ArgumentOutOfRangeException(nameof(access));
        }
    }

    private static void CheckOptions(
        MemoryMappedFileOptions options, HandleInheritability inheritability)
    {
        if ((options & ~MemoryMappedFileOptions.DelayAllocatePages) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(options));
        }

        CheckInheritability(inheritability);
    }

    private static void CheckInheritability(HandleInheritability inheritability)
    {
        if (!Enum.IsDefined(inheritability))
        {
            throw new ArgumentOutOfRangeException(nameof(inheritability));
        }
    }

    private static ArgumentException WriteCreatesNothing() =>
        new("A new map can't have access Write; use ReadWrite.", "access");
}
