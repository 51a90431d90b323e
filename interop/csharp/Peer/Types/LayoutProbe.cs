using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Peer;

/// <summary>What the runtime says of a type's two layouts.</summary>
internal sealed unsafe class LayoutProbe
{
    /// <summary>The field of a probe struct that holds the type in question.</summary>
    public const string ValueField = "Value";

    /// <summary>The field of a probe struct that comes after the one in question.</summary>
    public const string FieldBehind = "Behind";

    private const int LargestNative = 1 << 24; // bytes that StructureToPtr is tried with
    private const int UnknownNative = 1 << 16; // room where Marshal.SizeOf gives no size

    private const int HeaderLength = 3; // results in front of the fields' offsets

    private static readonly MethodInfo s_hasReferences =
        typeof(RuntimeHelpers).GetMethod(nameof(RuntimeHelpers.IsReferenceOrContainsReferences))!;

    private static readonly MethodInfo s_rawData =
        typeof(RawData).GetMethod(nameof(RawData.Of))!;

    /// <summary>Instance fields in the order of their declaration, a base class's first.</summary>
    public required IReadOnlyList<FieldInfo> Fields { get; init; }

    public int? NativeSize { get; private set; }

    public Exception? NativeError { get; private set; }

    public int?[]? NativeOffsets { get; private set; }

    public int? NativeAlignment { get; private set; }

    public int? ManagedSize { get; private set; }

    public Exception? ManagedError { get; private set; }

    public int[]? ManagedOffsets { get; private set; }

    public int? ManagedAlignment { get; private set; }

    public bool HasReferences { get; private set; } = true;

    public int? Stride { get; private set; }

    public Exception? StructureToPtrError { get; private set; }

    /// <summary>How much memory StructureToPtr gets.</summary>
    /// <exception cref="InsufficientMemoryException">The structure is too large to be tried.</exception>
    public int TriedSize
    {
        get
        {
            int size = NativeSize ?? UnknownNative;
            return size <= LargestNative
                ? size
                : throw new InsufficientMemoryException($"{size} bytes are too many to be tried");
        }
    }

    /// <summary>Looks at a type.</summary>
    /// <param name="type">A struct, or a class.</param>
    /// <param name="makeProbe">Makes {byte; type}; not called for classes that are refused.</param>
    /// <param name="memory">Scratch.</param>
    public static LayoutProbe Of(Type type, Func<Type> makeProbe, PoisonedMemory memory)
    {
        var found = new LayoutProbe { Fields = FieldsOf(type) };
        Type? probe = null;
        if (Attempt.To(() => probe = makeProbe()) is not null)
        {
            probe = null;
        }

        found.MeasureNative(type, probe);
        found.MeasureManaged(type, probe);
        found.StructureToPtrError = Attempt.To(() => found.TryStructureToPtr(type, memory));
        return found;
    }

    /// <summary>Instance fields in the order of their declaration, a base class's first.</summary>
    public static List<FieldInfo> FieldsOf(Type type)
    {
        List<FieldInfo> fields = type.IsClass && type.BaseType is { } parent ? FieldsOf(parent) : [];
        FieldInfo[] own = type.GetFields(
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic
            | BindingFlags.DeclaredOnly);
        Array.Sort(own, static (one, two) => one.MetadataToken.CompareTo(two.MetadataToken));
        fields.AddRange(own);
        return fields;
    }

    /// <summary>The array stride of UnmanagedMemoryAccessor: AlignedSizeOf in the runtime's source.</summary>
    public static int StrideOf(int size) => size is 1 or 2 ? size : checked((size + 3) & ~3);

    private static int OffsetOf(FieldInfo field) =>
        (int)Marshal.OffsetOf(field.DeclaringType!, field.Name);

    private void MeasureNative(Type type, Type? probe)
    {
        NativeError = Attempt.To(() => NativeSize = Marshal.SizeOf(type));
        if (NativeError is not null)
        {
            return;
        }

        NativeOffsets = new int?[Fields.Count];
        for (int index = 0; index < Fields.Count; index++)
        {
            _ = Attempt.To(() => NativeOffsets[index] = OffsetOf(Fields[index]));
        }

        if (probe is not null)
        {
            _ = Attempt.To(() => NativeAlignment = (int)Marshal.OffsetOf(probe, ValueField));
        }
    }

    private void MeasureManaged(Type type, Type? probe)
    {
        int[]? results = null;
        ManagedError = Attempt.To(() => results = RunMeasure(type, probe));
        if (ManagedError is not null && probe is not null)
        {
            // Was it the type, or only the probe?
            probe = null;
            ManagedError = Attempt.To(() => results = RunMeasure(type, probe));
        }

        if (results is null)
        {
            return;
        }

        ManagedOffsets = results[HeaderLength..];
        if (!type.IsValueType)
        {
            return;
        }

        ManagedSize = results[0];
        HasReferences = type.IsByRefLike || results[1] != 0;
        ManagedAlignment = probe is null ? null : results[2];
        Stride = HasReferences ? null : StrideOf(results[0]);
    }

    /// <summary>sizeof, has references, offset in the probe; then the offset of each field.</summary>
    private int[] RunMeasure(Type type, Type? probe)
    {
        var results = new int[HeaderLength + Fields.Count];
        byte origin = 0;
        fixed (int* first = results)
        {
            // Addresses of fields need no object of the very type: any will do.
            MakeMeasure(type, probe)((nint)(&origin), results, (nint)first);
        }

        return results;
    }

    private Measure MakeMeasure(Type type, Type? probe)
    {
        var method = new DynamicMethod(
            "Measure",
            typeof(void),
            [typeof(nint), typeof(object), typeof(nint)],
            typeof(LayoutProbe).Module,
            skipVisibility: true);
        ILGenerator code = method.GetILGenerator();
        if (type.IsValueType)
        {
            Store(code, 0, () => code.Emit(OpCodes.Sizeof, type));
            if (!type.IsByRefLike)
            {
                Store(code, 1, () => code.Emit(OpCodes.Call, s_hasReferences.MakeGenericMethod(type)));
            }

            if (probe is not null)
            {
                Store(code, 2, () => Distance(code, probe.GetField(ValueField)!));
            }
        }
        else
        {
            // The collector must not move the object between the two addresses.
            code.DeclareLocal(typeof(object), pinned: true);
            code.Emit(OpCodes.Ldarg_1);
            code.Emit(OpCodes.Stloc_0);
        }

        for (int index = 0; index < Fields.Count; index++)
        {
            FieldInfo field = Fields[index];
            Store(code, HeaderLength + index, () =>
            {
                if (type.IsValueType)
                {
                    Distance(code, field);
                }
                else
                {
                    DistanceInObject(code, field);
                }
            });
        }

        code.Emit(OpCodes.Ret);
        return method.CreateDelegate<Measure>();
    }

    private static void Store(ILGenerator code, int index, Action value)
    {
        code.Emit(OpCodes.Ldarg_2);
        code.Emit(OpCodes.Ldc_I4, index * sizeof(int));
        code.Emit(OpCodes.Add);
        value();
        code.Emit(OpCodes.Stind_I4);
    }

    // The address need not hold a whole value: nothing but its first byte is ever touched.
    private static void Distance(ILGenerator code, FieldInfo field)
    {
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ldarg_0);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Conv_I4);
    }

    private static void DistanceInObject(ILGenerator code, FieldInfo field)
    {
        code.Emit(OpCodes.Ldloc_0);
        code.Emit(OpCodes.Ldflda, field);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Ldloc_0);
        code.Emit(OpCodes.Call, s_rawData);
        code.Emit(OpCodes.Conv_U);
        code.Emit(OpCodes.Sub);
        code.Emit(OpCodes.Conv_I4);
    }

    private void TryStructureToPtr(Type type, PoisonedMemory memory)
    {
        object instance = RuntimeHelpers.GetUninitializedObject(type);
#pragma warning disable CA1816 // a finalizer would be the user's code
        GC.SuppressFinalize(instance);
#pragma warning restore CA1816
        memory.Prepare(TriedSize);
        Marshal.StructureToPtr(instance, memory.Address, fDeleteOld: false);
        Marshal.DestroyStructure(memory.Address, type);
    }

    private delegate void Measure(nint address, object instance, nint results);
}
