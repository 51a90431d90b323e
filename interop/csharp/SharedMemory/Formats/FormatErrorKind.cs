namespace SharedMemory;

/// <summary>Defines the kinds of <see cref="MapFormatException"/>. Python uses the same words.</summary>
public static class FormatErrorKind
{
    /// <summary>The buffer ends before or inside a field of fixed size.</summary>
    public const string Truncated = "truncated";

    /// <summary>A length field is negative.</summary>
    public const string NegativeLength = "negative-length";

    /// <summary>A length field is larger than the number of bytes that follow.</summary>
    public const string LengthExceedsBuffer = "length-exceeds-buffer";

    /// <summary>A path is not valid UTF-8, or can't be encoded as UTF-8.</summary>
    public const string InvalidUtf8 = "invalid-utf8";

    /// <summary>A value is too long for its length field.</summary>
    public const string TooLong = "too-long";

    /// <summary>A value is larger than the buffer.</summary>
    public const string DoesNotFit = "does-not-fit";

    /// <summary>A number is outside the range of its field.</summary>
    public const string OutOfRange = "out-of-range";

    /// <summary>An array does not have the number of elements of its field.</summary>
    public const string WrongCount = "wrong-count";

    /// <summary>A map is not a channel.</summary>
    public const string NotAChannel = "not-a-channel";

    /// <summary>A channel has another major version.</summary>
    public const string ChannelVersion = "channel-version";

    /// <summary>A field of a channel's header or descriptors is out of range.</summary>
    public const string ChannelHeader = "channel-header";

    /// <summary>A channel is opened as something that it does not carry.</summary>
    public const string ChannelType = "channel-type";
}
