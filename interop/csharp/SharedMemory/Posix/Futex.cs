using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Lets threads sleep on a word of a map, which other processes map too (futex of Linux).</summary>
internal static unsafe class Futex
{
    private const int All = int.MaxValue;

    /// <summary>Gets whether this processor's number of the system call is known.</summary>
    public static bool IsKnown => FutexCall != 0;

    /// <summary>
    /// Sleeps while the word has a value, until a wake, for at most a time. Returns false if the time
    /// has passed.
    /// </summary>
    public static bool Wait(uint* word, uint value, int milliseconds)
    {
        var timeout = new Libc.TimeSpec
        {
            Seconds = milliseconds / 1000,
            Nanoseconds = milliseconds % 1000 * 1_000_000L,
        };
        if (Libc.Futex(FutexCall, word, FutexWait, (nint)value, &timeout) == 0)
        {
            return true;
        }

        return Marshal.GetLastWin32Error() switch
        {
            TryAgain or Interrupted => true, // another value, or a signal
            TimedOut => false,
            var number => throw PosixError.Of(number, "waiting for a channel"),
        };
    }

    /// <summary>Wakes all threads that sleep on the word.</summary>
    public static void WakeAll(uint* word) => Wake(word, All);

    /// <summary>Wakes one thread that sleeps on the word.</summary>
    public static void WakeOne(uint* word) => Wake(word, 1);

    private static void Wake(uint* word, int count) =>
        _ = Libc.Futex(FutexCall, word, FutexWake, count, null);
}
