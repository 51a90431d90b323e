using System.Text;

namespace SharedMemory;

/// <summary>Represents an element type of arrays: its name in NumPy, and its size.</summary>
internal sealed class ElementType
{
    // Half exists in newer versions of .NET only.
    private static readonly Dictionary<string, ElementType> s_known = new()
    {
        ["System.Boolean"] = new("|b1", 1),
        ["System.SByte"] = new("|i1", 1),
        ["System.Byte"] = new("|u1", 1),
        ["System.Int16"] = new("<i2", 2),
        ["System.UInt16"] = new("<u2", 2),
        ["System.Int32"] = new("<i4", 4),
        ["System.UInt32"] = new("<u4", 4),
        ["System.Int64"] = new("<i8", 8),
        ["System.UInt64"] = new("<u8", 8),
        ["System.Half"] = new("<f2", 2),
        ["System.Single"] = new("<f4", 4),
        ["System.Double"] = new("<f8", 8),
        ["System.Numerics.Complex"] = new("<c16", 16),
    };

    private ElementType(string name, int size)
    {
        Name = name;
        Size = size;
        byte[] word = new byte[sizeof(ulong)];
        Encoding.ASCII.GetBytes(name, 0, name.Length, word, 0);
        Word = BitConverter.ToUInt64(word, 0);
    }

    /// <summary>Gets the name as NumPy writes it.</summary>
    public string Name { get; }

    public int Size { get; }

    /// <summary>Gets the bytes of the name in a descriptor, padded with NUL.</summary>
    public ulong Word { get; }

    /// <summary>Returns the element type of a type of .NET; null for one that has none in NumPy.</summary>
    public static ElementType? Find(Type type) =>
        type.FullName is string name && s_known.TryGetValue(name, out ElementType? found) ? found : null;

    /// <summary>Returns the name in a descriptor.</summary>
    public static string NameOf(ulong word)
    {
        byte[] bytes = BitConverter.GetBytes(word);
        int length = Array.IndexOf(bytes, (byte)0);
        return Encoding.ASCII.GetString(bytes, 0, length < 0 ? bytes.Length : length);
    }
}

/// <summary>Has the element type of <typeparamref name="TElement"/>, found once.</summary>
internal static class ElementTypeOf<TElement>
    where TElement : unmanaged
{
    public static ElementType? Found { get; } = ElementType.Find(typeof(TElement));
}
