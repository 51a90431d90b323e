using System.Runtime.InteropServices;
using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>
/// Writes the values of a channel to its slots. docs/channels.md numbers the steps; their order is
/// what keeps readers from torn values.
/// </summary>
internal sealed unsafe class Publisher
{
    private const int NoSlot = -1;

    private readonly ChannelWords _words;
    private readonly ChannelSystem _system;
    private readonly ChannelGeometry _geometry;
    private readonly QueueGate? _gate;
    private ulong _latest;
    private int _slot = NoSlot;
    private int _loanThread;

    private Publisher(ChannelMap map, SafeHandle locks, in FrameRules rules)
    {
        Rules = rules;
        _words = new ChannelWords(map);
        _system = map.System;
        _geometry = map.Geometry;
        End = new ChannelEnd(map, locks, entry: -1, Close);
        _gate = _geometry.Discipline == ChannelDiscipline.Queue ? new QueueGate(End, _words) : null;
    }

    public ChannelEnd End { get; }

    public FrameRules Rules { get; }

    /// <summary>Gets the number of the last value that a writer published.</summary>
    public long Published => (long)(_latest & NumberMask);

    /// <summary>Gets the number of writers that the channel has had, this one included.</summary>
    public long Epoch { get; private set; }

    /// <summary>Gets or sets the number that each value gets.</summary>
    public uint Tag { get; set; }

    /// <summary>Gets the version of the open loan. It changes when the loan ends.</summary>
    public int LoanVersion { get; private set; }

    /// <summary>Gets the slot that is being written.</summary>
    public byte* Slot => _words.Slot(_slot);

    /// <summary>Becomes the writer of a channel, and takes over from a writer that died.</summary>
    /// <exception cref="WriterAliveException">The channel has a writer.</exception>
    public static Publisher Open(ChannelMap map, in FrameRules rules)
    {
        SafeHandle locks = map.OpenLocks();
        try
        {
            if (!map.System.TryLock(locks, WriterLock)) // T1
            {
                throw new WriterAliveException(map.Name);
            }

            ChannelSteps.After("T1");
            new ChannelWords(map).CheckLatest(map.Geometry);
            var publisher = new Publisher(map, locks, rules);
            publisher.TakeOver();
            return publisher;
        }
        catch
        {
            locks.Dispose();
            throw;
        }
    }

    /// <summary>Throws if a value is larger than a slot.</summary>
    public void CheckFits(long length)
    {
        // Another program may have created the channel with a small plain area.
        long room = _geometry.PlainSize == 0
            ? Rules.Capacity
            : Math.Min(Rules.Capacity, _geometry.PlainSize);
        if (length > room)
        {
            throw new MapFormatException(FormatErrorKind.DoesNotFit, "value", 0, length, room);
        }
    }

    /// <summary>
    /// Chooses a slot and marks it as being written. Returns false if a queue has no free slot in time.
    /// </summary>
    public bool TryBegin(int milliseconds, CancellationToken token)
    {
        if (LoanIsOpen)
        {
            throw new InvalidOperationException("Commit or dispose of the loan before the next value.");
        }

        ulong number = (_latest & NumberMask) + 1;
        if (_gate is null)
        {
            MarkFreeSlot(number);
            return true;
        }

        if (!WaitForRoom(milliseconds, token))
        {
            return false;
        }

        _slot = (int)(number % (ulong)_geometry.Slots); // W1
        MarkOdd(number);
        return true;
    }

    /// <summary>Waits until the next slot of a queue is free. Returns false if it is not in time.</summary>
    public bool WaitForRoom(int milliseconds, CancellationToken token) => _gate is null
        || _gate.WaitForRoom((_latest & NumberMask) + 1, (ulong)_geometry.Slots, milliseconds, token);

    /// <summary>Publishes the value that was written to the slot.</summary>
    public void Finish(ref FrameInfo info)
    {
        ulong number = (_latest & NumberMask) + 1;
        ChannelSteps.After("W5");
        info.Tag = Tag;
        info.Published = MonotonicClock.Now;
        info.Write(_words.Descriptor(_slot)); // W5
        ChannelSteps.After("W5");
        if (_geometry.PlainSize != 0)
        {
            PlainArea.Write(_words.PlainArea, Slot, info.Length, Rules.Content);
        }

        Volatile.Write(ref _words.Stamp(_slot), ChannelWords.Complete(number)); // W6
        ChannelSteps.After("W6");
        uint sleepers = Volatile.Read(ref _words.Sleepers); // W7
        if (sleepers != 0)
        {
            _words.Sleepers = 0;
            ChannelSteps.After("W7");
        }

        _latest = ChannelWords.Word(_slot, number);
        Volatile.Write(ref _words.Latest, _latest); // W8
        ChannelSteps.After("W8");
        Interlocked.MemoryBarrier(); // W9
        ChannelSteps.After("W9");
        if (sleepers != 0 || Volatile.Read(ref _words.Sleepers) != 0) // W10
        {
            _system.WakeAll(_words.LatestWord);
            ChannelSteps.After("W10");
        }

        _slot = NoSlot;
    }

    /// <summary>Describes a value that is not an array.</summary>
    public FrameInfo Describe(long length)
    {
        if (Rules.Content == ChannelContent.Array)
        {
            throw new InvalidOperationException("The channel carries arrays, which are published with a shape.");
        }

        bool isValid = Rules.FixedSize == 0 ? length >= 0 : length == Rules.FixedSize;
        if (!isValid)
        {
            throw new ArgumentOutOfRangeException(
                nameof(length), length, $"The length must be {Math.Max(Rules.FixedSize, 0)}.");
        }

        CheckFits(length);
        return new FrameInfo { Length = length };
    }

    /// <summary>Describes an array.</summary>
    public FrameInfo Describe(ReadOnlySpan<long> shape)
    {
        if (Rules.Element is not { } element)
        {
            throw new InvalidOperationException("The channel does not carry arrays.");
        }

        if (shape.Length > MaxDimensions)
        {
            throw new ArgumentException(
                $"The array has {shape.Length} dimensions; the limit is {MaxDimensions}.", nameof(shape));
        }

        var info = new FrameInfo
        {
            Length = element.Size,
            ElementType = element.Word,
            Dimensions = (uint)shape.Length,
        };
        for (int index = 0; index < shape.Length; index++)
        {
            if (shape[index] < 0)
            {
                throw new ArgumentException($"Dimension {index} is {shape[index]}.", nameof(shape));
            }

            info.Shape[index] = shape[index];
            info.Length = checked(info.Length * shape[index]);
        }

        CheckFits(info.Length);
        return info;
    }

    /// <summary>Begins to lend the slot to the program.</summary>
    public FrameLoan BeginLoan()
    {
        LoanVersion++;
        _loanThread = Environment.CurrentManagedThreadId;
        return new FrameLoan(this);
    }

    /// <summary>Publishes the loan.</summary>
    public void Commit(ref FrameInfo info)
    {
        Finish(ref info);
        EndLoan();
    }

    /// <summary>Ends the loan. Its slot stays marked, and is free for the next value.</summary>
    public void EndLoan()
    {
        LoanVersion++;
        _slot = NoSlot;
        End.Exit();
    }

    /// <summary>Closes the channel for writing. Ends a loan of this thread.</summary>
    public void Dispose()
    {
        if (LoanIsOpen && _loanThread == Environment.CurrentManagedThreadId)
        {
            EndLoan();
        }

        End.Dispose();
    }

    private bool LoanIsOpen => LoanVersion % 2 != 0;

    private void TakeOver()
    {
        _latest = Volatile.Read(ref _words.Latest); // T2
        DeliverFinishedValue();
        _words.Epoch++; // T4
        Epoch = (long)_words.Epoch;
        ChannelSteps.After("T4");
        _words.WriterPid = Host.ProcessId;
        ChannelSteps.After("T4");
        Volatile.Write(ref _words.State, ChannelLayout.Open);
        ChannelSteps.After("T4");
        Interlocked.MemoryBarrier(); // T5
        _system.WakeAll(_words.LatestWord);
        ChannelSteps.After("T5");
    }

    /// <summary>Publishes the value that the last writer finished before it died.</summary>
    private void DeliverFinishedValue()
    {
        ulong next = (_latest & NumberMask) + 1;
        for (int slot = 0; slot < _geometry.Slots; slot++)
        {
            if (Volatile.Read(ref _words.Stamp(slot)) == ChannelWords.Complete(next)) // T3
            {
                _latest = ChannelWords.Word(slot, next);
                Volatile.Write(ref _words.Latest, _latest);
                ChannelSteps.After("T3");
                return;
            }
        }
    }

    /// <summary>Marks a slot that is neither the newest one nor pinned.</summary>
    private void MarkFreeSlot(ulong number)
    {
        int newest = ChannelWords.SlotOf(_latest);
        int slot = newest;
        while (true)
        {
            do
            {
                slot = slot + 1 == _geometry.Slots ? 0 : slot + 1; // W1
            }
            while (slot == newest || (Volatile.Read(ref _words.Pinners) != 0 && IsPinned(slot)));

            _slot = slot;
            ulong old = _words.Stamp(slot);
            MarkOdd(number);
            if (Volatile.Read(ref _words.Pinners) == 0 || !IsPinned(slot)) // W4
            {
                return;
            }

            Volatile.Write(ref _words.Stamp(slot), old);
            ChannelSteps.After("W4");
        }
    }

    private void MarkOdd(ulong number)
    {
        _words.Stamp(_slot) = ChannelWords.Complete(number) - 1; // W2
        ChannelSteps.After("W2");
        Interlocked.MemoryBarrier(); // W3
        ChannelSteps.After("W3");
    }

    private bool IsPinned(int slot)
    {
        for (int entry = 0; entry < _geometry.ViewerEntries; entry++)
        {
            ulong pin = Volatile.Read(ref _words.Pin(entry));
            if (pin != 0 && ChannelWords.SlotOf(pin) == slot)
            {
                return true;
            }
        }

        return false;
    }

    private void Close()
    {
        Volatile.Write(ref _words.State, Closed);
        ChannelSteps.After("close");
        _system.WakeAll(_words.LatestWord);
    }
}
