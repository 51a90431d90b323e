using Xunit;

namespace SharedMemory.Tests;

/// <summary>Publishes and reads each value of channels.</summary>
public class ChannelQueueTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    [Fact]
    public void Each_consumer_gets_each_value_in_order()
    {
        string name = ChannelNames.New();
        using var channel = QueueChannel<Sample>.CreateOrOpen(name, new QueueChannelOptions { Slots = 3 });
        using var other = QueueChannel<Sample>.Open(name);
        using QueueWriter<Sample> writer = channel.OpenWriter();
        writer.Publish(new Sample { Id = 1 }, TimeSpan.Zero); // nobody reads it
        using QueueReader<Sample> first = channel.OpenReader();
        Assert.Equal((1L, WriterState.Alive), (first.SequenceNumber, first.WriterState));
        Assert.False(first.TryRead(out _));
        writer.Tag = 5;
        Assert.True(writer.TryWrite(new Sample { Id = 2 }));
        using QueueReader<Sample> second = other.OpenReader();
        Assert.True(writer.TryWrite(new Sample { Id = 3 }));
        Assert.True(writer.TryWrite(new Sample { Id = 4 }));
        Assert.False(writer.TryWrite(new Sample { Id = 5 }));
        Assert.Equal((4L, 1L), (writer.Published, writer.Epoch));
        Assert.Equal((3, 2), (first.Count, second.Count));
        Assert.True(first.TryPeek(out Sample value));
        Assert.Equal((2, 3), (value.Id, first.Count));
        Assert.Equal([2, 3, 4], Drain(first));
        Assert.Equal((4L, 5u), (first.SequenceNumber, first.Tag));
        Assert.InRange(first.Age, TimeSpan.Zero, s_soon);
        Assert.True(first.PublishedAt > 0);
        Assert.True(writer.TryWrite(new Sample { Id = 5 }));
        Assert.False(writer.TryWrite(new Sample { Id = 6 })); // the second one is behind now
        Assert.Equal([3, 4, 5], Drain(second));
        Assert.True(writer.TryWrite(new Sample { Id = 6 }));
        Assert.Equal([5, 6], Drain(first));
        Assert.Equal([6], Drain(second));
    }

    [Fact]
    public void A_full_queue_is_a_timeout()
    {
        using var channel = QueueChannel<byte[]>.Create(
            ChannelNames.New(), new QueueChannelOptions { Slots = 2, Capacity = 8 });
        using QueueReader<byte[]> reader = channel.OpenReader();
        using QueueWriter<byte[]> writer = channel.OpenWriter();
        writer.Publish([1], s_soon);
        writer.PublishBytes([2], s_soon);
        var timeout = TimeSpan.FromMilliseconds(150);
        Assert.Contains(channel.Name, Assert.Throws<TimeoutException>(() => writer.Publish([3], timeout)).Message);
        Assert.Throws<TimeoutException>(() => writer.PublishBytes([3], TimeSpan.Zero));
        Assert.Throws<TimeoutException>(() => writer.Loan(TimeSpan.Zero));
        Assert.False(writer.TryLoan(out _));
        Assert.Throws<ArgumentOutOfRangeException>(() => writer.Publish([3], TimeSpan.FromMilliseconds(-2)));
        Assert.True(reader.TryRead(out byte[] value));
        Assert.Equal([1], value);
        using (FrameLoan loan = writer.Loan(s_soon))
        {
            loan.Span[0] = 3;
            loan.Commit(1);
        }

        var buffer = new byte[4];
        Assert.Throws<ArgumentException>(() => reader.TryReadBytes(Span<byte>.Empty, out _));
        Assert.True(reader.TryReadBytes(buffer, out int length));
        Assert.Equal((1, 2), (length, buffer[0]));
        Assert.Equal([3], reader.Next(s_soon));
        Assert.Throws<TimeoutException>(() => reader.Next(TimeSpan.FromMilliseconds(50)));
    }

    [Fact]
    public void Arrays_have_a_shape()
    {
        using var channel = QueueChannel<double[]>.Create(
            ChannelNames.New(), new QueueChannelOptions { Capacity = 64, PlainArea = true, ReaderEntries = 1 });
        using QueueReader<double[]> reader = channel.OpenReader();
        Assert.Equal(1, Assert.Throws<ChannelFullException>(() => channel.OpenReader()).Limit);
        using QueueWriter<double[]> writer = channel.OpenWriter();
        writer.PublishArray<double>(new double[] { 1, 2 }, new long[] { 2, 1 }, s_soon);
        writer.Publish([3, 4, 5], s_soon);
        var buffer = new double[3];
        Assert.True(reader.TryReadArray(buffer.AsSpan(), out int count));
        Assert.Equal((2, 1.0, 2.0), (count, buffer[0], buffer[1]));
        Assert.Equal([2L, 1L], reader.Shape.ToArray());
        Assert.Equal([3.0, 4, 5], reader.Next(s_soon));
        Assert.Equal([3L], reader.Shape.ToArray());
        Assert.Throws<ArgumentException>(() => reader.TryReadArray(new float[3].AsSpan(), out _));
    }

    [Fact]
    public void A_writer_waits_for_the_consumer()
    {
        using var channel = QueueChannel<int>.Create(ChannelNames.New(), new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> reader = channel.OpenReader();
        const int count = 20_000;
        var writing = new Thread(() =>
        {
            using QueueWriter<int> writer = channel.OpenWriter();
            for (int number = 1; number <= count; number++)
            {
                writer.Publish(number, Timeout.InfiniteTimeSpan);
            }
        });
        writing.Start();
        for (int number = 1; number <= count; number++)
        {
            Assert.Equal(number, reader.Next(s_soon));
        }

        Assert.ThrowsAny<InvalidOperationException>(() => reader.Next(s_soon));
        Assert.False(reader.Wait(s_soon));
        Assert.Equal(WriterState.Closed, reader.WriterState);
        Assert.True(writing.Join(s_soon));
    }

    [Fact]
    public void A_closed_consumer_is_not_waited_for()
    {
        using var channel = QueueChannel<int>.Create(ChannelNames.New(), new QueueChannelOptions { Slots = 2 });
        QueueReader<int> reader = channel.OpenReader();
        using QueueWriter<int> writer = channel.OpenWriter();
        writer.Publish(1, s_soon);
        writer.Publish(2, s_soon);
        Assert.False(writer.TryWrite(3));
        reader.Dispose();
        Assert.True(writer.TryWrite(3));
        Assert.Throws<ObjectDisposedException>(() => reader.TryRead(out _));
        Assert.True(writer.TryComplete());
        Assert.False(writer.TryWrite(4));
        Assert.Throws<ObjectDisposedException>(() => writer.Publish(4, s_soon));
    }

    [Fact]
    public void A_consumer_whose_lock_is_free_is_forgotten()
    {
        string name = ChannelNames.New();
        using var channel = QueueChannel<int>.Create(name, new QueueChannelOptions { Slots = 2 });
        using var raw = new RawMap(name);
        using QueueWriter<int> writer = channel.OpenWriter();
        writer.Publish(1, s_soon);
        writer.Publish(2, s_soon);
        long entry = raw.Int64(raw.Length - 4096 + 56) + (3 * 128); // its process died
        raw.Write(entry + 16, [2, 0, 0, 0]);
        writer.Publish(3, s_soon);
        Assert.Equal(0, raw.Int32(entry + 16));
        raw.Write(entry + 16, [2, 0, 0, 0]);
        Assert.True(writer.TryWrite(4));
    }

    [Fact]
    public void A_damaged_queue_is_an_error()
    {
        string name = ChannelNames.New();
        using var channel = QueueChannel<int>.Create(name, new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> reader = channel.OpenReader();
        using QueueWriter<int> writer = channel.OpenWriter();
        writer.Publish(1, s_soon);
        using var raw = new RawMap(name);
        long descriptor = raw.Int64(raw.Length - 4096 + 48) + 128;
        raw.Write(descriptor, [3]);
        var error = Assert.Throws<MapFormatException>(() => reader.TryRead(out _));
        Assert.Equal(
            (FormatErrorKind.ChannelHeader, "stamp", descriptor, 3L, 2L),
            (error.Kind, error.Field, error.Offset, error.Value, error.Limit));
    }

    private static List<int> Drain(QueueReader<Sample> reader)
    {
        var found = new List<int>();
        while (reader.TryRead(out Sample value))
        {
            found.Add(value.Id);
        }

        return found;
    }
}
