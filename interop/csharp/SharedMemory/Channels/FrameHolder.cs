using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>Represents the frame that a viewer holds, in the memory of its slot.</summary>
internal sealed unsafe class FrameHolder
{
    private readonly ChannelWords _words;
    private readonly NewestFrame _newest;
    private readonly FrameRules _rules;
    private readonly ChannelGeometry _geometry;
    private readonly int _entry;
    private readonly long[] _shape = new long[MaxDimensions];
    private FrameInfo _info;
    private byte* _slot;
    private int _thread;
    private int _memories; // pinned memories of the frame
    private bool _isEnding;
    private string _elementType = string.Empty;
    private ulong _elementWord;

    public FrameHolder(
        ChannelEnd end, ChannelWords words, NewestFrame newest, int entry, in FrameRules rules)
    {
        End = end;
        _words = words;
        _newest = newest;
        _entry = entry;
        _rules = rules;
        _geometry = end.Map.Geometry;
    }

    public ChannelEnd End { get; }

    /// <summary>Gets the version of the lease: odd while a frame is held.</summary>
    public int Version { get; private set; }

    /// <summary>Gets the number of the last frame that was held.</summary>
    public ulong Number => _info.Number;

    /// <summary>Gets how many values were published between the frames that were held.</summary>
    public long Skipped { get; private set; }

    /// <summary>Holds the newest frame. Returns false if nothing is published.</summary>
    public bool TryHold()
    {
        if (Version % 2 != 0)
        {
            throw new InvalidOperationException(
                "The viewer holds a frame. Dispose of it first, or open another viewer.");
        }

        _newest.Begin();
        ulong before = Number;
        if (_words.Pinners == 0)
        {
            Volatile.Write(ref _words.Pinners, 1); // P1
            ChannelSteps.After("P1");
        }

        ulong word = _words.CheckLatest(_geometry); // P2
        ChannelSteps.After("P2");
        while ((word & NumberMask) != 0)
        {
            int index = ChannelWords.SlotOf(word);
            Volatile.Write(ref _words.Pin(_entry), word); // P3
            ChannelSteps.After("P3");
            Interlocked.MemoryBarrier(); // P4
            bool isPinned =
                Volatile.Read(ref _words.Stamp(index)) == ChannelWords.Complete(word & NumberMask); // P5
            if (isPinned)
            {
                Take(word & NumberMask, index, before);
                return true;
            }

            word = NextWord(word, index);
        }

        return false;
    }

    /// <summary>Returns the bytes of the frame.</summary>
    public ReadOnlySpan<byte> Span(int version)
    {
        Check(version);
        return new ReadOnlySpan<byte>(_slot, checked((int)_info.Length));
    }

    /// <summary>Returns the description of the frame.</summary>
    public ref readonly FrameInfo Info(int version)
    {
        Check(version);
        return ref _info;
    }

    public ReadOnlySpan<long> Shape(int version)
    {
        Check(version);
        return _shape.AsSpan(0, (int)_info.Dimensions);
    }

    public string ElementType(int version)
    {
        Check(version);
        if (_info.ElementType != _elementWord)
        {
            _elementWord = _info.ElementType;
            _elementType = SharedMemory.ElementType.NameOf(_elementWord);
        }

        return _elementType;
    }

    /// <summary>Ends the lease. The frame stays held while its memory is pinned.</summary>
    public void EndLease(int version)
    {
        if (version == Version)
        {
            _isEnding = true;
            ReleaseIfUnused();
        }
    }

    /// <summary>Keeps the frame held until <see cref="Unpin"/>.</summary>
    public byte* PinMemory(int version)
    {
        Check(version);
        _memories++;
        return _slot;
    }

    public void Unpin()
    {
        _memories--;
        ReleaseIfUnused();
    }

    /// <summary>Closes the viewer. Ends a lease of this thread.</summary>
    public void Dispose()
    {
        if (Version % 2 != 0 && _thread == Environment.CurrentManagedThreadId)
        {
            EndLease(Version);
        }

        End.Dispose();
    }

    private void Take(ulong number, int index, ulong before)
    {
        FrameInfo info = default;
        info.Read(_words.Descriptor(index), number, _rules.Content);
        MapFormatException? error = info.Check(_rules, _newest.DescriptorOffset(index));
        if (error is not null)
        {
            Unhold();
            throw error;
        }

        Skipped += before != 0 && number > before ? (long)(number - before - 1) : 0;
        _info = info;
        for (int dimension = 0; dimension < info.Dimensions; dimension++)
        {
            _shape[dimension] = info.Shape[dimension];
        }

        _slot = _words.Slot(index);
        _thread = Environment.CurrentManagedThreadId;
        _isEnding = false;
        Version++;
    }

    private ulong NextWord(ulong word, int index)
    {
        try
        {
            return _newest.NextWord(word, index);
        }
        catch
        {
            Unhold();
            throw;
        }
    }

    private void Check(int version)
    {
        Guard.NotDisposed(version != Version || version % 2 == 0, typeof(FrameLease));
    }

    private void ReleaseIfUnused()
    {
        if (_isEnding && _memories == 0 && Version % 2 != 0)
        {
            Version++;
            Unhold();
            End.Exit();
        }
    }

    private void Unhold()
    {
        Volatile.Write(ref _words.Pin(_entry), 0); // P6
        ChannelSteps.After("P6");
    }
}
