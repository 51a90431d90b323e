using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Peer;

/// <summary>Measures the two layouts of a type at run time.</summary>
internal sealed unsafe class LayoutProbe
{
    /// <summary>The field of a probe structure with the type that is measured.</summary>
    public const string ValueField = "Value";

    /// <summary>The field of a probe structure after the field that is measured.</summary>
    public const string NextField = "Next";

    private const int LargestNative = 1 << 24; // bytes; StructureToPtr is not called with more
    private const int UnknownNative = 1 << 16; // bytes; for types that Marshal.SizeOf refuses

    private const int HeaderLength = 3; // results before the offsets of the fields

    private static readonly MethodInfo s_hasReferences =
        typeof(RuntimeHelpers).GetMethod(nameof(RuntimeHelpers.IsReferenceOrContainsReferences))!;

    private static readonly MethodInfo s_rawData =
        typeof(RawData).GetMethod(nameof(RawData.Of))!;

    /// <summary>Gets the instance fields in the order of their declaration, base classes first.</summary>
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

    /// <summary>Gets the size of the memory for StructureToPtr.</summary>
    /// <exception cref="InsufficientMemoryException">The structure is too large.</exception>
    public int BufferSize
    {
        get
        {
            int size = NativeSize ?? UnknownNative;
            return size <= LargestNative
                ? size
                : throw new InsufficientMemoryException(
                    $"the structure has {size} bytes, more than the limit of {LargestNative}");
        }
    }

    /// <summary>Measures a type.</summary>
    /// <param name="type">A structure or a class.</param>
    /// <param name="createProbe">Creates the structure {byte; type}.</param>
    /// <param name="memory">Memory for StructureToPtr.</param>
    public static LayoutProbe Of(Type type, Func<Type> createProbe, PoisonedMemory memory)
    {
        var layout = new LayoutProbe { Fields = FieldsOf(type) };
        Type? probe = null;
        if (Attempt.Run(() => probe = createProbe()) is not null)
        {
            probe = null;
        }

        layout.MeasureNative(type, probe);
        layout.MeasureManaged(type, probe);
        layout.StructureToPtrError = Attempt.Run(() => layout.TryStructureToPtr(type, memory));
        return layout;
    }

    /// <summary>
    /// Returns the instance fields in the order of their declaration, base classes first.
    /// </summary>
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

    /// <summary>
    /// Returns the array stride of UnmanagedMemoryAccessor, as AlignedSizeOf in its source does.
    /// </summary>
    public static int StrideOf(int size) => size is 1 or 2 ? size : checked((size + 3) & ~3);

    /// <summary>
    /// Returns whether a type, or a base class, is sequential and has a base class with explicit layout.
    /// </summary>
    private static bool IsSequentialAfterExplicit(Type type)
    {
        bool sequential = false;
        for (Type? at = type; at is not null; at = at.BaseType)
        {
            if (sequential && at.IsExplicitLayout)
            {
                return true;
            }

            sequential |= at.IsLayoutSequential;
        }

        return false;
    }

    private static int OffsetOf(FieldInfo field) =>
        (int)Marshal.OffsetOf(field.DeclaringType!, field.Name);

    private void MeasureNative(Type type, Type? probe)
    {
        NativeError = Attempt.Run(() => NativeSize = Marshal.SizeOf(type));
        if (NativeError is not null)
        {
            return;
        }

        NativeOffsets = new int?[Fields.Count];
        for (int index = 0; index < Fields.Count; index++)
        {
            _ = Attempt.Run(() => NativeOffsets[index] = OffsetOf(Fields[index]));
        }

        // A field of some of these classes crashes the runtime with a division by zero.
        if (probe is not null && !IsSequentialAfterExplicit(type))
        {
            _ = Attempt.Run(() => NativeAlignment = (int)Marshal.OffsetOf(probe, ValueField));
        }
    }

    private void MeasureManaged(Type type, Type? probe)
    {
        int[]? results = null;
        ManagedError = Attempt.Run(() => results = RunMeasure(type, probe));
        if (ManagedError is not null && probe is not null)
        {
            // Try again without the probe, which may cause the error.
            probe = null;
            ManagedError = Attempt.Run(() => results = RunMeasure(type, probe));
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

    /// <summary>
    /// Returns the size, whether there are references, the alignment, and the offsets of the
    /// fields.
    /// </summary>
    private int[] RunMeasure(Type type, Type? probe)
    {
        var results = new int[HeaderLength + Fields.Count];
        byte origin = 0;
        fixed (int* first = results)
        {
            // Only addresses are computed, so the object can have any type.
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
            // The garbage collector must not move the object between the two addresses.
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

    // Computes an address only, so the memory can be smaller than the value.
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
#pragma warning disable CA1816 // do not run a finalizer, which is the user's code
        GC.SuppressFinalize(instance);
#pragma warning restore CA1816
        memory.Prepare(BufferSize);
        Marshal.StructureToPtr(instance, memory.Address, fDeleteOld: false);
        Marshal.DestroyStructure(memory.Address, type);
    }

    private delegate void Measure(nint address, object instance, nint results);
}
