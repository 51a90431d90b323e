using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Has the addresses of a channel's parts.</summary>
internal readonly unsafe struct ChannelWords
{
    private readonly byte* _map;
    private readonly byte* _slots;
    private readonly byte* _descriptors;
    private readonly byte* _entries;
    private readonly long _stride;

    public ChannelWords(ChannelMap map)
    {
        ChannelGeometry geometry = map.Geometry;
        _map = map.Start;
        _slots = _map + geometry.SlotOffset;
        _descriptors = _map + geometry.DescriptorOffset;
        _entries = _map + geometry.EntryOffset;
        _stride = geometry.Stride;
        Header = _map + geometry.HeaderOffset;
    }

    public byte* Header { get; }

    /// <summary>Gets the address of the plain area.</summary>
    public byte* PlainArea => _map;

    public ref ulong Latest => ref *(ulong*)(Header + ChannelLayout.Latest);

    /// <summary>Gets the word that readers sleep on: the low half of latest.</summary>
    public uint* LatestWord => (uint*)(Header + ChannelLayout.Latest);

    public ref uint Sleepers => ref *(uint*)(Header + ChannelLayout.Sleepers);

    public ref uint Pinners => ref *(uint*)(Header + ChannelLayout.Pinners);

    public ref ulong Epoch => ref *(ulong*)(Header + ChannelLayout.Epoch);

    public ref uint WriterPid => ref *(uint*)(Header + ChannelLayout.WriterPid);

    public ref uint State => ref *(uint*)(Header + ChannelLayout.State);

    public ref uint WriterWaits => ref *(uint*)(Header + ChannelLayout.WriterWaits);

    /// <summary>Gets the number of the newest value; 0 if there is none.</summary>
    public ulong Newest => Volatile.Read(ref Latest) & NumberMask;

    /// <summary>Returns the word of the newest value, whose slot exists.</summary>
    public ulong CheckLatest(ChannelGeometry geometry)
    {
        ulong word = Volatile.Read(ref Latest);
        return SlotOf(word) < geometry.Slots
            ? word
            : throw new MapFormatException(
                FormatErrorKind.ChannelHeader,
                "latest",
                geometry.HeaderOffset + ChannelLayout.Latest,
                SlotOf(word),
                geometry.Slots - 1);
    }

    public byte* Slot(int index) => _slots + (index * _stride);

    public byte* Descriptor(int index) => _descriptors + (index * Line);

    public ref ulong Stamp(int index) => ref *(ulong*)(_descriptors + (index * Line));

    public byte* Entry(int index) => _entries + (index * Line);

    public ref ulong Cursor(int index) => ref *(ulong*)(_entries + (index * Line) + ChannelLayout.Cursor);

    public ref ulong Pin(int index) => ref *(ulong*)(_entries + (index * Line) + ChannelLayout.Pin);

    public ref uint Mode(int index) => ref *(uint*)(_entries + (index * Line) + ChannelLayout.Mode);

    public ref uint EntryPid(int index) => ref *(uint*)(_entries + (index * Line) + ChannelLayout.EntryPid);

    /// <summary>Returns the word of latest for a value in a slot.</summary>
    public static ulong Word(int slot, ulong number) => ((ulong)slot << SlotShift) | number;

    /// <summary>Returns the slot of a word of latest.</summary>
    public static int SlotOf(ulong word) => (int)(word >> SlotShift);

    /// <summary>Returns the stamp of a complete value.</summary>
    public static ulong Complete(ulong number) => 2 * number;
}
