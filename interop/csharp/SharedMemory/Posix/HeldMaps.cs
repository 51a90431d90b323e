using System.Collections.Concurrent;

namespace SharedMemory.Posix;

/// <summary>
/// The maps that this process holds. Finalizers do not run when a process ends, and a map that
/// nobody let go of would leave its file behind.
/// </summary>
internal static class HeldMaps
{
    private static readonly ConcurrentDictionary<PosixMapFile, bool> s_held = CreateWithExitHook();

    public static void Add(PosixMapFile file) => s_held[file] = true;

    public static void Remove(PosixMapFile file) => s_held.TryRemove(file, out _);

    private static ConcurrentDictionary<PosixMapFile, bool> CreateWithExitHook()
    {
        AppDomain.CurrentDomain.ProcessExit += static (_, _) =>
        {
            foreach (PosixMapFile file in s_held.Keys)
            {
                file.Release();
            }
        };
        return new ConcurrentDictionary<PosixMapFile, bool>(ReferenceEqualityComparer.Instance);
    }
}
