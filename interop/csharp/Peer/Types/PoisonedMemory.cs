using System.Runtime.InteropServices;

namespace Peer;

/// <summary>
/// Represents unmanaged memory that is filled with 0xCC and has guard bytes at both ends.
/// </summary>
internal sealed unsafe class PoisonedMemory : IDisposable
{
    private const byte Poison = 0xCC;
    private const int Guard = 64; // bytes; also the alignment of the memory
    private const int Smallest = 1 << 12;

    private byte* _memory;
    private int _length;
    private int _size;

    /// <summary>Gets the address of the memory.</summary>
    public nint Address => (nint)(_memory + Guard);

    /// <summary>Gets the memory without the guard bytes.</summary>
    public Span<byte> Bytes => new(_memory + Guard, _size);

    /// <summary>Gets whether guard bytes have changed.</summary>
    public bool IsOverrun
    {
        get
        {
            var before = new ReadOnlySpan<byte>(_memory, Guard);
            var after = new ReadOnlySpan<byte>(_memory + Guard + _size, Guard);
            return before.ContainsAnyExcept(Poison) || after.ContainsAnyExcept(Poison);
        }
    }

    /// <summary>Sets the size of the memory and fills it with 0xCC.</summary>
    public void Prepare(int size)
    {
        int needed = checked(size + (2 * Guard));
        if (needed > _length)
        {
            Dispose();
            _length = Math.Max(needed, Smallest);
            _memory = (byte*)NativeMemory.AlignedAlloc((nuint)_length, Guard);
        }

        _size = size;
        new Span<byte>(_memory, needed).Fill(Poison);
    }

    public void Dispose()
    {
        NativeMemory.AlignedFree(_memory);
        _memory = null;
        _length = 0;
    }
}
