using System.Diagnostics;

namespace SharedMemory;

/// <summary>Reads the clock that all processes of a system share, and that never goes back.</summary>
internal static class MonotonicClock
{
    private const long NanosecondsInSecond = 1_000_000_000;
    private const int NanosecondsInTick = 100; // of a TimeSpan

    /// <summary>Gets the time in nanoseconds (on Linux, CLOCK_MONOTONIC).</summary>
    public static long Now
    {
        get
        {
            long ticks = Stopwatch.GetTimestamp();
            long frequency = Stopwatch.Frequency;
            return frequency == NanosecondsInSecond
                ? ticks
                : (ticks / frequency * NanosecondsInSecond)
                    + (ticks % frequency * NanosecondsInSecond / frequency);
        }
    }

    /// <summary>Returns how long ago a time was.</summary>
    public static TimeSpan Since(long nanoseconds) =>
        TimeSpan.FromTicks((Now - nanoseconds) / NanosecondsInTick);
}
