// More checks, in the class of library_checks.cs: reads without an allocation, views in place, structures
// at an offset, and what a disposed object does.

using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using SharedMemory;

internal static partial class Checks
{
    private const int Page = 4096;

    public static void ReadIntoBuffers(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        helper.WriteImage(new ImageData("é.png", new byte[] { 1, 2, 3 }));
        var content = new byte[] { 9, 9, 9, 9 };
        Equal(3, helper.ReadImage(content, out string path));
        Equal("01020309", Hex(content));
        Equal("é.png", path);
        True(helper.TryReadImage(content.AsSpan(0, 3), out int length, out string again));
        Equal(3, length);
        True(ReferenceEquals(path, again));

        var writer = new GrowingBuffer();
        Equal(3, helper.ReadImage(writer, out path));
        True(helper.TryReadImage(writer, out length, out again));
        Equal(3, length);
        Equal("010203010203", Hex(writer.Written));
        True(ReferenceEquals(path, again));
        Equal("é.png", path);

        True(helper.TryReadImage(out ImageData? image));
        Equal("é.png", image!.Path);
        Equal("010203", Hex(image.Content.ToArray()));

        content.AsSpan().Fill(7);
        Throws<ArgumentException>(() => helper.ReadImage(content.AsSpan(0, 2), out _));
        Throws<ArgumentException>(() => helper.TryReadImage(content.AsSpan(0, 2), out _, out _));
        Equal("07070707", Hex(content));

        // Paths of the same length, a shorter one, and none.
        foreach (string next in new[] { "è.png", "a.png", "b", "", "é.png" })
        {
            helper.WriteImage(new ImageData(next, default));
            Equal(0, helper.ReadImage(default(Span<byte>), out path));
            Equal(next, path);
            True(helper.TryReadImage(writer, out length, out path));
            Equal(next, path);
            Equal(0, length);
        }

        helper.Accessor.Write(4, (byte)0xFF);
        Throws<MapFormatException>(() => helper.ReadImage(content, out _));
        Throws<MapFormatException>(() => helper.TryReadImage(content, out _, out _));
        Throws<MapFormatException>(() => helper.TryReadImage(writer, out _, out _));
        Throws<MapFormatException>(() => helper.TryReadImage(out _));
        helper.WriteImage(new ImageData("é.png", default));
        Equal(0, helper.ReadImage(content, out path));
        Equal("é.png", path);
        Equal("010203010203", Hex(writer.Written));
    }

    public static void Unfinished(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        using var view = new MapView(helper.Accessor, leaveOpen: true);
        var image = new ImageData("path", new byte[] { 1, 2, 3 });
        var content = new byte[8];
        var writer = new GrowingBuffer();
        foreach ((int pathLength, bool isError) in new[] { (4, false), (-1, false), (-2, true), (int.MaxValue, true) })
        {
            image.WriteTo(helper.Accessor);
            helper.Accessor.Write(0, pathLength);
            byte[] bytes = view.GetSpan().ToArray();
            foreach (Func<bool> read in new Func<bool>[]
            {
                () => helper.TryReadImage(out ImageData? found) ? found.Path == "path" : found is not null,
                () => helper.TryReadImage(content, out int length, out string path) ? path == "path" && length == 3 : path.Length > 0 || length > 0,
                () => helper.TryReadImage(writer, out int length, out string path) ? path == "path" && length == 3 : path.Length > 0 || length > 0,
                () => ImageData.TryFromAccessor(helper.Accessor, out ImageData? found) ? found.Content.Length == 3 : found is not null,
                () => ImageData.TryFromBytes(bytes, out ImageData? found) ? found.Content.Length == 3 : found is not null,
                () => ImageData.TryGetContent(view.GetSpan(), out ReadOnlySpan<byte> found) ? Hex(found) == "010203" : !found.IsEmpty,
                () => ImageData.TryGetContent(bytes, out ReadOnlySpan<byte> found) ? Hex(found) == "010203" : !found.IsEmpty,
            })
            {
                if (isError)
                {
                    Throws<MapFormatException>(() => read());
                }
                else
                {
                    Equal(pathLength == 4, read());
                }
            }

            if (pathLength == 4)
            {
                Equal("010203", Hex(ImageData.GetContent(bytes)));
            }
            else
            {
                Throws<MapFormatException>(() => helper.ReadImage());
                Throws<MapFormatException>(() => helper.ReadImage(content, out _));
                Throws<MapFormatException>(() => helper.ReadImage(writer, out _));
                Throws<MapFormatException>(() => ImageData.GetContent(bytes).Length);
            }
        }

        Equal("010203", Hex(writer.Written));
        Throws<MapFormatException>(() => ImageData.TryFromBytes(new byte[3], out _));
        Throws<MapFormatException>(() => ImageData.TryGetContent(new byte[7], out _));
    }

    // The writer begins when the reader has read the lengths and the path.
    public static void WriteDuringRead(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        MemoryMappedViewAccessor accessor = helper.Accessor;
        helper.WriteImage(new ImageData("path", new byte[] { 1, 2, 3 }));
        var writer = new GrowingBuffer { Used = () => accessor.Write(0, -1) };
        True(!helper.TryReadImage(writer, out int length, out _));
        Equal(0, length);
        Equal(0, writer.Written.Length);
        helper.WriteImage(new ImageData("path", new byte[] { 1, 2, 3 }));
        writer.Used = () => new ImageData("other path", new byte[3]).WriteTo(accessor);
        True(!helper.TryReadImage(writer, out _, out _));
        Equal(0, writer.Written.Length);
        writer.Used = () => { };
        True(helper.TryReadImage(writer, out _, out string path));
        Equal("other path", path);

        // The content is copied over its own lengths.
        using var view = new MapView(accessor, leaveOpen: true);
        True(!helper.TryReadImage(view.GetSpan(), out length, out _));
        Equal(0, length);
    }

    public static void NothingAllocated(string name)
    {
        // .NET Framework 4.7.2 can't count.
        if (typeof(GC).GetMethod("GetAllocatedBytesForCurrentThread") is not { } counter)
        {
            return;
        }

        var allocated = (Func<long>)counter.CreateDelegate(typeof(Func<long>));
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, 100 * Page);
        using NamedMap map = NamedMap.OpenExisting(name);
        using MapView view = map.CreateView();
        var image = new ImageData("päth", new byte[50 * Page]);
        helper.WriteImage(image);
        var content = new byte[50 * Page];
        var writer = new GrowingBuffer();
        long boxed = Type.GetType("Mono.Runtime") is null ? 24 : 128; // an object with 8 bytes; Mono makes more
        foreach ((Action frame, long most) in new (Action, long)[]
        {
            (() => helper.WriteStruct(7L, 70 * Page), boxed),
            (() => helper.ReadStruct<long>(70 * Page), boxed),
            (() => StructBytes.WriteStruct(content, 7L), boxed),
            (() => helper.WriteImage(image), 0),
            (() => helper.ReadImage(content, out _), 0),
            (() => helper.TryReadImage(content, out _, out _), 0),
            (() => { writer.Clear(); helper.ReadImage(writer, out _); }, 0),
            (() => { writer.Clear(); helper.TryReadImage(writer, out _, out _); }, 0),
            (() => ImageData.GetContent(view.GetSpan()).CopyTo(content), 0),
            (() => ImageData.TryGetContent(view.Memory.Span, out _), 0),
            (() => helper.ReadBytes(content, 3), 0),
            (() => helper.WriteBytes(content.AsSpan(0, 100), 60 * Page), 0),
            (() => helper.WriteUnmanaged(7L, 70 * Page), 0),
            (() => helper.ReadUnmanaged<long>(70 * Page), 0),
            // The last frames: a blob whose write does not end.
            (() => helper.Accessor.Write(0, -1), 0),
            (() => helper.TryReadImage(content, out _, out _), 0),
            (() => helper.TryReadImage(writer, out _, out _), 0),
            (() => helper.TryReadImage(out _), 0),
            (() => ImageData.TryGetContent(view.GetSpan(), out _), 0),
        })
        {
            for (int warm = 0; warm < 3; warm++)
            {
                frame();
            }

            // After a collection, which another thread can cause, the rest of this thread's buffer of
            // the heap counts as allocated.
            long least = long.MaxValue;
            for (int round = 0; round < 5 && least != 0; round++)
            {
                long before = allocated();
                for (int index = 0; index < 100; index++)
                {
                    frame();
                }

                least = Math.Min(least, allocated() - before);
            }

            True(least <= 100 * most);
        }

        // The counter counts.
        long start = allocated();
        GC.KeepAlive(new byte[100]);
        True(allocated() - start >= 100);
    }

    public static void Messages(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        helper.Accessor.Write(0, -1);
        const string unfinished = "negative-length: path_length at offset 0, value -1, limit 0: "
            + "a write is in progress, or the writer was killed during it";
        Equal(unfinished, MessageOf(() => helper.ReadImage()));
        helper.Accessor.Write(0, -2);
        Equal(
            "negative-length: path_length at offset 0, value -2, limit 0",
            MessageOf(() => helper.ReadImage()));

        string advice = $": the map {name} has 4096 bytes; create it with a larger capacity, after the"
            + " processes that hold it have released it";
        var image = new ImageData("é", new byte[Page]);
        Equal(
            $"does-not-fit: blob at offset 0, value 4106, limit 4096: path 2 bytes, content 4096{advice}",
            MessageOf(() => helper.WriteImage(image)));
        string number = $"does-not-fit: Int64 at offset 4089, value 4097, limit 4096{advice}";
        Equal(number, MessageOf(() => helper.WriteStruct(1L, 4089)));
        Equal(number, MessageOf(() => helper.WriteUnmanaged(1L, 4089)));

        string path = System.IO.Path.GetTempFileName();
        using (var file = new ShareMemoryHelper(null, Page))
        {
            file.CreateFromFile(path);
            Equal(
                "does-not-fit: Int64 at offset 4089, value 4097, limit 4096: the file has 4096 bytes;"
                    + " map it with a larger capacity",
                MessageOf(() => file.WriteStruct(1L, 4089)));
        }

        File.Delete(path);
    }

    public static void ShortArray(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        Throws<ArgumentException>(() => helper.WriteStruct(new Numbers { Values = [1, 2] }));
        Equal(
            "Numbers.Values has 2 elements, its ByValArray 3.",
            MessageOf(() => helper.WriteStruct(new Numbers { Values = [1, 2] })));
        Equal("000000000000000000000000", Hex(helper.Accessor, 0, 12));
        helper.WriteStruct(new Numbers { Values = [1, 2, 3, 4] });
        Equal("010000000200000003000000", Hex(helper.Accessor, 0, 12));
        helper.WriteStruct(default(Numbers));
        Equal("000000000000000000000000", Hex(helper.Accessor, 0, 12));
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct Numbers
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 3)]
        public int[]? Values;
    }

    public static void ViewInPlace(string name)
    {
        using NamedMap created = NamedMap.CreateNew(name, 3 * Page);
        using NamedMap map = NamedMap.OpenExisting(name);
        using MemoryMappedViewAccessor accessor = created.CreateViewAccessor();
        MapView view = map.CreateView();
        Equal(3 * Page, view.Length);
        Equal(3 * Page, view.Memory.Length);
        True(view.CanWrite);
        view.GetSpan()[Page + 1] = 7;
        view.Memory.Span[3 * Page - 1] = 8;
        Equal((byte)7, accessor.ReadByte(Page + 1));
        Equal((byte)8, accessor.ReadByte(3 * Page - 1));
        using (MapView part = map.CreateView(Page + 1, Page, MemoryMappedFileAccess.Read))
        {
            True(!part.CanWrite);
            Equal((byte)7, part.GetSpan()[0]);
            accessor.Write(2 * Page, (byte)9);
            Equal((byte)9, part.Memory.Span[Page - 1]);
        }

        using (MapView part = map.CreateView(Page, Page))
        {
            part.GetSpan()[0] = 5;
            Equal((byte)5, accessor.ReadByte(Page));
        }

        map.Dispose();
        Equal((byte)7, view.GetSpan()[Page + 1]);
        MemoryHandle pin = view.Memory.Slice(Page + 1).Pin();
        MemoryHandle end = view.Pin(view.Length);
        Throws<ArgumentOutOfRangeException>(() => view.Pin(-1));
        Throws<ArgumentOutOfRangeException>(() => view.Pin(view.Length + 1));
        view.Dispose();
        view.Dispose();
        Throws<ObjectDisposedException>(() => view.GetSpan().Length);
        Throws<ObjectDisposedException>(() => view.Memory.Length);
        Throws<ObjectDisposedException>(() => view.Pin());
        end.Dispose();
        Equal(1, Mapped(name) - MappedBy(created, name));
        unsafe
        {
            Equal((byte)7, *(byte*)pin.Pointer);
        }

        pin.Dispose();
        Equal(0, Mapped(name) - MappedBy(created, name));
        Throws<InvalidOperationException>(view.Unpin);
    }

    // Linux shows a file that got its name later without that name, or with it.
    private static int MappedBy(NamedMap created, string name)
    {
        int before = Mapped(name);
        using MemoryMappedViewAccessor one = created.CreateViewAccessor();
        return Mapped(name) - before;
    }

    public static void ViewOfAccessor(string name)
    {
        using NamedMap created = NamedMap.CreateNew(name, Page);
        using NamedMap map = NamedMap.OpenExisting(name);
        MemoryMappedViewAccessor accessor = map.CreateViewAccessor(16, 16);
        using (var view = new MapView(accessor, leaveOpen: true))
        {
            Equal(16, view.Length);
            view.GetSpan()[15] = 3;
        }

        Equal((byte)3, accessor.ReadByte(15));
        var last = new MapView(accessor, leaveOpen: true);
        new MapView(accessor).Dispose();
        Throws<ObjectDisposedException>(() => ImageData.FromAccessor(accessor));
        Throws<ObjectDisposedException>(() => accessor.WriteStruct(1));
        Equal((byte)3, last.GetSpan()[15]);
        last.Dispose();
        Throws<ObjectDisposedException>(() => accessor.ReadByte(15));
        Throws<ObjectDisposedException>(() => new MapView(accessor));
        Throws<ArgumentNullException>(() => new MapView(null!));
        Equal(0, Mapped(name));
    }

    // Memory is allocated only for the pages that are used.
    public static void LargeMap(string name)
    {
        const long Size = 3L << 30;
        using NamedMap created = NamedMap.CreateNew(
            name, Size, options: MemoryMappedFileOptions.DelayAllocatePages);
        using NamedMap map = NamedMap.OpenExisting(name);
        Equal(Size, map.Capacity);
        Throws<ArgumentException>(() => map.CreateView());
        Equal(0, Mapped(name));
        using (MapView part = map.CreateView(Size - Page, Page))
        {
            part.GetSpan()[Page - 8] = 1;
        }

        using MemoryMappedViewAccessor accessor = map.CreateViewAccessor();
        Equal(1L, accessor.ReadUnmanaged<long>(Size - 8));
        accessor.WriteStruct(258, Size - 4);
        Equal(258, accessor.ReadInt32(Size - 4));
        Equal(258, accessor.ReadStruct<int>(Size - 4));
        Throws<MapFormatException>(() => accessor.ReadUnmanaged<int>(Size - 3));
        using ShareMemoryHelper helper = ShareMemoryHelper.Open(name);
        helper.WriteBytes(new byte[] { 4, 5 }.AsSpan(), Size - 2);
        var bytes = new byte[4];
        Equal(2, helper.ReadBytes(bytes, Size - 2));
        Equal("04050000", Hex(bytes));
    }

    public static void BothLayouts(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        MemoryMappedViewAccessor accessor = helper.Accessor;
        var value = new Mixed { IsSet = true, Letter = 'A', Number = 0x01020304 };
        // In .NET, a bool has one byte and a char two; marshalled, four and one.
        helper.WriteUnmanaged(value, 3);
        Equal("000000010041000403020100", Hex(accessor, 0, 12));
        helper.WriteStruct(value, 33);
        Equal("00010000004100000004030201", Hex(accessor, 32, 13));
        Equal(value, helper.ReadUnmanaged<Mixed>(3));
        Equal(value, helper.ReadStruct<Mixed>(33));
        helper.WriteUnmanaged(value);
        Equal("01004100040302010302", Hex(accessor, 0, 10));
        Equal(value, helper.ReadUnmanaged<Mixed>());
        Equal(8, accessor.WriteUnmanaged(value, Page - 8));
        Equal(12, accessor.WriteStruct(value, Page - 12));
        Equal(value, accessor.ReadStruct<Mixed>(Page - 12));
        Equal(0x01020304, accessor.ReadUnmanaged<int>(Page - 4));

        string before = Hex(accessor, Page - 16, 16);
        foreach ((long offset, Type expected) in new[]
        {
            (-1L, typeof(ArgumentOutOfRangeException)),
            (Page + 1, typeof(ArgumentOutOfRangeException)),
            (long.MaxValue, typeof(ArgumentOutOfRangeException)),
            (Page, typeof(MapFormatException)),
            (Page - 7, typeof(MapFormatException)),
        })
        {
            Equal(expected, ErrorOf(() => helper.ReadUnmanaged<Mixed>(offset)));
            Equal(expected, ErrorOf(() => helper.WriteUnmanaged(value, offset)));
            Equal(expected, ErrorOf(() => helper.ReadStruct<Mixed>(offset)));
            Equal(expected, ErrorOf(() => helper.WriteStruct(value, offset)));
        }

        Equal(before, Hex(accessor, Page - 16, 16));
        Equal("does-not-fit: Mixed at offset 4086, value 4098, limit 4096", MessageOf(() => accessor.WriteStruct(value, 4086)));
        Equal("truncated: Mixed at offset 4089, value 4096, limit 4097", MessageOf(() => helper.ReadUnmanaged<Mixed>(4089)));
    }

    public static void SpansOfBytes(string name)
    {
        using ShareMemoryHelper helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        helper.WriteBytes(new byte[] { 0, 1, 2, 3 }.AsSpan(1));
        helper.WriteBytes(new byte[] { 4, 5 }.AsSpan(), Page - 2);
        var bytes = new byte[] { 9, 9, 9, 9 };
        Equal(4, helper.ReadBytes(bytes));
        Equal("01020300", Hex(bytes));
        Equal(3, helper.ReadBytes(bytes.AsSpan(0, 3), Page - 3));
        Equal("00040500", Hex(bytes));
        bytes.AsSpan().Fill(9);
        Equal(2, helper.ReadBytes(bytes, Page - 2));
        Equal("04050909", Hex(bytes));
        Equal(0, helper.ReadBytes(bytes, Page));
        Equal("04050909", Hex(bytes));
        Throws<ArgumentOutOfRangeException>(() => helper.ReadBytes(bytes, -1));
        Throws<ArgumentOutOfRangeException>(() => helper.ReadBytes(bytes, Page + 1));
        Throws<ArgumentOutOfRangeException>(() => helper.WriteBytes(bytes.AsSpan(), -1));
        Throws<ArgumentOutOfRangeException>(() => helper.WriteBytes(bytes.AsSpan(), Page));
        Throws<ArgumentException>(() => helper.WriteBytes(bytes.AsSpan(), Page - 3));
        Throws<ArgumentException>(() => helper.WriteBytes(new byte[Page + 1].AsSpan()));
        Equal("0405", Hex(helper.Accessor, Page - 2, 2));
        Equal((byte)1, helper.Accessor.ReadByte(0));
    }

    public static void NamesAndCapacities(string name)
    {
        using (NamedMap anonymous = NamedMap.CreateNew(null, Page + 1))
        {
            Equal(null, anonymous.Name);
            Equal(Page + 1L, anonymous.Capacity);
        }

        using NamedMap created = NamedMap.CreateNew(name, 2 * Page);
        using NamedMap again = NamedMap.CreateOrOpen(@"Local\" + name, Page);
        using NamedMap opened = NamedMap.OpenExisting(name, MemoryMappedFileRights.Read);
        using NamedMap toWrite = NamedMap.CreateOrOpen(name, Page, MemoryMappedFileAccess.Write);
        Equal(name, created.Name);
        Equal(@"Local\" + name, again.Name);
        Equal(name, opened.Name);
        Equal(name, toWrite.Name);
        Equal(2L * Page, created.Capacity);
        Equal(2L * Page, again.Capacity);
        Equal(2L * Page, opened.Capacity);
        Equal(2L * Page, toWrite.Capacity);

        using var helper = new ShareMemoryHelper(name, Page);
        True(!helper.IsOpen);
        Throws<InvalidOperationException>(() => helper.Capacity);
        helper.Open();
        True(helper.IsOpen);
        Equal(2L * Page, helper.Capacity);
        Equal(Page, helper.ReadBytes().Length);
    }

    public static void OpenAtOnce(string name)
    {
        Throws<FileNotFoundException>(() => ShareMemoryHelper.Open(name));
        Throws<ArgumentException>(() => ShareMemoryHelper.Open(""));
        Throws<ArgumentNullException>(() => ShareMemoryHelper.CreateOrOpen(null!));
        using (ShareMemoryHelper created = ShareMemoryHelper.CreateOrOpen(name))
        {
            Equal(10_485_760L, created.Capacity);
        }

        using ShareMemoryHelper writer = ShareMemoryHelper.CreateOrOpen(name, Page);
        writer.WriteBytes([6], Page - 1);
        using ShareMemoryHelper reader = ShareMemoryHelper.Open(name, MemoryMappedFileAccess.Read);
        True(writer.IsOpen && reader.IsOpen);
        Equal((long)Page, reader.Capacity);
        byte[] bytes = reader.ReadBytes();
        Equal(Page, bytes.Length);
        Equal((byte)6, bytes[Page - 1]);
        Throws<NotSupportedException>(() => reader.WriteBytes([1]));
        using ShareMemoryHelper second = ShareMemoryHelper.CreateOrOpen(name, 5 * Page);
        Equal((long)Page, second.Capacity);
        Equal(5 * Page, second.ReadBytes().Length);
    }

    public static void Disposed(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), name);
        var helper = ShareMemoryHelper.CreateOrOpen(name, Page);
        var image = new ImageData("path", default);
        helper.WriteImage(image);
        MemoryMappedViewAccessor accessor = helper.Accessor;
        helper.Dispose();
        True(!helper.IsOpen);
        foreach (Action call in new Action[]
        {
            helper.CreateOrOpen,
            helper.Open,
            () => helper.CreateFromFile(path),
            () => helper.OpenFileToRead(path),
            helper.ThrowIfTruncated,
            () => GC.KeepAlive(helper.Accessor),
            () => GC.KeepAlive(helper.Capacity),
            () => helper.ReadBytes(),
            () => helper.ReadBytes(new byte[1]),
            () => helper.WriteBytes(new byte[1]),
            () => helper.WriteBytes(new byte[1].AsSpan()),
            () => helper.WriteBytes(new byte[1].AsSpan(), 1),
            () => helper.ReadStruct<int>(),
            () => helper.ReadStruct<int>(1),
            () => helper.WriteStruct(1),
            () => helper.WriteStruct(1, 1),
            () => helper.ReadUnmanaged<int>(),
            () => helper.WriteUnmanaged(1),
            () => helper.ReadImage(),
            () => helper.ReadImage(new byte[1], out _),
            () => helper.ReadImage(new GrowingBuffer(), out _),
            () => helper.TryReadImage(out _),
            () => helper.TryReadImage(new byte[1], out _, out _),
            () => helper.TryReadImage(new GrowingBuffer(), out _, out _),
            () => helper.WriteImage(image),
            () => ImageData.FromAccessor(accessor),
            () => ImageData.TryFromAccessor(accessor, out _),
            () => image.WriteTo(accessor),
            () => accessor.ReadStruct<int>(),
            () => accessor.WriteStruct(1),
            () => accessor.ReadUnmanaged<int>(0),
            () => accessor.WriteUnmanaged(1, 0),
        })
        {
            Throws<ObjectDisposedException>(call);
        }

        True(!File.Exists(path));
        foreach (string? mapName in new[] { name, null })
        {
            NamedMap map = NamedMap.CreateNew(mapName, Page);
            map.Dispose();
            map.Dispose();
            Equal(mapName, map.Name);
            foreach (Action call in new Action[]
            {
                () => map.CreateViewAccessor(),
                () => map.CreateViewAccessor(0, 0),
                () => map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read),
                () => map.CreateViewStream(),
                () => map.CreateViewStream(0, 0),
                () => map.CreateViewStream(0, 0, MemoryMappedFileAccess.Read),
                () => map.CreateView(),
                () => map.CreateView(0, 0),
                () => map.CreateView(0, 0, MemoryMappedFileAccess.Read),
                () => GC.KeepAlive(map.Capacity),
            })
            {
                Throws<ObjectDisposedException>(call);
            }
        }
    }

    // The copy goes on in memory that stays mapped, or throws.
    public static void DisposeWhileCopying(string name)
    {
        using NamedMap map = NamedMap.CreateNew(name, 512 * Page);
        var content = new byte[500 * Page];
        content.AsSpan().Fill(5);
        new ImageData("path", content).WriteTo(map.CreateViewAccessor());
        for (int round = 0; round < 50; round++)
        {
            MemoryMappedViewAccessor view = map.CreateViewAccessor();
            using var used = new ManualResetEventSlim();
            Exception? end = null;
            var reader = new Thread(() =>
            {
                try
                {
                    while (true)
                    {
                        ReadOnlySpan<byte> found = ImageData.FromAccessor(view).Content.Span;
                        True(found[0] == 5 && found[found.Length - 1] == 5);
                        used.Set();
                    }
                }
                catch (Exception error)
                {
                    end = error;
                    used.Set();
                }
            });
            reader.Start();
            used.Wait();
            view.Dispose();
            reader.Join();
            Equal(typeof(ObjectDisposedException), end!.GetType());
        }
    }

    private static string Hex(MemoryMappedViewAccessor accessor, long offset, int count)
    {
        var bytes = new byte[count];
        accessor.ReadArray(offset, bytes, 0, count);
        return Hex(bytes);
    }

    private static string MessageOf(Action call)
    {
        try
        {
            call();
            return "";
        }
        catch (Exception error)
        {
            return error.Message;
        }
    }

    private struct Mixed
    {
        public bool IsSet;
        public char Letter;
        public int Number;
    }

    /// <summary>Represents a buffer that grows, and calls an action when memory is asked for.</summary>
    private sealed class GrowingBuffer : IBufferWriter<byte>
    {
        private byte[] _bytes = [];
        private int _count;

        public Action Used { get; set; } = () => { };

        public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, _count);

        public void Clear() => _count = 0;

        public void Advance(int count) => _count += count;

        public Memory<byte> GetMemory(int sizeHint = 0)
        {
            if (_bytes.Length - _count < sizeHint)
            {
                Array.Resize(ref _bytes, _count + sizeHint);
            }

            Used();
            return _bytes.AsMemory(_count);
        }

        public Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;
    }
}
