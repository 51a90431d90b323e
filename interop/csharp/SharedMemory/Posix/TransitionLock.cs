using System.Runtime.InteropServices;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the lock for checking or removing the file of a map (docs/named-maps.md).</summary>
internal readonly ref struct TransitionLock
{
    private readonly SafeHandle _locked;

    private TransitionLock(SafeHandle locked) => _locked = locked;

    /// <summary>Waits for the lock of an open file, which has the path <paramref name="path"/>.</summary>
    /// <exception cref="IOException">Another process has had the lock for ten seconds.</exception>
    public static TransitionLock Take(SafeHandle file, string path)
    {
        var wait = new BoundedWait($"Waiting for the transition lock of {path}");
        if (Host.IsLinux)
        {
            while (!TryRecordLock(file, WriteLock))
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
            TryRecordLock(_locked, NoLock);
        }
        else
        {
            _locked.Dispose();
        }
    }

    private static unsafe bool TryRecordLock(SafeHandle file, short type)
    {
        var request = new Libc.RecordLock { Type = type, Length = 1 };
        if (Libc.Fcntl(file, SetOpenFileLock, &request) == 0)
        {
            return true;
        }

        return Marshal.GetLastWin32Error() is var number && (number == WouldBlock || number == AccessDenied)
            ? false
            : throw PosixError.Of(number, "taking the transition lock of a map");
    }
}
