using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Microsoft.Win32.SafeHandles;
using SharedMemory.Posix;

namespace SharedMemory;

/// <summary>
/// Represents the map of a channel. The channel and its open ends use it; it is released when the last
/// of them is disposed.
/// </summary>
internal sealed unsafe class ChannelMap
{
    private const int Patience = 10; // seconds, in which another process finishes a new channel

    private readonly NamedMap _map;
    private readonly MemoryMappedViewAccessor _view;
    private readonly SafeMemoryMappedViewHandle _handle;
    private int _users = 1;
    private int _isUnmapped;

    private ChannelMap(NamedMap map, string name)
    {
        _map = map;
        Name = name;
        System = ChannelSystem.Current;
        _view = map.CreateViewAccessor();
        Start = PinnedView.Acquire(_view, out _handle, out long size);
        Size = size;
    }

    /// <summary>Releases the memory of a channel that was not disposed.</summary>
    ~ChannelMap() => ReleaseMemory();

    /// <summary>Gets the name that the channel was created or opened with.</summary>
    public string Name { get; }

    public ChannelSystem System { get; }

    /// <summary>Gets the address of the map.</summary>
    public byte* Start { get; }

    public long Size { get; }

    /// <summary>Gets the checked header.</summary>
    public ChannelGeometry Geometry { get; private set; } = null!;

    /// <summary>Creates a channel. No process may hold a map with this name.</summary>
    public static ChannelMap Create(
        string name, ChannelDiscipline discipline, ChannelType type, ChannelSizes sizes)
    {
        _ = ChannelSystem.Current;
        ChannelGeometry geometry = ChannelGeometry.Plan(discipline, type, sizes, NewId());
        NamedMap map = NamedMap.CreateNew(name, geometry.MapSize);
        ChannelMap channel = Use(map, name);
        channel.Geometry = geometry;
        ChannelHeader.Write(channel.Start, geometry, type.Text);
        return channel;
    }

    /// <summary>Opens a channel. It must carry the type.</summary>
    public static ChannelMap Open(
        string name, ChannelDiscipline discipline, ChannelType type, int fixedSize)
    {
        _ = ChannelSystem.Current;
        ChannelMap channel = Use(NamedMap.OpenExisting(name), name);
        try
        {
            channel.WaitForCreator();
            channel.Geometry = ChannelHeader.Read(channel.Start, channel.Size);
            channel.Require(discipline, type);
            channel.RequireRoom(fixedSize);
            return channel;
        }
        catch
        {
            channel.Release();
            throw;
        }
    }

    /// <summary>Opens a channel, or creates it if no process holds a map with this name.</summary>
    public static ChannelMap CreateOrOpen(
        string name, ChannelDiscipline discipline, ChannelType type, ChannelSizes sizes, int fixedSize)
    {
        var wait = new BoundedWait($"Creating or opening the channel \"{name}\"");
        while (true)
        {
            try
            {
                ChannelMap channel = Open(name, discipline, type, fixedSize);
                channel.RequireCapacity(sizes.Capacity);
                return channel;
            }
            catch (FileNotFoundException)
            {
                // Create it below.
            }

            try
            {
                return Create(name, discipline, type, sizes);
            }
            catch (IOException error) when (PosixError.IsNameExists(error))
            {
                wait.Wait();
            }
        }
    }

    /// <summary>Adds a user, which calls <see cref="Release"/>. Keeps the memory mapped for it.</summary>
    public SafeBuffer AddUser()
    {
        Interlocked.Increment(ref _users);
        byte* ignored = null;
        _handle.AcquirePointer(ref ignored);
        return _handle;
    }

    /// <summary>Opens what an end of the channel needs for its locks.</summary>
    public SafeHandle OpenLocks() => System.OpenLocks(_map);

    /// <summary>Removes a user. The last one releases the map.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _users) == 0)
        {
#pragma warning disable CA1816 // the last user calls this method once
            GC.SuppressFinalize(this);
#pragma warning restore CA1816
            ReleaseMemory();
            _view.Dispose();
            _map.Dispose();
        }
    }

    private static ChannelMap Use(NamedMap map, string name)
    {
        try
        {
            return new ChannelMap(map, name);
        }
        catch
        {
            map.Dispose();
            throw;
        }
    }

    private static ulong NewId()
    {
        byte[] bytes = new byte[sizeof(ulong)];
        using var random = RandomNumberGenerator.Create();
        ulong id;
        do
        {
            random.GetBytes(bytes);
            id = BitConverter.ToUInt64(bytes, 0);
        }
        while (id == 0);

        return id;
    }

    private void ReleaseMemory()
    {
        if (_handle is not null && Interlocked.Exchange(ref _isUnmapped, 1) == 0)
        {
            _handle.ReleasePointer();
        }
    }

    private void WaitForCreator()
    {
        long start = Stopwatch.GetTimestamp();
        while (ChannelHeader.ReadMagic(Start, Size) == 0
            && Stopwatch.GetTimestamp() - start < Patience * Stopwatch.Frequency)
        {
            Thread.Sleep(1);
        }
    }

    private void Require(ChannelDiscipline discipline, ChannelType type)
    {
        if (Geometry.Discipline != discipline)
        {
            throw Mismatch(
                "discipline", $"is a {Geometry.Discipline}Channel, and is opened as a {discipline}Channel");
        }

        if (Geometry.Content != type.Content || Geometry.Type != type.Hash)
        {
            string found = ChannelType.Describe(Geometry.Content, ChannelHeader.ReadTypeText(Start, Size));
            string asked = ChannelType.Describe(type.Content, type.Text);
            throw Mismatch(
                Geometry.Content == type.Content ? "type" : "content",
                $"carries {found}, and is opened for {asked}");
        }
    }

    /// <summary>Throws if not even one value fits: the header is damaged.</summary>
    private void RequireRoom(int fixedSize)
    {
        if (fixedSize > Geometry.Capacity)
        {
            throw new MapFormatException(
                FormatErrorKind.ChannelHeader,
                "capacity",
                Geometry.HeaderOffset + ChannelLayout.Capacity,
                Geometry.Capacity,
                fixedSize);
        }
    }

    private void RequireCapacity(long capacity)
    {
        if (Geometry.Capacity < capacity)
        {
            long found = Geometry.Capacity;
            Release();
            throw Mismatch(
                "capacity", $"has slots of {found} bytes, and {capacity} are needed");
        }
    }

    private MapFormatException Mismatch(string field, string difference) => new(
        FormatErrorKind.ChannelType,
        field,
        $"the channel \"{Name}\" {difference}. Open it as what it is, or use another name.");
}
