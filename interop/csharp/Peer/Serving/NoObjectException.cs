namespace Peer;

/// <summary>
/// The exception that is thrown if a step uses an object that no earlier step has stored.
/// </summary>
internal sealed class NoObjectException(string message) : Exception(message);
