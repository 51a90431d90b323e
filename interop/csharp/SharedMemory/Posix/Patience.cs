using System.Diagnostics;

namespace SharedMemory.Posix;

/// <summary>The bounded waiting of docs/named-maps.md: again and again, but for ten seconds at most.</summary>
internal struct Patience(string what)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private const int Yields = 50;
    private const int LongestPause = 5; // milliseconds

    private readonly long _begin = Stopwatch.GetTimestamp();
    private int _attempts;

    /// <summary>Gives way to others for a moment, longer from time to time.</summary>
    /// <exception cref="IOException">The time is over.</exception>
    public void Wait()
    {
        if (Stopwatch.GetElapsedTime(_begin) > s_limit)
        {
            throw new IOException(
                $"{what}: its state kept changing, or was locked, for {s_limit.TotalSeconds:0} seconds.",
                LibcConstants.Busy);
        }

        _attempts++;
        if (_attempts <= Yields)
        {
            // These locks are held for microseconds, and the shortest sleep is a thousand of them.
            Thread.Yield();
        }
        else
        {
            Thread.Sleep(Math.Min(_attempts - Yields, LongestPause));
        }
    }
}
