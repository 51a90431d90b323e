using System.Buffers.Binary;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Adds attributes to types and fields that are created at run time.</summary>
internal static class EmittedAttributes
{
    // The blob of an attribute without arguments (ECMA-335 II.23.3).
    private static readonly byte[] s_empty = [1, 0, 0, 0];

    private static readonly ConstructorInfo s_inlineArray =
        typeof(InlineArrayAttribute).GetConstructor([typeof(int)])!;

    private static readonly ConstructorInfo s_byRefLike =
        typeof(IsByRefLikeAttribute).GetConstructor([])!;

    private static readonly ConstructorInfo s_compilerGenerated =
        typeof(CompilerGeneratedAttribute).GetConstructor([])!;

    private static readonly ConstructorInfo s_unsafeValueType =
        typeof(UnsafeValueTypeAttribute).GetConstructor([])!;

    private static readonly ConstructorInfo s_fixedBuffer =
        typeof(FixedBufferAttribute).GetConstructor([typeof(Type), typeof(int)])!;

    private static readonly ConstructorInfo s_marshalAs =
        typeof(MarshalAsAttribute).GetConstructor([typeof(UnmanagedType)])!;

    private static readonly FieldInfo s_sizeConst =
        typeof(MarshalAsAttribute).GetField(nameof(MarshalAsAttribute.SizeConst))!;

    private static readonly FieldInfo s_arraySubType =
        typeof(MarshalAsAttribute).GetField(nameof(MarshalAsAttribute.ArraySubType))!;

    public static void AddInlineArray(TypeBuilder type, int length)
    {
        var blob = new byte[8];
        blob[0] = 1;
        BinaryPrimitives.WriteInt32LittleEndian(blob.AsSpan(2), length);
        type.SetCustomAttribute(s_inlineArray, blob);
    }

    public static void AddByRefLike(TypeBuilder type) => type.SetCustomAttribute(s_byRefLike, s_empty);

    /// <summary>Adds the attributes that the C# compiler gives the structure of a fixed buffer.</summary>
    public static void AddFixedBufferStruct(TypeBuilder type)
    {
        type.SetCustomAttribute(s_compilerGenerated, s_empty);
        type.SetCustomAttribute(s_unsafeValueType, s_empty);
    }

    /// <summary>Adds the attribute that the C# compiler gives a field that is a fixed buffer.</summary>
    public static void AddFixedBuffer(FieldBuilder field, Type element, int length) =>
        field.SetCustomAttribute(new CustomAttributeBuilder(s_fixedBuffer, [element, length]));

    public static void AddMarshalAs(FieldBuilder field, JsonElement description)
    {
        var arguments = new StepArguments(description);
        int? size = arguments.Has("size_const") ? arguments.Int32("size_const") : null;
        UnmanagedType? element = arguments.Text("array_sub_type") is { } name ? Parse(name) : null;
        AddMarshalAs(field, Parse(arguments.RequiredText("unmanaged_type")), size, element);
    }

    /// <summary>Adds the MarshalAs attribute of another field.</summary>
    public static void AddMarshalAs(FieldBuilder field, MarshalAsAttribute original) => AddMarshalAs(
        field,
        original.Value,
        original.SizeConst == 0 ? null : original.SizeConst,
        original.ArraySubType == 0 ? null : original.ArraySubType);

    private static void AddMarshalAs(
        FieldBuilder field, UnmanagedType type, int? size, UnmanagedType? element)
    {
        List<FieldInfo> names = [];
        List<object> values = [];
        if (size is { } count)
        {
            names.Add(s_sizeConst);
            values.Add(count);
        }

        if (element is { } elementType)
        {
            names.Add(s_arraySubType);
            values.Add(elementType);
        }

        field.SetCustomAttribute(
            new CustomAttributeBuilder(s_marshalAs, [type], [.. names], [.. values]));
    }

    private static UnmanagedType Parse(string name) =>
        Enum.TryParse(name, out UnmanagedType type)
            ? type
            : throw new ProtocolException($"\"{name}\" is not an UnmanagedType");
}
