using System.Runtime.InteropServices;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Publishes and reads the newest value of channels.</summary>
public class ChannelLatestTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_struct_is_published_and_read_once()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.CreateOrOpen(name);
        using var other = LatestChannel<Sample>.CreateOrOpen(name);
        Assert.Equal(name, other.Name);
        using LatestReader<Sample> reader = other.OpenReader();
        Assert.Equal(WriterState.None, reader.WriterState);
        Assert.False(reader.TryRead(out Sample value));
        Assert.False(reader.TryPeek(out value));
        using LatestWriter<Sample> writer = channel.OpenWriter();
        Assert.Equal((0L, 1L), (writer.Published, writer.Epoch));
        writer.Tag = 7;
        writer.Publish(new Sample { Id = 1, X = 2, Y = 3 });
        Assert.True(reader.TryPeek(out value));
        Assert.Equal(new Sample { Id = 1, X = 2, Y = 3 }, value);
        Assert.Equal(0, reader.SequenceNumber);
        Assert.True(reader.TryRead(out value));
        Assert.Equal(new Sample { Id = 1, X = 2, Y = 3 }, value);
        Assert.Equal((1L, 0L, 0L, 7u), (reader.SequenceNumber, reader.Skipped, reader.Retries, reader.Tag));
        Assert.False(reader.TryRead(out _));
        for (int id = 2; id <= 5; id++)
        {
            writer.Publish(new Sample { Id = id });
        }

        Assert.True(reader.TryRead(out value));
        Assert.Equal((5, 5L, 3L), (value.Id, reader.SequenceNumber, reader.Skipped));
        Assert.Equal(5, writer.Published);
        Assert.InRange(reader.Age, TimeSpan.Zero, s_soon);
        Assert.True(reader.PublishedAt > 0);
        Assert.Equal(WriterState.Alive, reader.WriterState);
    }

    [Fact]
    public void An_array_that_is_too_short_is_refused_and_nothing_is_published()
    {
        using var channel = LatestChannel<Cells>.Create(ChannelNames.New());
        using LatestWriter<Cells> writer = channel.OpenWriter();
        var error = Assert.Throws<ArgumentException>(() => writer.Publish(new Cells { Numbers = [1, 2] }));
        Assert.Contains("Cells.Numbers has 2 elements, its ByValArray 3.", error.Message, StringComparison.Ordinal);
        Assert.Equal(0, writer.Published);
        writer.Publish(new Cells { Numbers = [1, 2, 3] });
        Assert.Equal(1, writer.Published);
    }

    [Fact]
    public void The_bytes_of_a_value_are_where_the_page_says()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using LatestWriter<Sample> writer = channel.OpenWriter();
        writer.Tag = 0x01020304;
        writer.Publish(new Sample { Id = 5, X = 1, Y = -2 });
        using var raw = new RawMap(name);
        Assert.Equal([5, 0, 0, 0, 0, 0, 0x80, 0x3F, 0, 0, 0, 0xC0, 0], raw.Read(128, 13));
        Assert.Equal([2, 0, 0, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0], raw.Read(512, 16));
        Assert.Equal([4, 3, 2, 1, .. new byte[128 - 28]], raw.Read(512 + 24, 128 - 24));
        const int header = 65536 - 4096;
        Assert.Equal([1, 0, 0, 0, 0, 0, 0, 1], raw.Read(header + 128, 8)); // value 1 in slot 1
        Assert.Equal((1, 1), (raw.Int32(header + 384), raw.Int32(header + 396)));
        writer.Publish(new Sample { Id = 6 });
        Assert.Equal([2, 0, 0, 0, 0, 0, 0, 2], raw.Read(header + 128, 8)); // value 2 in slot 2
        Assert.Equal(4, raw.Int64(384 + 256));
        writer.Dispose();
        Assert.Equal(2, raw.Int32(header + 396));
    }

    [Fact]
    public void Bytes_and_pictures_are_exchanged()
    {
        using var bytes = LatestChannel<byte[]>.Create(ChannelNames.New(), new() { Capacity = 10 });
        using LatestWriter<byte[]> writer = bytes.OpenWriter();
        using LatestReader<byte[]> reader = bytes.OpenReader();
        writer.Publish([1, 2, 3]);
        Assert.True(reader.TryRead(out byte[] value));
        Assert.Equal([1, 2, 3], value);
        writer.PublishBytes([4, 5]);
        Assert.Throws<ArgumentException>(() => reader.TryReadBytes(new byte[1], out _));
        var buffer = new byte[3];
        Assert.True(reader.TryReadBytes(buffer, out int length));
        Assert.Equal((2, 4, 5, 0), (length, buffer[0], buffer[1], buffer[2]));
        writer.Publish([]);
        Assert.True(reader.TryRead(out value));
        Assert.Empty(value);
        var error = Assert.Throws<MapFormatException>(() => writer.Publish(new byte[11]));
        Assert.Equal((FormatErrorKind.DoesNotFit, 11L, 10L), (error.Kind, error.Value, error.Limit));
        Assert.Throws<ArgumentNullException>(() => writer.Publish(null!));

        using var pictures = LatestChannel<ImageData>.Create(ChannelNames.New(), new() { Capacity = 100 });
        using LatestWriter<ImageData> painter = pictures.OpenWriter();
        using LatestReader<ImageData> viewer = pictures.OpenReader();
        painter.Publish(new ImageData("é.png", new byte[] { 7, 8, 9 }));
        Assert.True(viewer.TryRead(out ImageData image));
        Assert.Equal("é.png", image.Path);
        Assert.Equal([7, 8, 9], image.Content.ToArray());
    }

    [Fact]
    public void An_array_of_bytes_has_a_shape_and_is_not_any_bytes()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Memory<byte>>.Create(name, new() { Capacity = 6 });
        using LatestWriter<Memory<byte>> writer = channel.OpenWriter();
        using LatestReader<Memory<byte>> reader = channel.OpenReader();
        writer.PublishArray<byte>([1, 2, 3, 4, 5, 6], [2, 3]);
        Assert.True(reader.TryRead(out Memory<byte> value));
        Assert.Equal([1, 2, 3, 4, 5, 6], value.ToArray());
        Assert.Equal([2L, 3L], reader.Shape.ToArray());
        using var raw = new RawMap(name);
        byte[] expected = [.. "|u1"u8, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3];
        Assert.Equal(expected, raw.Read(384 + 128 + 32, expected.Length));

        writer.Publish(new byte[] { 7, 8 });
        Assert.True(reader.TryRead(out value));
        Assert.Equal([7, 8], value.ToArray());
        Assert.Equal([2L], reader.Shape.ToArray());
        writer.Publish(default);
        Assert.True(reader.TryRead(out value));
        Assert.True(value.IsEmpty);
        Assert.Throws<InvalidOperationException>(() => writer.PublishBytes([1, 2]));
        Assert.Throws<MapFormatException>(() => LatestChannel<byte[]>.Open(name));
    }

    [Fact]
    public void Arrays_have_a_type_and_a_shape()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<short[]>.Create(name, new() { Capacity = 24 });
        using LatestWriter<short[]> writer = channel.OpenWriter();
        using LatestReader<short[]> reader = channel.OpenReader();
        writer.Publish([1, 2, 3]);
        Assert.True(reader.TryRead(out short[] value));
        Assert.Equal([1, 2, 3], value);
        Assert.Equal([3L], reader.Shape.ToArray());
        ReadOnlySpan<short> elements = [1, 2, 3, 4, 5, 6];
        ReadOnlySpan<long> shape = [2, 3];
        writer.PublishArray(elements, shape);
        var destination = new short[7];
        Assert.True(reader.TryReadArray(destination.AsSpan(), out int count));
        Assert.Equal([1, 2, 3, 4, 5, 6, 0], destination);
        Assert.Equal(6, count);
        Assert.Equal([2L, 3L], reader.Shape.ToArray());
        using var raw = new RawMap(name);
        byte[] expected = [.. "<i2"u8, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 3];
        Assert.Equal(expected, raw.Read(384 + 256 + 32, expected.Length));

        writer.PublishArray(ReadOnlySpan<short>.Empty, [5, 0]);
        Assert.True(reader.TryRead(out value));
        Assert.Empty(value);
        Assert.Throws<ArgumentException>(() => writer.PublishArray<short>(new short[5], new long[] { 2, 3 }));
        Assert.Throws<ArgumentException>(() => writer.PublishArray<ushort>(new ushort[6], new long[] { 2, 3 }));
        Assert.Throws<ArgumentException>(() => writer.PublishArray<short>(new short[1], new long[] { -1 }));
        Assert.Throws<ArgumentException>(() => writer.PublishArray<short>(new short[1], new long[9]));
        Assert.Throws<MapFormatException>(() => writer.Publish(new short[13]));
        Assert.Throws<InvalidOperationException>(() => writer.PublishBytes([1, 2]));
        Assert.Throws<ArgumentException>(() => reader.TryReadArray(new ushort[6].AsSpan(), out _));
    }

    [Fact]
    public void A_struct_is_marshalled_where_it_must_be()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Marshalled>.Create(name);
        Assert.Equal(12, channel.Capacity);
        using LatestWriter<Marshalled> writer = channel.OpenWriter();
        using LatestReader<Marshalled> reader = channel.OpenReader();
        writer.Publish(new Marshalled { Flag = true, Text = "ab" });
        using var raw = new RawMap(name);
        Assert.Equal([1, 0, 0, 0, (byte)'a', (byte)'b', 0, 0, 0, 0, 0, 0], raw.Read(128, 12)); // in slot 1
        Assert.True(reader.TryRead(out Marshalled value));
        Assert.Equal((true, "ab"), (value.Flag, value.Text));
        writer.PublishBytes([2, 0, 0, 0, (byte)'c', 0, 0, 0, 0, 0, 0, 0]);
        Assert.True(reader.TryRead(out value));
        Assert.Equal((true, "c"), (value.Flag, value.Text));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.PublishBytes([1, 2]));
        using var checkedValues = LatestChannel<TestData>.Create(ChannelNames.New());
        using LatestWriter<TestData> checking = checkedValues.OpenWriter();
        Assert.Throws<MapFormatException>(() => checking.Publish(default));
        checking.Publish(TestData.Create(1, 2, new long[10]));
    }

    [Fact]
    public void A_channel_has_one_writer_at_a_time()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<Sample>.Create(name);
        using LatestReader<Sample> reader = channel.OpenReader();
        using (LatestWriter<Sample> first = channel.OpenWriter())
        {
            first.Publish(new Sample { Id = 1 });
            Assert.IsAssignableFrom<IOException>(
                Assert.Throws<WriterAliveException>(() => channel.OpenWriter()));
            using var other = LatestChannel<Sample>.Open(name);
            Assert.Contains(name, Assert.Throws<WriterAliveException>(() => other.OpenWriter()).Message);
        }

        Assert.Equal(WriterState.Closed, reader.WriterState);
        using LatestWriter<Sample> second = channel.OpenWriter();
        Assert.Equal((1L, 2L), (second.Published, second.Epoch));
        second.Publish(new Sample { Id = 2 });
        Assert.True(reader.TryRead(out Sample value));
        Assert.Equal((2, 2L, WriterState.Alive), (value.Id, reader.SequenceNumber, reader.WriterState));
    }

    [Fact]
    public void A_loan_is_published_by_its_commit_alone()
    {
        using var channel = LatestChannel<Sample>.Create(ChannelNames.New());
        using LatestWriter<Sample> writer = channel.OpenWriter();
        using LatestReader<Sample> reader = channel.OpenReader();
        using (FrameLoan loan = writer.Loan())
        {
            Assert.Equal(12, loan.Span.Length);
            loan.As<Sample>()[0] = new Sample { Id = 1 };
            Assert.Throws<InvalidOperationException>(() => writer.Publish(default));
            Assert.False(reader.TryRead(out _));
            loan.Commit();
            Assert.True(reader.TryRead(out Sample value));
            Assert.Equal(1, value.Id);
            Assert.Throws<ObjectDisposedException>(() => loan.Commit());
        }

        using (FrameLoan abandoned = writer.Loan())
        {
            abandoned.As<Sample>()[0] = new Sample { Id = 2 };
        }

        Assert.False(reader.TryRead(out _));
        Assert.True(writer.TryLoan(out FrameLoan next));
        next.As<Sample>()[0] = new Sample { Id = 3 };
        Assert.Throws<ArgumentOutOfRangeException>(() => next.Commit(11));
        next.Commit(12);
        next.Dispose();
        Assert.True(reader.TryRead(out Sample last));
        Assert.Equal((3, 2L, 0L), (last.Id, reader.SequenceNumber, reader.Skipped));

        using var arrays = LatestChannel<int[]>.Create(ChannelNames.New(), new() { Capacity = 16 });
        using LatestWriter<int[]> arrayWriter = arrays.OpenWriter();
        using LatestReader<int[]> arrayReader = arrays.OpenReader();
        using FrameLoan frame = arrayWriter.Loan();
        Span<int> elements = frame.As<int>();
        Assert.Equal(4, elements.Length);
        elements[0] = 8;
        elements[1] = 9;
        Assert.Throws<InvalidOperationException>(() => frame.Commit(8));
        Assert.Throws<InvalidOperationException>(() => frame.Commit());
        frame.Commit(new long[] { 1, 2 });
        Assert.True(arrayReader.TryRead(out int[] array));
        Assert.Equal([8, 9], array);
        Assert.Equal([1L, 2L], arrayReader.Shape.ToArray());
    }

    [Fact]
    public void A_frame_is_held_while_the_writer_goes_on()
    {
        using var channel = LatestChannel<int[]>.Create(ChannelNames.New(), new() { Capacity = 8, Pins = 2 });
        using LatestViewer<int[]> viewer = channel.OpenViewer();
        Assert.False(viewer.TryHold(out _));
        Assert.Throws<InvalidOperationException>(() => viewer.Hold());
        Assert.Equal(WriterState.None, viewer.WriterState);
        using LatestWriter<int[]> writer = channel.OpenWriter();
        writer.Tag = 9;
        writer.Publish([1, 2]);
        FrameLease lease = viewer.Hold();
        for (int number = 0; number < 10; number++)
        {
            writer.Publish([number, number]);
        }

        Assert.Equal([1, 0, 0, 0, 2, 0, 0, 0], lease.Span.ToArray());
        Assert.Equal([1, 2], lease.As<int>().ToArray());
        Assert.Equal([1, 0, 0, 0, 2, 0, 0, 0], lease.Memory.ToArray());
        Assert.Equal([2L], lease.Shape.ToArray());
        Assert.Equal(("<i4", 1L, 9u), (lease.ElementType, lease.SequenceNumber, lease.Tag));
        Assert.InRange(lease.Age, TimeSpan.Zero, s_soon);
        Assert.True(lease.PublishedAt > 0);
        Assert.Throws<InvalidOperationException>(() => viewer.Hold());
        using LatestViewer<int[]> second = channel.OpenViewer();
        using FrameLease newest = second.Hold();
        Assert.Equal((11L, 9), (newest.SequenceNumber, newest.As<int>()[0]));
        var full = Assert.Throws<ChannelFullException>(() => channel.OpenViewer());
        Assert.Equal(2, full.Limit);
        writer.Publish([5, 5]);
        Assert.Equal((1, 9), (lease.As<int>()[0], newest.As<int>()[0]));
        ReadOnlyMemory<byte> memory = lease.Memory;
        lease.Dispose();
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => lease.SequenceNumber);
        Assert.Throws<ObjectDisposedException>(() => memory.Span.Length);
        Assert.Throws<ObjectDisposedException>(() => default(FrameLease).SequenceNumber);
        Assert.True(viewer.Wait(TimeSpan.Zero));
        Assert.True(viewer.TryHold(out FrameLease next));
        Assert.Equal((12L, 10L, 0L), (next.SequenceNumber, viewer.Skipped, viewer.Retries));
        next.Dispose();
        Assert.False(viewer.Wait(TimeSpan.Zero));
    }

    [Fact]
    public void A_pinned_memory_keeps_its_frame()
    {
        using var channel = LatestChannel<byte[]>.Create(ChannelNames.New(), new() { Capacity = 8 });
        using LatestViewer<byte[]> viewer = channel.OpenViewer();
        using LatestWriter<byte[]> writer = channel.OpenWriter();
        writer.Publish([1, 2]);
        FrameLease lease = viewer.Hold();
        System.Buffers.MemoryHandle handle = lease.Memory.Pin();
        lease.Dispose();
        writer.Publish([3, 4]);
        writer.Publish([5, 6]);
        writer.Publish([7, 8]);
        unsafe
        {
            Assert.Equal(1, *(byte*)handle.Pointer);
        }

        Assert.Throws<InvalidOperationException>(() => viewer.Hold());
        handle.Dispose();
        using FrameLease next = viewer.Hold();
        Assert.Equal([7, 8], next.Span.ToArray());
    }

    [Fact]
    public void The_plain_area_has_the_newest_value()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<ImageData>.Create(name, new() { Capacity = 100, PlainArea = true });
        using LatestWriter<ImageData> writer = channel.OpenWriter();
        using var helper = new ShareMemoryHelper(name, 65536);
        helper.Open();
        writer.Publish(new ImageData("a", new byte[] { 1 }));
        Assert.Equal("a", helper.ReadImage().Path);
        writer.Publish(new ImageData("bc", new byte[] { 2, 3 }));
        Assert.Equal("bc", helper.ReadImage().Path);
        using var structs = LatestChannel<Sample>.Create(ChannelNames.New(), new() { PlainArea = true });
        using LatestWriter<Sample> structWriter = structs.OpenWriter();
        structWriter.Publish(new Sample { Id = 4 });
        using var raw = new RawMap(structs.Name);
        Assert.Equal(4, raw.Int32(0));
    }

    [Fact]
    public void The_channel_lives_as_long_as_its_ends()
    {
        string name = ChannelNames.New();
        LatestChannel<Sample> channel = LatestChannel<Sample>.Create(name);
        LatestWriter<Sample> writer = channel.OpenWriter();
        LatestReader<Sample> reader = channel.OpenReader();
        channel.Dispose();
        channel.Dispose();
        Assert.Throws<ObjectDisposedException>(() => channel.OpenWriter());
        Assert.Throws<ObjectDisposedException>(() => channel.OpenReader());
        Assert.Throws<ObjectDisposedException>(() => channel.OpenViewer());
        writer.Publish(new Sample { Id = 3 });
        writer.Dispose();
        writer.Dispose();
        Assert.True(reader.TryRead(out Sample value));
        Assert.Equal(3, value.Id);
        Assert.NotEmpty(Directory.GetFiles("/dev/shm", name));
        reader.Dispose();
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
        Assert.Throws<ObjectDisposedException>(() => reader.WriterState);
        Assert.Throws<ObjectDisposedException>(() => writer.Publish(default));
        Assert.False(writer.TryWrite(default));
        Assert.Empty(Directory.GetFiles("/dev/shm", name));
    }

    [Fact]
    public void A_writer_is_also_closed_by_its_completion()
    {
        using var channel = LatestChannel<Sample>.Create(ChannelNames.New());
        using LatestWriter<Sample> writer = channel.OpenWriter();
        Assert.True(writer.TryWrite(new Sample { Id = 1 }));
        Assert.True(writer.TryComplete());
        Assert.False(writer.TryComplete());
        using LatestReader<Sample> reader = channel.OpenReader();
        Assert.Equal(1, reader.Next(s_soon).Id);
        Assert.ThrowsAny<InvalidOperationException>(() => reader.Next(s_soon));
    }

    private struct Marshalled
    {
        public bool Flag;

        [MarshalAs(UnmanagedType.ByValTStr, SizeConst = 8)]
        public string Text;
    }

    private struct Cells
    {
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = 3)]
        public int[] Numbers;
    }
}
