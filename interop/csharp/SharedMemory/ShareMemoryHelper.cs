using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.MemoryMappedFiles;

namespace SharedMemory;

/// <summary>
/// Represents a map and a view of the whole map, to exchange bytes, a structure or a picture.
/// </summary>
/// <remarks>
/// <para>
/// Make one with <see cref="CreateOrOpen(string, long, MemoryMappedFileAccess)"/> or
/// <see cref="Open(string, MemoryMappedFileAccess)"/>, which open the map at once, or with the
/// constructor, and open the map then. The methods that read or write throw
/// <see cref="InvalidOperationException"/> before a map is open, and
/// <see cref="ObjectDisposedException"/> after <see cref="Dispose"/>.
/// </para>
/// <para>
/// One thread at a time can use a helper. Nothing keeps another helper or process from writing while
/// this one reads: then a read can return bytes of two writes. <c>TryReadImage</c> returns false for
/// most of these reads, not for all.
/// </para>
/// </remarks>
public sealed class ShareMemoryHelper : IDisposable
{
    /// <summary>The default capacity of a new map in bytes: 10 MiB.</summary>
    public const long DefaultCapacity = 10_485_760;

    private readonly string? _mapName;
    private readonly long? _capacity;
    private readonly BlobReader _reader = new();
    private readonly MemoryMappedFileAccess _access;
    private readonly object _changing = new();
    private IDisposable? _map;
    private MemoryMappedViewAccessor? _accessor;
    private Func<long?>? _fileLength;
    private bool _disposed;

    /// <summary>Initializes a helper. It opens the map when one of its methods is called.</summary>
    /// <param name="mapName">The name of the map. Maps of files do not use it.</param>
    /// <param name="capacity">
    /// The size of a new map in bytes, and the number of bytes that <see cref="ReadBytes()"/> returns.
    /// </param>
    /// <param name="access">The access of the map and the view.</param>
    public ShareMemoryHelper(
        string? mapName,
        long capacity = DefaultCapacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
        : this(mapName, access, capacity)
    {
    }

    private ShareMemoryHelper(string? mapName, MemoryMappedFileAccess access, long? capacity)
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

    /// <summary>Gets whether a map is open.</summary>
    public bool IsOpen => !_disposed && _accessor is not null;

    /// <summary>
    /// Gets the size of the open map in bytes, which is not always that of the constructor. On
    /// Windows, it is the size of the view, in whole pages.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="InvalidOperationException">No map is open.</exception>
    public long Capacity => Accessor.Capacity;

    /// <summary>Creates or opens a named map, as <see cref="NamedMap.CreateOrOpen"/> does.</summary>
    /// <param name="mapName">The name of the map.</param>
    /// <param name="capacity">The size of a new map in bytes. An existing map keeps its size.</param>
    /// <param name="access">The access of the map and the view.</param>
    /// <returns>A helper with the open map.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The capacity is less than 1, or the access is not valid.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system or the file of the map does not permit the access.
    /// </exception>
    /// <exception cref="IOException">There is not enough memory.</exception>
    public static ShareMemoryHelper CreateOrOpen(
        string mapName,
        long capacity = DefaultCapacity,
        MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
    {
        var helper = new ShareMemoryHelper(mapName, capacity, access);
        helper.CreateOrOpen(); // holds nothing if it throws
        return helper;
    }

    /// <summary>Opens a named map, as <see cref="NamedMap.OpenExisting"/> does.</summary>
    /// <param name="mapName">The name of the map.</param>
    /// <param name="access">The access of the map and the view.</param>
    /// <returns>A helper with the open map. Its <see cref="ReadBytes()"/> reads the whole map.</returns>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="FileNotFoundException">
    /// No process holds a map with this name. Try again later to wait for one.
    /// </exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system or the file of the map does not permit the access.
    /// </exception>
    public static ShareMemoryHelper Open(
        string mapName, MemoryMappedFileAccess access = MemoryMappedFileAccess.ReadWrite)
    {
        var helper = new ShareMemoryHelper(mapName, access, capacity: null);
        helper.Open(); // holds nothing if it throws
        return helper;
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
        if (_fileLength?.Invoke() is { } length && length < needed)
        {
            throw new IOException(
                $"The file of the map was truncated to {length} bytes; the view needs {needed}.");
        }
    }

    /// <summary>Creates or opens the named map, as <see cref="NamedMap.CreateOrOpen"/> does.</summary>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system or the file of the map does not permit the access.
    /// </exception>
    /// <exception cref="IOException">There is not enough memory.</exception>
    public void CreateOrOpen()
    {
        Guard.NotDisposed(_disposed, this);
        NamedMap map = NamedMap.CreateOrOpen(_mapName!, _capacity ?? DefaultCapacity, _access);
        Take(map, () => map.CreateViewAccessor(0, 0, _access), () => map.FileLength);
    }

    /// <summary>Opens the named map, as <see cref="NamedMap.OpenExisting"/> does.</summary>
    /// <exception cref="ArgumentNullException">The name is null.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="FileNotFoundException">No process holds a map with this name.</exception>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system or the file of the map does not permit the access.
    /// </exception>
    public void Open()
    {
        Guard.NotDisposed(_disposed, this);
        NamedMap map = NamedMap.OpenExisting(_mapName!, _access.ToRights());
        Take(map, () => map.CreateViewAccessor(0, 0, _access), () => map.FileLength);
    }

    /// <summary>Maps a file. Creates it if it does not exist, and enlarges it to the capacity.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="IOException">The file can't be created, enlarged or mapped.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system does not permit the access.
    /// </exception>
    public void CreateFromFile(string path) =>
        MapFile(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, _access, _capacity ?? DefaultCapacity);

    /// <summary>Maps an existing file for reading. The map has the size of the file.</summary>
    /// <param name="path">The path of the file.</param>
    /// <exception cref="ObjectDisposedException">The helper is disposed.</exception>
    /// <exception cref="FileNotFoundException">The file does not exist.</exception>
    /// <exception cref="ArgumentException">The file is empty.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The operating system does not permit the access.
    /// </exception>
    public void OpenFileToRead(string path) =>
        MapFile(path, FileMode.Open, FileAccess.Read, MemoryMappedFileAccess.Read, capacity: 0);

    /// <summary>
    /// Returns the first bytes of the map, as many as the capacity. The bytes beyond the end of the
    /// map are zeros.
    /// </summary>
    /// <returns>A new array.</returns>
    /// <exception cref="OverflowException">
    /// The capacity is more than 2,147,483,647 bytes. Use a buffer of your own.
    /// </exception>
    /// <exception cref="NotSupportedException">The view can't be read.</exception>
    public byte[] ReadBytes()
    {
        var bytes = new byte[checked((int)(_capacity ?? Capacity))];
        _ = PinnedView.Read(Backed(), 0, bytes);
        return bytes;
    }

    /// <summary>Copies bytes of the map to a buffer. Nothing is allocated.</summary>
    /// <param name="destination">The buffer.</param>
    /// <param name="offset">The offset in the map.</param>
    /// <returns>
    /// The number of bytes, less than the length of the buffer at the end of the map. The rest of the
    /// buffer does not change.
    /// </returns>
    /// <exception cref="ArgumentOutOfRangeException">The offset is not inside of the map.</exception>
    public int ReadBytes(Span<byte> destination, long offset = 0) =>
        PinnedView.Read(Backed(), offset, destination);

    /// <summary>Writes bytes to the beginning of the map.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="ArgumentException">The bytes do not fit. None of them is written.</exception>
    public void WriteBytes(byte[] bytes) => WriteBytes(bytes, 0);

    /// <summary>Writes bytes to the map.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">The offset in the map.</param>
    /// <exception cref="ArgumentException">The bytes do not fit. None of them is written.</exception>
    public void WriteBytes(byte[] bytes, long offset)
    {
        Guard.NotNull(bytes);
        PinnedView.Write(Backed(), offset, bytes);
    }

    /// <summary>Writes bytes to the beginning of the map.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <exception cref="ArgumentException">The bytes do not fit. None of them is written.</exception>
    public void WriteBytes(ReadOnlySpan<byte> bytes) => WriteBytes(bytes, 0);

    /// <summary>Writes bytes to the map.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="offset">The offset in the map.</param>
    /// <exception cref="ArgumentException">The bytes do not fit. None of them is written.</exception>
    public void WriteBytes(ReadOnlySpan<byte> bytes, long offset) =>
        PinnedView.Write(Backed(), offset, bytes);

    /// <summary>Reads a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentException">The type can't be marshalled.</exception>
    /// <exception cref="MapFormatException">The map ends before the value ends.</exception>
    public T ReadStruct<[DynamicallyAccessedMembers(StructBytes.Constructors)] T>()
        where T : struct => Backed().ReadStruct<T>();

    /// <summary>Reads a structure in its marshalled layout.</summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    /// <param name="offset">The offset in the map, in bytes.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentException">The type can't be marshalled.</exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The offset is not inside of the map.
    /// </exception>
    /// <exception cref="MapFormatException">The map ends before the value ends.</exception>
    public T ReadStruct<[DynamicallyAccessedMembers(StructBytes.Constructors)] T>(long offset)
        where T : struct => Backed().ReadStruct<T>(offset);

    /// <summary>
    /// Writes a structure in its marshalled layout. <see cref="StructBytes"/> says which values the
    /// marshaller shortens.
    /// </summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid, or does not fit.</exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    public void WriteStruct<T>(T value)
        where T : struct => WriteStruct(value, 0);

    /// <summary>
    /// Writes a structure in its marshalled layout. <see cref="StructBytes"/> says which values the
    /// marshaller shortens.
    /// </summary>
    /// <typeparam name="T">The type of the structure.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="offset">The offset in the map, in bytes.</param>
    /// <exception cref="ArgumentException">
    /// An array has fewer elements than its field, or the type can't be marshalled.
    /// </exception>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The offset is not inside of the map.
    /// </exception>
    /// <exception cref="MapFormatException">The value is not valid, or does not fit.</exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    public void WriteStruct<T>(T value, long offset)
        where T : struct
    {
        try
        {
            Backed().WriteStruct(value, offset);
        }
        catch (MapFormatException error) when (error.Kind == FormatErrorKind.DoesNotFit)
        {
            throw error.With(WhatToDo());
        }
    }

    /// <summary>
    /// Reads a structure in its managed layout, which differs from the marshalled one: a
    /// <see cref="bool"/> has one byte, a <see cref="char"/> two. Nothing is allocated.
    /// </summary>
    /// <typeparam name="T">The type of the structure, without references.</typeparam>
    /// <param name="offset">The offset in the map, in bytes.</param>
    /// <returns>The value.</returns>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The offset is not inside of the map.
    /// </exception>
    /// <exception cref="MapFormatException">The map ends before the value ends.</exception>
    public T ReadUnmanaged<T>(long offset = 0)
        where T : unmanaged => Backed().ReadUnmanaged<T>(offset);

    /// <summary>
    /// Writes a structure in its managed layout, which differs from the marshalled one: a
    /// <see cref="bool"/> has one byte, a <see cref="char"/> two. Nothing is allocated.
    /// </summary>
    /// <typeparam name="T">The type of the structure, without references.</typeparam>
    /// <param name="value">The value.</param>
    /// <param name="offset">The offset in the map, in bytes.</param>
    /// <exception cref="ArgumentOutOfRangeException">
    /// The offset is not inside of the map.
    /// </exception>
    /// <exception cref="MapFormatException">The value does not fit.</exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    public void WriteUnmanaged<T>(T value, long offset = 0)
        where T : unmanaged
    {
        try
        {
            Backed().WriteUnmanaged(value, offset);
        }
        catch (MapFormatException error) when (error.Kind == FormatErrorKind.DoesNotFit)
        {
            throw error.With(WhatToDo());
        }
    }

    /// <summary>Reads a picture and its path.</summary>
    /// <returns>
    /// The picture in a new array, and its path. A new map has an empty picture with the path
    /// "".
    /// </returns>
    /// <exception cref="MapFormatException">
    /// The map does not begin with a picture, or a program writes it now.
    /// </exception>
    public ImageData ReadImage() => ReadImage(false);

    /// <summary>Reads a picture and its path.</summary>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace invalid UTF-8 by U+FFFD instead of throwing.
    /// </param>
    /// <returns>The picture in a new array, and its path.</returns>
    /// <exception cref="MapFormatException">
    /// The map does not begin with a picture, or a program writes it now.
    /// </exception>
    public ImageData ReadImage(bool replaceInvalidUtf8) =>
        ImageData.FromAccessor(Backed(), replaceInvalidUtf8);

    /// <summary>
    /// Reads a picture and its path. Returns false if a program writes them now, or was stopped in
    /// the middle of the write.
    /// </summary>
    /// <param name="image">The picture and its path.</param>
    /// <returns>
    /// Whether the picture is finished. It can be the same as that of the previous call.
    /// </returns>
    /// <exception cref="MapFormatException">The map does not begin with a picture.</exception>
    public bool TryReadImage([NotNullWhen(true)] out ImageData? image) =>
        ImageData.TryFromAccessor(Backed(), out image);

    /// <summary>
    /// Copies a picture to a buffer. Nothing is allocated if the path is that of the previous call.
    /// </summary>
    /// <param name="content">The buffer. Its bytes after the picture do not change.</param>
    /// <param name="path">The path of the picture.</param>
    /// <returns>The number of bytes of the encoded picture.</returns>
    /// <exception cref="ArgumentException">The buffer is too small. It does not change.</exception>
    /// <exception cref="MapFormatException">The map does not begin with a picture.</exception>
    public int ReadImage(Span<byte> content, out string path)
    {
        using PinnedView view = PinnedView.ToRead(Backed());
        return _reader.Read(view.Bytes, content, out path);
    }

    /// <summary>
    /// Adds a picture to a buffer that can grow. This method allocates nothing if the path is that of
    /// the previous call.
    /// </summary>
    /// <param name="content">The buffer.</param>
    /// <param name="path">The path of the picture.</param>
    /// <returns>The number of bytes of the encoded picture.</returns>
    /// <exception cref="MapFormatException">The map does not begin with a picture.</exception>
    public int ReadImage(IBufferWriter<byte> content, out string path)
    {
        Guard.NotNull(content);
        using PinnedView view = PinnedView.ToRead(Backed());
        return _reader.Read(view.Bytes, content, out path);
    }

    /// <summary>
    /// Copies a picture to a buffer. Returns false if a program writes it now, or was stopped in the
    /// middle of the write. Nothing is allocated if the path is that of the previous call.
    /// </summary>
    /// <param name="content">The buffer. Its content is undefined if the result is false.</param>
    /// <param name="length">The number of bytes of the encoded picture.</param>
    /// <param name="path">The path of the picture.</param>
    /// <returns>
    /// Whether the picture is finished. It can be the same as that of the previous call.
    /// </returns>
    /// <exception cref="ArgumentException">The buffer is too small. It does not change.</exception>
    /// <exception cref="MapFormatException">The map does not begin with a picture.</exception>
    public bool TryReadImage(Span<byte> content, out int length, out string path)
    {
        using PinnedView view = PinnedView.ToRead(Backed());
        return _reader.TryRead(view.Bytes, content, out length, out path);
    }

    /// <summary>
    /// Adds a picture to a buffer that can grow. Returns false, and adds nothing, if a program writes
    /// it now, or was stopped in the middle of the write. This method allocates nothing if the path
    /// is that of the previous call.
    /// </summary>
    /// <param name="content">The buffer.</param>
    /// <param name="length">The number of bytes of the encoded picture.</param>
    /// <param name="path">The path of the picture.</param>
    /// <returns>
    /// Whether the picture is finished. It can be the same as that of the previous call.
    /// </returns>
    /// <exception cref="MapFormatException">The map does not begin with a picture.</exception>
    public bool TryReadImage(IBufferWriter<byte> content, out int length, out string path)
    {
        Guard.NotNull(content);
        using PinnedView view = PinnedView.ToRead(Backed());
        return _reader.TryRead(view.Bytes, content, out length, out path);
    }

    /// <summary>Writes a picture and its path.</summary>
    /// <param name="image">The picture and its path.</param>
    /// <param name="replaceInvalidUtf8">
    /// Whether to replace a lone surrogate by U+FFFD instead of throwing.
    /// </param>
    /// <exception cref="MapFormatException">
    /// The path has a lone surrogate (invalid-utf8), or the map is too small (does-not-fit).
    /// Nothing is written.
    /// </exception>
    /// <exception cref="NotSupportedException">The view can't be written.</exception>
    public void WriteImage(ImageData image, bool replaceInvalidUtf8 = false)
    {
        Guard.NotNull(image);
        try
        {
            image.WriteTo(Backed(), replaceInvalidUtf8);
        }
        catch (MapFormatException error) when (error.Kind == FormatErrorKind.DoesNotFit)
        {
            throw error.With(WhatToDo());
        }
    }

    /// <summary>Releases the view and the map.</summary>
    public void Dispose()
    {
        lock (_changing)
        {
            _disposed = true;
            Close();
        }
    }

    private void MapFile(
        string path,
        FileMode mode,
        FileAccess fileAccess,
        MemoryMappedFileAccess mapAccess,
        long capacity)
    {
        Guard.NotDisposed(_disposed, this);
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

        // For 0, Mono gives a view of whole pages.
        long size = Host.IsWindows ? 0 : stream.Length;
        Take(
            map,
            () => map.CreateViewAccessor(0, size, mapAccess),
            () => Host.IsWindows ? null : stream.Length);
    }

    /// <summary>Returns what a user can do if something does not fit.</summary>
    private string WhatToDo() => _map is NamedMap map
        ? FormattableString.Invariant($"the map {map.Name} has {Capacity} bytes; ")
            + "create it with a larger capacity, after the processes that hold it have released it"
        : FormattableString.Invariant($"the file has {Capacity} bytes; map it with a larger capacity");

    private MemoryMappedViewAccessor Backed()
    {
        ThrowIfTruncated();
        return Accessor;
    }

    private void Take(
        IDisposable map, Func<MemoryMappedViewAccessor> createView, Func<long?> fileLength)
    {
        MemoryMappedViewAccessor? accessor = null;
        try
        {
            accessor = createView();
            lock (_changing)
            {
                // Another thread may have disposed of this helper meanwhile. It would never dispose
                // of the new map.
                Guard.NotDisposed(_disposed, this);
                Close();
                _map = map;
                _accessor = accessor;
                _fileLength = fileLength;
            }
        }
        catch
        {
            accessor?.Dispose();
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
