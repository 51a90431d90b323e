// Checks of channels in the middle of a write: after each numbered step of docs/channels.md, readers look,
// or the writer stops as if its process was killed. Each runs in a process of its own, because the action
// for the steps is set before the first channel.

using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using SharedMemory;

internal static partial class Checks
{
    private const int HeaderSize = 4096;

    private static Action<string> s_afterStep = _ => { };

    /// <summary>A value whose words are all equal.</summary>
    private record struct Words(long First, long Second, long Third)
    {
        public Words(long all)
            : this(all, all, all)
        {
        }
    }

    public static void StepsInOrder(string name)
    {
        var steps = new List<string>();
        WatchSteps(steps.Add);
        using var channel = LatestChannel<Words>.Create(name);
        using (LatestWriter<Words> writer = channel.OpenWriter())
        {
            AssertSteps(steps, "T1 T4 T4 T4 T5");
            writer.Publish(new Words(1));
            AssertSteps(steps, "W2 W3 W5 W5 W6 W8 W9");
            using LatestReader<Words> reader = channel.OpenReader();
            Is(reader.TryRead(out _), true);
            Is(reader.Wait(TimeSpan.Zero), false);
            AssertSteps(steps, "R3");
            Is(reader.Wait(TimeSpan.FromMilliseconds(1)), false);
            AssertSteps(steps, "S3 S3");
            writer.Publish(new Words(2));
            AssertSteps(steps, "W2 W3 W5 W5 W6 W7 W8 W9 W10");
            writer.Publish(new Words(3));
            AssertSteps(steps, "W2 W3 W5 W5 W6 W8 W9"); // nobody announced a sleep again
            using LatestViewer<Words> viewer = channel.OpenViewer();
            steps.Clear();
            viewer.Hold().Dispose();
            AssertSteps(steps, "P1 P2 P3 P6");
            viewer.Hold().Dispose();
            AssertSteps(steps, "P2 P3 P6");
            steps.Clear();
        }

        Is(string.Join(" ", steps).EndsWith("close", StringComparison.Ordinal), true);
        channel.Dispose();
        using var queue = QueueChannel<int>.Create(name, new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> consumer = queue.OpenReader();
        using QueueWriter<int> producer = queue.OpenWriter();
        steps.Clear();
        Is(producer.TryWrite(1), true);
        AssertSteps(steps, "W2 W3 W5 W5 W6 W8 W9");
        Is(producer.TryWrite(2), true);
        steps.Clear();
        Is(producer.TryWrite(3), false);
        AssertSteps(steps, "");
        Throws<TimeoutException>(() => producer.Publish(3, TimeSpan.FromMilliseconds(30)));
        AssertSteps(steps, "G2 G6");
        Is(consumer.TryRead(out int first), true);
        Is(first, 1);
        AssertSteps(steps, "C3");
    }

    public static void ReadersAtEachStep(string name)
    {
        WatchSteps(step => s_afterStep(step));
        using var channel = LatestChannel<Words>.Create(name);
        using var raw = NamedMap.OpenExisting(name);
        using MapView bytes = raw.CreateView();
        using LatestWriter<Words> writer = channel.OpenWriter();
        using LatestReader<Words> reader = channel.OpenReader();
        using LatestViewer<Words> viewer = channel.OpenViewer();
        writer.Publish(new Words(1));
        FrameLease held = viewer.Hold();
        for (long value = 2; value < 20; value++)
        {
            long stamps = Word(bytes, bytes.Length - HeaderSize + 48);
            var seen = new List<string>();
            s_afterStep = step =>
            {
                if (step == "R3")
                {
                    return; // of the look below
                }

                seen.Add(step);
                bool isAnnounced = step is "W8" or "W9";
                bool isComplete = isAnnounced || step == "W6";
                Is(reader.TryPeek(out Words found), true);
                Is(found, new Words(isAnnounced ? value : value - 1));
                long[] found2 = [.. Enumerable.Range(0, 3).Select(slot => Word(bytes, stamps + (128 * slot)))];
                Is(found2.Count(stamp => stamp == (2 * value) - (isComplete ? 0 : 1)), 1);
                Is(held.As<Words>()[0], new Words(1));
            };
            writer.Publish(new Words(value));
            s_afterStep = _ => { };
            AssertSteps(seen, "W2 W3 W5 W5 W6 W8 W9");
        }
    }

    /// <summary>A viewer that read the newest value long ago pins its slot while it is being chosen.</summary>
    public static void PinDuringChoice(string name)
    {
        WatchSteps(step => s_afterStep(step));
        using var channel = LatestChannel<Words>.Create(name);
        using var raw = NamedMap.OpenExisting(name);
        using MapView bytes = raw.CreateView();
        using LatestWriter<Words> writer = channel.OpenWriter();
        using LatestViewer<Words> viewer = channel.OpenViewer();
        long header = bytes.Length - HeaderSize;
        long stamps = Word(bytes, header + 48);
        long pin = Word(bytes, header + 56) + 8;
        for (long value = 1; value <= 3; value++)
        {
            writer.Publish(new Words(value));
        }

        viewer.Hold().Dispose(); // so that there may be pins
        var seen = new List<string>();
        long slot = -1;
        long old = 0;
        s_afterStep = step =>
        {
            seen.Add(step);
            if (step == "W2" && slot < 0)
            {
                slot = Enumerable.Range(0, 3).First(index => Word(bytes, stamps + (128 * index)) == 7);
                long number = slot == 0 ? 3 : slot; // the values 1, 2 and 3 are in slots 1, 2 and 0
                old = 2 * number;
                SetWord(bytes, pin, (slot << 56) | number);
            }
        };
        writer.Publish(new Words(4));
        AssertSteps(seen, "W2 W3 W4 W2 W3 W5 W5 W6 W8 W9");
        Is(Word(bytes, stamps + (128 * slot)), old);
        s_afterStep = _ => { };
        for (long value = 5; value < 20; value++)
        {
            writer.Publish(new Words(value));
            Is(Word(bytes, stamps + (128 * slot)), old);
        }
    }

    public static void TakeoverAfterEachStep(string name)
    {
        WatchSteps(step => s_afterStep(step));
        foreach (string last in new[] { "W2", "W3", "W5", "W6", "W8", "W9" })
        {
            bool isDelivered = last is "W6" or "W8" or "W9";
            using (var channel = LatestChannel<Words>.Create(name))
            {
                using LatestReader<Words> reader = channel.OpenReader();
                Die(channel.OpenWriter, 3, last);
                WaitUntilDead(() => reader.WriterState);
                Is(reader.TryRead(out Words found), true);
                Is(found, new Words(last is "W8" or "W9" ? 3 : 2));
                using LatestWriter<Words> next = channel.OpenWriter();
                Is(next.Epoch, 2L);
                Is(next.Published, isDelivered ? 3L : 2L);
                next.Publish(new Words(next.Published + 1));
                Is(reader.TryRead(out found), true);
                Is(found, new Words(isDelivered ? 4 : 3));
            }

            using (var channel = QueueChannel<Words>.Create(name))
            {
                using QueueReader<Words> reader = channel.OpenReader();
                Die(channel.OpenWriter, 3, last);
                WaitUntilDead(() => reader.WriterState);
                using QueueWriter<Words> next = channel.OpenWriter();
                while (next.Published < 5)
                {
                    Is(next.TryWrite(new Words(next.Published + 1)), true);
                }

                for (long value = 1; value <= 5; value++)
                {
                    Is(reader.TryRead(out Words found), true);
                    Is(found, new Words(value));
                }
            }
        }
    }

    /// <summary>A killed consumer's entry may belong to another one before the writer forgets it.</summary>
    public static void EntryIsClaimedAgain(string name)
    {
        WatchSteps(step => s_afterStep(step));
        using var channel = QueueChannel<int>.Create(name, new QueueChannelOptions { Slots = 2, ReaderEntries = 1 });
        using var raw = NamedMap.OpenExisting(name);
        using MapView bytes = raw.CreateView();
        using QueueWriter<int> writer = channel.OpenWriter();
        writer.Publish(1, TimeSpan.Zero);
        long entry = Word(bytes, bytes.Length - HeaderSize + 56);
        SetWord(bytes, entry + 16, 2); // a consumer that died when it had read nothing
        writer.Publish(2, TimeSpan.Zero);
        QueueReader<int>? claimed = null;
        s_afterStep = step => claimed ??= step == "G2" ? channel.OpenReader() : null;
        writer.Publish(3, TimeSpan.FromSeconds(10));
        s_afterStep = _ => { };
        Is(Word(bytes, entry + 16) & uint.MaxValue, 2L);
        Is(claimed!.TryRead(out int found), true);
        Is(found, 3);
        claimed.Dispose();
    }

    public static void ForgottenViewer(string name)
    {
        using var channel = LatestChannel<Words>.Create(name);
        using var raw = NamedMap.OpenExisting(name);
        using MapView bytes = raw.CreateView();
        using LatestWriter<Words> writer = channel.OpenWriter();
        writer.Publish(new Words(1));
        long pin = Word(bytes, bytes.Length - HeaderSize + 56) + 8;
        Forget(channel);
        for (int round = 0; round < 1000 && Word(bytes, pin) != 0; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Is(Word(bytes, pin), 0L);
        channel.OpenViewer().Dispose(); // the entry is free too
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget(LatestChannel<Words> channel) =>
        Is(channel.OpenViewer().Hold().SequenceNumber, 1L);

    /// <summary>Publishes values, and stops after a step of the last one. The writer becomes garbage.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Die(Func<object> open, long count, string last)
    {
        object writer = open();
        for (long value = 1; value < count; value++)
        {
            Write(writer, value);
        }

        s_afterStep = step => _ = step == last ? throw new OperationCanceledException(last) : 0;
        Throws<OperationCanceledException>(() => Write(writer, count));
        s_afterStep = _ => { };
    }

    private static void Write(object writer, long value) => _ = writer switch
    {
        LatestWriter<Words> latest => latest.TryWrite(new Words(value)),
        QueueWriter<Words> queue => queue.TryWrite(new Words(value)),
        _ => throw new ArgumentException(writer.ToString()),
    };

    /// <summary>The finalizer of a writer releases its lock.</summary>
    private static void WaitUntilDead(Func<WriterState> state)
    {
        for (int round = 0; round < 1000 && state() == WriterState.Alive; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Is(state(), WriterState.Died);
    }

    private static void WatchSteps(Action<string> action) =>
        AppDomain.CurrentDomain.SetData("SharedMemory.ChannelSteps", action);

    private static void Is<T>(T found, T expected) => Equal(expected, found);

    private static void AssertSteps(List<string> steps, string expected)
    {
        Is(string.Join(" ", steps), expected);
        steps.Clear();
    }

    private static long Word(MapView bytes, long offset) =>
        BinaryPrimitives.ReadInt64LittleEndian(bytes.GetSpan().Slice((int)offset, 8));

    private static void SetWord(MapView bytes, long offset, long value) =>
        BinaryPrimitives.WriteInt64LittleEndian(bytes.GetSpan().Slice((int)offset, 8), value);
}
