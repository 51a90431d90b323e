using System.Diagnostics.CodeAnalysis;

namespace SharedMemory;

/// <summary>
/// Represents a channel for the newest value: shared memory in which one writer publishes values, and
/// any number of readers, in any process, get the newest one. No value is torn, and the writer never waits
/// (docs/channels.md).
/// </summary>
/// <typeparam name="T">
/// What the channel carries: <c>byte[]</c> for any bytes; <see cref="ImageData"/>; a structure, in its
/// marshalled layout; or an array of numbers, which has a shape. An array of bytes that has a shape is
/// <see cref="Memory{T}"/> of bytes. A number or an enumeration is a structure with one field,
/// <c>value</c>. Native AOT keeps the fields of a nested structure only if the program asks for that
/// (DynamicDependency); without them, the channel throws <see cref="NotSupportedException"/>.
/// </typeparam>
/// <remarks>
/// <para>
/// The name is that of a named map, with the same rules (docs/named-maps.md). The channel exists until no
/// process holds it: this object, its writer, its readers and its viewers hold it.
/// </para>
/// <para>
/// Several threads can use this object at the same time. A writer, a reader and a viewer are for one thread
/// at a time; another thread may only dispose of them.
/// </para>
/// </remarks>
public sealed class LatestChannel<[DynamicallyAccessedMembers(TypeText.Carried)] T> : IDisposable
{
    private readonly ChannelMap _map;
    private readonly ValueCodec<T> _codec;
    private int _isDisposed;

    private LatestChannel(ChannelMap map, ValueCodec<T> codec)
    {
        _map = map;
        _codec = codec;
    }

    /// <summary>Gets the name that the channel was created or opened with.</summary>
    public string Name => _map.Name;

    /// <summary>Gets the largest size of a value in bytes.</summary>
    public long Capacity => _map.Geometry.Capacity;

    /// <summary>Gets the number of slots.</summary>
    public int Slots => _map.Geometry.Slots;

    /// <summary>Gets the number of frames that viewers can hold at the same time.</summary>
    public int Pins => _map.Geometry.ViewerEntries;

#pragma warning disable CA1000 // the type of the values is part of what is created
    /// <summary>Creates a channel. No process may hold a map with this name.</summary>
    /// <param name="name">The name of the channel.</param>
    /// <param name="options">The sizes of the channel. Structures need none.</param>
    /// <exception cref="IOException">A map with this name exists, or there is not enough memory.</exception>
    /// <exception cref="ArgumentException">The name or an option breaks a rule.</exception>
    /// <exception cref="NotSupportedException">A channel can't carry the type.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not a supported one.</exception>
    public static LatestChannel<T> Create(string name, LatestChannelOptions? options = null)
    {
        ValueCodec<T> codec = ValueCodecs<T>.Codec;
        ChannelSizes sizes = (options ?? new LatestChannelOptions()).Check(codec.FixedSize);
        return new LatestChannel<T>(
            ChannelMap.Create(name, ChannelDiscipline.Latest, codec.Type, sizes), codec);
    }

    /// <summary>Opens a channel, or creates it if no process holds a map with this name.</summary>
    /// <param name="name">The name of the channel.</param>
    /// <param name="options">
    /// The sizes of a new channel. An existing one keeps its sizes; its capacity must be at least this one.
    /// </param>
    /// <exception cref="MapFormatException">
    /// The map is not a channel, or carries something else, or smaller values.
    /// </exception>
    /// <exception cref="ArgumentException">The name or an option breaks a rule.</exception>
    /// <exception cref="NotSupportedException">A channel can't carry the type.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not a supported one.</exception>
    public static LatestChannel<T> CreateOrOpen(string name, LatestChannelOptions? options = null)
    {
        ValueCodec<T> codec = ValueCodecs<T>.Codec;
        ChannelSizes sizes = (options ?? new LatestChannelOptions()).Check(codec.FixedSize);
        return new LatestChannel<T>(
            ChannelMap.CreateOrOpen(
                name, ChannelDiscipline.Latest, codec.Type, sizes, codec.FixedSize),
            codec);
    }

    /// <summary>Opens a channel that a process holds.</summary>
    /// <param name="name">The name of the channel.</param>
    /// <exception cref="FileNotFoundException">No process holds a map with this name.</exception>
    /// <exception cref="MapFormatException">The map is not a channel, or carries something else.</exception>
    /// <exception cref="ArgumentException">The name breaks a rule.</exception>
    /// <exception cref="NotSupportedException">A channel can't carry the type.</exception>
    /// <exception cref="PlatformNotSupportedException">The system is not a supported one.</exception>
    public static LatestChannel<T> Open(string name)
    {
        ValueCodec<T> codec = ValueCodecs<T>.Codec;
        return new LatestChannel<T>(
            ChannelMap.Open(name, ChannelDiscipline.Latest, codec.Type, codec.FixedSize), codec);
    }
#pragma warning restore CA1000

    /// <summary>
    /// Opens the channel for writing. A writer that died is replaced, and the value that it finished is
    /// published.
    /// </summary>
    /// <exception cref="WriterAliveException">The channel has a writer, of this or another process.</exception>
    public LatestWriter<T> OpenWriter()
    {
        ThrowIfDisposed();
        return new LatestWriter<T>(Publisher.Open(_map, Rules), _codec);
    }

    /// <summary>Opens the channel for reading copies of the newest value.</summary>
    public LatestReader<T> OpenReader()
    {
        ThrowIfDisposed();
        return new LatestReader<T>(new ChannelEnd(_map, _map.OpenLocks(), entry: -1), _codec, Rules);
    }

    /// <summary>Opens the channel for holding frames without a copy.</summary>
    /// <exception cref="ChannelFullException">There are as many viewers as the channel has pins.</exception>
    public LatestViewer<T> OpenViewer()
    {
        ThrowIfDisposed();
        ChannelGeometry geometry = _map.Geometry;
        ChannelEnd end = ReaderEntries.Claim(_map, 0, geometry.ViewerEntries, ChannelLayout.Viewer)
            ?? throw new ChannelFullException(_map.Name, "viewers", geometry.ViewerEntries);
        return new LatestViewer<T>(end, Rules);
    }

    /// <summary>Releases the channel. Its writer, readers and viewers still hold it.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            _map.Release();
        }
    }

    private FrameRules Rules =>
        new(_codec.Type.Content, _map.Geometry.Capacity, _codec.FixedSize, _codec.Element);

    private void ThrowIfDisposed() => Guard.NotDisposed(Volatile.Read(ref _isDisposed) != 0, this);
}
