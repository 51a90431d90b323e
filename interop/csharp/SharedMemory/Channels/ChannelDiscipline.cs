namespace SharedMemory;

/// <summary>Specifies which values of a channel a reader gets.</summary>
internal enum ChannelDiscipline
{
    /// <summary>The newest value. The writer never waits.</summary>
    Latest = 0,

    /// <summary>Each value. The writer waits for the consumers.</summary>
    Queue = 1,
}

/// <summary>Specifies what the values of a channel are.</summary>
internal enum ChannelContent
{
    /// <summary>Any bytes.</summary>
    Bytes = 0,

    /// <summary>The image blob of docs/format.md.</summary>
    Image = 1,

    /// <summary>The marshalled bytes of a structure.</summary>
    Struct = 2,

    /// <summary>The elements of an array in C order, with an element type and a shape.</summary>
    Array = 3,
}
