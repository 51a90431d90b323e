using static SharedMemory.ChannelLayout;

namespace SharedMemory;

/// <summary>
/// Represents what the descriptor of a slot says of its value. It counts only between two equal looks
/// at the stamp, and is checked before it is used.
/// </summary>
internal unsafe struct FrameInfo
{
    public ulong Number;
    public long Length;
    public long Published;
    public ulong ElementType;
    public uint Tag;
    public uint Dimensions;
    public fixed long Shape[MaxDimensions];

    /// <summary>Reads a descriptor, each field exactly once.</summary>
    public void Read(byte* descriptor, ulong number, ChannelContent content)
    {
        Number = number;
        Length = Volatile.Read(ref *(long*)(descriptor + ChannelLayout.Length));
        Published = *(long*)(descriptor + ChannelLayout.Published);
        Tag = *(uint*)(descriptor + ChannelLayout.Tag);
        if (content == ChannelContent.Array)
        {
            ElementType = *(ulong*)(descriptor + ChannelLayout.ElementType);
            Dimensions = Volatile.Read(ref *(uint*)(descriptor + ChannelLayout.Dimensions));
            for (int index = 0; index < MaxDimensions; index++)
            {
                Shape[index] = *(long*)(descriptor + ChannelLayout.Shape + (index * sizeof(long)));
            }
        }
    }

    /// <summary>Writes a descriptor. The stamp is odd.</summary>
    public void Write(byte* descriptor)
    {
        *(long*)(descriptor + ChannelLayout.Length) = Length;
        *(long*)(descriptor + ChannelLayout.Published) = Published;
        *(uint*)(descriptor + ChannelLayout.Tag) = Tag;
        *(uint*)(descriptor + Reserved) = 0;
        *(ulong*)(descriptor + ChannelLayout.ElementType) = ElementType;
        *(uint*)(descriptor + ChannelLayout.Dimensions) = Dimensions;
        for (int index = 0; index < Dimensions; index++)
        {
            *(long*)(descriptor + ChannelLayout.Shape + (index * sizeof(long))) = Shape[index];
        }
    }

    /// <summary>Returns the error for a field that is out of range; null if there is none.</summary>
    /// <param name="rules">What the channel carries.</param>
    /// <param name="descriptor">The offset of the descriptor in the map.</param>
    public readonly MapFormatException? Check(in FrameRules rules, long descriptor)
    {
        long offset = descriptor + ChannelLayout.Length;
        if (Length < 0 || Length > rules.Capacity)
        {
            return Invalid("length", offset, Length < 0 ? long.MaxValue : Length, rules.Capacity);
        }

        if (rules.FixedSize != 0 && Length != rules.FixedSize)
        {
            return Invalid("length", offset, Length, rules.FixedSize);
        }

        return rules.Element is null ? null : CheckArray(rules.Element, descriptor);
    }

    private readonly MapFormatException? CheckArray(ElementType element, long descriptor)
    {
        if (ElementType != element.Word)
        {
            return Invalid(
                "element_type",
                descriptor + ChannelLayout.ElementType,
                (long)Math.Min(ElementType, long.MaxValue),
                (long)element.Word);
        }

        if (Dimensions > MaxDimensions)
        {
            return Invalid("dimensions", descriptor + ChannelLayout.Dimensions, Dimensions, MaxDimensions);
        }

        return CheckShape(element.Size, descriptor);
    }

    private readonly MapFormatException? CheckShape(int itemSize, long descriptor)
    {
        long size = itemSize;
        for (int index = 0; index < Dimensions; index++)
        {
            if (Shape[index] < 0)
            {
                return InvalidShape(index, descriptor, 0);
            }

            // With a 0, there are no elements, whatever the other dimensions are.
            size = Shape[index] == 0 ? 0 : size;
        }

        for (int index = 0; index < Dimensions && size != 0; index++)
        {
            if (Shape[index] > Length / size)
            {
                return InvalidShape(index, descriptor, Length / size);
            }

            size *= Shape[index];
        }

        return size == Length
            ? null
            : Invalid("length", descriptor + ChannelLayout.Length, Length, size);
    }

    private readonly MapFormatException InvalidShape(int index, long descriptor, long limit) => Invalid(
        $"shape[{index}]",
        descriptor + ChannelLayout.Shape + (index * sizeof(long)),
        Shape[index],
        limit);

    private static MapFormatException Invalid(string field, long offset, long value, long limit) =>
        new(FormatErrorKind.ChannelHeader, field, offset, value, limit);
}

/// <summary>Represents what the values of a channel must be like.</summary>
internal readonly record struct FrameRules(
    ChannelContent Content, long Capacity, int FixedSize, ElementType? Element);
