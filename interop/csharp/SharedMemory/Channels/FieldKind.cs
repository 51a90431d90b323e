using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace SharedMemory;

/// <summary>
/// Represents the kind of a field in the text of a type: a letter and a size in bytes, and for fixed
/// text its number of characters.
/// </summary>
internal readonly record struct FieldKind(char Letter, int Size, bool IsBlittable = true, int? Count = null)
{
    private const string InlineArray = "System.Runtime.CompilerServices.InlineArrayAttribute";

    // Their names are obsolete.
    private const UnmanagedType Currency = (UnmanagedType)15;
    private const UnmanagedType VariantBool = (UnmanagedType)37;

    private static readonly int s_pointer = IntPtr.Size;

    // Structures that are one value. Some exist in newer versions of .NET only, so they are named.
    private static readonly Dictionary<string, FieldKind> s_structs = new()
    {
        ["System.Decimal"] = new('x', 16),
        ["System.Guid"] = new('x', 16),
        ["System.DateTime"] = new('x', 8, IsBlittable: false),
        ["System.TimeSpan"] = new('x', 8),
        ["System.DateOnly"] = new('x', 4),
        ["System.TimeOnly"] = new('x', 8),
        ["System.Half"] = new('f', 2),
        ["System.Int128"] = new('i', 16),
        ["System.UInt128"] = new('u', 16),
        ["System.Runtime.InteropServices.CLong"] = new('i', Host.IsWindows ? 4 : s_pointer),
        ["System.Runtime.InteropServices.CULong"] = new('u', Host.IsWindows ? 4 : s_pointer),
        ["System.Runtime.InteropServices.NFloat"] = new('f', s_pointer),
        ["System.Runtime.Intrinsics.Vector64`1"] = new('x', 8),
        ["System.Runtime.Intrinsics.Vector128`1"] = new('x', 16),
        ["System.Runtime.Intrinsics.Vector256`1"] = new('x', 32),
        ["System.Runtime.Intrinsics.Vector512`1"] = new('x', 64),
    };

    /// <summary>Gets the kind of a bool: BOOL of Windows.</summary>
    public static FieldKind Bool { get; } = new('b', 4, IsBlittable: false);

    /// <summary>Gets the alignment of one value of this kind.</summary>
    public int Alignment => Letter is 'i' or 'u' ? Size : Math.Min(Size, 8);

    private static FieldKind Pointer { get; } = new('p', s_pointer);

    private static FieldKind Reference { get; } = new('p', s_pointer, IsBlittable: false);

    private static FieldKind AnsiChar { get; } = new('c', 1, IsBlittable: false);

    private static FieldKind Utf16Char { get; } = new('c', 2);

    /// <summary>Returns the kind of a type without [MarshalAs]; null for one that has fields.</summary>
    public static FieldKind? OfSimple(Type type) => Of(type, null, isUnicode: false);

    /// <summary>Returns the kind of a field; null for a structure, whose fields have kinds.</summary>
    public static FieldKind? Of(FieldInfo field, Type declaring) =>
        Of(field.FieldType, field.GetCustomAttribute<MarshalAsAttribute>(), IsUnicode(declaring));

    /// <summary>
    /// Returns the kind of the elements of an array in a structure, and their number; null for
    /// structures, and with the number 0 for a field that is not an array.
    /// </summary>
    public static FieldKind? OfArray(FieldInfo field, Type declaring, out int count)
    {
        count = 0;
        if (field.GetCustomAttribute<FixedBufferAttribute>() is { } buffer)
        {
            count = buffer.Length;
            return OfBufferElement(buffer.ElementType);
        }

        if (field.FieldType.IsArray
            && field.GetCustomAttribute<MarshalAsAttribute>() is { Value: UnmanagedType.ByValArray } array)
        {
            count = array.SizeConst;
            var element = new MarshalAsAttribute(array.ArraySubType);
            return Of(
                field.FieldType.GetElementType()!, array.ArraySubType == 0 ? null : element, IsUnicode(declaring));
        }

        if (OfInlineArray(field.FieldType) is int length
            && FirstField(field.FieldType) is FieldInfo first
            && Of(first, field.FieldType) is FieldKind kind)
        {
            count = length;
            return kind;
        }

        return null;
    }

    [UnconditionalSuppressMessage(
        "Trimming", "IL2070", Justification = "A nested structure without its fields is refused.")]
    private static FieldInfo? FirstField(Type type) => type
        .GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
        .FirstOrDefault();

    /// <summary>Returns the number of elements of an [InlineArray]; null for other types.</summary>
    public static int? OfInlineArray(Type type)
    {
        foreach (CustomAttributeData attribute in type.GetCustomAttributesData())
        {
            if (attribute.AttributeType.FullName == InlineArray)
            {
                return (int)attribute.ConstructorArguments[0].Value!;
            }
        }

        return null;
    }

    // The marshaller copies the characters of a fixed buffer as they are.
    private static FieldKind? OfBufferElement(Type type) =>
        type == typeof(char) ? Utf16Char with { IsBlittable = false }
        : type == typeof(bool) ? new FieldKind('b', 1, IsBlittable: false)
        : OfSimple(type);

    private static FieldKind? Of(Type type, MarshalAsAttribute? marshalAs, bool isUnicode)
    {
        if (type.IsEnum)
        {
            return OfSimple(Enum.GetUnderlyingType(type));
        }

        if (type.IsPrimitive)
        {
            return OfPrimitive(type, marshalAs?.Value, isUnicode);
        }

        if (type == typeof(string) && marshalAs is { Value: UnmanagedType.ByValTStr } text)
        {
            return new FieldKind('t', isUnicode ? 2 : 1, IsBlittable: false, text.SizeConst);
        }

        if (type == typeof(decimal) && marshalAs?.Value == Currency)
        {
            return new FieldKind('x', 8, IsBlittable: false);
        }

        string? name = type.IsGenericType ? type.GetGenericTypeDefinition().FullName : type.FullName;
        return type.IsPointer || IsFunctionPointer(type) ? Pointer
            : name is not null && s_structs.TryGetValue(name, out FieldKind found) ? found
            : type.IsValueType || IsFormattedClass(type) ? null
            : Reference;
    }

    private static FieldKind OfPrimitive(Type type, UnmanagedType? unmanaged, bool isUnicode) =>
        Type.GetTypeCode(type) switch
        {
            TypeCode.Boolean => unmanaged switch
            {
                UnmanagedType.I1 or UnmanagedType.U1 => new('b', 1, IsBlittable: false),
                VariantBool => new('b', 2, IsBlittable: false),
                _ => Bool,
            },
            TypeCode.Char => unmanaged switch
            {
                UnmanagedType.I1 or UnmanagedType.U1 => AnsiChar,
                UnmanagedType.I2 or UnmanagedType.U2 => Utf16Char,
                _ => isUnicode ? Utf16Char : AnsiChar,
            },
            TypeCode.SByte => new('i', 1),
            TypeCode.Int16 => new('i', 2),
            TypeCode.Int32 => new('i', 4),
            TypeCode.Int64 => new('i', 8),
            TypeCode.Byte => new('u', 1),
            TypeCode.UInt16 => new('u', 2),
            TypeCode.UInt32 => new('u', 4),
            TypeCode.UInt64 => new('u', 8),
            TypeCode.Single => new('f', 4),
            TypeCode.Double => new('f', 8),
            _ => new(type == typeof(IntPtr) ? 'i' : 'u', s_pointer),
        };

    private static bool IsUnicode(Type type) => type.StructLayoutAttribute?.CharSet switch
    {
        CharSet.Unicode => true,
        CharSet.Auto => Host.IsWindows,
        _ => false,
    };

    private static bool IsFormattedClass(Type type) =>
        type.IsClass && (type.IsLayoutSequential || type.IsExplicitLayout);

    // Older versions of .NET describe a function pointer as nint, and have no property for it.
    private static bool IsFunctionPointer(Type type) => type.FullName is null && !type.IsGenericType && !type.IsGenericParameter;
}
