using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Represents the memory of a free slot, which a writer lends to the program. The program writes the
/// next value there, and a commit publishes it. <see cref="Dispose"/> without a commit publishes nothing.
/// </summary>
/// <remarks>
/// Copies of this value are the same loan. After a commit or <see cref="Dispose"/>, the other members throw
/// <see cref="ObjectDisposedException"/>, and a span that was returned before must not be used: another
/// value may be there. The slot can have the bytes of an older value.
/// </remarks>
[SuppressMessage("Performance", "CA1815", Justification = "Loans are not compared.")]
public readonly struct FrameLoan : IDisposable
{
    private readonly Publisher? _publisher;
    private readonly int _version;

    internal FrameLoan(Publisher publisher)
    {
        _publisher = publisher;
        _version = publisher.LoanVersion;
    }

    /// <summary>Gets the memory of the slot: a structure's size, or the capacity of the channel.</summary>
    public unsafe Span<byte> Span
    {
        get
        {
            Publisher publisher = Publisher;
            long size = publisher.Rules.FixedSize != 0 ? publisher.Rules.FixedSize : publisher.Rules.Capacity;
            return new Span<byte>(publisher.Slot, (int)Math.Min(size, int.MaxValue));
        }
    }

    private Publisher Publisher => _publisher is { } publisher && publisher.LoanVersion == _version
        ? publisher
        : throw new ObjectDisposedException(nameof(FrameLoan));

    /// <summary>Returns the memory of the slot as elements.</summary>
    /// <typeparam name="TElement">A structure without references, or a number.</typeparam>
    public Span<TElement> As<TElement>()
        where TElement : unmanaged => MemoryMarshal.Cast<byte, TElement>(Span);

    /// <summary>Publishes a structure.</summary>
    /// <exception cref="InvalidOperationException">The values have no fixed size.</exception>
    public void Commit()
    {
        Publisher publisher = Publisher;
        if (publisher.Rules.FixedSize == 0)
        {
            throw new InvalidOperationException(
                "The values of this channel have no fixed size. Commit the length, or the shape of an array.");
        }

        Commit(publisher.Rules.FixedSize);
    }

    /// <summary>Publishes the first bytes of the slot.</summary>
    /// <param name="length">The number of bytes.</param>
    /// <exception cref="InvalidOperationException">The channel carries arrays, which have a shape.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The length is not that of a value.</exception>
    public void Commit(int length)
    {
        Publisher publisher = Publisher;
        FrameInfo info = publisher.Describe(length);
        publisher.Commit(ref info);
    }

    /// <summary>Publishes an array, whose elements are at the beginning of the slot in C order.</summary>
    /// <param name="shape">The number of elements in each dimension, at most 8 dimensions.</param>
    /// <exception cref="InvalidOperationException">The channel does not carry arrays.</exception>
    /// <exception cref="ArgumentException">The shape is not valid, or its elements do not fit.</exception>
    public void Commit(ReadOnlySpan<long> shape)
    {
        Publisher publisher = Publisher;
        FrameInfo info = publisher.Describe(shape);
        publisher.Commit(ref info);
    }

    /// <summary>Ends the loan. Publishes nothing if there was no commit.</summary>
    public void Dispose()
    {
        if (_publisher is { } publisher && publisher.LoanVersion == _version)
        {
            publisher.EndLoan();
        }
    }
}
