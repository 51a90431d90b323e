using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the lock for checking or removing the file of a map (docs/named-maps.md).</summary>
internal readonly ref struct TransitionLock
{
    private const int LockedByte = 0;

    private readonly SafeHandle _locked;

    private TransitionLock(SafeHandle locked) => _locked = locked;

    /// <summary>Waits for the lock of an open file, which has the path <paramref name="path"/>.</summary>
    /// <exception cref="IOException">Another process has had the lock for ten seconds.</exception>
    public static TransitionLock Take(SafeHandle file, string path)
    {
        var wait = new BoundedWait($"Waiting for the transition lock of {path}");
        if (Host.IsLinux)
        {
            while (!RecordLocks.TryLock(file, LockedByte))
            {
                wait.Wait();
            }

            return new TransitionLock(file);
        }

        // Other systems have no record locks of open files. They use the flock of the directory.
        string folder = Path.GetDirectoryName(path)!;
        SafeHandle directory = OpenFile.At(folder, ReadOnly | CloseOnExec);
        try
        {
            while (!HolderLock.TryExclusive(directory))
            {
                wait.Wait();
            }
        }
        catch
        {
            directory.Dispose();
            throw;
        }

        return new TransitionLock(directory);
    }

    /// <summary>Releases the lock.</summary>
    public void Dispose()
    {
        if (Host.IsLinux)
        {
            RecordLocks.Release(_locked, LockedByte);
        }
        else
        {
            _locked.Dispose();
        }
    }
}
