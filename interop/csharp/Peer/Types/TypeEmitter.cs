using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Peer;

/// <summary>Types made at run time from their declarations in JSON (docs/protocol.md, "define").</summary>
/// <remarks>A function pointer is emitted as void*: Reflection.Emit can't name its type.</remarks>
internal sealed class TypeEmitter(ModuleBuilder module, string nameSpace)
{
    private const int LongestName = 200; // Reflection.Emit allows 1,023

    private const TypeAttributes Public = TypeAttributes.Public;
    private const MethodAttributes Constructor =
        MethodAttributes.Public | MethodAttributes.HideBySig | MethodAttributes.SpecialName
        | MethodAttributes.RTSpecialName;

    private const MethodAttributes Invoke =
        MethodAttributes.Public | MethodAttributes.HideBySig | MethodAttributes.NewSlot
        | MethodAttributes.Virtual;

    private readonly Dictionary<string, Declared> _known = [];

    /// <summary>Makes every type of the list; the last one is the result.</summary>
    /// <exception cref="TypeLoadException">The runtime refuses one of them.</exception>
    public Type Emit(JsonElement types)
    {
        Type? root = null;
        foreach (JsonElement item in types.EnumerateArray())
        {
            var description = new StepArguments(item);
            TypeBuilder builder = Declare(description);
            Type made = builder.CreateType();
            root = made.IsGenericTypeDefinition ? made.MakeGenericType(typeof(int)) : made;
        }

        return root ?? throw new ProtocolException("\"types\" is empty");
    }

    /// <summary>The struct {byte Before; T Value;}, whose second field shows T's alignment.</summary>
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

    /// <summary>The struct {T Value; byte Behind;}, whose second field shows a field's size.</summary>
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

        builder.DefineField(LayoutProbe.FieldBehind, typeof(byte), FieldAttributes.Public);
        return builder.CreateType();
    }

    private static string Plain(string name) =>
        string.Create(Math.Min(name.Length, LongestName), name, static (made, name) =>
        {
            for (int index = 0; index < made.Length; index++)
            {
                // Characters that mean something in a reflection name are no part of one.
                made[index] = name[index] is '+' or '[' or ']' or ',' or '`' or '&' or '*' or '\\' or ' '
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
                TypeBuilder made = module.DefineType(
                    fullName, Public | TypeAttributes.Interface | TypeAttributes.Abstract);
                _known[name] = new Declared(made, null, 0);
                return made;
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
        // Names of values are no part of any layout; nothing here would show them.
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

    // What C# gives a class without constructors. It does nothing, so the base's need not be called.
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
        : throw new ProtocolException($"no type \"{name}\" stands before the one that needs it");

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

    /// <summary>A type made before; of a fixed buffer's struct also its element and its Size.</summary>
    private readonly record struct Declared(Type Type, Type? FixedElement, int Size);
}
