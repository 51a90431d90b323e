using System.Runtime.CompilerServices;

namespace Peer;

/// <summary>The memory of an object behind its header, as the runtime lays it out.</summary>
internal sealed class RawData
{
    // Every object's fields begin where this one lies.
#pragma warning disable CS0649 // never assigned: no object of this class exists
    private byte _first;
#pragma warning restore CS0649

    /// <summary>The first byte of a boxed value, or of an object's fields.</summary>
    public static ref byte Of(object value) => ref Unsafe.As<RawData>(value)._first;
}
