using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Text;

namespace SharedMemory;

/// <summary>
/// Writes the text of a structure's marshalled layout (docs/channels.md, "The type"): a line for each
/// field that has no fields, with its offset, its kind and its name.
/// </summary>
internal sealed class TypeText
{
    // What the trimmer must keep of a structure, so that its fields are found.
    internal const DynamicallyAccessedMemberTypes Fields =
        DynamicallyAccessedMemberTypes.PublicFields | DynamicallyAccessedMemberTypes.NonPublicFields;

    // What the trimmer must keep of the type of a channel.
    internal const DynamicallyAccessedMemberTypes Carried = StructBytes.Constructors | Fields;

    private readonly List<(int Offset, string Line)> _lines = [];

    /// <summary>Gets whether the managed bytes of the fields are their marshalled bytes.</summary>
    public bool IsBlittable { get; private set; } = true;

    /// <summary>Describes a structure.</summary>
    /// <param name="type">The structure.</param>
    /// <param name="size">Its marshalled size.</param>
    /// <param name="isBlittable">Whether the managed bytes of its fields are the marshalled bytes.</param>
    /// <exception cref="NotSupportedException">The layout of a field is not known.</exception>
    public static string Of([DynamicallyAccessedMembers(Fields)] Type type, int size, out bool isBlittable)
    {
        var text = new TypeText();
        if (FieldKind.OfSimple(type) is FieldKind kind)
        {
            text.AddLine(0, kind, count: null, "value");
        }
        else
        {
            text.AddFields(type, 0, string.Empty);
        }

        isBlittable = text.IsBlittable;
        var result = new StringBuilder(FormattableString.Invariant($"struct {size}\n"));
        foreach ((_, string line) in text._lines.OrderBy(static line => line.Offset)) // a stable sort
        {
            result.Append(line);
        }

        return result.ToString();
    }

    private void AddFields([DynamicallyAccessedMembers(Fields)] Type type, int start, string prefix)
    {
        if (type.IsAutoLayout)
        {
            throw new NotSupportedException($"{type} has the layout Auto, which other programs can't know.");
        }

        if (Nullable.GetUnderlyingType(type) is Type value)
        {
            AddNullable(value, start, prefix);
            return;
        }

        if (type.IsGenericType)
        {
            throw new NotSupportedException(
                $"{type}: the marshaller does not describe the fields of generic types. Use a structure"
                + " without type parameters.");
        }

        if (FieldKind.OfInlineArray(type) is int count)
        {
            FieldInfo element = InstanceFields(type)[0];
            AddElements(element.FieldType, FieldKind.Of(element, type), count, start, prefix);
            return;
        }

        foreach (FieldInfo field in InstanceFields(type))
        {
            int offset = start + OffsetOf(type, field.Name);
            AddField(field, type, offset, Join(prefix, PlainName(field.Name)));
        }
    }

    private void AddField(FieldInfo field, Type declaring, int offset, string name)
    {
        if (FieldKind.OfArray(field, declaring, out int count) is FieldKind element)
        {
            IsBlittable &= !field.FieldType.IsArray;
            AddLine(offset, element, count, name);
        }
        else if (field.FieldType.IsArray && count > 0)
        {
            IsBlittable = false;
            AddElements(field.FieldType.GetElementType()!, null, count, offset, name);
        }
        else if (FieldKind.Of(field, declaring) is FieldKind kind)
        {
            AddLine(offset, kind, kind.Count, name);
        }
        else
        {
            IsBlittable &= field.FieldType.IsValueType;
            AddNested(field.FieldType, offset, name);
        }
    }

    private void AddElements(Type element, FieldKind? kind, int count, int offset, string name)
    {
        if (kind is FieldKind simple)
        {
            AddLine(offset, simple, count, name);
            return;
        }

        int size = SizeOf(element);
        for (int index = 0; index < count; index++)
        {
            AddNested(
                element, offset + (index * size), FormattableString.Invariant($"{name}[{index}]"));
        }
    }

    private void AddNullable(Type value, int start, string prefix)
    {
        FieldKind kind = FieldKind.OfSimple(value)
            ?? throw new NotSupportedException($"{value}?: the marshaller does not describe its layout.");
        IsBlittable = false;
        AddLine(start, FieldKind.Bool, count: null, Join(prefix, "hasvalue"));
        AddLine(start + Math.Max(FieldKind.Bool.Size, kind.Alignment), kind, count: null, Join(prefix, "value"));
    }

    private void AddLine(int offset, FieldKind kind, int? count, string name)
    {
        IsBlittable &= kind.IsBlittable;
        string array = count is int number ? FormattableString.Invariant($"[{number}]") : string.Empty;
        _lines.Add((offset, FormattableString.Invariant($"{offset} {kind.Letter}{kind.Size}{array} {name}\n")));
    }

    // Native AOT keeps the fields of a nested structure only if the program uses them by reflection.
    [UnconditionalSuppressMessage(
        "Trimming", "IL2072", Justification = "A nested structure without its fields is refused.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2067", Justification = "A nested structure without its fields is refused.")]
    private void AddNested(Type type, int offset, string name)
    {
        int before = _lines.Count;
        AddFields(type, offset, name);
        if (_lines.Count == before && SizeOf(type) > 1)
        {
            throw new NotSupportedException(
                $"{name}: the fields of {type} were removed when the program was trimmed. Keep them with"
                + " [DynamicDependency(DynamicallyAccessedMemberTypes.PublicFields"
                + $" | DynamicallyAccessedMemberTypes.NonPublicFields, typeof({type.Name}))].");
        }
    }

    /// <summary>Returns the instance fields in the order of their declaration.</summary>
    private static FieldInfo[] InstanceFields([DynamicallyAccessedMembers(Fields)] Type type)
    {
        FieldInfo[] fields = type.GetFields(
            BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic);
        try
        {
            Array.Sort(fields, static (one, two) => one.MetadataToken.CompareTo(two.MetadataToken));
        }
        catch (InvalidOperationException)
        {
            // Native AOT has no tokens, and keeps the order.
        }

        return fields;
    }

    [UnconditionalSuppressMessage(
        "AOT", "IL3050", Justification = "The marshaller's code is not used, only its layout.")]
    [UnconditionalSuppressMessage(
        "Trimming", "IL2067", Justification = "The field was found by reflection, so it was kept.")]
    private static int OffsetOf(Type type, string field) => (int)Marshal.OffsetOf(type, field);

    [UnconditionalSuppressMessage(
        "AOT", "IL3050", Justification = "The marshaller's code is not used, only its layout.")]
    private static int SizeOf(Type type) => Marshal.SizeOf(type);

    private static string Join(string prefix, string name) =>
        prefix.Length == 0 ? name : $"{prefix}.{name}";

    /// <summary>Returns the name in lower case, without underscores; of a property for its field.</summary>
    private static string PlainName(string name)
    {
        const string backing = ">k__BackingField";
        string plain = name.StartsWith('<') && name.EndsWith(backing, StringComparison.Ordinal)
            ? name.Substring(1, name.Length - 1 - backing.Length)
            : name;
        var result = new StringBuilder(plain.Length);
        foreach (char character in plain)
        {
            // Only ASCII: other letters have rules that differ between languages.
            bool isUpper = character is >= 'A' and <= 'Z';
            if (character != '_')
            {
                result.Append(isUpper ? (char)(character | 0x20) : character);
            }
        }

        return result.ToString();
    }
}
