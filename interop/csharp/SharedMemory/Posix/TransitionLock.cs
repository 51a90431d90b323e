using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>Represents the lock for checking or removing the file of a map (docs/named-maps.md).</summary>
internal readonly ref struct TransitionLock
{
    private readonly SafeFileHandle _locked;

    private TransitionLock(SafeFileHandle locked) => _locked = locked;

    /// <summary>Waits for the lock of an open file, which has the path <paramref name="path"/>.</summary>
    /// <exception cref="IOException">Another process has had the lock for ten seconds.</exception>
    public static TransitionLock Take(SafeFileHandle file, string path)
    {
        var wait = new BoundedWait($"Waiting for the transition lock of {path}");
        if (OperatingSystem.IsLinux())
        {
            while (!TryRecordLock(file, WriteLock))
            {
                wait.Wait();
            }

            return new TransitionLock(file);
        }

        // Other systems have no record locks of open files. They use the flock of the directory.
        string folder = Path.GetDirectoryName(path)!;
        SafeFileHandle directory = OpenFile.At(folder, ReadOnly | CloseOnExec);
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
        if (OperatingSystem.IsLinux())
        {
            TryRecordLock(_locked, NoLock);
        }
        else
        {
            _locked.Dispose();
        }
    }

    private static unsafe bool TryRecordLock(SafeFileHandle file, short type)
    {
        var request = new Libc.RecordLock { Type = type, Length = 1 };
        if (Libc.Fcntl(file, SetOpenFileLock, &request) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() is var number && (number == WouldBlock || number == AccessDenied)
            ? false
            : throw PosixError.Of(number, "taking the transition lock of a map");
    }
}
