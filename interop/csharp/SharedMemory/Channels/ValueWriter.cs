using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Publishes values, for the writers of both disciplines.</summary>
internal static unsafe class ValueWriter
{
    /// <summary>Publishes a value. Returns false if a queue has no room in time.</summary>
    public static bool TryWrite<T>(
        Publisher publisher,
        ValueCodec<T> codec,
        in T value,
        int milliseconds,
        CancellationToken token)
    {
        long length = codec.Measure(value);
        publisher.CheckFits(length);
        var info = new FrameInfo { Length = length };
        if (codec.Element is { } element)
        {
            info.ElementType = element.Word;
            info.Dimensions = 1;
            info.Shape[0] = length / element.Size;
        }

        publisher.End.Enter(publisher);
        try
        {
            if (!publisher.TryBegin(milliseconds, token))
            {
                return false;
            }

            codec.Write(value, publisher.Slot, length); // W5
            publisher.Finish(ref info);
            return true;
        }
        finally
        {
            publisher.End.Exit();
        }
    }

    /// <summary>Publishes bytes. Returns false if a queue has no room in time.</summary>
    public static bool TryWrite(
        Publisher publisher,
        ReadOnlySpan<byte> value,
        FrameInfo info,
        int milliseconds,
        CancellationToken token)
    {
        publisher.End.Enter(publisher);
        try
        {
            if (!publisher.TryBegin(milliseconds, token))
            {
                return false;
            }

            value.CopyTo(new Span<byte>(publisher.Slot, value.Length)); // W5
            publisher.Finish(ref info);
            return true;
        }
        finally
        {
            publisher.End.Exit();
        }
    }

    /// <summary>Waits for room in a queue. Returns false if there is none in time.</summary>
    public static bool WaitForRoom(Publisher publisher, int milliseconds, CancellationToken token)
    {
        if (!publisher.End.TryEnter())
        {
            return false;
        }

        try
        {
            return publisher.WaitForRoom(milliseconds, token);
        }
        catch (ObjectDisposedException)
        {
            return false; // during the wait
        }
        finally
        {
            publisher.End.Exit();
        }
    }

    /// <summary>Lends a slot. Returns false if a queue has no room in time.</summary>
    public static bool TryLoan(
        Publisher publisher, int milliseconds, CancellationToken token, out FrameLoan loan)
    {
        publisher.End.Enter(publisher);
        bool isLent = false;
        try
        {
            isLent = publisher.TryBegin(milliseconds, token);
            loan = isLent ? publisher.BeginLoan() : default;
            return isLent;
        }
        finally
        {
            if (!isLent)
            {
                publisher.End.Exit(); // a loan does it later
            }
        }
    }

    /// <summary>Returns the bytes of elements, after checking their type and number.</summary>
    public static ReadOnlySpan<byte> BytesOf<TElement>(
        Publisher publisher, ReadOnlySpan<TElement> elements, long length)
        where TElement : unmanaged
    {
        ElementType expected = publisher.Rules.Element!;
        if (ElementTypeOf<TElement>.Found != expected)
        {
            throw new ArgumentException(
                $"The channel carries elements {expected.Name}, not {typeof(TElement)}.", nameof(elements));
        }

        ReadOnlySpan<byte> bytes = MemoryMarshal.AsBytes(elements);
        return bytes.Length == length
            ? bytes
            : throw new ArgumentException(
                $"The shape has {length / sizeof(TElement)} elements, the span {elements.Length}.",
                nameof(elements));
    }
}
