using SharedMemory;

namespace Peer;

/// <summary>A writer of any kind.</summary>
internal abstract class PeerWriter : IDisposable
{
    private FrameLoan? _loan;

    public abstract long Published { get; }

    public abstract long Epoch { get; }

    public abstract void Publish(StepArguments arguments);

    public abstract void PublishBytes(ReadOnlySpan<byte> bytes);

    public abstract FrameLoan OpenLoan(TimeSpan timeout);

    /// <summary>Writes to the memory of a slot, and ends the loan as the step says.</summary>
    public void Lend(StepArguments arguments)
    {
        Tag(arguments);
        FrameLoan loan = _loan ?? OpenLoan(Timeouts.Of(arguments));
        _loan = null;
        byte[] bytes = arguments.Has("bytes") ? arguments.Bytes("bytes") : [];
        bytes.CopyTo(loan.Span);
        switch (arguments.Text("end"))
        {
            case "keep":
                _loan = loan;
                break;
            case "abandon":
                loan.Dispose();
                break;
            default:
                Commit(loan, bytes.Length, arguments);
                break;
        }
    }

    public abstract void Dispose();

    protected abstract void Tag(StepArguments arguments);

    protected abstract void Commit(FrameLoan loan, int length, StepArguments arguments);
}

/// <summary>The writer of a LatestChannel.</summary>
internal sealed class LatestPeerWriter<T>(LatestWriter<T> writer, PeerValues<T> values) : PeerWriter
{
    public override long Published => writer.Published;

    public override long Epoch => writer.Epoch;

    public override void Publish(StepArguments arguments)
    {
        Tag(arguments);
        values.Publish(writer, arguments);
    }

    public override void PublishBytes(ReadOnlySpan<byte> bytes) => writer.PublishBytes(bytes);

    public override FrameLoan OpenLoan(TimeSpan timeout) => writer.Loan();

    public override void Dispose() => writer.Dispose();

    protected override void Tag(StepArguments arguments) => writer.Tag = (uint)arguments.Int64("tag", 0);

    protected override void Commit(FrameLoan loan, int length, StepArguments arguments) =>
        values.Commit(loan, length, arguments);
}

/// <summary>The writer of a QueueChannel.</summary>
internal sealed class QueuePeerWriter<T>(QueueWriter<T> writer, PeerValues<T> values) : PeerWriter
{
    public override long Published => writer.Published;

    public override long Epoch => writer.Epoch;

    public override void Publish(StepArguments arguments)
    {
        Tag(arguments);
        values.Publish(writer, arguments, Timeouts.Of(arguments));
    }

    public override void PublishBytes(ReadOnlySpan<byte> bytes) =>
        writer.PublishBytes(bytes, Timeout.InfiniteTimeSpan);

    public override FrameLoan OpenLoan(TimeSpan timeout) => writer.Loan(timeout);

    public override void Dispose() => writer.Dispose();

    protected override void Tag(StepArguments arguments) => writer.Tag = (uint)arguments.Int64("tag", 0);

    protected override void Commit(FrameLoan loan, int length, StepArguments arguments) =>
        values.Commit(loan, length, arguments);
}

/// <summary>Reads the argument <c>timeout</c>.</summary>
internal static class Timeouts
{
    /// <summary>Returns the timeout in seconds of a step; infinite if there is none.</summary>
    public static TimeSpan Of(StepArguments arguments) => arguments.Optional("timeout") is { } seconds
        ? TimeSpan.FromSeconds(seconds.GetDouble())
        : Timeout.InfiniteTimeSpan;
}
