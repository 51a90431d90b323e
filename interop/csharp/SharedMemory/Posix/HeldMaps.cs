using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace SharedMemory.Posix;

/// <summary>
/// Contains the maps that this process holds. .NET does not run finalizers when a process exits, and
/// stops background threads between any two instructions. So when the process exits, the names of
/// all maps are released here, and no other thread begins to open a map.
/// </summary>
internal static class HeldMaps
{
    // How long the end of the process waits for threads that are opening or releasing a map.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    // How long a thread that wants to open a map waits for the end of the process.
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(10);

    private static readonly ConcurrentDictionary<PosixMapFile, bool> s_held = CreateWithExitHook();

    // The number of threads that are opening or releasing a map.
    private static readonly StrongBox<int> s_changes = new();

    private static int s_exiting; // the thread that ends the process, or 0

    public static void Add(PosixMapFile file) => s_held[file] = true;

    public static void Remove(PosixMapFile file) => s_held.TryRemove(file, out _);

    /// <summary>Notes that this thread is opening a map, until the result is disposed.</summary>
    /// <exception cref="IOException">
    /// The process has been exiting for ten seconds: this map would leave its file.
    /// </exception>
    public static Change BeginToOpen()
    {
        Change change = BeginToRelease();
        int exiting = Volatile.Read(ref s_exiting);
        if (exiting != 0 && exiting != Environment.CurrentManagedThreadId)
        {
            // An error in this thread could crash the process, so let it end first.
            change.Dispose();
            Thread.Sleep(s_limit);
            throw new IOException("The process is exiting, so this thread can't open a map.");
        }

        return change;
    }

    /// <summary>Notes that this thread is releasing a map, until the result is disposed.</summary>
    public static Change BeginToRelease()
    {
        Interlocked.Increment(ref s_changes.Value);
        return new Change(s_changes);
    }

    private static ConcurrentDictionary<PosixMapFile, bool> CreateWithExitHook()
    {
        AppDomain.CurrentDomain.ProcessExit += static (_, _) => ReleaseAll();
        return new ConcurrentDictionary<PosixMapFile, bool>();
    }

    private static void ReleaseAll()
    {
        Interlocked.Exchange(ref s_exiting, Environment.CurrentManagedThreadId);
        ReleaseNames();
        SpinWait.SpinUntil(static () => Volatile.Read(ref s_changes.Value) == 0, s_patience);
        ReleaseNames(); // of the maps that other threads have opened meanwhile
    }

    private static void ReleaseNames()
    {
        foreach (PosixMapFile file in s_held.Keys)
        {
            file.ReleaseName();
        }
    }

    /// <summary>Represents the time in which a thread opens or releases a map.</summary>
    internal readonly ref struct Change(StrongBox<int> changes)
    {
        /// <summary>Ends this time.</summary>
        public void Dispose() => Interlocked.Decrement(ref changes.Value);
    }
}
