namespace SharedMemory;

/// <summary>The exception that is thrown if a channel is opened for writing while it has a writer.</summary>
public sealed class WriterAliveException : IOException
{
    internal WriterAliveException(string channel)
        : base($"writer-alive: the channel \"{channel}\" has a writer, of this or another process. Close that"
            + " one, or use another channel.")
    {
    }
}

/// <summary>The exception that is thrown if all reader entries of a channel are in use.</summary>
public sealed class ChannelFullException : IOException
{
    internal ChannelFullException(string channel, string kind, int limit)
        : base($"channel-full: the channel \"{channel}\" has {limit} {kind}, which are all open. Close one, or"
            + $" create the channel with more {(kind == "viewers" ? "pins" : "reader entries")}.") =>
        Limit = limit;

    /// <summary>Gets the number of entries.</summary>
    public int Limit { get; }
}

/// <summary>
/// The exception that is thrown if a wait has found that the process of the writer ended without closing the
/// channel. A reader throws it once for each writer; then it can wait for the next writer.
/// </summary>
public sealed class WriterDiedException : IOException
{
    internal WriterDiedException(string channel)
        : base($"writer-died: the process that wrote the channel \"{channel}\" has ended without closing it."
            + " Wait again for the next writer.")
    {
    }
}
