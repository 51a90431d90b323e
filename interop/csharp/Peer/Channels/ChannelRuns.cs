using System.Diagnostics;
using System.Runtime.InteropServices;
using SharedMemory;

namespace Peer;

/// <summary>
/// Implements the step channel-run: loops that write, read and wait as fast as they can, and count. A
/// frame is a value whose 8-byte words all are its number, so that a torn one shows.
/// </summary>
internal sealed class ChannelRuns(ObjectStore store)
{
    private const int MostLate = 5; // values, after which a waiter gives up

    private static readonly TimeSpan s_late = TimeSpan.FromSeconds(0.5);

    public StepValue Run(StepArguments arguments) => arguments.RequiredText("role") switch
    {
        "write" => Write(arguments),
        "read" => Read(arguments),
        "hold" => Hold(arguments),
        "consume" => Consume(arguments),
        "answer" => Answer(arguments),
        "ask" => Ask(arguments),
        string role => throw new ProtocolException($"unknown role \"{role}\""),
    };

    private StepValue Write(StepArguments arguments)
    {
        PeerWriter writer = store.Get<PeerWriter>(arguments.RequiredText("target"));
        int size = arguments.Int32("size");
        long count = arguments.Int64("count", long.MaxValue);
        var end = new End(arguments);
        var bytes = new byte[size];
        Span<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
        long published = 0;
        while (published < count && !end.IsReached)
        {
            ulong number = (ulong)writer.Published + 1;
            if (number % 2 != 0)
            {
                words.Fill(number);
                writer.PublishBytes(bytes);
            }
            else
            {
                using FrameLoan loan = writer.OpenLoan(Timeout.InfiniteTimeSpan);
                loan.As<ulong>()[..words.Length].Fill(number);
                loan.Commit(size);
            }

            published++;
        }

        return Counts(("published", published));
    }

    private StepValue Read(StepArguments arguments)
    {
        PeerReader reader = Reader(arguments);
        var check = new Check();
        var end = new End(arguments);
        var buffer = new byte[arguments.Int32("size")];
        long reads = 0;
        for (int looks = 1; !end.IsReached && (looks % 64 != 0 || reader.State != WriterState.Closed); looks++)
        {
            if (reader.TryRead(buffer, out int length))
            {
                reads++;
                check.Frame(reader.Number, buffer.AsSpan(0, length));
            }
        }

        return check.Counts(("reads", reads), ("retries", reader.Retries));
    }

    private StepValue Hold(StepArguments arguments)
    {
        PeerReader viewer = Reader(arguments);
        var check = new Check();
        var end = new End(arguments);
        var chance = new Random(arguments.Int32("seed", 0));
        long reads = 0;
        while (!end.IsReached && viewer.State != WriterState.Closed)
        {
            if (!viewer.Wait(TimeSpan.FromSeconds(0.2)))
            {
                continue;
            }

            using FrameLease lease = viewer.Hold(TimeSpan.Zero);
            check.Frame(lease.SequenceNumber, lease.Span);
            int milliseconds = chance.Next(5);
            if (milliseconds > 0)
            {
                Thread.Sleep(milliseconds);
            }

            check.Frame(lease.SequenceNumber, lease.Span);
            reads++;
        }

        return check.Counts(("reads", reads), ("retries", viewer.Retries));
    }

    private StepValue Consume(StepArguments arguments)
    {
        PeerReader reader = Reader(arguments);
        var check = new Check();
        var end = new End(arguments);
        long until = arguments.Int64("until", long.MaxValue);
        var buffer = new byte[arguments.Int32("size")];
        long reads = 0;
        long gaps = 0;
        long last = reader.Number;
        while (!end.IsReached && last < until)
        {
            if (!reader.TryRead(buffer, out int length))
            {
                if (!reader.Wait(TimeSpan.FromSeconds(0.5)) && reader.State == WriterState.Closed)
                {
                    break;
                }

                continue;
            }

            check.Frame(reader.Number, buffer.AsSpan(0, length));
            gaps += reader.Number == last + 1 ? 0 : 1;
            last = reader.Number;
            reads++;
        }

        return check.Counts(("reads", reads), ("retries", 0), ("gaps", gaps), ("last", last));
    }

    private StepValue Answer(StepArguments arguments)
    {
        PeerReader reader = Reader(arguments);
        PeerWriter answers = store.Get<PeerWriter>(arguments.RequiredText("answers"));
        long until = arguments.Int64("until");
        TimeSpan timeout = Timeouts.Of(arguments);
        var buffer = new byte[sizeof(ulong)];
        long late = 0;
        while (reader.Number < until)
        {
            Next(reader, buffer, timeout);
            late += reader.Age > s_late ? 1 : 0;
            if (late >= MostLate)
            {
                throw new TimeoutException($"{late} values were late");
            }

            answers.PublishBytes(buffer);
        }

        return Counts(("last", reader.Number), ("late", late), ("sleeps", 0), ("lost", 0));
    }

    private StepValue Ask(StepArguments arguments)
    {
        PeerWriter writer = store.Get<PeerWriter>(arguments.RequiredText("target"));
        PeerReader[] readers =
        [
            .. arguments.Required("answers").EnumerateArray()
                .Select(name => store.Get<PeerReader>(name.GetString()!)),
        ];
        TimeSpan timeout = Timeouts.Of(arguments);
        long until = arguments.Int64("until");
        var buffer = new byte[sizeof(ulong)];
        long late = 0;
        for (long number = writer.Published + 1; number <= until; number++)
        {
            writer.PublishBytes(BitConverter.GetBytes(number));
            foreach (PeerReader reader in readers)
            {
                do
                {
                    Next(reader, buffer, timeout);
                }
                while (BitConverter.ToInt64(buffer) < number);
                late += reader.Age > s_late ? 1 : 0;
            }
        }

        return Counts(("last", writer.Published), ("late", late), ("sleeps", 0), ("lost", 0));
    }

    private static void Next(PeerReader reader, byte[] buffer, TimeSpan timeout)
    {
        while (!reader.TryRead(buffer, out _))
        {
            if (!reader.Wait(timeout))
            {
                throw new TimeoutException($"no value after {reader.Number} came in {timeout}");
            }
        }
    }

    private PeerReader Reader(StepArguments arguments) =>
        store.Get<PeerReader>(arguments.RequiredText("target"));

    private static StepValue Counts(params (string Name, long Count)[] counts) => writer =>
    {
        writer.WriteStartObject();
        foreach ((string name, long count) in counts)
        {
            writer.WriteNumber(name, count);
        }

        writer.WriteEndObject();
    };

    /// <summary>The end of a loop that runs for some seconds.</summary>
    private readonly struct End(StepArguments arguments)
    {
        private readonly double _seconds = arguments.Optional("seconds")?.GetDouble() ?? double.MaxValue;
        private readonly long _start = Stopwatch.GetTimestamp();

        public bool IsReached => (Stopwatch.GetTimestamp() - _start) / (double)Stopwatch.Frequency > _seconds;
    }

    /// <summary>Counts what is wrong with the frames that a reader got.</summary>
    private sealed class Check
    {
        private long _last;
        private long _distinct;
        private long _torn;
        private long _backwards;

        public void Frame(long number, ReadOnlySpan<byte> bytes)
        {
            if (number != _last)
            {
                _distinct++;
                _backwards += number < _last ? 1 : 0;
                _last = number;
            }

            ReadOnlySpan<ulong> words = MemoryMarshal.Cast<byte, ulong>(bytes);
            bool isWhole = words.Length > 0 && words.IndexOfAnyExcept((ulong)number) < 0;
            _torn += isWhole ? 0 : 1;
        }

        public StepValue Counts(params (string Name, long Count)[] more) => ChannelRuns.Counts(
            [.. more, ("distinct", _distinct), ("torn", _torn), ("backwards", _backwards)]);
    }
}
