using System.Security.Cryptography;
using System.Text;

namespace SharedMemory;

/// <summary>Represents what a channel carries, as its header describes it.</summary>
internal sealed class ChannelType
{
    private ChannelType(ChannelContent content, string text)
    {
        Content = content;
        Text = text;
        Hash = text.Length == 0 ? 0 : HashOf(text);
    }

    /// <summary>Gets the type of any bytes.</summary>
    public static ChannelType Bytes { get; } = new(ChannelContent.Bytes, string.Empty);

    /// <summary>Gets the type of image blobs.</summary>
    public static ChannelType Image { get; } = new(ChannelContent.Image, string.Empty);

    public ChannelContent Content { get; }

    /// <summary>Gets the text of the type; empty for bytes and image blobs.</summary>
    public string Text { get; }

    /// <summary>Gets the first 8 bytes of the text's SHA-256, as a little-endian number.</summary>
    public ulong Hash { get; }

    public static ChannelType Struct(string text) => new(ChannelContent.Struct, text);

    /// <summary>Returns the type of arrays, for an element type as NumPy writes it.</summary>
    public static ChannelType Array(string elementType) =>
        new(ChannelContent.Array, $"array {elementType}\n");

    /// <summary>Describes a type for the message of an error, in one line.</summary>
    public static string Describe(ChannelContent content, string text) => content switch
    {
        ChannelContent.Bytes => "bytes",
        ChannelContent.Image => "image blobs",
        _ when text.Length == 0 => content == ChannelContent.Struct ? "a struct" : "an array",
        _ => text.TrimEnd('\n').Replace("\n", ", "),
    };

    private static ulong HashOf(string text)
    {
        using var algorithm = SHA256.Create();
#pragma warning disable CA1850 // older targets do not have HashData
        byte[] hash = algorithm.ComputeHash(Encoding.UTF8.GetBytes(text));
#pragma warning restore CA1850
        return BitConverter.ToUInt64(hash, 0);
    }
}
