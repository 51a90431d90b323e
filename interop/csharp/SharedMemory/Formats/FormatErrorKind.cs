namespace SharedMemory;

/// <summary>The kinds of <see cref="MapFormatException"/>, the same words as in Python.</summary>
public static class FormatErrorKind
{
    /// <summary>The buffer ends before a field of fixed size does.</summary>
    public const string Truncated = "truncated";

    /// <summary>A length field holds a negative number.</summary>
    public const string NegativeLength = "negative-length";

    /// <summary>A length field announces more bytes than there are.</summary>
    public const string LengthExceedsBuffer = "length-exceeds-buffer";

    /// <summary>A path is no valid Unicode.</summary>
    public const string InvalidUtf8 = "invalid-utf8";

    /// <summary>A value is longer than its length field can say.</summary>
    public const string TooLong = "too-long";

    /// <summary>A value needs more bytes than the buffer has.</summary>
    public const string DoesNotFit = "does-not-fit";

    /// <summary>A number is outside the range of its field.</summary>
    public const string OutOfRange = "out-of-range";

    /// <summary>An array has another number of elements than its field.</summary>
    public const string WrongCount = "wrong-count";
}
