namespace Peer;

/// <summary>A request or a step that breaks docs/protocol.md.</summary>
internal sealed class ProtocolException(string message) : Exception(message);
