using System.Diagnostics;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>
/// Finds the newest value of a channel, and finds out whether it was overwritten while it was copied
/// (docs/channels.md, "Reader").
/// </summary>
internal sealed unsafe class NewestFrame(ChannelMap map, ChannelWords words, in FrameRules rules)
{
    // A reader that the writer overtakes so long gives up.
    private static readonly long s_patience = Stopwatch.Frequency; // a second

    private readonly ChannelGeometry _geometry = map.Geometry;
    private readonly FrameRules _rules = rules;
    private long _firstRetry;

    /// <summary>Gets how often a value was overwritten while it was read.</summary>
    public long Retries { get; private set; }

    /// <summary>Begins to read. A reader that is overtaken too often in one call gives up.</summary>
    public void Begin() => _firstRetry = 0;

    /// <summary>Finds the newest value. Returns false if its number is not larger than a number.</summary>
    /// <exception cref="MapFormatException">The channel is damaged.</exception>
    public bool TryFind(ulong seen, ref FrameInfo info, out byte* slot)
    {
        slot = null;
        ulong word = words.CheckLatest(_geometry); // R1
        while (true)
        {
            ulong number = word & NumberMask;
            if (number <= seen)
            {
                return false;
            }

            int index = ChannelWords.SlotOf(word);
            if (Volatile.Read(ref words.Stamp(index)) == ChannelWords.Complete(number)) // R2
            {
                info.Read(words.Descriptor(index), number, _rules.Content); // R3
                MapFormatException? error = info.Check(_rules, DescriptorOffset(index));
                if (error is null)
                {
                    slot = words.Slot(index);
                    return true;
                }

                if (IsUnchanged(index, number))
                {
                    throw error;
                }
            }
            else
            {
                word = NextWord(word, index);
                continue;
            }

            CountRetry();
            word = words.CheckLatest(_geometry); // R1
        }
    }

    /// <summary>
    /// Returns whether the value was not overwritten since it was found, so that its copy is whole.
    /// </summary>
    public bool IsWhole(in FrameInfo info, byte* slot)
    {
        ChannelSteps.After("R3");
        int index = (int)((slot - words.Slot(0)) / _geometry.Stride);
        if (IsUnchanged(index, info.Number))
        {
            return true;
        }

        CountRetry();
        return false;
    }

    /// <summary>Returns the offset of a descriptor in the map.</summary>
    public long DescriptorOffset(int index) => _geometry.DescriptorOffset + (index * Line);

    /// <summary>
    /// Reads the word of the newest value again, because the stamp of its slot was another one. The
    /// writer never chooses the slot of the newest value, so the word has changed, or the map is damaged.
    /// </summary>
    public ulong NextWord(ulong word, int index)
    {
        ulong stamp = Volatile.Read(ref words.Stamp(index));
        ulong next = words.CheckLatest(_geometry); // R1
        if (next == word && stamp != ChannelWords.Complete(word & NumberMask))
        {
            throw new MapFormatException(
                FormatErrorKind.ChannelHeader,
                "stamp",
                DescriptorOffset(index) + Stamp,
                (long)Math.Min(stamp, long.MaxValue),
                (long)ChannelWords.Complete(word & NumberMask));
        }

        CountRetry();
        return next;
    }

    private bool IsUnchanged(int index, ulong number)
    {
        Interlocked.MemoryBarrier(); // R4
        return Volatile.Read(ref words.Stamp(index)) == ChannelWords.Complete(number); // R5
    }

    private void CountRetry()
    {
        Retries++;
        long now = Stopwatch.GetTimestamp();
        if (_firstRetry == 0)
        {
            _firstRetry = now;
        }
        else if (now - _firstRetry > s_patience)
        {
            throw new TimeoutException(
                $"The writer of the channel \"{map.Name}\" has overwritten each value for a second while this"
                + " reader copied it. Hold the frames with a viewer, or publish less often.");
        }
    }
}
