namespace Peer;

/// <summary>The exception that is thrown for an invalid command line.</summary>
internal sealed class UsageException(string message) : Exception(message);
