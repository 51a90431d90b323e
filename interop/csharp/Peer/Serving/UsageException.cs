namespace Peer;

/// <summary>A command line that can't be meant.</summary>
internal sealed class UsageException(string message) : Exception(message);
