using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>Writes values of a type to slots, and reads them.</summary>
internal abstract unsafe class ValueCodec<T>(ChannelType type)
{
    public ChannelType Type { get; } = type;

    /// <summary>Gets the size of every value; 0 if it varies.</summary>
    public virtual int FixedSize => 0;

    /// <summary>Gets the type of the elements of an array.</summary>
    public virtual ElementType? Element => null;

    /// <summary>
    /// Gets whether <see cref="Read"/> is safe while another process writes the bytes: it then returns
    /// mixed bytes, which the reader throws away.
    /// </summary>
    public virtual bool ReadsInPlace => true;

    /// <summary>Returns the number of bytes of a value.</summary>
    public abstract long Measure(in T value);

    /// <summary>Writes a value with <paramref name="length"/> bytes.</summary>
    public abstract void Write(in T value, byte* slot, long length);

    public abstract T Read(byte* slot, long length);
}

/// <summary>Finds how values of <typeparamref name="T"/> are written.</summary>
internal static class ValueCodecs<[DynamicallyAccessedMembers(TypeText.Carried)] T>
{
    private static ValueCodec<T>? s_codec;

    /// <summary>Gets the codec.</summary>
    /// <exception cref="NotSupportedException">A channel can't carry the type.</exception>
    public static ValueCodec<T> Codec => s_codec ??= Create();

    private static ValueCodec<T> Create()
    {
        object? known = typeof(T) == typeof(byte[]) ? new BytesCodec()
            : typeof(T) == typeof(ImageData) ? new ImageCodec()
            : CreateForArray();
        if (known is not null)
        {
            return (ValueCodec<T>)known;
        }

        if (!typeof(T).IsValueType)
        {
            throw new NotSupportedException(
                $"A channel can't carry {typeof(T)}. It carries byte[], ImageData, structures, and arrays of"
                + " numbers.");
        }

        int size = SizeOf();
        ChannelType type = ChannelType.Struct(TypeText.Of(typeof(T), size, out bool isBlittable));
        return isBlittable && size == BlittableCodec<T>.ManagedSize
            ? new BlittableCodec<T>(type)
            : new MarshalledCodec<T>(type, size);
    }

    private static object? CreateForArray() =>
        typeof(T) == typeof(Memory<byte>) ? new ByteArrayCodec()
        : typeof(T) == typeof(bool[]) ? new ArrayCodec<bool>()
        : typeof(T) == typeof(sbyte[]) ? new ArrayCodec<sbyte>()
        : typeof(T) == typeof(short[]) ? new ArrayCodec<short>()
        : typeof(T) == typeof(ushort[]) ? new ArrayCodec<ushort>()
        : typeof(T) == typeof(int[]) ? new ArrayCodec<int>()
        : typeof(T) == typeof(uint[]) ? new ArrayCodec<uint>()
        : typeof(T) == typeof(long[]) ? new ArrayCodec<long>()
        : typeof(T) == typeof(ulong[]) ? new ArrayCodec<ulong>()
        : typeof(T) == typeof(float[]) ? new ArrayCodec<float>()
        : typeof(T) == typeof(double[]) ? new ArrayCodec<double>()
        : typeof(T) == typeof(System.Numerics.Complex[]) ? new ArrayCodec<System.Numerics.Complex>()
        : null;

    // The marshaller has no size for enumerations.
    private static int SizeOf() => typeof(T).IsEnum ? BlittableCodec<T>.ManagedSize : Marshal.SizeOf<T>();
}
