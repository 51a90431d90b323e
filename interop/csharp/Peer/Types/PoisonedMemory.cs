using System.Runtime.InteropServices;

namespace Peer;

/// <summary>Unmanaged memory full of 0xCC, with guard bytes on both sides of the part in use.</summary>
internal sealed unsafe class PoisonedMemory : IDisposable
{
    private const byte Poison = 0xCC;
    private const int Guard = 64; // bytes; keeps the part in use aligned to everything there is
    private const int Smallest = 1 << 12;

    private byte* _memory;
    private int _length;
    private int _size;

    /// <summary>Where the part in use begins; poisoned anew by <see cref="Prepare"/>.</summary>
    public nint Address => (nint)(_memory + Guard);

    /// <summary>The part in use.</summary>
    public Span<byte> Bytes => new(_memory + Guard, _size);

    /// <summary>Whether something was written outside of the part in use.</summary>
    public bool IsOverrun
    {
        get
        {
            var before = new ReadOnlySpan<byte>(_memory, Guard);
            var behind = new ReadOnlySpan<byte>(_memory + Guard + _size, Guard);
            return before.ContainsAnyExcept(Poison) || behind.ContainsAnyExcept(Poison);
        }
    }

    /// <summary>Makes a poisoned part of this size.</summary>
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
