using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.Loader;

namespace Peer;

/// <summary>An assembly loaded to be looked at: its own context, and where its references lie.</summary>
/// <remarks>None of its own code runs, nor that of what it refers to; the platform's does.</remarks>
internal sealed class InspectedAssembly : AssemblyLoadContext, IDisposable
{
    private const string Extension = ".dll";

    // Every assembly of the runtime and of this program, by simple name.
    private static readonly Dictionary<string, string> s_platform = ReadPlatform();

    private readonly List<string> _folders;

    /// <summary>Loads a file.</summary>
    /// <param name="path">The assembly's file; or a simple name, of one of the runtime's own.</param>
    /// <param name="references">Folders with assemblies that it needs, besides its own folder.</param>
    public InspectedAssembly(string path, IEnumerable<string> references)
        : base(path, isCollectible: true)
    {
        path = s_platform.TryGetValue(path, out string? own) ? own : Path.GetFullPath(path);
        _folders = [Path.GetDirectoryName(path)!, .. references.Select(Path.GetFullPath)];
        AssemblyName name = AssemblyName.GetAssemblyName(path);
        // The runtime's own assemblies exist once in a process, and System.Private.CoreLib
        // can't be loaded a second time.
        Assembly = IsPlatform(name.Name!, path)
            ? Default.LoadFromAssemblyName(name)
            : LoadInert(path);
    }

    public Assembly Assembly { get; }

    /// <summary>The assembly that a step names, with its folders of references.</summary>
    public static InspectedAssembly Of(StepArguments arguments)
    {
        IEnumerable<string> references = arguments.Optional("references") is { } folders
            ? folders.EnumerateArray().Select(JsonText.Decode).ToList()
            : [];
        return new InspectedAssembly(arguments.RequiredText("assembly"), references);
    }

    /// <summary>The type of that reflection full name.</summary>
    /// <exception cref="TypeLoadException">There is none, or it does not load.</exception>
    public Type Find(string name) => Assembly.GetType(name, throwOnError: true)!;

    /// <summary>A module beside the assembly, whose types may use the assembly's.</summary>
    /// <param name="others">Assemblies whose internal types they may use as well.</param>
    public ModuleBuilder NewModule(params Assembly[] others)
    {
        using ContextualReflectionScope scope = EnterContextualReflection();
        var name = new AssemblyName("Probes");
        AssemblyBuilder made = AssemblyBuilder.DefineDynamicAssembly(
            name, AssemblyBuilderAccess.RunAndCollect);
        foreach (Assembly assembly in others.Prepend(Assembly).Distinct())
        {
            AccessChecks.Ignore(made, assembly);
        }

        return made.DefineDynamicModule(name.Name!);
    }

    public void Dispose() => Unload();

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        string simpleName = assemblyName.Name!;
        // A name is no path: one like "../x" is looked for by nobody.
        string? beside = simpleName == Path.GetFileName(simpleName)
            ? _folders
                .Select(folder => Path.Combine(folder, simpleName + Extension))
                .FirstOrDefault(File.Exists)
            : null;
        return beside is null || IsOlderThanPlatform(simpleName, beside) ? null : LoadInert(beside);
    }

    /// <summary>Of two assemblies of one name the host takes the newer, and of equals its own.</summary>
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
