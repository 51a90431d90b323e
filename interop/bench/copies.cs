// Times the copies of a picture of SIZE bytes, in an anonymous map: `dotnet Copies.dll SIZE ROUNDS`. Each
// round runs every copy once, in a new random order. It prints a line for each copy: its name, the
// bytes that it allocates, and its times in nanoseconds, with tabs between them.

using System.Buffers;
using System.Diagnostics;
using System.Globalization;
using System.IO.MemoryMappedFiles;
using SharedMemory;

int size = int.Parse(args[0], CultureInfo.InvariantCulture);
int rounds = int.Parse(args[1], CultureInfo.InvariantCulture);
string path = Path.GetTempFileName();
File.Delete(path);
using var helper = new ShareMemoryHelper(null, size + 4096);
helper.CreateFromFile(path);
File.Delete(path);
MemoryMappedViewAccessor accessor = helper.Accessor;
using var view = new MapView(accessor, leaveOpen: true);
var content = new byte[size];
new Random(1).NextBytes(content);
var image = new ImageData("photo.png", content);
helper.WriteImage(image);
var target = new byte[size];
var writer = new ArrayBufferWriter<byte>(size);
int start = (int)image.Size - size;

(string Name, Action Copy)[] copies =
[
    ("Span.CopyTo, view to array (baseline)", () => view.GetSpan().Slice(start, size).CopyTo(target)),
    ("Span.CopyTo, array to view", () => content.CopyTo(view.GetSpan().Slice(start, size))),
    ("helper.ReadImage(span)", () => helper.ReadImage(target, out _)),
    ("helper.TryReadImage(span)", () => helper.TryReadImage(target, out _, out _)),
    ("helper.TryReadImage(buffer writer)", () =>
    {
        writer.ResetWrittenCount();
        helper.TryReadImage(writer, out _, out _);
    }),
    ("helper.WriteImage", () => helper.WriteImage(image)),
    ("helper.ReadBytes(span)", () => helper.ReadBytes(target, start)),
    ("helper.WriteBytes(span)", () => helper.WriteBytes(content.AsSpan(), start)),
    ("helper.ReadImage(), a new array", () => helper.ReadImage()),
    ("accessor.ReadArray", () => accessor.ReadArray(start, target, 0, size)),
    ("accessor.WriteArray", () => accessor.WriteArray(start, content, 0, size)),
];
var times = new long[copies.Length, rounds];
var allocated = new long[copies.Length];
var random = new Random(2);
int[] order = Enumerable.Range(0, copies.Length).ToArray();

// The compiler optimizes a method after it was called some times.
const int Warm = 60;
for (int round = -Warm; round < rounds; round++)
{
    random.Shuffle(order);
    foreach (int index in order)
    {
        long bytes = GC.GetAllocatedBytesForCurrentThread();
        long begin = Stopwatch.GetTimestamp();
        copies[index].Copy();
        long end = Stopwatch.GetTimestamp();
        allocated[index] = GC.GetAllocatedBytesForCurrentThread() - bytes;
        if (round >= 0)
        {
            times[index, round] = (long)Stopwatch.GetElapsedTime(begin, end).TotalNanoseconds;
        }
    }
}

for (int index = 0; index < copies.Length; index++)
{
    IEnumerable<string> fields = Enumerable.Range(0, rounds)
        .Select(round => times[index, round])
        .Prepend(allocated[index])
        .Select(number => number.ToString(CultureInfo.InvariantCulture))
        .Prepend(copies[index].Name);
    Console.WriteLine(string.Join('\t', fields));
}
