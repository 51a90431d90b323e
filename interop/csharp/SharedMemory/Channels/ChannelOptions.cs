namespace SharedMemory;

/// <summary>Specifies how a <see cref="LatestChannel{T}"/> is created.</summary>
public sealed class LatestChannelOptions
{
    /// <summary>
    /// Gets or sets the number of frames that viewers can hold at the same time, 0 to 64. It is also the
    /// number of viewers.
    /// </summary>
    public int Pins { get; set; } = 1;

    /// <summary>
    /// Gets or sets the number of slots, <see cref="Pins"/> + 2 to 256. By default, it is
    /// <see cref="Pins"/> + 2, and at least 3.
    /// </summary>
    public int? Slots { get; set; }

    /// <summary>
    /// Gets or sets the number of reader entries, 1 to 64, and at least <see cref="Pins"/>. Readers that
    /// copy need none.
    /// </summary>
    public int ReaderEntries { get; set; } = 32;

    /// <summary>
    /// Gets or sets the largest size of a value in bytes. Structures have their size; bytes, pictures and
    /// arrays need it.
    /// </summary>
    public long? Capacity { get; set; }

    /// <summary>
    /// Gets or sets whether the writer also writes each value to offset 0 of the map, where programs
    /// without channels read it. They can read torn values.
    /// </summary>
    public bool PlainArea { get; set; }

    internal ChannelSizes Check(int fixedSize)
    {
        ChannelOptionChecks.Range(nameof(Pins), Pins, 0, ChannelLayout.MaxReaderEntries);
        int slots = Slots ?? Math.Max(3, Pins + 2);
        ChannelOptionChecks.Range(nameof(Slots), slots, Math.Max(3, Pins + 2), ChannelLayout.MaxSlots);
        ChannelOptionChecks.Range(
            nameof(ReaderEntries), ReaderEntries, Math.Max(1, Pins), ChannelLayout.MaxReaderEntries);
        long capacity = ChannelOptionChecks.Capacity(Capacity, fixedSize);
        return new ChannelSizes(slots, capacity, ReaderEntries, Pins, PlainArea);
    }
}

/// <summary>Specifies how a <see cref="QueueChannel{T}"/> is created.</summary>
public sealed class QueueChannelOptions
{
    /// <summary>
    /// Gets or sets the number of slots, 2 to 256: so many values can wait for the slowest consumer.
    /// </summary>
    public int Slots { get; set; } = 8;

    /// <summary>Gets or sets the number of reader entries, 1 to 64. Each consumer needs one.</summary>
    public int ReaderEntries { get; set; } = 32;

    /// <summary>
    /// Gets or sets the largest size of a value in bytes. Structures have their size; bytes, pictures and
    /// arrays need it.
    /// </summary>
    public long? Capacity { get; set; }

    /// <summary>
    /// Gets or sets whether the writer also writes each value to offset 0 of the map, where programs
    /// without channels read it. They can read torn values.
    /// </summary>
    public bool PlainArea { get; set; }

    internal ChannelSizes Check(int fixedSize)
    {
        ChannelOptionChecks.Range(nameof(Slots), Slots, 2, ChannelLayout.MaxSlots);
        ChannelOptionChecks.Range(nameof(ReaderEntries), ReaderEntries, 1, ChannelLayout.MaxReaderEntries);
        long capacity = ChannelOptionChecks.Capacity(Capacity, fixedSize);
        return new ChannelSizes(Slots, capacity, ReaderEntries, ViewerEntries: 0, PlainArea);
    }
}

/// <summary>Checks options of channels.</summary>
internal static class ChannelOptionChecks
{
    /// <summary>Throws if a number is out of its range.</summary>
    public static void Range(string name, int value, int least, int most)
    {
        if (value < least || value > most)
        {
            throw new ArgumentOutOfRangeException(name, value, $"{name} must be from {least} to {most}.");
        }
    }

    /// <summary>Returns the capacity of slots.</summary>
    public static long Capacity(long? asked, int fixedSize)
    {
        long least = Math.Max(1, fixedSize);
        if (asked is null && fixedSize == 0)
        {
            throw new ArgumentException(
                "The values of this channel have no fixed size. Set the option Capacity to the largest size of"
                + " a value in bytes.");
        }

        long capacity = asked ?? least;
        return capacity >= least && capacity <= int.MaxValue
            ? capacity
            : throw new ArgumentOutOfRangeException(
                nameof(asked), capacity, $"The option Capacity must be from {least} to {int.MaxValue}.");
    }
}
