using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;

namespace Peer;

/// <summary>Loads an assembly and its references in a separate context, to inspect its types.</summary>
/// <remarks>No code of the assembly or of its references runs, except for that of .NET.</remarks>
internal sealed class InspectedAssembly : AssemblyLoadContext, IDisposable
{
    private const string Extension = ".dll";

    // The paths of the assemblies of .NET and of this program, by simple name.
    private static readonly Dictionary<string, string> s_platform = ReadPlatform();

    private readonly List<string> _folders;

    /// <summary>Loads an assembly.</summary>
    /// <param name="path">The path of the assembly, or the simple name of an assembly of .NET.</param>
    /// <param name="references">Folders of referenced assemblies, in addition to its own folder.</param>
    public InspectedAssembly(string path, IEnumerable<string> references)
        : base(path, isCollectible: true)
    {
        path = s_platform.TryGetValue(path, out string? own) ? own : Path.GetFullPath(path);
        _folders = [Path.GetDirectoryName(path)!, .. references.Select(Path.GetFullPath)];
        AssemblyName name = AssemblyName.GetAssemblyName(path);
        // A process has each assembly of .NET once. System.Private.CoreLib can't be loaded again.
        Assembly = IsPlatform(name.Name!, path)
            ? Default.LoadFromAssemblyName(name)
            : LoadInert(path);
    }

    /// <summary>Gets the assembly.</summary>
    public Assembly Assembly { get; }

    /// <summary>Loads the assembly of a step.</summary>
    public static InspectedAssembly Of(StepArguments arguments)
    {
        IEnumerable<string> references = arguments.Optional("references") is { } folders
            ? folders.EnumerateArray().Select(JsonText.Decode).ToList()
            : [];
        return new InspectedAssembly(arguments.RequiredText("assembly"), references);
    }

    /// <summary>Returns the type with a full name.</summary>
    /// <exception cref="TypeLoadException">The type does not exist or does not load.</exception>
    public Type Find(string name) => Assembly.GetType(name, throwOnError: true)!;

    /// <summary>Creates a module whose types can use the types of the assembly.</summary>
    /// <param name="others">Other assemblies whose internal types they can use.</param>
    public ModuleBuilder NewModule(params Assembly[] others)
    {
        using ContextualReflectionScope scope = EnterContextualReflection();
        var name = new AssemblyName("Probes");
        AssemblyBuilder builder = AssemblyBuilder.DefineDynamicAssembly(
            name, AssemblyBuilderAccess.RunAndCollect);
        foreach (Assembly assembly in others.Prepend(Assembly).Distinct())
        {
            AccessChecks.Ignore(builder, assembly);
        }

        return builder.DefineDynamicModule(name.Name!);
    }

    public void Dispose() => Unload();

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string simpleName = assemblyName.Name!;
        // Ignore a name that is a path, such as "../x".
        string? file = simpleName == Path.GetFileName(simpleName)
            ? _folders
                .Select(folder => Path.Combine(folder, simpleName + Extension))
                .FirstOrDefault(File.Exists)
            : null;
        return file is null || IsOlderThanPlatform(simpleName, file) ? null : LoadInert(file);
    }

    /// <summary>Returns whether .NET has the same assembly in the same or a newer version.</summary>
    private static bool IsOlderThanPlatform(string name, string path) =>
        s_platform.TryGetValue(name, out string? own)
        && AssemblyName.GetAssemblyName(path).Version <= AssemblyName.GetAssemblyName(own).Version;

    private Assembly LoadInert(string path) =>
        LoadFromStream(new MemoryStream(InertImage.Read(path), writable: false));

    private static bool IsPlatform(string name, string path) =>
        s_platform.TryGetValue(name, out string? own)
        && (name == typeof(object).Assembly.GetName().Name || Path.GetFullPath(own) == path);

    private static Dictionary<string, string> ReadPlatform()
    {
        var list = (string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "";
        return list
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .GroupBy(static path => Path.GetFileNameWithoutExtension(path))
            .ToDictionary(static group => group.Key, static group => group.First());
    }
}
