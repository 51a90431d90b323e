using System.Security.Cryptography;

namespace Peer;

/// <summary>Formats bytes and hashes as hexadecimal text.</summary>
internal static class Hex
{
    public static string Encode(ReadOnlySpan<byte> bytes) =>
        Convert.ToHexString(bytes).ToLowerInvariant();

    public static string Sha256(ReadOnlySpan<byte> bytes) => Encode(SHA256.HashData(bytes));
}
