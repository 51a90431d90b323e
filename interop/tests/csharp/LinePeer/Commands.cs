using System.Globalization;
using System.IO.MemoryMappedFiles;
using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using SharedMemory;

namespace LinePeer;

/// <summary>Carries out commands on objects, each of which has a label.</summary>
internal sealed class Commands
{
    private static readonly string[] s_nothing = [];

    private readonly Dictionary<string, Func<string[], string[]>> _commands;

    // A disposed object stays here, to see what its methods do then.
    private readonly Dictionary<string, IDisposable> _objects = [];

    public Commands() => _commands = new()
    {
        ["runtime"] = _ => [RuntimeInformation.FrameworkDescription, TargetOfLibrary()],
        ["cycles"] = words => Repeat(Number(words[2]), cycle => UseMap(words[0], Number(words[1]), cycle)),
        ["anonymous-cycles"] = words => Repeat(Number(words[1]), _ => UseAnonymousMap(Number(words[0]))),
        ["decode-blob"] = words => Words(ImageData.FromBytes(Bytes(words[0]))),
        ["decode-struct"] = words => [StructBytes.FromBytes<TestData>(Bytes(words[0])).ToString()],

        // The first word is the label of the new object.
        ["create-new"] = words => Keep(words, NamedMap.CreateNew(words[1], Number(words[2]))),
        ["create-or-open"] = words => Keep(
            words,
            NamedMap.CreateOrOpen(
                words[1], Number(words[2]), Option(words, 3, MemoryMappedFileAccess.ReadWrite))),
        ["open-existing"] = words => Keep(
            words,
            NamedMap.OpenExisting(words[1], Option(words, 2, MemoryMappedFileRights.ReadWrite))),
        ["anonymous"] = words => Keep(words, NamedMap.CreateNew(null, Number(words[1]))),
        ["helper"] = words =>
            Keep(words, new ShareMemoryHelper(words[1], Number(words[2])), made => made.CreateOrOpen()),
        ["map-file"] = words =>
            Keep(words, new ShareMemoryHelper(null, Number(words[2])), made => made.CreateFromFile(words[1])),
        ["view"] = words => Keep(
            words,
            Map(words[1]).CreateViewAccessor(
                Option(words, 2, 0), Option(words, 3, 0), Option(words, 4, MemoryMappedFileAccess.ReadWrite))),
        ["map-view"] = words => Keep(words, Map(words[1]).CreateView()),
        ["stream"] = words => Keep(words, Map(words[1]).CreateViewStream()),

        // The first word is the label of a map or a view.
        ["dispose"] = words => Done(_objects[words[0]].Dispose),
        ["forget"] = words => Forget(words[0]),
        ["read"] = words => [Read(View(words), Number(words[1]), Number(words[2]))],
        ["write"] = words => Write(View(words), Number(words[1]), Bytes(words[2])),
        ["read-blob"] = words => Words(ImageData.FromAccessor(View(words))),
        ["write-blob"] = words => [Text(new ImageData(words[1], Bytes(words[2])).WriteTo(View(words)))],
        ["read-picture"] = words => ReadPicture((ShareMemoryHelper)_objects[words[0]], Number(words[1])),
        ["read-in-place"] = words => [Hex(InPlace(words).ToArray())],
        ["write-in-place"] = words => Done(() => Bytes(words[3]).CopyTo(InPlace(words))),
        ["read-int64"] = words => [Text(View(words).ReadUnmanaged<long>(Number(words[1])))],
        ["write-int64"] = words => Done(() => View(words).WriteUnmanaged(Number(words[2]), Number(words[1]))),
        ["read-struct"] = words => [View(words).ReadStruct<TestData>().ToString()],
        ["write-struct"] = words => [Text(View(words).WriteStruct(
            TestData.Create(Number(words[1]), Number(words[2]), Numbers(words[3]))))],
        ["write-table"] = words => [Text(View(words).WriteStruct(Table.Of(words[1].Split('/').Select(Numbers))))],
        ["write-name"] = words => [Text(View(words).WriteStruct(new Named { Name = words[1], Last = 0x7F }))],
        ["capacity"] = words => [Text(_objects[words[0]] is ShareMemoryHelper helper
            ? helper.Capacity : View(words).Capacity)],
        ["write-at"] = words => Done(() => Stream(words).Write(Bytes(words[2]), 0, words[2].Length / 2)),
    };

    /// <summary>Carries out a command: its name and its arguments. Returns its result.</summary>
    public string[] Run(string[] words) => _commands[words[0]](words.Skip(1).ToArray());

    private static string TargetOfLibrary() => typeof(NamedMap).Assembly
        .GetCustomAttribute<TargetFrameworkAttribute>()!.FrameworkName;

    private static string[] Repeat(long count, Action<long> action)
    {
        for (long cycle = 1; cycle <= count; cycle++)
        {
            action(cycle);
        }

        return s_nothing;
    }

    private static void UseMap(string name, long size, long value)
    {
        using NamedMap created = NamedMap.CreateNew(name, size);
        using NamedMap opened = NamedMap.OpenExisting(name);
        using MemoryMappedViewAccessor writer = created.CreateViewAccessor();
        using MemoryMappedViewAccessor reader = opened.CreateViewAccessor();
        writer.Write(0, value);
        if (reader.ReadInt64(0) != value)
        {
            throw new InvalidOperationException("The views of the two maps differ.");
        }
    }

    private static void UseAnonymousMap(long size)
    {
        using NamedMap map = NamedMap.CreateNew(null, size);
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        view.Write(0, size);
    }

    private static string[] ReadPicture(ShareMemoryHelper helper, long size)
    {
        var content = new byte[size];
        return helper.TryReadImage(content, out int length, out string path)
            ? [path, Hex(content.Take(length))]
            : ["unfinished"];
    }

    private static string[] Words(ImageData image) => [image.Path, Hex(image.Content.ToArray())];

    private static string Read(MemoryMappedViewAccessor view, long position, long count)
    {
        var bytes = new byte[count];
        int read = view.ReadArray(position, bytes, 0, bytes.Length);
        return Hex(bytes.Take(read));
    }

    private static string[] Write(MemoryMappedViewAccessor view, long position, byte[] bytes)
    {
        view.WriteArray(position, bytes, 0, bytes.Length);
        return s_nothing;
    }

    private static string Hex(IEnumerable<byte> bytes) =>
        string.Concat(bytes.Select(value => value.ToString("x2", CultureInfo.InvariantCulture)));

    private static byte[] Bytes(string digits) => Enumerable.Range(0, digits.Length / 2)
        .Select(index => Convert.ToByte(digits.Substring(2 * index, 2), 16)).ToArray();

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private static long[] Numbers(string text) =>
        text.Split([','], StringSplitOptions.RemoveEmptyEntries).Select(Number).ToArray();

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static long Option(string[] words, int index, long usual) =>
        index < words.Length ? Number(words[index]) : usual;

    private static T Option<T>(string[] words, int index, T usual)
        where T : struct, Enum => index < words.Length ? (T)Enum.Parse(typeof(T), words[index]) : usual;

    private static string[] Done(Action action)
    {
        action();
        return s_nothing;
    }

    private string[] Keep<T>(string[] words, T made, Action<T>? open = null)
        where T : IDisposable
    {
        open?.Invoke(made);
        _objects[words[0]] = made;
        return s_nothing;
    }

    private NamedMap Map(string label) => (NamedMap)_objects[label];

    private Span<byte> InPlace(string[] words) =>
        ((MapView)_objects[words[0]]).GetSpan().Slice((int)Number(words[1]), (int)Number(words[2]));

    private Stream Stream(string[] words)
    {
        var stream = (Stream)_objects[words[0]];
        stream.Position = Number(words[1]);
        return stream;
    }

    private MemoryMappedViewAccessor View(string[] words)
    {
        IDisposable found = _objects[words[0]];
        if (found is not ShareMemoryHelper helper)
        {
            return (MemoryMappedViewAccessor)found;
        }

        helper.ThrowIfTruncated();
        return helper.Accessor;
    }

    // Mono's collector keeps what it finds on a stack. So another thread forgets the map.
    private string[] Forget(string label)
    {
        var thread = new Thread(() => _objects.Remove(label));
        thread.Start();
        thread.Join();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        return s_nothing;
    }
}
