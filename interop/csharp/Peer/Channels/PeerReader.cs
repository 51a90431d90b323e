using System.Diagnostics;
using System.Text.Json;
using SharedMemory;

namespace Peer;

/// <summary>
/// A reader of any kind. Its waits go on when a writer has died, and count that.
/// </summary>
internal abstract class PeerReader : IDisposable
{
    public int Deaths { get; private set; }

    public abstract WriterState State { get; }

    public abstract long Number { get; }

    public virtual long Skipped => 0;

    public virtual long Retries => 0;

    public virtual TimeSpan Age => TimeSpan.Zero;

    /// <summary>Waits for a newer value.</summary>
    public bool Wait(TimeSpan timeout) => Repeated(WaitOnce, timeout);

    /// <summary>Reads the next value, if there is one, to a buffer.</summary>
    public abstract bool TryRead(Span<byte> buffer, out int length);

    /// <summary>Reads the next value; without a timeout, null if there is none.</summary>
    public abstract StepValue? Read(StepArguments arguments);

    public virtual FrameLease Hold(TimeSpan timeout) => throw new ProtocolException("the reader holds nothing");

    /// <summary>Gets the held frame.</summary>
    public FrameLease? Held { get; set; }

    public abstract void Dispose();

    protected abstract bool WaitOnce(TimeSpan timeout);

    /// <summary>Calls a method that waits, again for the rest of the time when a writer has died.</summary>
    protected TResult Repeated<TResult>(Func<TimeSpan, TResult> wait, TimeSpan timeout)
    {
        long start = Stopwatch.GetTimestamp();
        TimeSpan rest = timeout;
        while (true)
        {
            try
            {
                return wait(rest);
            }
            catch (WriterDiedException)
            {
                Deaths++;
                if (timeout != Timeout.InfiniteTimeSpan)
                {
                    rest = timeout - Stopwatch.GetElapsedTime(start);
                    rest = rest < TimeSpan.Zero ? TimeSpan.Zero : rest;
                }
            }
        }
    }

    protected static StepValue Report<T>(
        PeerValues<T> values, T value, long number, uint tag, ReadOnlySpan<long> shape)
    {
        long[] kept = shape.ToArray();
        return writer =>
        {
            writer.WriteStartObject();
            writer.WriteNumber("number", number);
            writer.WriteNumber("tag", tag);
            values.Write(writer, value, kept);
            writer.WriteEndObject();
        };
    }
}

/// <summary>A reader of a LatestChannel.</summary>
internal sealed class LatestPeerReader<T>(LatestReader<T> reader, PeerValues<T> values) : PeerReader
{
    public override WriterState State => reader.WriterState;

    public override long Number => reader.SequenceNumber;

    public override long Skipped => reader.Skipped;

    public override long Retries => reader.Retries;

    public override TimeSpan Age => reader.Age;

    public override bool TryRead(Span<byte> buffer, out int length) => reader.TryReadBytes(buffer, out length);

    public override StepValue? Read(StepArguments arguments)
    {
        T value;
        if (arguments.Has("timeout"))
        {
            value = Repeated(timeout => reader.Next(timeout), Timeouts.Of(arguments));
        }
        else if (!reader.TryRead(out value))
        {
            return null;
        }

        return Report(values, value, reader.SequenceNumber, reader.Tag, reader.Shape);
    }

    public override void Dispose() => reader.Dispose();

    protected override bool WaitOnce(TimeSpan timeout) => reader.Wait(timeout);
}

/// <summary>A consumer of a QueueChannel.</summary>
internal sealed class QueuePeerReader<T>(QueueReader<T> reader, PeerValues<T> values) : PeerReader
{
    public override WriterState State => reader.WriterState;

    public override long Number => reader.SequenceNumber;

    public override TimeSpan Age => reader.Age;

    public override bool TryRead(Span<byte> buffer, out int length) => reader.TryReadBytes(buffer, out length);

    public override StepValue? Read(StepArguments arguments)
    {
        T value;
        if (arguments.Has("timeout"))
        {
            value = Repeated(timeout => reader.Next(timeout), Timeouts.Of(arguments));
        }
        else if (!reader.TryRead(out value))
        {
            return null;
        }

        return Report(values, value, reader.SequenceNumber, reader.Tag, reader.Shape);
    }

    public override void Dispose() => reader.Dispose();

    protected override bool WaitOnce(TimeSpan timeout) => reader.Wait(timeout);
}

/// <summary>A viewer.</summary>
internal sealed class PeerViewer<T>(LatestViewer<T> viewer) : PeerReader
{
    private long _number;

    public override WriterState State => viewer.WriterState;

    public override long Number => _number;

    public override long Skipped => viewer.Skipped;

    public override long Retries => viewer.Retries;

    public override FrameLease Hold(TimeSpan timeout)
    {
        FrameLease lease = viewer.Hold();
        _number = lease.SequenceNumber;
        return lease;
    }

    public override bool TryRead(Span<byte> buffer, out int length) =>
        throw new ProtocolException("a viewer holds frames");

    public override StepValue? Read(StepArguments arguments) =>
        throw new ProtocolException("a viewer holds frames");

    public override void Dispose()
    {
        Held?.Dispose();
        Held = null;
        viewer.Dispose();
    }

    protected override bool WaitOnce(TimeSpan timeout) => viewer.Wait(timeout);
}
