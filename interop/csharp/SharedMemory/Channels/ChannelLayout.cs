namespace SharedMemory;

/// <summary>Defines the offsets of a channel (docs/channels.md). All numbers are little-endian.</summary>
internal static class ChannelLayout
{
    /// <summary>The size of a map is a multiple of this.</summary>
    public const int MapUnit = 65536;

    /// <summary>The size of the header, which is at the end of the map.</summary>
    public const int HeaderSize = 4096;

    /// <summary>The slots begin at a multiple of this.</summary>
    public const int Page = 4096;

    /// <summary>The size of a descriptor and of a reader entry; they begin at a multiple of it.</summary>
    public const int Line = 128;

    /// <summary>The bytes <c>PYSHMCHN</c>.</summary>
    public const ulong MagicValue = 0x4E48434D48535950;

    public const uint MajorVersion = 1;

    public const int MaxSlots = 256;
    public const int MaxReaderEntries = 64;
    public const int MaxDimensions = 8;

    // The fields of the header that the creator writes.
    public const int Magic = 0;
    public const int Major = 8;
    public const int Minor = 12;
    public const int Discipline = 16;
    public const int Slots = 20;
    public const int Capacity = 24;
    public const int Stride = 32;
    public const int SlotOffset = 40;
    public const int DescriptorOffset = 48;
    public const int EntryOffset = 56;
    public const int ReaderEntries = 64;
    public const int ViewerEntries = 68;
    public const int Content = 72;
    public const int Type = 80;
    public const int ChannelId = 88;
    public const int PlainSize = 96;
    public const int TypeText = 1024;
    public const int MaxTypeText = HeaderSize - TypeText - sizeof(uint);

    // The fields of the header that change.
    public const int Latest = 128;
    public const int Sleepers = 256;
    public const int Pinners = 260;
    public const int Epoch = 384;
    public const int WriterPid = 392;
    public const int State = 396;
    public const int WriterWaits = 512;

    // The fields of a descriptor.
    public const int Stamp = 0;
    public const int Length = 8;
    public const int Published = 16;
    public const int Tag = 24;
    public const int Reserved = 28;
    public const int ElementType = 32;
    public const int Dimensions = 40;
    public const int Shape = 48;

    // The fields of a reader entry.
    public const int Cursor = 0;
    public const int Pin = 8;
    public const int Mode = 16;
    public const int EntryPid = 20;

    // The values of the field state.
    public const uint NoWriterYet = 0;
    public const uint Open = 1;
    public const uint Closed = 2;

    // The values of the field mode.
    public const uint Free = 0;
    public const uint Viewer = 1;
    public const uint Consumer = 2;

    // The words of latest and pin have the slot in the top 8 bits, and the number of the value below.
    public const int SlotShift = 56;
    public const ulong NumberMask = (1UL << SlotShift) - 1;

    // The bytes of the map's file whose locks are used.
    public const int WriterLock = 1;
    public const int FirstEntryLock = 16;

    /// <summary>Returns the least multiple of <paramref name="unit"/> that is not less.</summary>
    public static long RoundUp(long value, int unit) => checked((value + unit - 1) / unit * unit);

    /// <summary>Returns what the stride of slots is a multiple of.</summary>
    public static int StrideUnit(long capacity) => capacity >= Page ? Page : Line;
}
