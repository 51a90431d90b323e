namespace Peer;

/// <summary>A step that uses an object which no earlier step made.</summary>
internal sealed class NoObjectException(string message) : Exception(message);
