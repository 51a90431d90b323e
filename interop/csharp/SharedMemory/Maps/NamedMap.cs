using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using SharedMemory.Posix;

namespace SharedMemory;

/// <summary>
/// Represents shared memory that other processes open by name. On Windows, it wraps
/// <see cref="MemoryMappedFile"/>. On other systems, where .NET has no named maps, it follows the
/// convention of docs/named-maps.md, with the signatures and exceptions of .NET.
/// </summary>
/// <remarks>
/// The map exists until no process holds it: a process stops holding it when it disposes of it,
/// exits or is killed. Views remain valid after the map is disposed. The views are those of .NET: if
/// another process truncates the file of the map, access to a view crashes the process, as with
/// <see cref="MemoryMappedFile"/>.
/// <para>
/// All members can be used by several threads at the same time, also <see cref="Dispose"/>. Views are
/// those of .NET: one thread at a time. Creating, opening and disposing wait for another process that
/// creates or releases a map with the same name, at most 10 seconds.
/// </para>
/// </remarks>
public sealed class NamedMap : IDisposable
{
    private readonly object _disposal = new();
    private readonly MemoryMappedFile _map;
    private readonly PosixMapFile? _file;
    private long _capacity;
    private volatile bool _isDisposed;

    private NamedMap(string? name, MemoryMappedFile map)
    {
        Name = name;
        _map = map;
    }

    private NamedMap(string? name, PosixMapFile file)
    {
        Name = name;
        _file = file;
        _capacity = file.Capacity;
        try
        {
            // This map has full access. PermittedAccess checks each view.
            _map = DescriptorMap.Create(file.Descriptor, file.Capacity);
        }
        catch
        {
            file.Release();
            throw;
        }
    }

    /// <summary>Gets the name that the map was created or opened with; null for an anonymous map.</summary>
    public string? Name { get; }

    /// <summary>
    /// Gets the size of the map in bytes. An existing map keeps its size, so it can differ from the
    /// capacity that <see cref="CreateOrOpen"/> got. On Windows, a named map does not show its size:
    /// there, this is the size of a view of the whole map, in whole pages.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// On Windows, the rights of the map do not allow any view.
    /// </exception>
    public long Capacity
    {
        get
        {
            Guard.NotDisposed(_isDisposed, this);
            long capacity = Volatile.Read(ref _capacity);
            if (capacity == 0)
            {
                capacity = SizeOfView();
                Volatile.Write(ref _capacity, capacity);
            }

            return capacity;
        }
    }

    /// <summary>Gets the size of the map's file now; null where the system keeps it.</summary>
    internal long? FileLength => _file is null ? null : Descriptors.Length(_file.Descriptor);

    /// <summary>
    /// Opens the map's file once more, for locks that belong to the new descriptor. On Windows there is
    /// no file.
    /// </summary>
    internal SafeHandle OpenForLocks()
    {
        Guard.NotDisposed(_isDisposed, this);
        return _file!.OpenForLocks();
    }

    /// <summary>Releases a map that was not disposed, so that its name is free.</summary>
    ~NamedMap() => _file?.Release();

    /// <summary>Creates a map. No process may hold a map with this name.</summary>
    /// <param name="mapName">The name of the map, or null for an anonymous map.</param>
    /// <param name="capacity">The size of the map in bytes, at least 1.</param>
    /// <param name="access">The access that the map permits. Write is not allowed.</param>
    /// <param name="options">Whether memory is allocated now, or when it is first used.</param>
    /// <param name="inheritability">Whether child processes inherit the handle of the map.</param>
    /// <returns>The map.</returns>
    /// <exception cref="IOException">
    /// A map with this name exists (HResult 0x800700B7), or there is not enough memory.
    /// </exception>
    /// <exception cref="ArgumentException">The name breaks a rule, or the access is Write.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The capacity is less than 1, or an enumeration value is not valid.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The file of the map is not a regular file, belongs to another user, or another program uses it.
    /// </exception>
    public static NamedMap CreateNew(
        string? mapName,
        long capacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite,
        MemoryMappedFileOptions options = MemoryMappedFileOptions.None,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string? name = mapName is null ? null : MapName.Check(mapName);
        if (Host.IsWindows || (name is null && !Host.IsMono))
        {
            var map = new NamedMap(
                mapName, MemoryMappedFile.CreateNew(name, capacity, access, options, inheritability));
            // No other process has changed the size of an anonymous map.
            map._capacity = name is null ? capacity : 0;
            return map;
        }

        CheckCapacityAndAccess(capacity, access);
        if (access == MemoryMappedFileAccess.Write)
        {
            throw WriteCannotCreate();
        }

        CheckOptions(options, inheritability);
        return new NamedMap(mapName, name is null
            ? PosixMapFile.CreateAnonymous(capacity, access.ToPermits(), options, inheritability)
            : PosixMapFile.Create(name, capacity, access.ToPermits(), options, inheritability));
    }

    /// <summary>Opens a map, or creates it if no process holds a map with this name.</summary>
    /// <param name="mapName">The name of the map.</param>
    /// <param name="capacity">The size of a new map in bytes. An existing map keeps its size.</param>
    /// <param name="access">The access that the map permits. Write only opens an existing map.</param>
    /// <param name="options">
    /// Whether the memory of a new map is allocated now, or when it is first used.
    /// </param>
    /// <param name="inheritability">Whether child processes inherit the handle of the map.</param>
    /// <returns>The map.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">
    /// The name breaks a rule, or the access is Write and the map does not exist.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The capacity is less than 1, or an enumeration value is not valid.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The file of the map is not a regular file, belongs to another user, or another program uses it.
    /// </exception>
    /// <exception cref="IOException">There is not enough memory.</exception>
    public static NamedMap CreateOrOpen(
        string mapName,
        long capacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite,
        MemoryMappedFileOptions options = MemoryMappedFileOptions.None,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string name = MapName.Check(mapName);
        if (Host.IsWindows)
        {
            return new NamedMap(
                mapName, MemoryMappedFile.CreateOrOpen(name, capacity, access, options, inheritability));
        }

        CheckCapacityAndAccess(capacity, access);
        CheckOptions(options, inheritability);
        if (access != MemoryMappedFileAccess.Write)
        {
            return new NamedMap(mapName, PosixMapFile.CreateOrOpen(
                name, capacity, access.ToPermits(), options, inheritability));
        }

        try
        {
            return new NamedMap(mapName, PosixMapFile.Open(name, access.ToPermits(), inheritability));
        }
        catch (FileNotFoundException)
        {
            throw WriteCannotCreate();
        }
    }

    /// <summary>Opens a map that a process holds.</summary>
    /// <param name="mapName">The name of the map.</param>
    /// <param name="desiredAccessRights">The rights that the map gives.</param>
    /// <param name="inheritability">Whether child processes inherit the handle of the map.</param>
    /// <returns>The map.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The rights or an enumeration value are not valid.
    /// </exception>
    /// <exception cref="FileNotFoundException">No process holds a map with this name.</exception>
    /// <exception cref="UnauthorizedAccessException">The operating system denies the rights.</exception>
    public static NamedMap OpenExisting(
        string mapName,
        MemoryMappedFileRights desiredAccessRights = MemoryMappedFileRights.ReadWrite,
        HandleInheritability inheritability = HandleInheritability.None)
    {
        string name = MapName.Check(mapName);
        if (Host.IsWindows)
        {
            return new NamedMap(
                mapName, MemoryMappedFile.OpenExisting(name, desiredAccessRights, inheritability));
        }

        CheckInheritability(inheritability);
        const MemoryMappedFileRights known =
            MemoryMappedFileRights.FullControl | MemoryMappedFileRights.AccessSystemSecurity;
        if ((desiredAccessRights & ~known) != 0)
        {
            throw new ArgumentOutOfRangeException(nameof(desiredAccessRights));
        }

        return new NamedMap(
            mapName, PosixMapFile.Open(name, desiredAccessRights.ToPermits(), inheritability));
    }

    /// <summary>
    /// Gets the handle of the map. Child processes inherit it if the map is Inheritable. The map
    /// owns the handle. In .NET: SafeMemoryMappedFileHandle.
    /// </summary>
    public SafeHandle Handle =>
        _file is null ? _map.SafeMemoryMappedFileHandle : _file.DescriptorForChildren;

    /// <summary>Creates a view of the whole map for random access.</summary>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The map does not permit the access.
    /// </exception>
    public MemoryMappedViewAccessor CreateViewAccessor() =>
        CreateViewAccessor(0, 0, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map for random access, to read and write.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    public MemoryMappedViewAccessor CreateViewAccessor(long offset, long size) =>
        CreateViewAccessor(offset, size, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map for random access.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <param name="access">The access of the view.</param>
    /// <returns>The view.</returns>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    public MemoryMappedViewAccessor CreateViewAccessor(
        long offset, long size, MemoryMappedFileAccess access) =>
        WhileOpen(() => _map.CreateViewAccessor(
            offset, ExactSize(offset, size), PermittedAccess(offset, size, access)));

    /// <summary>Creates a view of the whole map as a stream.</summary>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The map does not permit the access.
    /// </exception>
    public MemoryMappedViewStream CreateViewStream() =>
        CreateViewStream(0, 0, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map as a stream, to read and write.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    public MemoryMappedViewStream CreateViewStream(long offset, long size) =>
        CreateViewStream(offset, size, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map as a stream.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <param name="access">The access of the view.</param>
    /// <returns>The view.</returns>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    public MemoryMappedViewStream CreateViewStream(
        long offset, long size, MemoryMappedFileAccess access) =>
        WhileOpen(() => _map.CreateViewStream(
            offset, ExactSize(offset, size), PermittedAccess(offset, size, access)));

    /// <summary>Creates a view of the whole map whose bytes are used in place.</summary>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ArgumentException">The view is larger than 2,147,483,647 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The map does not permit the access.
    /// </exception>
    public MapView CreateView() => CreateView(0, 0, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map whose bytes are used in place.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <returns>A view that reads and writes.</returns>
    /// <exception cref="ArgumentException">The view is larger than 2,147,483,647 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    public MapView CreateView(long offset, long size) =>
        CreateView(offset, size, MemoryMappedFileAccess.ReadWrite);

    /// <summary>Creates a view of a part of the map whose bytes are used in place.</summary>
    /// <param name="offset">The offset of the view in the map, in bytes.</param>
    /// <param name="size">The size of the view in bytes; 0 for the rest of the map.</param>
    /// <param name="access">The access of the view.</param>
    /// <returns>The view.</returns>
    /// <exception cref="ArgumentException">The view is larger than 2,147,483,647 bytes.</exception>
    /// <exception cref="ObjectDisposedException">The map is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The view ends beyond the end of the map, or the map does not permit the access.
    /// </exception>
    public MapView CreateView(long offset, long size, MemoryMappedFileAccess access)
    {
        MemoryMappedViewAccessor accessor = CreateViewAccessor(offset, size, access);
        try
        {
            return new MapView(accessor);
        }
        catch
        {
            accessor.Dispose();
            throw;
        }
    }

    /// <summary>Releases the map. Its views remain valid.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        lock (_disposal)
        {
            _map.Dispose(); // on Mono, two threads can't do this at the same time
        }

        _file?.Release();
        GC.SuppressFinalize(this);
    }

    private long SizeOfView()
    {
        // Each of them can be the only one that the rights of the map allow.
        foreach (MemoryMappedFileAccess access in new[]
        {
            MemoryMappedFileAccess.Read,
            MemoryMappedFileAccess.Write,
        })
        {
            try
            {
                using MemoryMappedViewAccessor view = CreateViewAccessor(0, 0, access);
                return view.Capacity;
            }
            catch (UnauthorizedAccessException)
            {
                // The next one.
            }
        }

        using MemoryMappedViewAccessor copy =
            CreateViewAccessor(0, 0, MemoryMappedFileAccess.CopyOnWrite);
        return copy.Capacity;
    }

    /// <summary>
    /// Makes a view. .NET uses the number of the descriptor. So another thread that disposes of this
    /// map must not close it meanwhile: the number could be that of another file then.
    /// </summary>
    private TView WhileOpen<TView>(Func<TView> makeView)
    {
        Guard.NotDisposed(_isDisposed, this);
        SafeHandle handle = _map.SafeMemoryMappedFileHandle;
        bool isMapKept = false;
        bool isFileKept = false;
        try
        {
            handle.DangerousAddRef(ref isMapKept);
            _file?.Descriptor.DangerousAddRef(ref isFileKept);
            return makeView();
        }
        finally
        {
            if (isFileKept)
            {
                _file!.Descriptor.DangerousRelease();
            }

            if (isMapKept)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Returns the size for the view of .NET. For 0, Mono gives a view of whole pages, and no process
    /// could read what is written beyond the end of the map.
    /// </summary>
    private long ExactSize(long offset, long size) =>
        size == 0 && offset >= 0 && offset < _file?.Capacity ? _file.Capacity - offset : size;

    /// <summary>Returns the access for the view of .NET, if this map permits it.</summary>
    private MemoryMappedFileAccess PermittedAccess(
        long offset, long size, MemoryMappedFileAccess access)
    {
        if (_file is null)
        {
            return access;
        }

        if (Host.IsMono)
        {
            CheckView(offset, size, access, _file.Capacity);
        }

        // For invalid arguments, .NET throws before it checks the access.
        bool argumentsAreValid = offset >= 0 && size >= 0 && Enum.IsDefined(typeof(MemoryMappedFileAccess), access)
            && offset <= _file.Capacity && size <= _file.Capacity - offset;
        if (!argumentsAreValid)
        {
            return access;
        }

        if ((access.ToRequiredPermits() & ~_file.Permits) != 0)
        {
            throw new UnauthorizedAccessException(
                $"The map does not permit a view with access {access}.");
        }

        return access.WithoutExecute();
    }

    // For these offsets and sizes, Mono throws other exceptions than .NET. An unknown access ends its
    // process.
    private static void CheckView(
        long offset, long size, MemoryMappedFileAccess access, long capacity)
    {
        if (offset < 0 || offset > capacity)
        {
            throw new ArgumentOutOfRangeException(
                nameof(offset), offset, $"The offset must be from 0 to {capacity}.");
        }

        if (size < 0)
        {
            throw new ArgumentOutOfRangeException(
                nameof(size), size, "The size must not be negative.");
        }

        if (!Enum.IsDefined(typeof(MemoryMappedFileAccess), access))
        {
            throw new ArgumentOutOfRangeException(nameof(access));
        }
    }

    private static void CheckCapacityAndAccess(long capacity, MemoryMappedFileAccess access)
    {
        Guard.Positive(capacity);
        if (!Enum.IsDefined(typeof(MemoryMappedFileAccess), access))
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
        if (!Enum.IsDefined(typeof(HandleInheritability), inheritability))
        {
            throw new ArgumentOutOfRangeException(nameof(inheritability));
        }
    }

    private static ArgumentException WriteCannotCreate() =>
        new("A new map can't have access Write; use ReadWrite.", "access");
}
