using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Represents the numbers that a channel is created with, and where its parts are.</summary>
internal sealed record ChannelGeometry
{
    /// <summary>Gets the size of the map.</summary>
    public long MapSize { get; init; }

    public ChannelDiscipline Discipline { get; init; }

    public int Slots { get; init; }

    /// <summary>Gets the largest size of a value in bytes.</summary>
    public long Capacity { get; init; }

    public long Stride { get; init; }

    public long SlotOffset { get; init; }

    public long DescriptorOffset { get; init; }

    public long EntryOffset { get; init; }

    public int ReaderEntries { get; init; }

    /// <summary>Gets the number of the reader entries that are for viewers, which are the first ones.</summary>
    public int ViewerEntries { get; init; }

    public ChannelContent Content { get; init; }

    /// <summary>Gets the beginning of the hash of the type's text; 0 for bytes and images.</summary>
    public ulong Type { get; init; }

    public ulong ChannelId { get; init; }

    /// <summary>Gets the size of the plain area at offset 0; 0 if there is none.</summary>
    public long PlainSize { get; init; }

    /// <summary>Gets the offset of the header.</summary>
    public long HeaderOffset => MapSize - HeaderSize;

    /// <summary>Places the parts of a new channel in the order of docs/channels.md.</summary>
    public static ChannelGeometry Plan(
        ChannelDiscipline discipline, ChannelType type, ChannelSizes sizes, ulong channelId)
    {
        long plain = sizes.HasPlainArea ? RoundUp(sizes.Capacity, Page) : 0;
        long stride = RoundUp(sizes.Capacity, StrideUnit(sizes.Capacity));
        long descriptors = checked(plain + (sizes.Slots * stride));
        long entries = checked(descriptors + (sizes.Slots * Line));
        long end = checked(entries + (sizes.ReaderEntries * Line));
        return new ChannelGeometry
        {
            MapSize = RoundUp(checked(end + HeaderSize), MapUnit),
            Discipline = discipline,
            Slots = sizes.Slots,
            Capacity = sizes.Capacity,
            Stride = stride,
            SlotOffset = plain,
            DescriptorOffset = descriptors,
            EntryOffset = entries,
            ReaderEntries = sizes.ReaderEntries,
            ViewerEntries = sizes.ViewerEntries,
            Content = type.Content,
            Type = type.Hash,
            ChannelId = channelId,
            PlainSize = plain,
        };
    }
}

/// <summary>Represents what the creator of a channel chooses, checked.</summary>
internal readonly record struct ChannelSizes(
    int Slots, long Capacity, int ReaderEntries, int ViewerEntries, bool HasPlainArea);
