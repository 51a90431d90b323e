namespace Peer;

/// <summary>Contains the names of built-in types in declarations (docs/protocol.md).</summary>
/// <remarks>
/// The built-in types are those that <see cref="BuiltInValue"/> converts, and three without values. A
/// type without a C# keyword has its short name.
/// </remarks>
internal static class TypeNames
{
    private static readonly Dictionary<Type, string> s_keywords = new()
    {
        [typeof(bool)] = "bool",
        [typeof(char)] = "char",
        [typeof(sbyte)] = "sbyte",
        [typeof(byte)] = "byte",
        [typeof(short)] = "short",
        [typeof(ushort)] = "ushort",
        [typeof(int)] = "int",
        [typeof(uint)] = "uint",
        [typeof(long)] = "long",
        [typeof(ulong)] = "ulong",
        [typeof(nint)] = "nint",
        [typeof(nuint)] = "nuint",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
        [typeof(string)] = "string",
        [typeof(object)] = "object",
    };

    private static readonly Dictionary<Type, string> s_names =
        BuiltInValue.Types
            .Concat([typeof(object), typeof(Delegate), typeof(Array)])
            .ToDictionary(static type => type, static type => s_keywords.GetValueOrDefault(type, type.Name));

    private static readonly Dictionary<string, Type> s_types =
        s_names.ToDictionary(static pair => pair.Value, static pair => pair.Key);

    /// <summary>Returns the type with a name.</summary>
    /// <exception cref="ProtocolException">The name is not that of a built-in type.</exception>
    public static Type TypeOf(string name) => s_types.TryGetValue(name, out Type? type)
        ? type
        : throw new ProtocolException($"\"{name}\" is not a built-in type");

    /// <summary>Returns the name of a type, or null if the type is not built-in.</summary>
    public static string? NameOf(Type type) => s_names.GetValueOrDefault(type);
}
