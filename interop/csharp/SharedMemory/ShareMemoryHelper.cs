using System.IO.MemoryMappedFiles;

namespace SharedMemory;

/// <summary>One map and one view of all of it: what a program needs to hand over bytes or a value.</summary>
public sealed class ShareMemoryHelper : IDisposable
{
    /// <summary>The capacity of a new map unless another is given: 10 MiB.</summary>
    public const long DefaultCapacity = 10_485_760;

    private readonly string? _mapName;
    private readonly long _capacity;
    private readonly MemoryMappedFileAccess _access;
    private IDisposable? _map;
    private MemoryMappedViewAccessor? _accessor;
    private bool _disposed;

    /// <summary>Remembers what to open; one of the open methods has to follow.</summary>
    /// <param name="mapName">The map's name; not used by maps of files.</param>
    /// <param name="capacity">
    /// The size of a new map, and how many bytes <see cref="ReadBytes"/> returns.
    /// </param>
    /// <param name="access">What map and view are for.</param>
    public ShareMemoryHelper(
        string? mapName,
        long capacity = DefaultCapacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
    {
        _mapName = mapName;
        _capacity = capacity;
        _access = access;
    }

    /// <summary>The view of the whole map.</summary>
    /// <exception cref="ObjectDisposedException">After <see cref="Dispose"/>.</exception>
    /// <exception cref="InvalidOperationException">Nothing was opened yet.</exception>
    public MemoryMappedViewAccessor Accessor
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _accessor ?? throw new InvalidOperationException("No map is open.");
        }
    }

    /// <summary>Opens the named map or creates it. Throws as <see cref="NamedMap.CreateOrOpen"/>.</summary>
    public void CreateOrOpen()
    {
        NamedMap map = NamedMap.CreateOrOpen(_mapName!, _capacity, _access);
        Take(map, () => map.CreateViewAccessor(0, 0, _access));
    }

    /// <summary>Opens the named map. Throws as <see cref="NamedMap.OpenExisting"/>.</summary>
    public void Open()
    {
        NamedMap map = NamedMap.OpenExisting(_mapName!, _access.ToRights());
        Take(map, () => map.CreateViewAccessor(0, 0, _access));
    }

    /// <summary>Maps a file, which is created, or grows to the capacity, as needed.</summary>
    /// <param name="path">The file.</param>
    public void CreateFromFile(string path) =>
        MapFile(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, _access, _capacity);

    /// <summary>Maps a file that exists, with its own size and for reading only.</summary>
    /// <param name="path">The file.</param>
    public void OpenFileToRead(string path) =>
        MapFile(path, FileMode.Open, FileAccess.Read, MemoryMappedFileAccess.Read, capacity: 0);

    /// <summary>
    /// The first bytes of the map, as many as the capacity says; zeros for what the map doesn't have.
    /// </summary>
    public byte[] ReadBytes()
    {
        var bytes = new byte[checked((int)_capacity)];
        // A view of no bytes at all would refuse.
        if (Accessor.Capacity > 0)
        {
            Accessor.ReadArray(0, bytes, 0, bytes.Length);
        }

        return bytes;
    }

    /// <summary>Writes bytes as they are.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">Where in the map.</param>
    /// <exception cref="ArgumentException">They don't fit; nothing is written then.</exception>
    public void WriteBytes(byte[] bytes, long offset = 0)
    {
        ArgumentNullException.ThrowIfNull(bytes);
        Accessor.WriteArray(offset, bytes, 0, bytes.Length);
    }

    /// <summary>Reads a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The structure.</typeparam>
    public T ReadStruct<T>()
        where T : struct => Accessor.ReadStruct<T>();

    /// <summary>Writes a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The structure.</typeparam>
    /// <param name="value">The value.</param>
    public void WriteStruct<T>(T value)
        where T : struct => Accessor.WriteStruct(value);

    /// <summary>Reads an image blob.</summary>
    /// <param name="replaceInvalidUtf8">Read what is no UTF-8 as U+FFFD instead of failing.</param>
    public ImageData ReadImage(bool replaceInvalidUtf8 = false) =>
        ImageData.FromAccessor(Accessor, replaceInvalidUtf8);

    /// <summary>Writes an image blob.</summary>
    /// <param name="image">The picture and its path.</param>
    /// <param name="replaceInvalidUtf8">Write a lone surrogate as U+FFFD instead of failing.</param>
    public void WriteImage(ImageData image, bool replaceInvalidUtf8 = false)
    {
        ArgumentNullException.ThrowIfNull(image);
        image.WriteTo(Accessor, replaceInvalidUtf8);
    }

    /// <summary>Lets go of the view and the map. Twice is fine.</summary>
    public void Dispose()
    {
        _disposed = true;
        Close();
    }

    private void MapFile(
        string path,
        FileMode mode,
        FileAccess fileAccess,
        MemoryMappedFileAccess mapAccess,
        long capacity)
    {
        if (!OperatingSystem.IsWindows())
        {
            mapAccess = mapAccess.WithoutExecute();
        }

        MemoryMappedFile map;
        var stream = new FileStream(path, mode, fileAccess, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            map = MemoryMappedFile.CreateFromFile(
                stream,
                mapName: null,
                // .NET refuses a capacity below the file's size; a longer file is no mistake here.
                capacity > 0 ? Math.Max(capacity, stream.Length) : capacity,
                mapAccess,
                HandleInheritability.None,
                leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        Take(map, () => map.CreateViewAccessor(0, 0, mapAccess));
    }

    private void Take(IDisposable map, Func<MemoryMappedViewAccessor> createView)
    {
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            MemoryMappedViewAccessor accessor = createView();
            Close();
            _map = map;
            _accessor = accessor;
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    private void Close()
    {
        _accessor?.Dispose();
        _map?.Dispose();
    }
}
