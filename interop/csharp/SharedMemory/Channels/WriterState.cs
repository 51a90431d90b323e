namespace SharedMemory;

/// <summary>Specifies whether a channel has a writer.</summary>
public enum WriterState
{
    /// <summary>The channel has had no writer yet.</summary>
    None,

    /// <summary>A process has the channel open for writing.</summary>
    Alive,

    /// <summary>The process of the last writer ended without closing it. Another writer can go on.</summary>
    Died,

    /// <summary>The last writer was closed.</summary>
    Closed,
}
