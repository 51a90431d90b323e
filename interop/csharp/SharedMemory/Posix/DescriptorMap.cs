using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace SharedMemory.Posix;

/// <summary>Maps a file that is open.</summary>
internal static class DescriptorMap
{
    /// <summary>
    /// Returns a map with full access. It does not own the descriptor, which must be open as long as
    /// the map is used.
    /// </summary>
    public static MemoryMappedFile Create(SafeHandle descriptor, long capacity)
#if NET
        => MemoryMappedFile.CreateFromFile(
            (SafeFileHandle)descriptor,
            mapName: null,
            capacity,
            MemoryMappedFileAccess.ReadWrite,
            HandleInheritability.None,
            leaveOpen: true);
#else
    {
        FileStream stream = Host.IsMono ? Reopen(descriptor) : Borrow(descriptor);
        try
        {
            return MemoryMappedFile.CreateFromFile(
                stream,
                mapName: null,
                capacity,
                MemoryMappedFileAccess.ReadWrite,
                HandleInheritability.None,
                leaveOpen: false);
        }
        catch
        {
            stream.Dispose();
            throw;
        }
    }

    private static FileStream Borrow(SafeHandle descriptor) => new(
        new SafeFileHandle(descriptor.DangerousGetHandle(), ownsHandle: false), FileAccess.ReadWrite);

    // Mono refuses a descriptor that it did not open. Its streams take no lock, so that this stream
    // is not a holder of the map. The streams of .NET that open a file by its path do take a lock.
    private static FileStream Reopen(SafeHandle descriptor) => new(
        (Host.IsLinux ? "/proc/self/fd/" : "/dev/fd/") + descriptor.DangerousGetHandle(),
        FileMode.Open,
        FileAccess.ReadWrite,
        FileShare.ReadWrite | FileShare.Delete);
#endif
}
