using System.Runtime.InteropServices;
using System.Text;
using Xunit;

namespace SharedMemory.Tests;

#pragma warning disable CS0649 // the fields are not used

/// <summary>Compares the bytes of channels with numbers that were written by hand from docs/channels.md.</summary>
public class ChannelBytesTests
{
    private const int Header = 65536 - 4096;

    public static TheoryData<int, int, ulong, string, string, long, long> InvalidFields => new()
    {
        // offset, size, value, kind, field, shown value, limit
        { 8, 4, 2, FormatErrorKind.ChannelVersion, "major", 2, 1 },
        { 8, 4, 0, FormatErrorKind.ChannelVersion, "major", 0, 1 },
        { 8, 4, 0x01000000, FormatErrorKind.ChannelVersion, "major", 0x01000000, 1 }, // the other endianness
        { 16, 4, 2, FormatErrorKind.ChannelHeader, "discipline", 2, 1 },
        { 16, 4, uint.MaxValue, FormatErrorKind.ChannelHeader, "discipline", uint.MaxValue, 1 },
        { 20, 4, 2, FormatErrorKind.ChannelHeader, "slots", 2, 256 },
        { 20, 4, 257, FormatErrorKind.ChannelHeader, "slots", 257, 256 },
        { 20, 4, uint.MaxValue, FormatErrorKind.ChannelHeader, "slots", uint.MaxValue, 256 },
        { 24, 8, 0, FormatErrorKind.ChannelHeader, "capacity", 0, int.MaxValue },
        { 24, 8, 0x80000000, FormatErrorKind.ChannelHeader, "capacity", 0x80000000, int.MaxValue },
        { 24, 8, ulong.MaxValue, FormatErrorKind.ChannelHeader, "capacity", long.MaxValue, int.MaxValue },
        { 24, 8, 11, FormatErrorKind.ChannelHeader, "capacity", 11, 12 },
        { 24, 8, 129, FormatErrorKind.ChannelHeader, "stride", 128, 129 },
        { 32, 8, 0, FormatErrorKind.ChannelHeader, "stride", 0, 12 },
        { 32, 8, 64, FormatErrorKind.ChannelHeader, "stride", 64, 12 },
        { 32, 8, 129, FormatErrorKind.ChannelHeader, "stride", 129, 12 },
        { 32, 8, ulong.MaxValue, FormatErrorKind.ChannelHeader, "stride", long.MaxValue, 12 },
        { 32, 8, 1UL << 62, FormatErrorKind.ChannelHeader, "slots_at", 0, 0 },
        { 32, 8, 256, FormatErrorKind.ChannelHeader, "descriptors_at", 384, 768 },
        { 40, 8, 128, FormatErrorKind.ChannelHeader, "slots_at", 128, 4096 },
        { 40, 8, 61440, FormatErrorKind.ChannelHeader, "slots_at", 61440, 61440 - 384 },
        { 40, 8, 1UL << 63, FormatErrorKind.ChannelHeader, "slots_at", long.MaxValue, 61440 - 384 },
        { 48, 8, 1, FormatErrorKind.ChannelHeader, "descriptors_at", 1, 128 },
        { 48, 8, 61440 - 256, FormatErrorKind.ChannelHeader, "descriptors_at", 61440 - 256, 61440 - 384 },
        { 48, 8, 256, FormatErrorKind.ChannelHeader, "descriptors_at", 256, 384 },
        { 56, 8, 64, FormatErrorKind.ChannelHeader, "readers_at", 64, 128 },
        { 56, 8, 640, FormatErrorKind.ChannelHeader, "readers_at", 640, 768 },
        { 56, 8, 61440 - 4096 + 128, FormatErrorKind.ChannelHeader, "readers_at", 61440 - 4096 + 128, 61440 - 4096 },
        { 64, 4, 0, FormatErrorKind.ChannelHeader, "readers", 0, 64 },
        { 64, 4, 65, FormatErrorKind.ChannelHeader, "readers", 65, 64 },
        { 68, 4, 2, FormatErrorKind.ChannelHeader, "viewers", 2, 1 },
        { 72, 4, 4, FormatErrorKind.ChannelHeader, "content", 4, 3 },
        { 88, 8, 0, FormatErrorKind.ChannelHeader, "channel_id", 0, 1 },
        { 96, 8, 61441, FormatErrorKind.ChannelHeader, "plain", 61441, 61440 },
        { 96, 8, 1, FormatErrorKind.ChannelHeader, "slots_at", 0, 1 },
    };

    [Fact]
    public void The_header_of_a_struct_is_written()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using var raw = new RawMap(name);
        Assert.Equal(65536, raw.Length);
        byte[] expected =
        [
            .. "PYSHMCHN"u8, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0,
            12, 0, 0, 0, 0, 0, 0, 0, 128, 0, 0, 0, 0, 0, 0, 0, // capacity, stride
            0, 0, 0, 0, 0, 0, 0, 0, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, // 0, 384, 768
            32, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
            0x8B, 0xF3, 0x41, 0xBA, 0x51, 0x1D, 0x31, 0x3C, // of the text's SHA-256
        ];
        Assert.Equal(expected, raw.Read(Header, expected.Length));
        Assert.NotEqual(new byte[8], raw.Read(Header + 88, 8));
        Assert.Equal(new byte[1024 - 96], raw.Read(Header + 96, 1024 - 96));
        byte[] text = Encoding.UTF8.GetBytes("struct 12\n0 i4 id\n4 f4 x\n8 f4 y\n");
        Assert.Equal([(byte)text.Length, 0, 0, 0, .. text, 0], raw.Read(Header + 1024, 4 + text.Length + 1));
    }

    [Fact]
    public void The_parts_are_placed()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<byte[]>.Create(
            name, new LatestChannelOptions { Capacity = 5000, Pins = 2, Slots = 5, ReaderEntries = 3, PlainArea = true });
        Assert.Equal((5000, 5, 2), (channel.Capacity, channel.Slots, channel.Pins));
        using var raw = new RawMap(name);
        // 8192 for the plain area, 5 x 8192, 5 x 128, 3 x 128, 4096
        Assert.Equal(65536, raw.Length);
        Assert.Equal(
            [5000, 8192, 8192, 49152, 49792],
            Enumerable.Range(0, 5).Select(index => raw.Int64(Header + 24 + (8 * index))));
        Assert.Equal((3, 2, 0), (raw.Int32(Header + 64), raw.Int32(Header + 68), raw.Int32(Header + 72)));
        Assert.Equal(0, raw.Int64(Header + 80));
        Assert.Equal(8192, raw.Int64(Header + 96));
        Assert.Equal(0, raw.Int32(Header + 1024));
    }

    [Fact]
    public void A_queue_and_arrays_are_in_the_header()
    {
        string name = ChannelNames.New();
        using var channel = QueueChannel<float[]>.Create(name, new QueueChannelOptions { Capacity = 70000 });
        Assert.Equal((70000, 8, name), (channel.Capacity, channel.Slots, channel.Name));
        using var raw = new RawMap(name);
        // 8 x 73728 = 589824, 8 x 128, 32 x 128, 4096 are more than 9 x 65536
        Assert.Equal(655360, raw.Length);
        long header = 655360 - 4096;
        Assert.Equal((1, 8), (raw.Int32(header + 16), raw.Int32(header + 20)));
        Assert.Equal((32, 0, 3), (raw.Int32(header + 64), raw.Int32(header + 68), raw.Int32(header + 72)));
        Assert.Equal([0x6D, 0, 0x4B, 0x53, 0x0B, 0x15, 0x44, 0x84], raw.Read(header + 80, 8));
        Assert.Equal("\n\0\0\0array <f4\n", Encoding.ASCII.GetString(raw.Read(header + 1024, 14)));
    }

    [Theory]
    [MemberData(nameof(InvalidFields))]
    public void A_field_out_of_range_is_described(
        int offset, int size, ulong value, string kind, string field, long shown, long limit)
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using var raw = new RawMap(name);
        raw.Write(Header + offset, BitConverter.GetBytes(value).Take(size).ToArray());
        var error = Assert.Throws<MapFormatException>(() => LatestChannel<Sample>.Open(name));
        Assert.Equal((kind, field, shown, limit), (error.Kind, error.Field, error.Value, error.Limit));
        int at = field switch { "stride" => 32, "slots_at" => 40, "descriptors_at" => 48, _ => offset };
        Assert.Equal(Header + at, error.Offset);
    }

    [Theory]
    [InlineData(12, 7, 4)] // a higher minor version
    [InlineData(104, 1, 1)] // bytes without a name
    [InlineData(76, 255, 1)]
    [InlineData(40, 0x5000, 8)] // the slots elsewhere
    [InlineData(96, 0, 8)]
    public void What_is_allowed_is_opened(int offset, int value, int size)
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using var raw = new RawMap(name);
        raw.Write(Header + offset, BitConverter.GetBytes((long)value).Take(size).ToArray());
        using var opened = LatestChannel<Sample>.Open(name);
        Assert.Equal(12, opened.Capacity);
    }

    [Fact]
    public void A_map_that_is_not_a_channel_is_refused()
    {
        foreach (long size in new long[] { 1, 4096, 65535, 65537, 100_000 })
        {
            string name = ChannelNames.New();
            using NamedMap map = NamedMap.CreateNew(name, size);
            var error = Assert.Throws<MapFormatException>(() => LatestChannel<Sample>.Open(name));
            Assert.Equal(
                (FormatErrorKind.NotAChannel, "length", null, size, 65536L),
                (error.Kind, error.Field, error.Offset, error.Value, error.Limit));
        }

        string other = ChannelNames.New();
        using var raw = new RawMap(other, 65536);
        raw.Write(Header, Encoding.ASCII.GetBytes("PYSHMCHM"));
        var wrong = Assert.Throws<MapFormatException>(() => QueueChannel<byte[]>.Open(other));
        Assert.Equal((FormatErrorKind.NotAChannel, "magic", Header), (wrong.Kind, wrong.Field, wrong.Offset));
    }

    [Fact]
    public async Task A_channel_without_its_magic_is_waited_for()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using var raw = new RawMap(name);
        raw.Write(Header, new byte[8]);
        Task<LatestChannel<Sample>> opening = Task.Run(() => LatestChannel<Sample>.Open(name));
        Assert.NotSame(opening, await Task.WhenAny(opening, Task.Delay(200)));
        raw.Write(Header, Encoding.ASCII.GetBytes("PYSHMCHN"));
        (await opening).Dispose();
    }

    [Fact]
    public void A_channel_that_is_never_finished_is_refused()
    {
        string name = ChannelNames.New();
        using NamedMap map = NamedMap.CreateNew(name, 65536);
        var error = Assert.Throws<MapFormatException>(() => LatestChannel<Sample>.Open(name));
        Assert.Equal((FormatErrorKind.NotAChannel, "magic", 0), (error.Kind, error.Field, error.Value));
    }

    [Fact]
    public void A_long_text_is_cut_after_a_line()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Long>.Create(name);
        using var raw = new RawMap(name);
        long header = raw.Length - 4096;
        int length = raw.Int32(header + 1024);
        string text = Encoding.UTF8.GetString(raw.Read(header + 1028, length));
        // "struct 2400\n", and lines such as "1234 i4 items[100].first\n", of which the last ones are cut.
        Assert.StartsWith("struct 2400\n0 i4 items[0].first\n4 i4 items[0].second\n", text);
        Assert.EndsWith("\n", text);
        Assert.InRange(length, 3068 - 30, 3068);
        using var opened = LatestChannel<Long>.Open(name);
    }

    [Fact]
    public void A_text_with_a_wrong_length_is_refused_where_it_is_read()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using var raw = new RawMap(name);
        raw.Write(Header + 1024, [0xFD, 0x0B, 0, 0]);
        var error = Assert.Throws<MapFormatException>(() => LatestChannel<double>.Open(name));
        Assert.Equal(
            (FormatErrorKind.ChannelHeader, "text_length", Header + 1024L, 3069L, 3068L),
            (error.Kind, error.Field, error.Offset, error.Value, error.Limit));
    }

    [Fact]
    public void A_channel_that_carries_something_else_names_both()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        string message = TypeError(() => LatestChannel<double>.Open(name), "type");
        Assert.Contains("struct 12, 0 i4 id, 4 f4 x, 8 f4 y", message);
        Assert.Contains("struct 8, 0 f8 value", message);
        message = TypeError(() => LatestChannel<byte[]>.Open(name), "content");
        Assert.Contains("opened for bytes", message);
        message = TypeError(() => LatestChannel<ImageData>.Open(name), "content");
        Assert.Contains("opened for image blobs", message);
        message = TypeError(() => LatestChannel<float[]>.Open(name), "content");
        Assert.Contains("opened for array <f4", message);
        message = TypeError(() => QueueChannel<Sample>.Open(name), "discipline");
        Assert.Contains("is a LatestChannel, and is opened as a QueueChannel", message);
        using var same = LatestChannel<SameSample>.Open(name);
    }

    [Fact]
    public void A_smaller_channel_is_refused_and_a_larger_one_is_not()
    {
        string name = ChannelNames.New();
        using var channel = QueueChannel<byte[]>.Create(name, new QueueChannelOptions { Capacity = 100 });
        using var smaller = QueueChannel<byte[]>.CreateOrOpen(name, new QueueChannelOptions { Capacity = 99 });
        Assert.Equal(100, smaller.Capacity);
        string message = TypeError(
            () => QueueChannel<byte[]>.CreateOrOpen(name, new QueueChannelOptions { Capacity = 101 }), "capacity");
        Assert.Contains("100", message);
        Assert.Contains("101", message);
    }

    [Fact]
    public void Options_are_checked()
    {
        AssertOption("Pins", new LatestChannelOptions { Pins = -1 });
        AssertOption("Pins", new LatestChannelOptions { Pins = 65 });
        AssertOption("Slots", new LatestChannelOptions { Slots = 2 });
        AssertOption("Slots", new LatestChannelOptions { Slots = 257 });
        AssertOption("Slots", new LatestChannelOptions { Pins = 3, Slots = 4 });
        AssertOption("ReaderEntries", new LatestChannelOptions { ReaderEntries = 0 });
        AssertOption("ReaderEntries", new LatestChannelOptions { ReaderEntries = 65 });
        AssertOption("ReaderEntries", new LatestChannelOptions { Pins = 3, ReaderEntries = 2 });
        AssertOption("asked", new LatestChannelOptions { Capacity = 11 });
        AssertOption("asked", new LatestChannelOptions { Capacity = 1L << 31 });
        foreach (QueueChannelOptions options in new QueueChannelOptions[]
        {
            new() { Slots = 1 }, new() { Slots = 257 }, new() { ReaderEntries = 0 }, new() { ReaderEntries = 65 },
        })
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                () => QueueChannel<Sample>.Create(ChannelNames.New(), options));
        }

        Assert.Throws<ArgumentException>(() => LatestChannel<byte[]>.Create(ChannelNames.New()));
        Assert.Throws<ArgumentException>(() => LatestChannel<byte[]>.Create("a/b", new() { Capacity = 1 }));
        Assert.Throws<NotSupportedException>(() => LatestChannel<string>.Create(ChannelNames.New()));
        Assert.Throws<NotSupportedException>(() => LatestChannel<Sample[]>.Create(ChannelNames.New()));
    }

    private static void AssertOption(string name, LatestChannelOptions options) => Assert.Equal(
        name,
        Assert.Throws<ArgumentOutOfRangeException>(
            () => LatestChannel<Sample>.Create(ChannelNames.New(), options)).ParamName);

    private static string TypeError(Func<object> open, string field)
    {
        var error = Assert.Throws<MapFormatException>(open);
        Assert.Equal((FormatErrorKind.ChannelType, field), (error.Kind, error.Field));
        return error.Message;
    }

    private struct Pair
    {
        public int First;
        public int Second;
    }

    private struct Long
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 300)]
        public Pair[] Items;
    }

    // The names differ only as those of two languages do.
    private struct SameSample
    {
        public int ID { get; set; }

        public float _x;
        public float Y_;
    }
}
