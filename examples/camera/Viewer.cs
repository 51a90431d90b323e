using System.Diagnostics;
using System.Runtime.InteropServices;
using SharedMemory;

namespace Cameras;

/// <summary>A viewer: looks at each frame of a camera, and prints what it saw.</summary>
internal static class Viewer
{
    /// <summary>
    /// Looks at so many frames, or until the camera closes the channel or the token is canceled.
    /// </summary>
    public static void Run(string name, long frames, CancellationToken stop)
    {
        using LatestChannel<Memory<byte>> channel = Picture.CreateOrOpen(name);
        using LatestViewer<Memory<byte>> viewer = channel.OpenViewer();
        var statistics = new Statistics();
        Console.WriteLine("READY");
        while (statistics.Frames < frames && WaitForFrame(viewer, stop))
        {
            using (FrameLease frame = viewer.Hold()) // no copy: the memory in which the camera made it
            {
                statistics.Look(frame, viewer.Skipped);
            }

            statistics.EndFrame();
        }

        statistics.PrintAll();
    }

    private static bool WaitForFrame(LatestViewer<Memory<byte>> viewer, CancellationToken stop)
    {
        while (true)
        {
            try
            {
                return viewer.Wait(Timeout.InfiniteTimeSpan, stop);
            }
            catch (WriterDiedException)
            {
                Console.WriteLine("The camera was killed. The viewer waits for the next one.");
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }
    }
}

/// <summary>What was seen since the first frame, and since the last line that was printed.</summary>
internal sealed class Statistics
{
    private readonly double[] _ages = new double[65_536]; // in milliseconds, the last ones
    private readonly Stopwatch _second = Stopwatch.StartNew();
    private long _first;
    private long _last;
    private long _skipped;
    private long _skippedBefore;
    private long _torn;
    private long _notNewer;
    private long _framesBefore;
    private long _allocated;
    private long _allocatedBefore;
    private int _collectionsBefore;

    public long Frames { get; private set; }

    public void Look(in FrameLease frame, long skipped)
    {
        _ages[Frames % _ages.Length] = frame.Age.TotalMilliseconds;
        ReadOnlySpan<byte> picture = frame.Span;
        bool isTorn = false;
        for (int row = 0; row < Picture.Height; row++)
        {
            isTorn |= MemoryMarshal.Read<long>(picture[(row * Picture.Row)..]) != frame.SequenceNumber;
        }

        _torn += isTorn ? 1 : 0;
        _notNewer += frame.SequenceNumber <= _last ? 1 : 0;
        _first = _first == 0 ? frame.SequenceNumber : _first;
        _last = frame.SequenceNumber;
        _skipped = skipped;
        Frames++;
    }

    public void EndFrame()
    {
        _allocated += GC.GetAllocatedBytesForCurrentThread() - _allocatedBefore;
        if (Frames == 1)
        {
            // The first frame has compiled the code.
            _allocated = 0;
            _collectionsBefore = GC.CollectionCount(0);
        }

        double seconds = _second.Elapsed.TotalSeconds;
        if (seconds >= 1)
        {
            double rate = (Frames - _framesBefore) / seconds;
            Console.WriteLine($"{rate:f1} frames/s, {_skipped - _skippedBefore} skipped, {Age(_framesBefore)}");
            _framesBefore = Frames;
            _skippedBefore = _skipped;
            _second.Restart();
        }

        _allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
    }

    public void PrintAll()
    {
        Console.WriteLine(
            $"{Frames} frames ({_first} to {_last}), {_skipped} skipped, {_torn} torn, {_notNewer} not newer,"
            + $" {Age(0)}");
        Console.WriteLine(
            $"Waiting for frames and looking at them allocated {_allocated} bytes; there were"
            + $" {GC.CollectionCount(0) - _collectionsBefore} garbage collections.");
        double seconds = Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;
        Console.WriteLine($"The viewer took {seconds:f1} s of processor time.");
    }

    private string Age(long since)
    {
        int count = (int)Math.Min(Frames - since, _ages.Length);
        var ages = new double[count];
        for (int index = 0; index < count; index++)
        {
            ages[index] = _ages[(Frames - count + index) % _ages.Length];
        }

        Array.Sort(ages);
        return count == 0
            ? "no frames"
            : $"age p50 {ages[count / 2]:f2} ms, p99 {ages[Math.Min(count - 1, count * 99 / 100)]:f2} ms";
    }
}
