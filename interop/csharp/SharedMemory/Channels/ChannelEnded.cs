namespace SharedMemory;

/// <summary>Creates the exception for the end of a channel.</summary>
internal static class ChannelEnded
{
    /// <summary>Returns the exception.</summary>
    public static InvalidOperationException Error(string channel)
    {
        string message = $"The writer of the channel \"{channel}\" has closed it, and all values are read.";
#if NET
        return new System.Threading.Channels.ChannelClosedException(message);
#else
        return new InvalidOperationException(message);
#endif
    }
}
