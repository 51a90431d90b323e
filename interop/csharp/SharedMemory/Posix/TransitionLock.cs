using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using static SharedMemory.Posix.LibcConstants;

namespace SharedMemory.Posix;

/// <summary>The lock under which a map's file is judged or removed (docs/named-maps.md).</summary>
internal readonly ref struct TransitionLock
{
    private readonly SafeFileHandle _locked;

    private TransitionLock(SafeFileHandle locked) => _locked = locked;

    /// <summary>Waits for the lock of the file, which <paramref name="path"/> led to.</summary>
    /// <exception cref="IOException">It could not be had in time.</exception>
    public static TransitionLock Take(SafeFileHandle file, string path)
    {
        var patience = new Patience($"Waiting for the transition lock of {path}");
        if (OperatingSystem.IsLinux())
        {
            while (!TryRecordLock(file, WriteLock))
            {
                patience.Wait();
            }

            return new TransitionLock(file);
        }

        // Elsewhere no record lock belongs to the open file, so the directory's flock stands in.
        string folder = Path.GetDirectoryName(path)!;
        SafeFileHandle directory = OpenFile.At(folder, ReadOnly | CloseOnExec);
        try
        {
            while (!HolderLock.TryExclusive(directory))
            {
                patience.Wait();
            }
        }
        catch
        {
            directory.Dispose();
            throw;
        }

        return new TransitionLock(directory);
    }

    /// <summary>Lets the next one in.</summary>
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
            : throw PosixError.Of(number, "locking the state of a map");
    }
}
