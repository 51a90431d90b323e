using System.Diagnostics;
using Xunit;

namespace SharedMemory.Tests;

/// <summary>Waits for values, for the end, and for writers that die.</summary>
public class ChannelWaitTests
{
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_never = Timeout.InfiniteTimeSpan;

    [Fact]
    public void A_wait_ends_with_the_next_value()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        using LatestReader<int> reader = channel.OpenReader();
        using LatestWriter<int> writer = channel.OpenWriter();
        Assert.False(reader.Wait(TimeSpan.Zero));
        Assert.False(reader.Wait(TimeSpan.FromMilliseconds(20)));
        const int count = 5000;
        using var answered = new SemaphoreSlim(0);
        var writing = new Thread(() =>
        {
            for (int number = 1; number <= count; number++)
            {
                writer.Publish(number);
                answered.Wait();
            }
        });
        writing.Start();
        for (int number = 1; number <= count; number++)
        {
            Assert.Equal(number, reader.Next(s_soon));
            answered.Release();
        }

        Assert.True(writing.Join(s_soon));
        Assert.Throws<TimeoutException>(() => reader.Next(TimeSpan.FromMilliseconds(20)));
        Assert.Equal(0, reader.Skipped);
    }

    [Fact]
    public async Task A_wait_ends_when_the_writer_closes()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        using LatestReader<int> reader = channel.OpenReader();
        using LatestViewer<int> viewer = channel.OpenViewer();
        LatestWriter<int> writer = channel.OpenWriter();
        Task<bool> reading = Task.Run(() => reader.Wait(s_never));
        Task<bool> viewing = Task.Run(() => viewer.Wait(s_never));
        await UntilAsleep(channel.Name);
        writer.Dispose();
        Assert.False(await reading);
        Assert.False(await viewing);
        Assert.Equal(WriterState.Closed, viewer.WriterState);
    }

    [Fact]
    public async Task A_wait_ends_when_its_reader_is_disposed()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        LatestReader<int> reader = channel.OpenReader();
        LatestViewer<int> viewer = channel.OpenViewer();
        using var queue = QueueChannel<int>.Create(ChannelNames.New());
        QueueReader<int> consumer = queue.OpenReader();
        foreach ((IDisposable end, Action wait, string name) in new (IDisposable, Action, string)[]
        {
            (reader, () => reader.Wait(s_never), channel.Name),
            (viewer, () => viewer.Wait(s_never), channel.Name),
            (consumer, () => consumer.Wait(s_never), queue.Name),
        })
        {
            ClearSleepers(name);
            Task waiting = Task.Run(wait);
            await UntilAsleep(name);
            var time = Stopwatch.StartNew();
            end.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
            Assert.True(time.Elapsed < TimeSpan.FromMilliseconds(900), $"{time.Elapsed}");
        }

        LatestReader<int> next = channel.OpenReader();
        next.Dispose();
        Assert.Throws<ObjectDisposedException>(() => next.Wait(s_never));
    }

    [Fact]
    public async Task A_wait_ends_when_it_is_canceled()
    {
        using var channel = LatestChannel<int>.Create(ChannelNames.New());
        using LatestReader<int> reader = channel.OpenReader();
        using var queue = QueueChannel<int>.Create(ChannelNames.New(), new QueueChannelOptions { Slots = 2 });
        using QueueReader<int> consumer = queue.OpenReader();
        using QueueWriter<int> writer = queue.OpenWriter();
        for (int round = 0; round < 50; round++)
        {
            using var source = new CancellationTokenSource();
            ClearSleepers(channel.Name);
            Task waiting = Task.Run(() => reader.Wait(s_never, source.Token));
            await UntilAsleep(channel.Name);
            var time = Stopwatch.StartNew();
            source.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            Assert.True(time.Elapsed < TimeSpan.FromMilliseconds(900), $"{time.Elapsed}");
        }

        using var canceled = new CancellationTokenSource();
        canceled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => reader.Wait(s_never, canceled.Token));
        writer.Publish(1, s_soon);
        writer.Publish(2, s_soon);
        Assert.ThrowsAny<OperationCanceledException>(() => writer.Publish(3, s_never, canceled.Token));
        using var later = new CancellationTokenSource(50);
        Assert.ThrowsAny<OperationCanceledException>(() => writer.Publish(3, s_never, later.Token));
        Assert.Equal([1, 2], new[] { consumer.Next(s_soon), consumer.Next(s_soon) });
    }

    [Fact]
    public void A_dead_writer_is_reported_once()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<int>.Create(name);
        using LatestReader<int> reader = channel.OpenReader();
        using (LatestWriter<int> writer = channel.OpenWriter())
        {
            writer.Publish(1);
        }

        Pretend(name, state: 1); // its process died before it could close
        Assert.Equal(WriterState.Died, reader.WriterState);
        Assert.Equal(1, reader.Next(s_soon));
        var error = Assert.Throws<WriterDiedException>(() => reader.Wait(s_soon));
        Assert.Contains(name, error.Message);
        Assert.False(reader.Wait(TimeSpan.FromMilliseconds(1500)));
        using LatestWriter<int> next = channel.OpenWriter();
        next.Publish(2);
        Assert.Equal(2, reader.Next(s_soon));
    }

    [Fact]
    public void An_end_that_is_garbage_has_no_lock()
    {
        string name = ChannelNames.New();
        using var channel = LatestChannel<int>.Create(name);
        using LatestReader<int> reader = channel.OpenReader();
        using var raw = new RawMap(name);
        Forget(channel, raw);
        for (int round = 0; round < 50 && reader.WriterState == WriterState.Alive; round++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(WriterState.Died, reader.WriterState);
        using LatestViewer<int> viewer = channel.OpenViewer();
        Assert.Equal(0, raw.Int64(raw.Int64(raw.Length - 4096 + 56) + 8)); // no pin
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Forget(LatestChannel<int> channel, RawMap raw)
    {
        LatestWriter<int> writer = channel.OpenWriter();
        writer.Publish(1);
        Assert.Equal(1, channel.OpenViewer().Hold().SequenceNumber);
        Assert.NotEqual(0, raw.Int64(raw.Int64(raw.Length - 4096 + 56) + 8));
    }

    private static void Pretend(string name, int state)
    {
        using var raw = new RawMap(name);
        raw.Write(raw.Length - 4096 + 396, BitConverter.GetBytes(state));
    }

    private static void ClearSleepers(string name)
    {
        using var raw = new RawMap(name);
        raw.Write(raw.Length - 4096 + 256, new byte[4]);
    }

    /// <summary>Waits until a reader has announced that it sleeps.</summary>
    private static async Task UntilAsleep(string name)
    {
        using var raw = new RawMap(name);
        var time = Stopwatch.StartNew();
        while (raw.Int32(raw.Length - 4096 + 256) == 0)
        {
            Assert.True(time.Elapsed < s_soon, "no reader sleeps");
            await Task.Yield();
        }
    }
}
