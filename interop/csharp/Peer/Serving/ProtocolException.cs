namespace Peer;

/// <summary>
/// The exception that is thrown for a request or a step that does not follow docs/protocol.md.
/// </summary>
internal sealed class ProtocolException(string message) : Exception(message);
