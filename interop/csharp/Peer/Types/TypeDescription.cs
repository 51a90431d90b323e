using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Describes types as the step define does (docs/protocol.md).</summary>
/// <remarks>It reads the metadata only and computes no layout.</remarks>
internal sealed class TypeDescription
{
    private readonly Dictionary<Type, string> _names = [];
    private readonly HashSet<string> _taken = [];
    private readonly List<Type> _types = [];

    public TypeDescription(Type root) => Visit(root);

    /// <summary>Gets the root and all types in it. Each type is after those that it needs.</summary>
    public IReadOnlyList<Type> Types => _types;

    /// <summary>Returns whether the type is a structure or a class with a layout.</summary>
    public static bool HasLayout(Type type) =>
        !type.IsEnum && !typeof(Delegate).IsAssignableFrom(type)
        && (type.IsValueType || (type.IsClass && (type.IsLayoutSequential || type.IsExplicitLayout)));

    /// <summary>Returns the fields that the type declares, without those of base classes.</summary>
    public static List<FieldInfo> OwnFields(Type type) =>
        [.. LayoutProbe.FieldsOf(type).Where(field => field.DeclaringType == type)];

    /// <summary>Writes all properties but the fields to the current JSON object.</summary>
    public void WriteHead(Utf8JsonWriter writer, Type type)
    {
        writer.WriteString("name", JsonText.Encode(_names[type]));
        if (type.IsEnum)
        {
            writer.WriteString("kind", "enum");
            writer.WriteString("underlying", TypeNames.NameOf(type.GetEnumUnderlyingType()));
            return;
        }

        writer.WriteString("kind", KindOf(type));
        if (!type.IsClass && !type.IsValueType)
        {
            return;
        }

        writer.WriteString("layout", LayoutOf(type));
        if (!HasLayout(type))
        {
            return;
        }

        TypeLayout layout = PackAndSize(type);
        writer.WriteNumber("pack", layout.PackingSize);
        writer.WriteNumber("size", layout.Size);
        writer.WriteString("charset", CharSetOf(type));
        if (type.GetCustomAttribute<InlineArrayAttribute>() is { } array)
        {
            writer.WriteNumber("inline_array", array.Length);
        }

        writer.WriteBoolean("by_ref_like", type.IsByRefLike);
        writer.WriteBoolean("generic", type.IsGenericType);
        writer.WriteBoolean("fixed_buffer", TypeValue.IsFixedBuffer(type, OwnFields(type)));
        if (type.BaseType is { } parent && _names.TryGetValue(parent, out string? name))
        {
            writer.WriteString("base", JsonText.Encode(name));
        }
    }

    /// <summary>Writes a field to the current JSON object.</summary>
    public void WriteField(Utf8JsonWriter writer, FieldInfo field)
    {
        writer.WriteString("name", JsonText.Encode(field.Name));
        writer.WritePropertyName("type");
        WriteReference(writer, field.FieldType, _types.IndexOf(field.DeclaringType!));
        if (field.DeclaringType!.IsExplicitLayout
            && field.GetCustomAttribute<FieldOffsetAttribute>() is { } offset)
        {
            writer.WriteNumber("offset", offset.Value);
        }

        if (field.GetCustomAttribute<MarshalAsAttribute>() is not { } marshalAs)
        {
            return;
        }

        writer.WriteStartObject("marshal_as");
        writer.WriteString("unmanaged_type", marshalAs.Value.ToString());
        if (marshalAs.SizeConst != 0)
        {
            writer.WriteNumber("size_const", marshalAs.SizeConst);
        }

        if (marshalAs.ArraySubType != 0)
        {
            writer.WriteString("array_sub_type", marshalAs.ArraySubType.ToString());
        }

        writer.WriteEndObject();
    }

    private static string KindOf(Type type) =>
        type.IsInterface ? "interface"
        : typeof(Delegate).IsAssignableFrom(type) ? "delegate"
        : type.IsValueType ? "struct"
        : "class";

    private static string LayoutOf(Type type) =>
        type.IsExplicitLayout ? "explicit" : type.IsLayoutSequential ? "sequential" : "auto";

    private static string CharSetOf(Type type) =>
        type.IsUnicodeClass ? "unicode" : type.IsAutoClass ? "auto" : "ansi";

    // StructLayoutAttribute of reflection is the same for Pack = 8 and for no Pack.
    private static unsafe TypeLayout PackAndSize(Type type)
    {
        if (!type.Assembly.TryGetRawMetadata(out byte* blob, out int length))
        {
            StructLayoutAttribute attribute = type.StructLayoutAttribute!;
            return new TypeLayout(attribute.Size, attribute.Pack);
        }

        var handle = (TypeDefinitionHandle)MetadataTokens.EntityHandle(type.MetadataToken);
        return new MetadataReader(blob, length).GetTypeDefinition(handle).GetLayout();
    }

    private void Visit(Type type)
    {
        if (type.HasElementType)
        {
            if (type.IsArray)
            {
                Visit(type.GetElementType()!);
            }

            return; // the target of a pointer is not a part of the layout
        }

        if (Nullable.GetUnderlyingType(type) is { } value)
        {
            Visit(value);
            return;
        }

        if (type.IsFunctionPointer || TypeNames.NameOf(type) is not null || _names.ContainsKey(type))
        {
            return;
        }

        string name = type.ToString();
        _names.Add(type, _taken.Add(name) ? name : $"{name}, {type.Assembly.GetName().Name}");
        if (HasLayout(type))
        {
            if (type.IsClass && type.BaseType is { } parent && HasLayout(parent))
            {
                Visit(parent);
            }

            OwnFields(type).ForEach(field => Visit(field.FieldType));
        }

        _types.Add(type);
    }

    private void WriteReference(Utf8JsonWriter writer, Type type, int user)
    {
        if (TypeNames.NameOf(type) is { } name)
        {
            writer.WriteStringValue(name);
            return;
        }

        // A type can only need itself through a reference.
        int index = _types.IndexOf(type);
        if (index >= user)
        {
            writer.WriteStringValue("object");
            return;
        }

        writer.WriteStartObject();
        if (type.IsFunctionPointer)
        {
            writer.WriteBoolean("function_pointer", true);
        }
        else if (type.IsArray)
        {
            writer.WritePropertyName("array");
            WriteReference(writer, type.GetElementType()!, user);
            writer.WriteNumber("rank", type.GetArrayRank());
        }
        else if (type.HasElementType)
        {
            writer.WriteString("pointer", "void");
        }
        else if (Nullable.GetUnderlyingType(type) is { } value)
        {
            writer.WritePropertyName("nullable");
            WriteReference(writer, value, user);
        }
        else
        {
            writer.WriteString("type", JsonText.Encode(_names[type]));
        }

        writer.WriteEndObject();
    }
}
