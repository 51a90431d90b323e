using System.Runtime.CompilerServices;

namespace Peer;

/// <summary>Gives access to the bytes of an object after its header.</summary>
internal sealed class RawData
{
    // In every object, the fields begin at the offset of this field.
#pragma warning disable CS0649 // never assigned: no object of this class exists
    private byte _first;
#pragma warning restore CS0649

    /// <summary>Returns the first byte of a boxed value or of the fields of an object.</summary>
    public static ref byte Of(object value) => ref Unsafe.As<RawData>(value)._first;
}
