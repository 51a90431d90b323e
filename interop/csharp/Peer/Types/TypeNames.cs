namespace Peer;

/// <summary>The built-in types of the language that types are described in (docs/protocol.md).</summary>
internal static class TypeNames
{
    private static readonly Dictionary<string, Type> s_types = new()
    {
        ["bool"] = typeof(bool),
        ["char"] = typeof(char),
        ["sbyte"] = typeof(sbyte),
        ["byte"] = typeof(byte),
        ["short"] = typeof(short),
        ["ushort"] = typeof(ushort),
        ["int"] = typeof(int),
        ["uint"] = typeof(uint),
        ["long"] = typeof(long),
        ["ulong"] = typeof(ulong),
        ["nint"] = typeof(nint),
        ["nuint"] = typeof(nuint),
        ["float"] = typeof(float),
        ["double"] = typeof(double),
        ["decimal"] = typeof(decimal),
        ["string"] = typeof(string),
        ["object"] = typeof(object),
        ["Half"] = typeof(Half),
        ["Int128"] = typeof(Int128),
        ["UInt128"] = typeof(UInt128),
        ["Guid"] = typeof(Guid),
        ["DateTime"] = typeof(DateTime),
        ["DateTimeOffset"] = typeof(DateTimeOffset),
        ["TimeSpan"] = typeof(TimeSpan),
        ["DateOnly"] = typeof(DateOnly),
        ["TimeOnly"] = typeof(TimeOnly),
        ["Delegate"] = typeof(Delegate),
        ["Array"] = typeof(Array),
    };

    private static readonly Dictionary<Type, string> s_names =
        s_types.ToDictionary(static pair => pair.Value, static pair => pair.Key);

    /// <summary>The type of a name.</summary>
    /// <exception cref="ProtocolException">There is none.</exception>
    public static Type TypeOf(string name) => s_types.TryGetValue(name, out Type? type)
        ? type
        : throw new ProtocolException($"\"{name}\" is no built-in type");

    /// <summary>The name of a type; null for one that is not built in.</summary>
    public static string? NameOf(Type type) => s_names.GetValueOrDefault(type);
}
