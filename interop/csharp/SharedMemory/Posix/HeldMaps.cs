using System.Collections.Concurrent;

namespace SharedMemory.Posix;

/// <summary>
/// Contains the maps that this process holds. .NET does not run finalizers when a process exits, so
/// the files of maps that are not disposed are removed here.
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
