using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.Metadata.Ecma335;

namespace Peer;

/// <summary>Represents a type of an assembly, or the name of a type and the error of loading it.</summary>
internal readonly record struct FoundType(string Name, bool IsClass, Type? Type, Exception? Error);

/// <summary>Finds the types of an assembly, including those that do not load.</summary>
internal static class AssemblyTypes
{
    /// <summary>Returns all types that have a layout, in the order of the metadata.</summary>
    public static IEnumerable<FoundType> WithLayout(Assembly assembly)
    {
        // Assembly.GetTypes does not return the names of types that do not load.
        foreach (Candidate candidate in Candidates(assembly))
        {
            Type? type = null;
            Exception? error = Attempt.Run(
                () => type = assembly.ManifestModule.ResolveType(candidate.Token));
            yield return new FoundType(candidate.Name, candidate.IsClass, type, error);
        }
    }

    /// <summary>Returns the types with the given full names, which may have no layout.</summary>
    public static IEnumerable<FoundType> Named(Assembly assembly, IEnumerable<string> names)
    {
        foreach (string name in names)
        {
            Type? type = null;
            Exception? error = Attempt.Run(() => type = assembly.GetType(name, throwOnError: true));
            yield return new FoundType(name, type is { IsValueType: false }, type, error);
        }
    }

    private static unsafe List<Candidate> Candidates(Assembly assembly)
    {
        if (!assembly.TryGetRawMetadata(out byte* blob, out int length))
        {
            throw new BadImageFormatException($"{assembly.FullName} has no metadata");
        }

        var metadata = new MetadataReader(blob, length);
        List<Candidate> found = [];
        foreach (TypeDefinitionHandle handle in metadata.TypeDefinitions)
        {
            TypeDefinition type = metadata.GetTypeDefinition(handle);
            bool isStruct = IsValueType(metadata, type);
            bool hasLayout = (type.Attributes & TypeAttributes.LayoutMask) != 0
                && (type.Attributes & TypeAttributes.Interface) == 0;
            if (isStruct || hasLayout)
            {
                found.Add(new Candidate(
                    MetadataTokens.GetToken(handle), FullName(metadata, type), !isStruct));
            }
        }

        return found;
    }

    private static bool IsValueType(MetadataReader metadata, TypeDefinition type)
    {
        (StringHandle Namespace, StringHandle Name)? parent = type.BaseType.Kind switch
        {
            HandleKind.TypeReference when !type.BaseType.IsNil =>
                Names(metadata.GetTypeReference((TypeReferenceHandle)type.BaseType)),
            HandleKind.TypeDefinition when !type.BaseType.IsNil =>
                Names(metadata.GetTypeDefinition((TypeDefinitionHandle)type.BaseType)),
            _ => null,
        };
        MetadataStringComparer comparer = metadata.StringComparer;
        return parent is { } names
            && comparer.Equals(names.Namespace, nameof(System))
            && comparer.Equals(names.Name, nameof(ValueType))
            // System.Enum derives from ValueType, but is a class.
            && !(comparer.Equals(type.Namespace, nameof(System)) && comparer.Equals(type.Name, nameof(Enum)));
    }

    private static (StringHandle Namespace, StringHandle Name) Names(TypeReference type) =>
        (type.Namespace, type.Name);

    private static (StringHandle Namespace, StringHandle Name) Names(TypeDefinition type) =>
        (type.Namespace, type.Name);

    private static string FullName(MetadataReader metadata, TypeDefinition type)
    {
        string name = metadata.GetString(type.Name);
        if (!type.GetDeclaringType().IsNil)
        {
            return $"{FullName(metadata, metadata.GetTypeDefinition(type.GetDeclaringType()))}+{name}";
        }

        string nameSpace = metadata.GetString(type.Namespace);
        return nameSpace.Length == 0 ? name : $"{nameSpace}.{name}";
    }

    private readonly record struct Candidate(int Token, string Name, bool IsClass);
}
