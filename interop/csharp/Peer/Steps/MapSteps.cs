using System.IO.MemoryMappedFiles;
using System.Runtime.Versioning;
using SharedMemory;

namespace Peer;

/// <summary>Implements the steps that create and dispose of maps and views.</summary>
internal sealed class MapSteps(ObjectStore store)
{
    public void AddTo(Dictionary<string, Step> table)
    {
        table["create-new"] = CreateNew;
        table["create-or-open"] = CreateOrOpen;
        table["open-existing"] = OpenExisting;
        table["create-from-file"] = CreateFromFile;
        table["create-from-stream"] = CreateFromStream;
        table["stream-is-open"] = StreamIsOpen;
        table["view"] = View;
        table["view-stream"] = ViewAsStream;
        table["dispose"] = Dispose;
        table["forget"] = Forget;
    }

    private static MemoryMappedFileAccess Access(StepArguments arguments) =>
        arguments.Enumeration("access", MemoryMappedFileAccess.ReadWrite);

    private static MemoryMappedFileOptions Options(StepArguments arguments) =>
        arguments.Enumeration("options", MemoryMappedFileOptions.None);

    private static HandleInheritability Inheritability(StepArguments arguments) =>
        arguments.Enumeration("inheritability", HandleInheritability.None);

    /// <summary>
    /// Returns whether .NET itself makes the call: it has named maps on Windows only. A step can ask
    /// for NamedMap there too.
    /// </summary>
    [SupportedOSPlatformGuard("windows")]
    private static bool UsesDotNet(StepArguments arguments) =>
        OperatingSystem.IsWindows() && !arguments.Boolean("named_map");

    private StepValue? CreateNew(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        string? name = arguments.Text("name");
        long capacity = arguments.Int64("capacity");
        store.Put(
            target,
            name is null || UsesDotNet(arguments)
                ? MemoryMappedFile.CreateNew(
                    name, capacity, Access(arguments), Options(arguments), Inheritability(arguments))
                : NamedMap.CreateNew(
                    name, capacity, Access(arguments), Options(arguments), Inheritability(arguments)));
        return null;
    }

    private StepValue? CreateOrOpen(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        string name = arguments.Text("name")!;
        long capacity = arguments.Int64("capacity");
        store.Put(
            target,
            UsesDotNet(arguments)
                ? MemoryMappedFile.CreateOrOpen(
                    name, capacity, Access(arguments), Options(arguments), Inheritability(arguments))
                : NamedMap.CreateOrOpen(
                    name, capacity, Access(arguments), Options(arguments), Inheritability(arguments)));
        return null;
    }

    private StepValue? OpenExisting(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        string name = arguments.Text("name")!;
        MemoryMappedFileRights rights =
            arguments.Enumeration("rights", MemoryMappedFileRights.ReadWrite);
        store.Put(
            target,
            UsesDotNet(arguments)
                ? MemoryMappedFile.OpenExisting(name, rights, Inheritability(arguments))
                : NamedMap.OpenExisting(name, rights, Inheritability(arguments)));
        return null;
    }

    private StepValue? CreateFromFile(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        store.Put(target, MemoryMappedFile.CreateFromFile(
            arguments.Text("path")!,
            arguments.Enumeration("mode", FileMode.Open),
            arguments.Text("map_name"),
            arguments.Int64("capacity", 0),
            Access(arguments)));
        return null;
    }

    private StepValue? CreateFromStream(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        var stream = new FileStream(
            arguments.Text("path")!,
            arguments.Enumeration("mode", FileMode.Open),
            arguments.Enumeration("file_access", FileAccess.ReadWrite),
            FileShare.ReadWrite | FileShare.Delete);
        MemoryMappedFile map;
        try
        {
            map = MemoryMappedFile.CreateFromFile(
                stream,
                arguments.Text("map_name"),
                arguments.Int64("capacity", 0),
                Access(arguments),
                Inheritability(arguments),
                arguments.Boolean("leave_open"));
        }
        catch
        {
            stream.Dispose();
            throw;
        }

        store.Put(target, map, stream);
        return null;
    }

    private StepValue StreamIsOpen(StepArguments arguments)
    {
        FileStream stream = store.OriginOf(arguments.RequiredText("map"));
        bool isOpen = stream.CanRead || stream.CanWrite;
        return writer => writer.WriteBooleanValue(isOpen);
    }

    private StepValue? View(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        long offset = arguments.Int64("offset", 0);
        long size = arguments.Int64("size", 0);
        MemoryMappedFileAccess access = Access(arguments);
        store.Put(target, Map(arguments) switch
        {
            NamedMap named => named.CreateViewAccessor(offset, size, access),
            MemoryMappedFile map => map.CreateViewAccessor(offset, size, access),
            _ => throw NotAMap(arguments),
        });
        return null;
    }

    private StepValue? ViewAsStream(StepArguments arguments)
    {
        string target = arguments.RequiredText("as");
        long offset = arguments.Int64("offset", 0);
        long size = arguments.Int64("size", 0);
        MemoryMappedFileAccess access = Access(arguments);
        store.Put(target, Map(arguments) switch
        {
            NamedMap named => named.CreateViewStream(offset, size, access),
            MemoryMappedFile map => map.CreateViewStream(offset, size, access),
            _ => throw NotAMap(arguments),
        });
        return null;
    }

    private StepValue? Dispose(StepArguments arguments)
    {
        store.Get(arguments.RequiredText("target")).Dispose();
        return null;
    }

    private StepValue? Forget(StepArguments arguments)
    {
        store.Forget(arguments.RequiredText("target"));
        // A finalizer runs after the collection that finds its object.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return null;
    }

    private IDisposable Map(StepArguments arguments) => store.Get(arguments.RequiredText("map"));

    private static ProtocolException NotAMap(StepArguments arguments) =>
        new($"\"{arguments.Text("map")}\" is not a map");
}
