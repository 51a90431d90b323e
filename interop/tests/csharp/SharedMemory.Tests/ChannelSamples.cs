using System.IO.MemoryMappedFiles;

namespace SharedMemory.Tests;

/// <summary>A structure whose managed bytes are its marshalled bytes.</summary>
internal record struct Sample
{
    public int Id;
    public float X;
    public float Y;
}

/// <summary>Makes names that no other test uses.</summary>
internal static class ChannelNames
{
    public static string New() => $"pyshm-test-{Guid.NewGuid():N}";
}

/// <summary>Represents a map whose bytes a test reads and writes.</summary>
internal sealed class RawMap : IDisposable
{
    private readonly NamedMap _map;
    private readonly MapView _view;

    public RawMap(string name)
        : this(NamedMap.OpenExisting(name))
    {
    }

    public RawMap(string name, long size)
        : this(NamedMap.CreateNew(name, size))
    {
    }

    private RawMap(NamedMap map)
    {
        _map = map;
        _view = map.CreateView();
    }

    public long Length => _view.Length;

    public byte[] Read(long offset, int count) => _view.GetSpan().Slice((int)offset, count).ToArray();

    public int Int32(long offset) => BitConverter.ToInt32(Read(offset, 4), 0);

    public long Int64(long offset) => BitConverter.ToInt64(Read(offset, 8), 0);

    public void Write(long offset, byte[] bytes) => bytes.CopyTo(_view.GetSpan().Slice((int)offset));

    public void Dispose()
    {
        _view.Dispose();
        _map.Dispose();
    }
}
