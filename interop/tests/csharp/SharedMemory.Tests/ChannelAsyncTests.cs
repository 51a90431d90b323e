using System.Threading.Channels;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Uses channels as the channels of .NET, and counts what they allocate.</summary>
public class ChannelAsyncTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_queue_is_a_channel_of_dotnet()
    {
        using var channel = QueueChannel<int>.Create(ChannelNames.New(), new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> reader = channel.OpenReader();
        Task writing = Task.Run(() => WriteAll(channel.OpenWriter(), 1000));
        Assert.Equal(Enumerable.Range(1, 1000), await ReadAll(reader));
        await writing;
        await reader.Completion.WaitAsync(s_soon);
        Assert.True(((ChannelReader<int>)reader).CanCount);
        Assert.True(((ChannelReader<int>)reader).CanPeek);
        Assert.Equal(0, reader.Count);
        Assert.False(await reader.WaitToReadAsync());
        await Assert.ThrowsAsync<ChannelClosedException>(async () => await reader.ReadAsync());
        Assert.Throws<ChannelClosedException>(() => reader.Next(s_soon));
    }

    [Fact]
    public async Task The_newest_value_is_a_channel_of_dotnet()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        using LatestReader<int> reader = channel.OpenReader();
        using LatestWriter<int> writer = channel.OpenWriter();
        ValueTask<bool> waiting = reader.WaitToReadAsync();
        Assert.False(waiting.IsCompleted);
        Assert.False(reader.TryRead(out _)); // a read during the wait is allowed
        Assert.True(await writer.WaitToWriteAsync());
        await writer.WriteAsync(1);
        Assert.True(await waiting);
        Assert.Equal(1, await reader.ReadAsync());
        ValueTask<int> reading = reader.ReadAsync();
        writer.Publish(2);
        Assert.Equal(2, await reading);
        Assert.True(reader.CanPeek);
        Task<List<int>> all = ReadAll(reader);
        Assert.False(reader.Completion.IsCompleted);
        writer.Publish(3);
        writer.Complete();
        Assert.Equal([3], await all);
        await reader.Completion.WaitAsync(s_soon);
        Assert.False(await writer.WaitToWriteAsync());
        await Assert.ThrowsAsync<ChannelClosedException>(async () => await writer.WriteAsync(4));
    }

    [Fact]
    public async Task An_asynchronous_wait_is_canceled()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        using LatestReader<int> reader = channel.OpenReader();
        using var source = new CancellationTokenSource();
        Task<bool> waiting = reader.WaitToReadAsync(source.Token).AsTask();
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(s_soon));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(
            async () => await reader.WaitToReadAsync(source.Token));
        Task<bool> next = reader.WaitToReadAsync().AsTask();
        reader.Dispose();
        await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => next.WaitAsync(s_soon));
        await reader.Completion.WaitAsync(s_soon);
    }

    [Fact]
    public async Task A_full_queue_is_waited_for()
    {
        using var channel = QueueChannel<int>.Create(ChannelNames.New(), new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> reader = channel.OpenReader();
        QueueWriter<int> writer = channel.OpenWriter();
        await writer.WriteAsync(1);
        await writer.WriteAsync(2);
        using var source = new CancellationTokenSource();
        Task waiting = writer.WriteAsync(3, source.Token).AsTask();
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting.WaitAsync(s_soon));
        waiting = writer.WriteAsync(3).AsTask();
        Assert.Equal(1, await reader.ReadAsync());
        await waiting.WaitAsync(s_soon);
        Task<bool> room = writer.WaitToWriteAsync().AsTask();
        writer.Dispose();
        Assert.False(await room.WaitAsync(s_soon));
        Assert.Equal([2, 3], await ReadAll(reader));
    }

    [Fact]
    public void A_frame_allocates_nothing()
    {
        using var channel = LatestChannel<Sample>.Create(ChannelNames.New());
        using LatestWriter<Sample> writer = channel.OpenWriter();
        using LatestReader<Sample> reader = channel.OpenReader();
        using LatestViewer<Sample> viewer = channel.OpenViewer();
        var buffer = new byte[12];
        AssertAllocatesNothing(() =>
        {
            writer.Publish(new Sample { Id = 1 });
            reader.TryRead(out _);
            writer.PublishBytes(buffer);
            reader.TryReadBytes(buffer, out _);
            using (FrameLoan loan = writer.Loan())
            {
                loan.As<Sample>()[0].Id = 2;
                loan.Commit();
            }

            reader.Wait(s_soon);
            using FrameLease lease = viewer.Hold();
            return lease.Span.Length + lease.Shape.Length + (int)lease.SequenceNumber;
        });

        using var arrays = LatestChannel<float[]>.Create(ChannelNames.New(), new() { Capacity = 4096 });
        using LatestWriter<float[]> arrayWriter = arrays.OpenWriter();
        using LatestReader<float[]> arrayReader = arrays.OpenReader();
        using LatestViewer<float[]> arrayViewer = arrays.OpenViewer();
        var elements = new float[1024];
        long[] shape = [32, 32];
        AssertAllocatesNothing(() =>
        {
            arrayWriter.PublishArray<float>(elements, shape);
            return 0;
        });
        AssertAllocatesNothing(() => arrayReader.TryReadArray(elements.AsSpan(), out int count) ? count : 0);
        AssertAllocatesNothing(() =>
        {
            using FrameLease lease = arrayViewer.Hold();
            return lease.As<float>().Length + lease.ElementType.Length + arrayReader.Shape.Length;
        });

        using var queue = QueueChannel<Sample>.Create(ChannelNames.New());
        using QueueReader<Sample> consumer = queue.OpenReader();
        using QueueWriter<Sample> producer = queue.OpenWriter();
        AssertAllocatesNothing(() =>
        {
            producer.Publish(new Sample { Id = 1 }, s_soon);
            producer.TryWrite(new Sample { Id = 2 });
            consumer.TryRead(out _);
            return consumer.TryReadBytes(buffer, out int length) ? length : 0;
        });
    }

    private static void AssertAllocatesNothing(Func<int> action)
    {
        for (int warmUp = 0; warmUp < 100; warmUp++)
        {
            action();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int round = 0; round < 1000; round++)
        {
            action();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static async Task WriteAll(QueueWriter<int> writer, int count)
    {
        using (writer)
        {
            for (int number = 1; number <= count; number++)
            {
                await writer.WriteAsync(number);
            }
        }
    }

    private static async Task<List<int>> ReadAll(ChannelReader<int> reader)
    {
        var found = new List<int>();
        await foreach (int value in reader.ReadAllAsync())
        {
            found.Add(value);
        }

        return found;
    }
}
