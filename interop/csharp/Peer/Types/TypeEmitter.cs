using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Creates types at run time from declarations in JSON (docs/protocol.md, "define").</summary>
/// <remarks>A function pointer becomes void*, because Reflection.Emit can't create its type.</remarks>
internal sealed class TypeEmitter(ModuleBuilder module, string nameSpace)
{
    private const int LongestName = 200; // the limit of Reflection.Emit is 1,023

    private const TypeAttributes Public = TypeAttributes.Public;
    private const MethodAttributes Constructor =
        MethodAttributes.Public | MethodAttributes.HideBySig | MethodAttributes.SpecialName
        | MethodAttributes.RTSpecialName;

    private const MethodAttributes Invoke =
        MethodAttributes.Public | MethodAttributes.HideBySig | MethodAttributes.NewSlot
        | MethodAttributes.Virtual;

    private readonly Dictionary<string, Declared> _known = [];

    /// <summary>Creates all types of the list and returns the last one.</summary>
    /// <exception cref="TypeLoadException">The runtime refuses one of the types.</exception>
    public Type Emit(JsonElement types)
    {
        Type? root = null;
        foreach (JsonElement item in types.EnumerateArray())
        {
            var description = new StepArguments(item);
            TypeBuilder builder = Declare(description);
            Type type = builder.CreateType();
            root = type.IsGenericTypeDefinition ? type.MakeGenericType(typeof(int)) : type;
        }

        return root ?? throw new ProtocolException("\"types\" must not be empty");
    }

    /// <summary>
    /// Creates the structure {byte Before; T Value;}. The offset of Value is the alignment of T.
    /// </summary>
    public static Type EmitProbe(ModuleBuilder module, string name, Type type)
    {
        TypeBuilder builder = module.DefineType(
            name, Public | TypeAttributes.Sealed | TypeAttributes.SequentialLayout, typeof(ValueType));
        if (type.IsByRefLike)
        {
            EmittedAttributes.AddByRefLike(builder);
        }

        builder.DefineField("Before", typeof(byte), FieldAttributes.Public);
        builder.DefineField(LayoutProbe.ValueField, type, FieldAttributes.Public);
        return builder.CreateType();
    }

    /// <summary>
    /// Creates the structure {T Value; byte Next;}. The offset of Next is the size of the field.
    /// </summary>
    public static Type EmitFieldProbe(ModuleBuilder module, string name, FieldInfo field)
    {
        TypeAttributes attributes = Public | TypeAttributes.Sealed | TypeAttributes.SequentialLayout
            | (field.DeclaringType!.Attributes & TypeAttributes.StringFormatMask);
        TypeBuilder builder = module.DefineType(name, attributes, typeof(ValueType));
        FieldBuilder value = builder.DefineField(
            LayoutProbe.ValueField, field.FieldType, FieldAttributes.Public);
        if (field.GetCustomAttribute<MarshalAsAttribute>() is { } marshalAs)
        {
            EmittedAttributes.AddMarshalAs(value, marshalAs);
        }

        builder.DefineField(LayoutProbe.NextField, typeof(byte), FieldAttributes.Public);
        return builder.CreateType();
    }

    private static string Plain(string name) =>
        string.Create(Math.Min(name.Length, LongestName), name, static (plain, name) =>
        {
            for (int index = 0; index < plain.Length; index++)
            {
                // Replace characters that are special in names of reflection.
                plain[index] = name[index] is '+' or '[' or ']' or ',' or '`' or '&' or '*' or '\\' or ' '
                    ? '_'
                    : name[index];
            }
        });

    private TypeBuilder Declare(StepArguments description)
    {
        string name = description.RequiredText("name");
        string fullName = $"{nameSpace}.{Plain(name)}";
        string kind = description.RequiredText("kind");
        switch (kind)
        {
            case "enum":
                return DeclareEnum(name, fullName, description);
            case "delegate":
                return DeclareDelegate(name, fullName);
            case "interface":
                TypeBuilder builder = module.DefineType(
                    fullName, Public | TypeAttributes.Interface | TypeAttributes.Abstract);
                _known[name] = new Declared(builder, null, 0);
                return builder;
            case "struct" or "class":
                return DeclareFields(name, fullName, kind == "class", description);
            default:
                throw new ProtocolException($"unknown kind of type \"{kind}\"");
        }
    }

    private TypeBuilder DeclareEnum(string name, string fullName, StepArguments description)
    {
        Type underlying = TypeNames.TypeOf(description.Text("underlying") ?? "int");
        TypeBuilder builder = module.DefineType(
            fullName, Public | TypeAttributes.Sealed, typeof(Enum));
        builder.DefineField(
            "value__",
            underlying,
            FieldAttributes.Public | FieldAttributes.SpecialName | FieldAttributes.RTSpecialName);
        // The names of the values do not matter for the layout.
        _known[name] = new Declared(builder, null, 0);
        return builder;
    }

    private TypeBuilder DeclareDelegate(string name, string fullName)
    {
        TypeBuilder builder = module.DefineType(
            fullName, Public | TypeAttributes.Sealed, typeof(MulticastDelegate));
        builder
            .DefineConstructor(Constructor, CallingConventions.Standard, [typeof(object), typeof(nint)])
            .SetImplementationFlags(MethodImplAttributes.Runtime);
        builder
            .DefineMethod("Invoke", Invoke, typeof(void), [])
            .SetImplementationFlags(MethodImplAttributes.Runtime);
        _known[name] = new Declared(builder, null, 0);
        return builder;
    }

    private TypeBuilder DeclareFields(
        string name, string fullName, bool isClass, StepArguments description)
    {
        TypeAttributes attributes = Public | Layout(description) | CharacterSet(description);
        Type parent = typeof(object);
        if (isClass)
        {
            if (description.Text("base") is { } baseName)
            {
                parent = Known(baseName).Type;
            }
        }
        else
        {
            attributes |= TypeAttributes.Sealed;
            parent = typeof(ValueType);
        }

        bool isGeneric = description.Boolean("generic");
        int size = description.Int32("size", 0);
        TypeBuilder builder = module.DefineType(
            isGeneric ? $"{fullName}`1" : fullName,
            attributes,
            parent,
            (PackingSize)description.Int32("pack", 0),
            size);
        if (isGeneric)
        {
            builder.DefineGenericParameters("T");
        }

        if (description.Optional("inline_array") is not null)
        {
            EmittedAttributes.AddInlineArray(builder, description.Int32("inline_array"));
        }

        if (description.Boolean("by_ref_like"))
        {
            EmittedAttributes.AddByRefLike(builder);
        }

        Type? first = null;
        foreach (JsonElement field in description.Required("fields").EnumerateArray())
        {
            Type type = DeclareField(builder, new StepArguments(field));
            first ??= type;
        }

        bool isFixedBuffer = description.Boolean("fixed_buffer");
        if (isFixedBuffer)
        {
            EmittedAttributes.AddFixedBufferStruct(builder);
        }

        if (isClass)
        {
            DeclareConstructor(builder);
        }

        _known[name] = new Declared(
            isGeneric ? builder.MakeGenericType(typeof(int)) : builder, isFixedBuffer ? first : null, size);
        return builder;
    }

    // The C# compiler adds such a constructor to a class. It does not call that of the base class.
    private static void DeclareConstructor(TypeBuilder builder)
    {
        builder
            .DefineConstructor(Constructor, CallingConventions.Standard, [])
            .GetILGenerator()
            .Emit(OpCodes.Ret);
    }

    private Type DeclareField(TypeBuilder builder, StepArguments description)
    {
        JsonElement reference = description.Required("type");
        Type type = Resolve(reference, out Declared declared);
        FieldBuilder field = builder.DefineField(
            description.RequiredText("name"), type, FieldAttributes.Public);
        if (description.Optional("offset") is not null)
        {
            field.SetOffset(description.Int32("offset"));
        }

        if (description.Optional("marshal_as") is { } marshalAs)
        {
            EmittedAttributes.AddMarshalAs(field, marshalAs);
        }

        if (declared.FixedElement is { } element)
        {
            EmittedAttributes.AddFixedBuffer(field, element, declared.Size / Slot.Of(element).Size);
        }

        return type;
    }

    private Type Resolve(JsonElement reference, out Declared declared)
    {
        declared = default;
        if (reference.ValueKind == JsonValueKind.String)
        {
            return TypeNames.TypeOf(JsonText.Decode(reference));
        }

        var description = new StepArguments(reference);
        if (description.Has("pointer") || description.Has("function_pointer"))
        {
            return typeof(void*);
        }

        if (description.Optional("array") is { } element)
        {
            Type type = Resolve(element, out _);
            int rank = description.Int32("rank", 1);
            return rank == 1 ? type.MakeArrayType() : type.MakeArrayType(rank);
        }

        if (description.Optional("nullable") is { } value)
        {
            return typeof(Nullable<>).MakeGenericType(Resolve(value, out _));
        }

        declared = Known(description.RequiredText("type"));
        return declared.Type;
    }

    private Declared Known(string name) => _known.TryGetValue(name, out Declared declared)
        ? declared
        : throw new ProtocolException($"the type \"{name}\" must be declared before the type that uses it");

    private static TypeAttributes Layout(StepArguments description) =>
        description.Text("layout") switch
        {
            "auto" => TypeAttributes.AutoLayout,
            null or "sequential" => TypeAttributes.SequentialLayout,
            "explicit" => TypeAttributes.ExplicitLayout,
            { } other => throw new ProtocolException($"unknown layout \"{other}\""),
        };

    private static TypeAttributes CharacterSet(StepArguments description) =>
        description.Text("charset") switch
        {
            null or "ansi" => TypeAttributes.AnsiClass,
            "unicode" => TypeAttributes.UnicodeClass,
            "auto" => TypeAttributes.AutoClass,
            { } other => throw new ProtocolException($"unknown charset \"{other}\""),
        };

    /// <summary>
    /// Represents a declared type. A fixed buffer also has the type of its elements and its size.
    /// </summary>
    private readonly record struct Declared(Type Type, Type? FixedElement, int Size);
}
