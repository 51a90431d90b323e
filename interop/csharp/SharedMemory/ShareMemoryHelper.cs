using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;

namespace SharedMemory;

/// <summary>
/// Represents a map and a view of the whole map, to exchange bytes, a structure or a picture.
/// </summary>
public sealed class ShareMemoryHelper : IDisposable
{
    /// <summary>The default capacity of a new map in bytes: 10 MiB.</summary>
    public const long DefaultCapacity = 10_485_760;

    private readonly string? _mapName;
    private readonly long _capacity;
    private readonly MemoryMappedFileAccess _access;
    private IDisposable? _map;
    private MemoryMappedViewAccessor? _accessor;
    private Func<long?>? _fileLength;
    private bool _disposed;

    /// <summary>Initializes a helper. It opens the map when one of its methods is called.</summary>
    /// <param name="mapName">The name of the map. Maps of files do not use it.</param>
    /// <param name="capacity">
    /// The size of a new map in bytes, and the number of bytes that <see cref="ReadBytes"/> returns.
    /// </param>
    /// <param name="access">The access of the map and the view.</param>
    public ShareMemoryHelper(
        string? mapName,
        long capacity = DefaultCapacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
    {
        _mapName = mapName;
        _capacity = capacity;
        _access = access;
    }

    /// <summary>Gets the view of the whole map.</summary>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="InvalidOperationException">No map is open.</exception>
    public MemoryMappedViewAccessor Accessor
    {
        get
        {
            Guard.NotDisposed(_disposed, this);
            return _accessor ?? throw new InvalidOperationException("No map is open.");
        }
    }

    /// <summary>
    /// Throws if another program truncated the file of the map. An access to the bytes that are gone
    /// would end the process. Each method that reads or writes calls this first; a truncation
    /// directly after the check is not noticed. Windows refuses to truncate the file of a map.
    /// </summary>
    /// <exception cref="IOException">The file is smaller than the view.</exception>
    public void ThrowIfTruncated()
    {
        long needed = Accessor.PointerOffset + Accessor.Capacity;
        // Mono rounds the capacity of a view up to whole pages. The rest of the last page is memory.
        long rounding = Host.IsMono ? Environment.SystemPageSize - 1 : 0;
        if (_fileLength?.Invoke() is { } length && length + rounding < needed)
        {
            throw new IOException(
                $"The file of the map was truncated to {length} bytes; the view needs {needed}.");
        }
    }

    /// <summary>Creates or opens the named map, as <see cref="NamedMap.CreateOrOpen"/> does.</summary>
    public void CreateOrOpen()
    {
        NamedMap map = NamedMap.CreateOrOpen(_mapName!, _capacity, _access);
        Take(map, () => map.CreateViewAccessor(0, 0, _access), () => map.FileLength);
    }

    /// <summary>Opens the named map, as <see cref="NamedMap.OpenExisting"/> does.</summary>
    public void Open()
    {
        NamedMap map = NamedMap.OpenExisting(_mapName!, _access.ToRights());
        Take(map, () => map.CreateViewAccessor(0, 0, _access), () => map.FileLength);
    }

    /// <summary>Maps a file. Creates it if it does not exist, and enlarges it to the capacity.</summary>
    /// <param name="path">The path of the file.</param>
    public void CreateFromFile(string path) =>
        MapFile(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, _access, _capacity);

    /// <summary>Maps an existing file for reading. The map has the size of the file.</summary>
    /// <param name="path">The path of the file.</param>
    public void OpenFileToRead(string path) =>
        MapFile(path, FileMode.Open, FileAccess.Read, MemoryMappedFileAccess.Read, capacity: 0);

    /// <summary>
    /// Returns the first bytes of the map, as many as the capacity. The bytes beyond the end of the
    /// map are zeros.
    /// </summary>
    public byte[] ReadBytes()
    {
        var bytes = new byte[checked((int)_capacity)];
        _ = PinnedView.Read(Backed(), 0, bytes);
        return bytes;
    }

    /// <summary>Writes bytes to the map.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">The offset in the map.</param>
    /// <exception cref="ArgumentException">The bytes do not fit. None of them is written.</exception>
    public void WriteBytes(byte[] bytes, long offset = 0)
    {
        Guard.NotNull(bytes);
        PinnedView.Write(Backed(), offset, bytes);
    }

    /// <summary>Reads a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    public T ReadStruct<[DynamicallyAccessedMembers(StructBytes.Constructors)] T>()
        where T : struct => Backed().ReadStruct<T>();

    /// <summary>Writes a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    /// <param name="value">The value.</param>
    public void WriteStruct<T>(T value)
        where T : struct => Backed().WriteStruct(value);

    /// <summary>Reads a picture and its path.</summary>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace invalid UTF-8 by U+FFFD instead of throwing.
    /// </param>
    public ImageData ReadImage(bool replaceInvalidUtf8 = false) =>
        ImageData.FromAccessor(Backed(), replaceInvalidUtf8);

    /// <summary>Writes a picture and its path.</summary>
    /// <param name="image">The picture and its path.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    public void WriteImage(ImageData image, bool replaceInvalidUtf8 = false)
    {
        Guard.NotNull(image);
        image.WriteTo(Backed(), replaceInvalidUtf8);
    }

    /// <summary>Releases the view and the map.</summary>
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
        if (!Host.IsWindows)
        {
            mapAccess = mapAccess.WithoutExecute();
        }

        MemoryMappedFile map;
        var stream = new FileStream(path, mode, fileAccess, FileShare.ReadWrite | FileShare.Delete);
        try
        {
            if (Host.IsMono && capacity > stream.Length)
            {
                stream.SetLength(capacity); // Mono does not enlarge the file.
            }

            map = MemoryMappedFile.CreateFromFile(
                stream,
                mapName: null,
                // .NET throws if the capacity is less than the size of the file. Here, that is allowed.
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

        Take(
            map,
            () => map.CreateViewAccessor(0, 0, mapAccess),
            () => Host.IsWindows ? null : stream.Length);
    }

    private MemoryMappedViewAccessor Backed()
    {
        ThrowIfTruncated();
        return Accessor;
    }

    private void Take(
        IDisposable map, Func<MemoryMappedViewAccessor> createView, Func<long?> fileLength)
    {
        try
        {
            Guard.NotDisposed(_disposed, this);
            MemoryMappedViewAccessor accessor = createView();
            Close();
            _map = map;
            _accessor = accessor;
            _fileLength = fileLength;
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
