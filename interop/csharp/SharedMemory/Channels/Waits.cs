using System.Diagnostics;

namespace SharedMemory;

/// <summary>Computes with the limits of waits, in milliseconds.</summary>
internal static class Waits
{
    /// <summary>Returns a limit for a time; <see cref="Timeout.Infinite"/> has none.</summary>
    public static int Milliseconds(TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            return Timeout.Infinite;
        }

        double milliseconds = Math.Ceiling(timeout.TotalMilliseconds);
        return milliseconds is >= 0 and <= int.MaxValue
            ? (int)milliseconds
            : throw new ArgumentOutOfRangeException(
                nameof(timeout), timeout, $"The timeout must be from 0 to {int.MaxValue} ms, or infinite.");
    }

    /// <summary>Returns what remains of a limit, since a timestamp.</summary>
    public static int Rest(long start, int milliseconds)
    {
        if (milliseconds is 0 or Timeout.Infinite)
        {
            return milliseconds == 0 ? 0 : int.MaxValue;
        }

        long passed = (Stopwatch.GetTimestamp() - start) * 1000 / Stopwatch.Frequency;
        return (int)Math.Max(0, milliseconds - passed);
    }
}
