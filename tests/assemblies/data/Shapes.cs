// The source of Shapes.dll in this folder, for the tests of pyshm.assemblies.
#pragma warning disable // the tests only read the declarations

using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Common;

namespace Shapes;

/// <summary>
/// Everything that a field can be
/// by itself.
/// <para>See <see cref="T:Shapes.Packed"/> for a smaller one.</para>
/// </summary>
[StructLayout(LayoutKind.Sequential)]
public struct Primitives
{
    public const int Constant = 5;
    public static readonly int Shared = 6;

    /// <summary>Signed, one byte.</summary>
    public sbyte A;
    public byte B;
    public short C;
    public ushort D;
    public int E;
    public uint F;
    public long G;
    public ulong H;
    public nint I;
    public nuint J;
    public float K;
    public double L;
    public bool M;
    public char N;
    public Half O;
    public Int128 P;
    public UInt128 Q;
    public decimal R;
    public Guid S;
    public DateTime T;
    public TimeSpan U;
    public DateOnly V;
    public TimeOnly W;
}

/// <summary>A gear.</summary>
public enum Gear
{
    /// <summary>Backwards.</summary>
    Reverse = -1,
    Neutral = 0,
    First = 1,
    None = Neutral,
}

[Flags]
public enum Lamps : ushort
{
    Off = 0,
    Left = 1,
    Right = 2,
    Both = Left | Right,
}

public enum Huge : ulong
{
    Most = ulong.MaxValue,
}

public delegate int Callback(int value);

[StructLayout(LayoutKind.Sequential, Pack = 1, CharSet = CharSet.Unicode)]
public struct Packed
{
    public byte Kind;
    public char Letter;

    [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 16)]
    public string Name;

    [MarshalAs(UnmanagedType.I1)]
    public bool Small;

    [MarshalAs(UnmanagedType.U1)]
    public bool Unsigned;

    [MarshalAs(UnmanagedType.VariantBool)]
    public bool Variant;

    [MarshalAs(UnmanagedType.Bool)]
    public bool Plain;

    [MarshalAs(UnmanagedType.LPStr)]
    public string Ansi;

    [MarshalAs(UnmanagedType.LPWStr)]
    public string Wide;
    public string Bare;

    [MarshalAs(UnmanagedType.Currency)]
    public decimal Price;

    [MarshalAs(UnmanagedType.FunctionPtr)]
    public Callback Call;
}

[StructLayout(LayoutKind.Explicit, Size = 24)]
public struct Union
{
    [FieldOffset(0)]
    public int Number;

    [FieldOffset(0)]
    public float Real;

    [FieldOffset(8)]
    public long Other;
}

[StructLayout(LayoutKind.Sequential)]
public struct Arrays
{
    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 3)]
    public int[] Numbers;

    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
    public Union[] Unions;

    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 4, ArraySubType = UnmanagedType.U1)]
    public bool[] Truths;

    [MarshalAs(UnmanagedType.ByValArray, SizeConst = 2)]
    public Gear[] Gears;
}

[StructLayout(LayoutKind.Sequential, CharSet = CharSet.Unicode)]
public unsafe struct Fixed
{
    public fixed int Numbers[5];
    public fixed char Text[3];
    public fixed bool Truths[3];
    private byte _hidden;

    public byte Hidden { readonly get => _hidden; set => _hidden = value; }
}

[InlineArray(7)]
public struct Seven
{
    private short _element;
}

public unsafe struct Pointers
{
    public int* Number;
    public Pointers* Next;
    public void* Anything;
    public delegate* unmanaged<int, void> Function;
    public delegate* unmanaged[Cdecl]<ref Pointers, int*, Gear> Another;
    public Callback Managed;
    public int** Twice;
}

public struct Nested
{
    public struct Inner
    {
        public int X;

        public struct Innermost
        {
            public byte Y;
        }
    }

    public Inner One;
    public Inner.Innermost Two;
    public Seven Three;
    public Gear Gear;
    public Lamps Lamps;
    public int? Maybe;
    public volatile int Changing;
    public int Automatic { get; set; }
}

public struct Elsewhere
{
    public Place Place;
    public Direction Direction;
    public Pair<Place> Places;
    public Vector3 Vector;
    public DayOfWeek Day;
    public System.Runtime.InteropServices.ComTypes.FILETIME Time;
}

public struct Generic<T>
{
    public T Value;
    public T[] Values;
}

public struct Instances
{
    public Generic<int> Numbers;
    public Generic<Generic<byte>> Bytes;
}

[StructLayout(LayoutKind.Sequential)]
public class Ancestor
{
    public int First;
}

[StructLayout(LayoutKind.Sequential, CharSet = CharSet.Auto)]
public class Descendant : Ancestor
{
    public double Second;
    public string? Third;
}

public class Ordinary
{
    public int Ignored;
}

public ref struct OnStack
{
    public ref int Reference;
    public int Value;
}

public struct Rejected
{
    public object Anything;
    public Rejected[] Many;
    public List<Rejected> List;
    public Ordinary Class;
    public int[,] Square;
}

[StructLayout(LayoutKind.Sequential)]
public class Recursive
{
    public Recursive? Next;
}

[StructLayout(LayoutKind.Auto)]
public struct Automatic
{
    public byte A;
    public int B;
}

public struct Empty
{
}

/// <summary>Its fields have names that Python can't have.</summary>
public struct Names
{
    public int from;
    public int None;
    public int layout;
    public int _private;
    public int __dunder;
    public int größe;
    public int Names_;
}

public struct Outside
{
    public System.Text.Json.JsonElement Element;
}

public static class Program
{
    private struct Secret
    {
        public int X;
    }

    private static readonly byte[] _data = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];

    public static int Use() => _data.Length + new Secret { X = 1 }.X;
}
