using System.Runtime.InteropServices;
using System.Text;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Writes and reads the header of a channel. A reader trusts no number before its check.</summary>
internal static unsafe class ChannelHeader
{
    /// <summary>Writes the header of a new channel, whose bytes are 0. The magic is written last.</summary>
    public static void Write(byte* map, ChannelGeometry geometry, string typeText)
    {
        ThrowIfBigEndian();
        byte* header = map + geometry.HeaderOffset;
        *(uint*)(header + Major) = MajorVersion;
        *(uint*)(header + Discipline) = (uint)geometry.Discipline;
        *(uint*)(header + Slots) = (uint)geometry.Slots;
        *(long*)(header + Capacity) = geometry.Capacity;
        *(long*)(header + Stride) = geometry.Stride;
        *(long*)(header + SlotOffset) = geometry.SlotOffset;
        *(long*)(header + DescriptorOffset) = geometry.DescriptorOffset;
        *(long*)(header + EntryOffset) = geometry.EntryOffset;
        *(uint*)(header + ChannelLayout.ReaderEntries) = (uint)geometry.ReaderEntries;
        *(uint*)(header + ViewerEntries) = (uint)geometry.ViewerEntries;
        *(uint*)(header + Content) = (uint)geometry.Content;
        *(ulong*)(header + ChannelLayout.Type) = geometry.Type;
        *(ulong*)(header + ChannelId) = geometry.ChannelId;
        *(long*)(header + PlainSize) = geometry.PlainSize;
        byte[] text = Shortened(typeText);
        *(uint*)(header + ChannelLayout.TypeText) = (uint)text.Length;
        Marshal.Copy(text, 0, (nint)(header + ChannelLayout.TypeText + sizeof(uint)), text.Length);
        Volatile.Write(ref *(ulong*)(header + Magic), MagicValue);
    }

    /// <summary>Returns the magic of a map. It is 0 while another process creates the channel.</summary>
    /// <exception cref="MapFormatException">The map does not have the size of a channel.</exception>
    public static ulong ReadMagic(byte* map, long mapSize)
    {
        ThrowIfBigEndian();
        if (mapSize < MapUnit || mapSize % MapUnit != 0)
        {
            throw new MapFormatException(FormatErrorKind.NotAChannel, "length", null, mapSize, MapUnit);
        }

        return Volatile.Read(ref *(ulong*)(map + mapSize - HeaderSize + Magic));
    }

    /// <summary>Reads the header. Reads each field once, and checks it before it is used.</summary>
    /// <exception cref="MapFormatException">The map is not a channel, or a field is out of range.</exception>
    public static ChannelGeometry Read(byte* map, long mapSize)
    {
        ulong magic = ReadMagic(map, mapSize);
        long end = mapSize - HeaderSize;
        var fields = new HeaderFields(map + end, end);
        if (magic != MagicValue)
        {
            throw new MapFormatException(FormatErrorKind.NotAChannel, "magic", end, unchecked((long)magic));
        }

        fields.RequireVersion();
        var discipline = (ChannelDiscipline)fields.UInt32(Discipline, "discipline", 0, 1);
        bool isLatest = discipline == ChannelDiscipline.Latest;
        int slots = fields.UInt32(Slots, "slots", isLatest ? 3 : 2, MaxSlots);
        int entries = fields.UInt32(ChannelLayout.ReaderEntries, "readers", 1, MaxReaderEntries);
        int viewers = fields.UInt32(
            ViewerEntries, "viewers", 0, isLatest ? Math.Min(slots - 2, entries) : 0);
        long capacity = fields.UInt64(Capacity, "capacity", 1, int.MaxValue, int.MaxValue);
        long stride = fields.UInt64(Stride, "stride", capacity, long.MaxValue, capacity);
        if (stride % StrideUnit(capacity) != 0)
        {
            throw fields.Invalid(Stride, "stride", stride, capacity);
        }

        var regions = new ChannelRegions(fields);
        long plain = regions.PlacePlainArea(PlainSize, "plain");
        long slotOffset = regions.Place(SlotOffset, "slots_at", Page, slots, stride);
        long descriptorOffset = regions.Place(DescriptorOffset, "descriptors_at", Line, slots, Line);
        long entryOffset = regions.Place(EntryOffset, "readers_at", Line, entries, Line);
        regions.RequireApart();
        return new ChannelGeometry
        {
            MapSize = mapSize,
            Discipline = discipline,
            Slots = slots,
            Capacity = capacity,
            Stride = stride,
            SlotOffset = slotOffset,
            DescriptorOffset = descriptorOffset,
            EntryOffset = entryOffset,
            ReaderEntries = entries,
            ViewerEntries = viewers,
            PlainSize = plain,
            Content = (ChannelContent)fields.UInt32(Content, "content", 0, (int)ChannelContent.Array),
            Type = fields.UInt64(ChannelLayout.Type),
            ChannelId = fields.NotZero(ChannelId, "channel_id"),
        };
    }

    /// <summary>Returns the text of the channel's type, which is for people.</summary>
    /// <exception cref="MapFormatException">Its length is out of range.</exception>
    public static string ReadTypeText(byte* map, long mapSize)
    {
        long end = mapSize - HeaderSize;
        byte* header = map + end;
        int length = new HeaderFields(header, end).UInt32(
            ChannelLayout.TypeText, "text_length", 0, MaxTypeText);
        return Encoding.UTF8.GetString(header + ChannelLayout.TypeText + sizeof(uint), length);
    }

    /// <summary>Returns the bytes of a text, cut after a whole line if it is too long.</summary>
    private static byte[] Shortened(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length <= MaxTypeText)
        {
            return bytes;
        }

        int length = Array.LastIndexOf(bytes, (byte)'\n', MaxTypeText - 1) + 1;
        return bytes.AsSpan(0, length).ToArray();
    }

    private static void ThrowIfBigEndian()
    {
        if (!BitConverter.IsLittleEndian)
        {
            throw new PlatformNotSupportedException("Channels need a little-endian processor.");
        }
    }
}
