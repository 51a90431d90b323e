using System.Security.Cryptography;

namespace Peer;

/// <summary>Bytes as the protocol writes them.</summary>
internal static class Hex
{
    public static string Encode(ReadOnlySpan<byte> bytes) =>
        Convert.ToHexString(bytes).ToLowerInvariant();

    public static string Sha256(ReadOnlySpan<byte> bytes) => Encode(SHA256.HashData(bytes));
}
