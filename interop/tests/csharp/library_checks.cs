// Checks of the C# library that no peer can make: overloads, errors of system calls, and what is in
// memory in the middle of a write. checks_program.cs runs one of them in a process of its own, without
// any package. SharedMemory.Tests runs them with xunit, also on older frameworks: so they use only what
// .NET Framework 4.7.2 has.

using System.Buffers;
using System.IO.MemoryMappedFiles;
using System.Reflection;
using System.Runtime.InteropServices;
using SharedMemory;

internal static partial class Checks
{
    /// <summary>The checks, and their names. Each gets the name of a map that no other program uses.</summary>
    public static IReadOnlyDictionary<string, Action<string>> All { get; } = new Dictionary<string, Action<string>>
    {
        ["span-is-unfinished-while-it-is-written"] = SpanIsUnfinished,
        ["view-is-unfinished-while-it-is-written"] = ViewIsUnfinished,
        ["content-can-be-part-of-an-array-or-no-array"] = KindsOfContent,
        ["a-buffer-keeps-the-bytes-after-the-blob"] = BytesAfterBlob,
        ["a-struct-is-validated-before-it-is-written"] = Validation,
        ["padding-is-zero"] = PaddingIsZero,
        ["opening-a-helper-again-releases-its-map"] = OpenAgain,
        ["a-helper-that-fails-to-open-keeps-its-map"] = FailToOpen,
        ["a-disposed-helper-holds-no-map"] = DisposedHelper,
        ["a-helper-without-a-map-says-so"] = NoMap,
        ["a-file-is-read-and-not-created"] = OpenFileToRead,
        ["views-without-arguments-are-of-the-whole-map"] = DefaultViews,
        ["a-map-has-a-handle"] = Handle,
        ["null-is-refused"] = Null,
        ["error-numbers-are-exceptions"] = ErrorNumbers,
        ["a-truncated-file-is-an-error-and-not-the-end"] = Truncated,
        ["lengths-and-paths-that-change-are-read-once"] = ReadOnce,
        ["a-part-of-a-map-is-used-at-its-offset"] = PartOfMap,
        ["bytes-have-the-errors-of-an-array"] = ErrorsOfBytes,
        ["a-view-that-was-used-is-unmapped"] = Unmapped,
        ["a-picture-is-read-into-memory-of-the-caller"] = ReadIntoBuffers,
        ["an-unfinished-picture-is-not-an-error"] = Unfinished,
        ["a-write-during-a-read-is-noticed"] = WriteDuringRead,
        ["the-new-reads-allocate-nothing"] = NothingAllocated,
        ["errors-say-what-happened-and-what-to-do"] = Messages,
        ["an-array-that-is-too-short-is-refused"] = ShortArray,
        ["a-view-is-used-in-place"] = ViewInPlace,
        ["a-view-in-place-disposes-of-its-accessor"] = ViewOfAccessor,
        ["a-map-can-be-larger-than-a-span"] = LargeMap,
        ["each-layout-of-a-struct-has-its-methods"] = BothLayouts,
        ["bytes-are-copied-as-spans"] = SpansOfBytes,
        ["a-map-has-a-name-and-a-capacity"] = NamesAndCapacities,
        ["a-helper-is-opened-at-once"] = OpenAtOnce,
        ["a-disposed-object-says-so"] = Disposed,
        ["a-view-is-disposed-during-a-copy"] = DisposeWhileCopying,
        ["a-view-of-a-disposed-map-is-never-one-of-another-file"] = DisposeWhileViewing,
        ["a-file-with-another-mode-or-two-names-is-refused"] = NotTrusted,
        ["several-threads-can-dispose-of-a-map"] = DisposeTwice,
        ["a-map-whose-handle-is-disposed-leaves-no-file"] = DisposeHandle,
        ["a-helper-that-is-disposed-while-it-opens-holds-no-map"] = DisposeWhileOpening,
    };

    /// <summary>The checks that need a process of their own: they go on until it ends, or change it.</summary>
    public static IReadOnlyDictionary<string, Action<string>> OfProcess { get; } = new Dictionary<string, Action<string>>
    {
        ["threads-that-outlive-the-program-leave-no-file"] = BackgroundThreads,
        ["without-descriptors-a-file-in-use-is-not-replaced"] = NoDescriptors,
        ["the-steps-of-channels-are-in-order"] = StepsInOrder,
        ["readers-get-a-whole-value-after-each-step"] = ReadersAtEachStep,
        ["a-slot-that-is-pinned-while-it-is-chosen-is-given-back"] = PinDuringChoice,
        ["a-writer-that-dies-after-any-step-is-replaced"] = TakeoverAfterEachStep,
        ["an-entry-that-is-claimed-again-is-not-forgotten"] = EntryIsClaimedAgain,
        ["a-viewer-that-is-garbage-leaves-no-pin"] = ForgottenViewer,
    };

    private const int UnfinishedLength = -1;

    private static readonly bool s_isMono = Type.GetType("Mono.Runtime") is not null;

    public static void DisposeWhileViewing(string name)
    {
        string canary = Path.GetTempFileName();
        byte[] content = Enumerable.Repeat((byte)'c', 4096).ToArray();
        for (int round = 0; round < 400; round++)
        {
            File.WriteAllBytes(canary, content);
            NamedMap map = NamedMap.CreateNew(round % 2 == 0 ? name : null, 4096);
            using var used = new CountdownEvent(2);
            Exception? wrong = null;
            void Use()
            {
                bool isFirst = true;
                try
                {
                    while (true)
                    {
                        using (MemoryMappedViewAccessor view = map.CreateViewAccessor())
                        {
                            view.Write(0, 7);
                        }

                        if (isFirst)
                        {
                            used.Signal();
                            isFirst = false;
                        }
                    }
                }
                catch (ObjectDisposedException)
                {
                    // This is how it ends.
                }
                catch (NullReferenceException) when (s_isMono)
                {
                    // So does Mono's MemoryMappedFile end.
                }
                catch (Exception error)
                {
                    wrong = error;
                }

                if (isFirst)
                {
                    used.Signal();
                }
            }

            Thread[] threads = [new(Use), new(Use)];
            Array.ForEach(threads, thread => thread.Start());
            used.Wait();
            map.Dispose();
            using (FileStream other = new(canary, FileMode.Open, FileAccess.ReadWrite))
            {
                Array.ForEach(threads, thread => thread.Join());
            }

            Equal(true, content.AsSpan().SequenceEqual(File.ReadAllBytes(canary)));
            Equal(null, wrong);
        }

        File.Delete(canary);
    }

    // The threads run until the program has ended.
    public static void BackgroundThreads(string name)
    {
        const int threads = 6;
        var running = new CountdownEvent(threads);
        for (int i = 0; i < threads; i++)
        {
            int thread = i;
            var background = new Thread(() =>
            {
                for (int round = 0; ; round++)
                {
                    if (round == 5)
                    {
                        running.Signal();
                    }

                    try
                    {
                        NamedMap.CreateOrOpen($"{name}-{thread % 3}", 64).Dispose();
                        _ = NamedMap.CreateNew($"{name}-{thread}-new", 64); // no finalizer runs at exit
                    }
                    catch (IOException error) when (error.HResult == unchecked((int)0x800700B7))
                    {
                        // The map exists.
                    }
                }
            });
            background.IsBackground = true;
            background.Start();
        }

        running.Wait();
    }

    public static void DisposeTwice(string name)
    {
        for (int round = 0; round < 500; round++)
        {
            NamedMap map = NamedMap.CreateNew(name, 64);
            using var start = new Barrier(3);
            Exception? wrong = null;
            void Dispose()
            {
                start.SignalAndWait();
                try
                {
                    map.Dispose();
                }
                catch (Exception error)
                {
                    wrong = error;
                }
            }

            Thread[] threads = [new(Dispose), new(Dispose), new(Dispose)];
            Array.ForEach(threads, thread => thread.Start());
            Array.ForEach(threads, thread => thread.Join());
            Equal(null, wrong);
            True(!File.Exists(PathOf(name)));
        }
    }

    public static void DisposeHandle(string name)
    {
        foreach (HandleInheritability inheritability in
            (HandleInheritability[])[HandleInheritability.None, HandleInheritability.Inheritable])
        {
            NamedMap map = NamedMap.CreateNew(name, 64, inheritability: inheritability);
            SafeHandle handle = map.Handle;
            handle.Dispose();
            map.Dispose();
            True(handle.IsClosed);
            True(!File.Exists(PathOf(name)));
        }
    }

    public static void DisposeWhileOpening(string name)
    {
        for (int round = 0; round < 300; round++)
        {
            var helper = new ShareMemoryHelper(name, 64);
            helper.CreateOrOpen();
            using var start = new Barrier(2);
            var opening = new Thread(() =>
            {
                start.SignalAndWait();
                try
                {
                    while (true)
                    {
                        helper.CreateOrOpen();
                    }
                }
                catch (ObjectDisposedException)
                {
                    // The other thread has disposed of it.
                }
            });
            opening.Start();
            start.SignalAndWait();
            Thread.SpinWait(round * 40);
            helper.Dispose();
            opening.Join();
            Throws<FileNotFoundException>(() => NamedMap.OpenExisting(name));
            GC.KeepAlive(helper);
        }
    }

    public static void NoDescriptors(string name)
    {
        const int limit = 200;
        const int numberOfFiles = 7; // RLIMIT_NOFILE
        string path = PathOf(name);
        int used = Open(path, 0x42, 0b110_000_000); // O_RDWR | O_CREAT, 0600
        Equal(3, (int)Write(used, [(byte)'a', (byte)'b', (byte)'c'], 3));
        Throws<UnauthorizedAccessException>(() => NamedMap.CreateNew(name, 64)); // loads what it needs
        var before = new ulong[2]; // the soft and the hard limit
        Equal(0, GetLimit(numberOfFiles, before));
        Equal(0, SetLimit(numberOfFiles, [limit, before[1]]));
        List<int> fill = [];
        for (int file = Duplicate(used); file >= 0; file = Duplicate(used))
        {
            fill.Add(file);
        }

        const int attempts = 6;
        var errors = new Exception?[attempts];
        for (int spare = 0; spare < attempts; spare++)
        {
            try
            {
                NamedMap.CreateNew(name, 64).Dispose();
            }
            catch (Exception error)
            {
                errors[spare] = error;
            }

            Equal(0, Close(fill[spare]));
        }

        Equal(0, SetLimit(numberOfFiles, before));
        Equal("abc", File.ReadAllText(path));
        True(errors[0] is IOException && errors[attempts - 1] is UnauthorizedAccessException);
        True(Array.TrueForAll(errors, error => error is IOException or UnauthorizedAccessException));
        File.Delete(path);

        [DllImport("libc", EntryPoint = "open")]
        static extern int Open(string path, int flags, uint mode);

        [DllImport("libc", EntryPoint = "write")]
        static extern nint Write(int file, byte[] bytes, nuint count);

        [DllImport("libc", EntryPoint = "dup")]
        static extern int Duplicate(int file);

        [DllImport("libc", EntryPoint = "close")]
        static extern int Close(int file);

        [DllImport("libc", EntryPoint = "getrlimit")]
        static extern int GetLimit(int resource, [Out] ulong[] limits);

        [DllImport("libc", EntryPoint = "setrlimit")]
        static extern int SetLimit(int resource, ulong[] limits);
    }

    public static void NotTrusted(string name)
    {
        string path = PathOf(name);
        using (NamedMap.CreateNew(name, 64))
        {
            Equal(0, ChangeMode(path, 0b110_100_000)); // 0640
            Throws<UnauthorizedAccessException>(() => NamedMap.OpenExisting(name));
            Throws<UnauthorizedAccessException>(() => NamedMap.CreateOrOpen(name, 64));
            Equal(0, ChangeMode(path, 0b110_000_000)); // 0600
            NamedMap.OpenExisting(name).Dispose();
            Equal(0, Link(path, path + "-second"));
            Throws<UnauthorizedAccessException>(() => NamedMap.OpenExisting(name));
            Throws<UnauthorizedAccessException>(() => NamedMap.CreateNew(name, 64));
            File.Delete(path + "-second");
            NamedMap.OpenExisting(name).Dispose();
        }

        [DllImport("libc", EntryPoint = "link")]
        static extern int Link(string existing, string path);

        [DllImport("libc", EntryPoint = "chmod")]
        static extern int ChangeMode(string path, uint mode);
    }

    public static void SpanIsUnfinished(string name)
    {
        var destination = new byte[64];
        int seen = 0;
        using var content = new WatchedMemory([1, 2, 3], () => seen = BitConverter.ToInt32(destination, 0));
        int size = new ImageData("path", content.Memory).WriteTo(destination);
        Equal(15, size);
        Equal(UnfinishedLength, seen);
        Equal(4, BitConverter.ToInt32(destination, 0));
    }

    public static void ViewIsUnfinished(string name)
    {
        using NamedMap map = NamedMap.CreateNew(name, 64);
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        int seen = 0;
        using var content = new WatchedMemory([1, 2, 3], () => seen = view.ReadInt32(0));
        Equal(15L, new ImageData("path", content.Memory).WriteTo(view));
        Equal(UnfinishedLength, seen);
        Equal(4, view.ReadInt32(0));
        Equal(3, view.ReadInt32(8));
    }

    public static void KindsOfContent(string name)
    {
        byte[] expected = [4, 0, 0, 0, (byte)'p', (byte)'a', (byte)'t', (byte)'h', 2, 0, 0, 0, 7, 8];
        var array = new byte[] { 6, 7, 8, 9 };
        using var watched = new WatchedMemory([7, 8], () => { });
        foreach (ReadOnlyMemory<byte> content in new[] { array.AsMemory(1, 2), watched.Memory })
        {
            var image = new ImageData("path", content);
            Equal(Hex(expected), Hex(image.ToBytes()));
            using NamedMap map = NamedMap.CreateNew(null, 14);
            using MemoryMappedViewAccessor view = map.CreateViewAccessor();
            Equal(14L, image.WriteTo(view));
            Equal(14L, image.Size);
            var bytes = new byte[14];
            view.ReadArray(0, bytes, 0, 14);
            Equal(Hex(expected), Hex(bytes));
        }
    }

    public static void BytesAfterBlob(string name)
    {
        var destination = new byte[20];
        destination.AsSpan().Fill(0xEE);
        Equal(10, new ImageData("é", ReadOnlyMemory<byte>.Empty).WriteTo(destination));
        Equal(10L, new ImageData("é", ReadOnlyMemory<byte>.Empty).Size);
        Equal("02000000C3A900000000EEEEEEEEEEEEEEEEEEEE", Hex(destination));
        Throws<MapFormatException>(() => new ImageData("é", new byte[11]).WriteTo(destination));
        Equal("02000000C3A900000000EEEEEEEEEEEEEEEEEEEE", Hex(destination));
    }

    public static void Validation(string name)
    {
        using NamedMap map = NamedMap.CreateNew(name, 48);
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        foreach (int[]? scores in new[] { null, [], new int[9], new int[11] })
        {
            var data = new TestData { Id = 1, Age = 2, Scores = scores! };
            Throws<MapFormatException>(() => StructBytes.ToBytes(data));
            Throws<MapFormatException>(() => StructBytes.WriteStruct(new byte[48], data));
            Throws<MapFormatException>(() => view.WriteStruct(data));
            Equal(0, view.ReadInt32(0));
        }

        view.WriteStruct(new TestData { Id = 7, Scores = new int[10] });
        Equal(7, view.ReadStruct<TestData>().Id);
    }

    public static void PaddingIsZero(string name)
    {
        int size = Marshal.SizeOf<Padded>();
        for (int round = 0; round < 16; round++)
        {
            // The allocator gives the same memory to the next caller.
            nint memory = Marshal.AllocHGlobal(size);
            for (int index = 0; index < size; index++)
            {
                Marshal.WriteByte(memory, index, 0xEE);
            }

            Marshal.FreeHGlobal(memory);
            byte[] bytes = StructBytes.ToBytes(new Padded { Text = "x" });
            Equal(size, bytes.Length);
            Equal((byte)'x', bytes[64]);
            bytes[64] = 0;
            Equal(Hex(new byte[size]), Hex(bytes));
        }
    }

    public static void OpenAgain(string name)
    {
        using var helper = new ShareMemoryHelper(name, 64);
        helper.CreateOrOpen();
        string path = Path.GetTempFileName();
        try
        {
            helper.CreateFromFile(path);
            Throws<FileNotFoundException>(() => NamedMap.OpenExisting(name));
            helper.CreateOrOpen();
            // The file is not open any more, so another program gets it for itself.
            new FileStream(path, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
        }
        finally
        {
            File.Delete(path);
        }

        NamedMap.OpenExisting(name).Dispose();
    }

    public static void FailToOpen(string name)
    {
        using var helper = new ShareMemoryHelper(name, 64);
        helper.CreateOrOpen();
        helper.WriteBytes([7]);
        Throws<FileNotFoundException>(() => helper.OpenFileToRead(Path.Combine(Path.GetTempPath(), name)));
        Equal(7, helper.ReadBytes()[0]);
        NamedMap.OpenExisting(name).Dispose();
    }

    public static void DisposedHelper(string name)
    {
        var helper = new ShareMemoryHelper(name, 64);
        helper.CreateOrOpen();
        helper.Dispose();
        helper.Dispose();
        Throws<FileNotFoundException>(() => NamedMap.OpenExisting(name));
        Throws<ObjectDisposedException>(helper.CreateOrOpen);
        Throws<FileNotFoundException>(() => NamedMap.OpenExisting(name));
        Throws<ObjectDisposedException>(() => helper.Accessor);
    }

    public static void NoMap(string name)
    {
        using var helper = new ShareMemoryHelper(name);
        Throws<InvalidOperationException>(() => helper.Accessor);
        Throws<InvalidOperationException>(() => helper.ReadBytes());
        Throws<FileNotFoundException>(helper.Open);
        Throws<InvalidOperationException>(() => helper.Accessor);
        Equal(10_485_760L, ShareMemoryHelper.DefaultCapacity);
        helper.CreateOrOpen();
        Equal(10_485_760L, helper.Accessor.Capacity);
        Equal(10_485_760, helper.ReadBytes().Length);
    }

    public static void OpenFileToRead(string name)
    {
        string path = Path.Combine(Path.GetTempPath(), name);
        using var helper = new ShareMemoryHelper(null, 4096);
        try
        {
            Throws<FileNotFoundException>(() => helper.OpenFileToRead(path));
            True(!File.Exists(path));
            File.WriteAllBytes(path, [1, 2, 3]);
            helper.OpenFileToRead(path);
            Equal(3L, helper.Accessor.Capacity);
            True(!helper.Accessor.CanWrite);
            Throws<NotSupportedException>(() => helper.WriteBytes([9]));
            byte[] bytes = helper.ReadBytes();
            Equal(4096, bytes.Length);
            Equal("01020300", Hex(bytes.AsSpan(0, 4)));
            Equal(3L, new FileInfo(path).Length);
        }
        finally
        {
            File.Delete(path);
        }
    }

    public static void DefaultViews(string name)
    {
        using NamedMap map = NamedMap.CreateNew(name, 5000);
        using MemoryMappedViewAccessor whole = map.CreateViewAccessor();
        using MemoryMappedViewStream stream = map.CreateViewStream();
        using MemoryMappedViewAccessor part = map.CreateViewAccessor(4096, 0);
        using MemoryMappedViewStream end = map.CreateViewStream(4999, 1);
        Equal(5000L, whole.Capacity);
        Equal(5000L, stream.Length);
        Equal(904L, part.Capacity);
        Equal(1L, end.Length);
        True(whole.CanRead && whole.CanWrite && part.CanRead && part.CanWrite);
        True(stream.CanRead && stream.CanWrite && end.CanRead && end.CanWrite);
        part.Write(903, (byte)7);
        Equal((byte)7, whole.ReadByte(4999));
        Equal(7, end.ReadByte());
        using NamedMap opened = NamedMap.OpenExisting(name);
        using MemoryMappedViewAccessor other = opened.CreateViewAccessor();
        True(other.CanRead && other.CanWrite);
        Equal((byte)7, other.ReadByte(4999));
    }

    public static void Handle(string name)
    {
        using NamedMap anonymous = NamedMap.CreateNew(null, 10);
        using NamedMap map = NamedMap.CreateNew(name, 10);
        SafeHandle handle = map.Handle;
        True(!handle.IsInvalid && !handle.IsClosed && !anonymous.Handle.IsInvalid);
        map.Dispose();
        True(handle.IsClosed);
    }

    public static void Null(string name)
    {
        Throws<ArgumentNullException>(() => NamedMap.CreateOrOpen(null!, 10));
        Throws<ArgumentNullException>(() => NamedMap.OpenExisting(null!));
        Throws<ArgumentNullException>(() => MapName.Check(null!));
        Throws<ArgumentNullException>(() => new ImageData(null!, default));
        Throws<ArgumentNullException>(() => ImageData.FromAccessor(null!));
        Throws<ArgumentNullException>(() => new ImageData("", default).WriteTo((MemoryMappedViewAccessor)null!));
        using var helper = new ShareMemoryHelper(name, 64);
        helper.CreateOrOpen();
        Throws<ArgumentNullException>(() => helper.WriteBytes(null!));
        Throws<ArgumentNullException>(() => helper.WriteImage(null!));
        Throws<ArgumentNullException>(() => StructBytes.ReadStruct<TestData>(null!));
        Throws<ArgumentNullException>(() => StructBytes.WriteStruct((MemoryMappedViewAccessor)null!, default(TestData)));
    }

    // errno of Linux, from <asm-generic/errno-base.h> and <asm-generic/errno.h>.
    public static void ErrorNumbers(string name)
    {
        MethodInfo of = typeof(NamedMap).Assembly.GetType("SharedMemory.Posix.PosixError")!
            .GetMethod("Of", BindingFlags.Public | BindingFlags.Static)!;
        for (int number = 1; number <= 133; number++)
        {
            var error = (Exception)of.Invoke(null, [number, "doing this"])!;
            True(error.Message.StartsWith("doing this: ", StringComparison.Ordinal));
            switch (number)
            {
                case 1 or 13 or 21 or 30: // EPERM, EACCES, EISDIR, EROFS
                    Equal(typeof(UnauthorizedAccessException), error.GetType());
                    break;
                case 2 or 20: // ENOENT, ENOTDIR
                    Equal(typeof(FileNotFoundException), error.GetType());
                    break;
                default:
                    Equal(typeof(IOException), error.GetType());
                    Equal(number == 17 ? unchecked((int)0x800700B7) : number, error.HResult);
                    break;
            }
        }
    }

    public static void Truncated(string name)
    {
        string file = Path.Combine(Path.GetTempPath(), name);
        var image = new ImageData("path", new byte[20_000]);
        using var helper = new ShareMemoryHelper(name, 65_536);
        foreach (bool named in new[] { true, false })
        {
            if (named)
            {
                helper.CreateOrOpen();
            }
            else
            {
                helper.CreateFromFile(file);
            }

            helper.WriteImage(image);
            string path = named ? Path.Combine("/dev/shm", name) : file;
            using (var stream = new FileStream(
                path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete))
            {
                stream.SetLength(10);
            }

            Throws<IOException>(() => helper.ReadImage());
            Throws<IOException>(() => helper.WriteImage(image));
            Throws<IOException>(() => helper.ReadBytes());
            Throws<IOException>(() => helper.WriteBytes(new byte[1], 60_000));
            Throws<IOException>(() => helper.ReadStruct<TestData>());
            Throws<IOException>(() => helper.WriteStruct(TestData.Create(1, 2, new long[10])));
            Throws<IOException>(helper.ThrowIfTruncated);
        }

        helper.Dispose();
        File.Delete(file);
    }

    public static void ReadOnce(string name)
    {
        const int PathLength = 4096;
        const int ContentLength = 10;
        const int Rounds = 20_000;
        using var map = NamedMap.CreateNew(name, 8192);
        using MemoryMappedViewAccessor view = map.CreateViewAccessor();
        var memory = new byte[8192];
        var image = new ImageData(new string('x', PathLength), new byte[ContentLength]);
        image.WriteTo(view);
        image.WriteTo(memory);
        bool ends = false;
        var writer = new Thread(() =>
        {
            for (int round = 0; !Volatile.Read(ref ends); round++)
            {
                // The content's length, and the last byte of the path, valid and invalid in turn.
                int length = round % 2 == 0 ? int.MaxValue : ContentLength;
                byte last = round % 3 == 0 ? (byte)0xFF : (byte)'x';
                view.Write(4 + PathLength, length);
                view.Write(3 + PathLength, last);
                Volatile.Write(ref MemoryMarshal.Cast<byte, int>(memory)[1 + (PathLength / 4)], length);
                Volatile.Write(ref memory[3 + PathLength], last);
            }
        });
        writer.Start();
        try
        {
            for (int round = 0; round < Rounds; round++)
            {
                try
                {
                    ImageData found = round % 2 == 0
                        ? ImageData.FromAccessor(view)
                        : ImageData.FromBytes(memory);
                    Equal(ContentLength, found.Content.Length);
                    Equal(image.Path, found.Path);
                }
                catch (MapFormatException)
                {
                    // The invalid half.
                }
            }
        }
        finally
        {
            Volatile.Write(ref ends, true);
            writer.Join();
        }
    }

    public static void PartOfMap(string name)
    {
        using NamedMap map = NamedMap.CreateNew(name, 5000);
        using MemoryMappedViewAccessor whole = map.CreateViewAccessor();
        using MemoryMappedViewAccessor part = map.CreateViewAccessor(4099, 60);
        Equal(12L, new ImageData("é", new byte[] { 1, 2 }).WriteTo(part));
        Equal("0000", Hex([whole.ReadByte(0), whole.ReadByte(4098)]));
        var bytes = new byte[12];
        whole.ReadArray(4099, bytes, 0, 12);
        Equal("02000000C3A9020000000102", Hex(bytes));
        whole.Write(4110, (byte)7);
        Equal("0107", Hex(ImageData.FromAccessor(part).Content.Span));
        Equal(48, part.WriteStruct(TestData.Create(9, 8, new long[10])));
        Equal(9, whole.ReadInt32(4099));
        Equal(0, whole.ReadInt32(0));
        whole.Write(4103, 5);
        Equal(5, part.ReadStruct<TestData>().Age);
        using MemoryMappedViewAccessor small = map.CreateViewAccessor(4099, 11);
        Throws<MapFormatException>(() => new ImageData("é", new byte[] { 1, 2 }).WriteTo(small));
        Throws<MapFormatException>(() => ImageData.FromAccessor(small));
    }

    // WriteArray and ReadArray of the accessor have these errors.
    public static void ErrorsOfBytes(string name)
    {
        using var helper = new ShareMemoryHelper(name, 4096);
        helper.CreateOrOpen();
        foreach ((long offset, int count) in new[] { (-1L, 1), (4096, 1), (4096, 0), (4097, 0), (4092, 5), (0, 4097), (long.MaxValue, 1) })
        {
            Type expected = ErrorOf(() => helper.Accessor.WriteArray(offset, new byte[count], 0, count))!;
            Equal(expected, ErrorOf(() => helper.WriteBytes(new byte[count], offset)));
        }

        Throws<ArgumentException>(() => helper.WriteBytes(new byte[5], 4092));
        helper.WriteBytes(new byte[4], 4092);
        helper.WriteBytes([], 4095);
        var image = new ImageData("", default);
        using (NamedMap map = NamedMap.OpenExisting(name))
        {
            using MemoryMappedViewAccessor toRead = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Read);
            Throws<NotSupportedException>(() => image.WriteTo(toRead));
            Throws<NotSupportedException>(() => toRead.WriteStruct(1));
            using MemoryMappedViewAccessor toWrite = map.CreateViewAccessor(0, 0, MemoryMappedFileAccess.Write);
            Throws<NotSupportedException>(() => ImageData.FromAccessor(toWrite));
            Throws<NotSupportedException>(() => toWrite.ReadStruct<int>());
            Equal(8L, image.WriteTo(toWrite));
        }

        MemoryMappedViewAccessor accessor = helper.Accessor;
        accessor.Dispose();
        Throws<ObjectDisposedException>(() => image.WriteTo(accessor));
        Throws<ObjectDisposedException>(() => ImageData.FromAccessor(accessor));
        Throws<ObjectDisposedException>(() => accessor.WriteStruct(1));
        Throws<ObjectDisposedException>(() => accessor.ReadStruct<int>());
        Throws<ObjectDisposedException>(() => helper.WriteBytes(new byte[1]));
        Throws<ObjectDisposedException>(() => helper.ReadBytes());
    }

    public static void Unmapped(string name)
    {
        using NamedMap created = NamedMap.CreateNew(name, 4096);
        using NamedMap map = NamedMap.OpenExisting(name);
        using (MemoryMappedViewAccessor view = map.CreateViewAccessor())
        {
            Equal(9L, new ImageData("", new byte[1]).WriteTo(view));
            Equal(1, ImageData.FromAccessor(view).Content.Length);
            Throws<MapFormatException>(() => new ImageData("", new byte[4092]).WriteTo(view));
            view.WriteStruct(-1);
            Throws<MapFormatException>(() => ImageData.FromAccessor(view));
            Equal(1, Mapped(name));
        }

        Equal(0, Mapped(name));
    }

    private static int Mapped(string name) =>
        File.ReadLines("/proc/self/maps").Count(line => line.EndsWith(name, StringComparison.Ordinal));

    private static Type? ErrorOf(Action call)
    {
        try
        {
            call();
            return null;
        }
        catch (Exception error)
        {
            return error.GetType();
        }
    }

    private static string PathOf(string name) => Path.Combine(
        Environment.GetEnvironmentVariable("PYSHM_DIRECTORY") is { Length: > 0 } chosen ? chosen : "/dev/shm",
        name);

    private static void Equal<T>(T expected, T found)
    {
        if (!Equals(expected, found))
        {
            throw new InvalidDataException($"expected {expected}, found {found}");
        }
    }

    private static string Hex(ReadOnlySpan<byte> bytes) => BitConverter.ToString(bytes.ToArray()).Replace("-", null);

    private static void True(bool condition) => Equal(true, condition);

    private static void Throws<T>(Func<object?> call)
        where T : Exception => Throws<T>(() => { call(); });

    private static void Throws<T>(Action call)
        where T : Exception
    {
        try
        {
            call();
        }
        catch (T error) when (error.GetType() == typeof(T))
        {
            return;
        }

        throw new InvalidDataException($"no {typeof(T).Name}");
    }

#pragma warning disable CS0649 // the fields that are not assigned are zero
    private struct Padded
    {
        public byte First;
        public double Second;
        public short Third;
        public long Fourth;
        public byte Fifth;
        public double Sixth;
        public byte Seventh;
        public long Eighth;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 5)]
        public string Text;

        public double Last;
    }
#pragma warning restore CS0649

    /// <summary>Represents memory that is not an array, and calls an action when it is used.</summary>
    private sealed class WatchedMemory(byte[] bytes, Action used) : MemoryManager<byte>
    {
        public override Span<byte> GetSpan()
        {
            used();
            return bytes;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => throw new NotSupportedException();

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
