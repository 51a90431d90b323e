using System.Diagnostics;

namespace SharedMemory.Posix;

/// <summary>Waits between attempts, for ten seconds in all (docs/named-maps.md).</summary>
internal struct BoundedWait(string operation)
{
    private const int Limit = 10; // seconds
    private const int MaxYields = 50;
    private const int MaxPause = 5; // milliseconds

    private readonly long _start = Stopwatch.GetTimestamp();
    private int _attempts;

    /// <summary>Waits before the next attempt. Later waits are longer.</summary>
    /// <exception cref="IOException">The ten seconds have passed.</exception>
    public void Wait()
    {
        if (Stopwatch.GetTimestamp() - _start > Limit * Stopwatch.Frequency)
        {
            throw new IOException(
                $"{operation}: gave up after {Limit} seconds, because other processes"
                + " locked or changed the map.",
                LibcConstants.Busy);
        }

        _attempts++;
        if (_attempts <= MaxYields)
        {
            // Processes hold these locks for microseconds. The shortest sleep is a millisecond.
            Thread.Yield();
        }
        else
        {
            Thread.Sleep(Math.Min(_attempts - MaxYields, MaxPause));
        }
    }
}
